import copy
import pickle

import numpy as np
import pytest

from npnet import Parameter
from npnet.optim import SGD, Adam, lr_scheduler
from npnet.optim.lr_scheduler import (
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    ReduceLROnPlateau,
    StepLR,
)
from tests.support.schedules import assert_alike, optimizers, pair


def optimizer(*rates):
    return SGD([{"params": Parameter([1.0]), "lr": lr} for lr in rates or (1.0,)])


def run(scheduler, epochs):
    for _ in range(epochs):
        scheduler.optimizer.step()
        scheduler.step()
    return scheduler.get_last_lr()


class Halving(LRScheduler):
    """A schedule of a user, as one writes it for torch."""

    def get_lr(self):
        return [lr / 2**self.last_epoch for lr in self.base_lrs]


def test_a_schedule_of_ones_own():
    mine = optimizer(1.0, 0.5)
    assert run(Halving(mine), 3) == [0.125, 0.0625] == mine.learning_rates
    scheduler = Halving(optimizer())
    scheduler.optimizer.step()
    with pytest.warns(UserWarning, match=r"Halving: step\(epoch\) is deprecated"):
        scheduler.step(4)
    assert scheduler.get_last_lr() == [0.0625]


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("LambdaLR", {"lr_lambda": lambda epoch: 0.9**epoch}),
        ("StepLR", {"step_size": 3}),
        ("MultiStepLR", {"milestones": [5, 9]}),
        ("ConstantLR", {"total_iters": 9}),
        ("LinearLR", {"total_iters": 9}),
        ("ExponentialLR", {"gamma": 0.9}),
        ("PolynomialLR", {"total_iters": 9}),
        ("CosineAnnealingLR", {"T_max": 9}),
        ("CosineAnnealingWarmRestarts", {"T_0": 3}),
        ("OneCycleLR", {"max_lr": 0.3, "total_steps": 40}),
        ("MultiplicativeLR", {"lr_lambda": lambda epoch: 0.9**epoch}),
        ("CyclicLR", {"base_lr": 0.02, "max_lr": 0.3, "step_size_up": 5}),
    ],
)
def test_a_schedule_that_goes_on_from_an_epoch_is_torchs(name, options):
    """With the optimizer's state of that epoch, and none of the schedule's."""

    def make(module, optimizer, last_epoch):
        return getattr(module, name)(optimizer, **options, last_epoch=last_epoch)

    mine, theirs = pair(lambda s, o: make(s, o, -1))
    for _ in range(7):
        for made, scheduler in (mine, theirs):
            made.step()
            scheduler.step()
    saved = [made.state_dict() for made, _ in (mine, theirs)]
    (mine, theirs) = optimizers()
    mine.load_state_dict(saved[0])
    theirs.load_state_dict(saved[1])
    torch = pytest.importorskip("torch")
    mine = mine, make(lr_scheduler, mine, 6)
    theirs = theirs, make(torch.optim.lr_scheduler, theirs, 6)
    for _ in range(20):
        assert_alike(mine, theirs)
        for made, scheduler in (mine, theirs):
            made.step()
            scheduler.step()


def test_the_first_rates_are_set_at_once_and_the_initial_ones_kept():
    mine = optimizer(0.5, 0.25)
    LinearLR(mine, start_factor=0.5)
    assert mine.learning_rates == [0.25, 0.125]
    assert [group["initial_lr"] for group in mine.param_groups] == [0.5, 0.25]


def test_two_schedules_of_one_optimizer_work_together():
    mine = optimizer()
    schedulers = ExponentialLR(mine, 0.5), StepLR(mine, 2, 0.5)
    for _ in range(4):
        mine.step()
        for scheduler in schedulers:
            scheduler.step()
    assert mine.learning_rates == [0.5**6]


@pytest.mark.torch
@pytest.mark.parametrize("steps", ["", "o", "s", "so", "os", "ss", "oss", "sso"])
@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("count", [1, 2])
def test_the_wrong_order_warns_where_torch_warns(recwarn, steps, before, count):
    """Of steps of optimizer and schedule, with steps of it before there is a schedule."""
    torch = pytest.importorskip("torch")
    warned = []
    kinds = ExponentialLR, torch.optim.lr_scheduler.ExponentialLR
    for made, kind in zip(optimizers(), kinds, strict=True):
        for _ in range(before):
            made.step()
        schedulers = [kind(made, 0.5) for _ in range(count)]
        recwarn.clear()
        for step in steps:
            made.step() if step == "o" else schedulers[-1].step()
        kind(made, 0.5).step()
        warned.append([w.category for w in recwarn.list])
    assert warned[0] == warned[1]
    assert warned[0] == [UserWarning] * len(warned[0])


def test_the_warning_names_the_line_that_steps():
    scheduler = ExponentialLR(optimizer(), 0.5)
    with pytest.warns(UserWarning, match=r"ExponentialLR: expected optimizer.step\(\) be") as seen:
        scheduler.step()
    assert seen[0].filename == __file__


def test_get_lr_between_steps_warns():
    scheduler = ExponentialLR(optimizer(), 0.5)
    with pytest.warns(UserWarning, match=r"call get_last_lr\(\)") as seen:
        assert scheduler.get_lr() == [0.5]
    assert seen[0].filename == __file__
    assert scheduler.get_last_lr() == [1.0]
    with pytest.raises(NotImplementedError, match="ReduceLROnPlateau: gives no get_lr"):
        ReduceLROnPlateau(optimizer()).get_lr()


def test_what_is_returned_belongs_to_the_caller():
    scheduler = StepLR(optimizer(), 2)
    scheduler.get_last_lr()[0] = 7.0
    saved = scheduler.state_dict()
    saved["base_lrs"][0] = 7.0
    saved["_last_lr"][0] = 7.0
    assert scheduler.get_last_lr() == scheduler.base_lrs == [1.0]
    saved = scheduler.state_dict()
    scheduler.load_state_dict(saved)
    saved["base_lrs"][0] = 7.0
    assert scheduler.base_lrs == [1.0]


def test_a_loaded_state_leaves_the_rates_to_the_optimizers_state():
    scheduler = ExponentialLR(optimizer(), 0.5)
    run(scheduler, 3)
    fresh = ExponentialLR(optimizer(), 0.25)
    fresh.load_state_dict(scheduler.state_dict())
    assert fresh.last_epoch == 3 and fresh.gamma == 0.5 and fresh.optimizer.learning_rates == [1.0]
    fresh.optimizer.load_state_dict(scheduler.optimizer.state_dict())
    assert run(fresh, 1) == [0.0625]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_copies_go_on_alone(duplicate):
    scheduler = CosineAnnealingLR(optimizer(1.0, 0.5), 9)
    run(scheduler, 3)
    other = duplicate(scheduler)
    assert run(other, 2) == run(scheduler, 2)
    assert other.optimizer is not scheduler.optimizer


def test_numbers_of_numpy_become_pythons():
    scheduler = LambdaLR(optimizer(0.5), lambda epoch: np.float64(0.5))
    assert type(scheduler.get_last_lr()[0]) is type(scheduler.optimizer.param_groups[0]["lr"])
    assert type(scheduler.get_last_lr()[0]) is float


def test_any_optimizer_steps_at_the_rates_set():
    weight = Parameter(np.zeros(1))
    mine = Adam([weight], lr=0.5, eps=0)
    scheduler = StepLR(mine, 1, 0.5)
    steps = []
    for _ in range(3):
        before = weight.data.copy()
        weight.grad = [1.0]
        mine.step()
        scheduler.step()
        steps.append(round(float(before[0] - weight.data[0]), 12))
    assert steps == [0.5, 0.25, 0.125]


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ([], TypeError, "expected a state_dict, got list"),
        ({}, ValueError, r"expected \['step_size', 'gamma', .*\] in the state, got \[\]"),
        (
            {"step_size": 1, "gamma": 0.5, "base_lrs": [0.5, 0.5], "last_epoch": 0},
            ValueError,
            "expected a state for 1 parameter groups, got 2",
        ),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(state, error, message):
    scheduler = StepLR(optimizer(), 2)
    before = scheduler.state_dict()
    with pytest.raises(error, match=f"StepLR: {message}"):
        scheduler.load_state_dict(state)
    with pytest.raises(ValueError, match="is it the state of another schedule"):
        scheduler.load_state_dict(ExponentialLR(optimizer(), 0.5).state_dict())
    assert scheduler.state_dict() == before


def test_groups_added_later_stop_schedules_of_the_initial_rates_before_anything_changes():
    mine = optimizer()
    factors, halving = ExponentialLR(mine, 0.5), Halving(mine)
    mine.add_param_group({"params": Parameter([1.0]), "lr": 0.5})
    mine.step()
    factors.step()
    assert mine.learning_rates == [0.5, 0.25]
    before = halving.state_dict()
    with pytest.raises(ValueError, match="Halving: expected the 1 parameter groups it was made"):
        halving.step()
    assert halving.state_dict() == before and mine.learning_rates == [0.5, 0.25]


def test_a_schedule_that_fails_to_begin_leaves_the_groups():
    mine = optimizer()
    with pytest.raises(ZeroDivisionError):
        LambdaLR(mine, lambda epoch: 1 / epoch)
    assert "initial_lr" not in mine.param_groups[0] and mine.learning_rates == [1.0]
    with pytest.raises(TypeError, match="StepLR: expected an Optimizer, got Parameter"):
        StepLR(Parameter([1.0]), 2)
    with pytest.raises(KeyError, match="expected 'initial_lr' in group 0 to go on from epoch 3"):
        StepLR(mine, 2, last_epoch=3)

import pytest

from npnet import Parameter
from npnet.optim import SGD, Adagrad, Adam
from npnet.optim.lr_scheduler import CyclicLR
from tests.support.schedules import lockstep, rates


class Fading:
    """A callable with an attribute to save."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, x):
        return self.rate**x


@pytest.mark.torch
@pytest.mark.parametrize("kind", ["SGD", "Adam", "RMSprop"])
@pytest.mark.parametrize(
    "options",
    [
        {"step_size_up": 7},
        {"step_size_up": 7, "step_size_down": 20, "mode": "triangular2"},
        {"step_size_up": 3, "step_size_down": 0, "mode": "exp_range", "gamma": 0.99},
        {"step_size_up": 9.5, "mode": "exp_range", "gamma": 1},
        {"step_size_up": 5, "scale_fn": lambda x: 1 / x},
        {"step_size_up": 5, "scale_fn": Fading(0.99), "scale_mode": "iterations", "mode": "own"},
        {"step_size_up": 5, "mode": "exp_range", "scale_fn": Fading(0.9)},
        {"step_size_up": 5, "cycle_momentum": False, "scale_mode": "iterations"},
        {"step_size_up": 11, "base_momentum": [0.5, 0.7], "max_momentum": (0.9, 0.95)},
        {},
    ],
)
def test_rates_and_momenta_are_torchs_to_the_last_bit(kind, options):
    lockstep(lambda s, o: s.CyclicLR(o, [0.01, 0.02], (0.3, 0.1), **options), kind=kind)


@pytest.mark.torch
def test_no_momentum_is_cycled_where_none_is_wanted():
    lockstep(lambda s, o: s.CyclicLR(o, 0.01, 0.3, 9, cycle_momentum=False), kind="Adagrad")


@pytest.mark.torch
def test_a_schedule_made_after_another_begins_where_torchs_does():
    """The first step starts from the initial rates that the other one left."""

    def make(schedulers, optimizer):
        schedulers.ExponentialLR(optimizer, 0.5)
        return schedulers.CyclicLR(optimizer, 0.01, 0.3, 9)

    lockstep(make, epochs=30)


def test_the_points_by_hand():
    optimizer = Adam([Parameter([1.0])], betas=(0.5, 0.75))
    scheduler = CyclicLR(optimizer, 1.0, 2.0, 2, 1, base_momentum=0.25, max_momentum=0.5)
    assert optimizer.param_groups[0]["betas"] == (0.5, 0.75)
    assert rates(scheduler, 7) == pytest.approx([1, 1.5, 2, 1, 1.5, 2, 1, 1.5], rel=1e-12)
    assert optimizer.param_groups[0]["betas"] == pytest.approx((0.375, 0.75), rel=1e-12)
    halved = CyclicLR(SGD([Parameter([1.0])]), 0.0, 1.0, 1, mode="triangular2")
    assert rates(halved, 5) == [0, 1, 0, 0.5, 0, 0.25]


def make(**options):
    return CyclicLR(SGD([Parameter([1.0])]), 0.0, 1.0, 2, **options)


def test_the_state_of_a_scale_fn():
    scheduler = make(scale_fn=Fading(0.5))
    saved = scheduler.state_dict()
    assert saved["_scale_fn_custom"] == {"rate": 0.5}
    saved["_scale_fn_custom"]["rate"] = 0.25
    assert scheduler.scale_fn(1) == 0.5
    other = make(scale_fn=Fading(0.125))
    other.load_state_dict(saved)
    assert other.scale_fn(1) == 0.25 and saved["_scale_fn_custom"] == {"rate": 0.25}
    assert make(scale_fn=lambda x: x).state_dict()["_scale_fn_custom"] is None
    assert make().state_dict()["_scale_fn_custom"] is None


def test_a_state_of_a_scale_fn_that_is_not_there_changes_nothing():
    saved = {**make(scale_fn=Fading(0.5)).state_dict(), "last_epoch": 7}
    for scheduler in (make(), make(scale_fn=abs)):
        with pytest.raises(ValueError, match=r"without attributes of a scale_fn, got \['rate'\]"):
            scheduler.load_state_dict(saved)
        assert scheduler.last_epoch == 0


def test_a_loaded_mode_scales_by_what_it_scales_by():
    scheduler = make(mode="exp_range", gamma=0.5)
    scheduler.load_state_dict(make(mode="triangular2").state_dict())
    assert (scheduler.scale_mode, scheduler.scale_fn(3)) == ("cycle", 0.25)
    plain = make()
    plain.load_state_dict(make(scale_fn=abs, scale_mode="iterations").state_dict())
    assert plain.scale_mode == "cycle"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"step_size_up": 0}, ValueError, "expected step_size_up above 0 and .*, got 0 and 0"),
        ({"step_size_down": -1}, ValueError, "step_size_down of 0 or more, got 2000 and -1"),
        ({"mode": "square"}, ValueError, r"mode must be one of \('triangular', .* got 'square'"),
        ({"scale_mode": "steps"}, ValueError, "must be 'cycle' or 'iterations', got 'steps'"),
        ({"scale_fn": 0.5}, TypeError, "expected a function as scale_fn, got float"),
        ({"base_lr": []}, ValueError, "expected 1 values as base_lr"),
        ({"max_lr": [1, 2]}, ValueError, "expected 1 values as max_lr"),
        ({"base_momentum": [1, 2]}, ValueError, "expected 1 values as base_momentum"),
    ],
)
def test_cycles_that_cannot_be_are_refused(options, error, message):
    optimizer = SGD([Parameter([1.0])], lr=0.5, momentum=0.5)
    before = dict(optimizer.param_groups[0])
    with pytest.raises(error, match=f"CyclicLR: .*{message}"):
        CyclicLR(optimizer, **{"base_lr": 0.1, "max_lr": 1.0, **options})
    with pytest.raises(TypeError):
        CyclicLR(optimizer, 0.1, "fast")
    assert optimizer.param_groups[0] == before


def test_a_momentum_that_is_not_there_cannot_be_cycled():
    optimizer = Adagrad([Parameter([1.0])])
    with pytest.raises(ValueError, match=r"CyclicLR: .* got Adagrad; it takes cycle_momentum=Fa"):
        CyclicLR(optimizer, 0.1, 1.0)
    assert "initial_lr" not in optimizer.param_groups[0]


def test_groups_added_later_stop_it_before_anything_changes():
    scheduler = make()
    optimizer = scheduler.optimizer
    optimizer.add_param_group({"params": Parameter([1.0]), "lr": 0.5})
    optimizer.step()
    before = [dict(group) for group in optimizer.param_groups]
    with pytest.raises(ValueError, match="CyclicLR: expected the 1 parameter groups it was made"):
        scheduler.step()
    assert optimizer.param_groups == before and scheduler.last_epoch == 0

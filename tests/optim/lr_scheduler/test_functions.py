import pytest

from npnet import Parameter
from npnet.optim import SGD
from npnet.optim.lr_scheduler import LambdaLR, MultiplicativeLR
from tests.support.schedules import jump, lockstep, rates

both = pytest.mark.parametrize("kind", [LambdaLR, MultiplicativeLR])


class Growth:
    """A callable with an attribute to save."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, epoch):
        return self.rate**epoch


@pytest.mark.torch
@pytest.mark.parametrize(
    "make",
    [
        lambda s, o: s.LambdaLR(o, lambda epoch: 0.95**epoch),
        lambda s, o: s.LambdaLR(o, [lambda epoch: 1 / (1 + epoch), Growth(0.97)]),
        lambda s, o: s.MultiplicativeLR(o, lambda epoch: 0.95),
        lambda s, o: s.MultiplicativeLR(o, (lambda epoch: epoch / (1 + epoch), Growth(0.999))),
    ],
)
def test_rates_are_torchs_to_the_last_bit(make):
    lockstep(make)


@pytest.mark.torch
@pytest.mark.parametrize("name", ["LambdaLR", "MultiplicativeLR"])
def test_jumps_are_torchs(name):
    jump(
        lambda s, o: getattr(s, name)(o, lambda epoch: 0.95**epoch),
        (40, 0, 4, None, 5, None, 7, None),
    )


def optimizer(lr=1.0):
    return SGD([Parameter([1.0])], lr=lr)


def test_rates_by_hand():
    assert rates(LambdaLR(optimizer(0.5), lambda epoch: epoch), 3) == [0, 0.5, 1, 1.5]
    assert rates(MultiplicativeLR(optimizer(0.5), lambda epoch: epoch), 3) == [0.5, 0.5, 1, 3]


def test_groups_added_later_stop_a_schedule_before_anything_changes():
    mine = optimizer()
    scheduler = MultiplicativeLR(mine, lambda epoch: 0.5)
    mine.add_param_group({"params": Parameter([1.0]), "lr": 0.5})
    mine.step()
    with pytest.raises(ValueError, match="MultiplicativeLR: expected the 1 parameter groups it"):
        scheduler.step()
    assert scheduler.last_epoch == 0 and mine.learning_rates == [1.0, 0.5]


@both
def test_the_state_of_functions(kind):
    scheduler = kind(optimizer(), Growth(0.5))
    saved = scheduler.state_dict()
    assert saved["lr_lambdas"] == [{"rate": 0.5}]
    saved["lr_lambdas"][0]["rate"] = 0.25
    assert scheduler.lr_lambdas[0].rate == 0.5
    other = kind(optimizer(), Growth(0.125))
    other.load_state_dict(saved)
    assert other.lr_lambdas[0].rate == 0.25
    assert kind(optimizer(), lambda epoch: 1).state_dict()["lr_lambdas"] == [None]
    assert kind(optimizer(), [float]).state_dict()["lr_lambdas"] == [dict(vars(float))]


@both
@pytest.mark.parametrize("functions", [[], [None, None]])
def test_a_state_of_other_functions_changes_nothing(kind, functions):
    scheduler = kind(optimizer(), Growth(0.5))
    saved = {**scheduler.state_dict(), "lr_lambdas": functions, "last_epoch": 7}
    with pytest.raises(ValueError, match="expected a state of 1 functions, got"):
        scheduler.load_state_dict(saved)
    assert scheduler.last_epoch == 0


@both
def test_what_cannot_be_right_is_refused(kind):
    with pytest.raises(TypeError, match=f"{kind.__name__}: expected a function as lr_l.*, got f"):
        kind(optimizer(), 0.5)
    with pytest.raises(ValueError, match=r"expected 1 values as lr_lambda, one for each .*, got 2"):
        kind(optimizer(), [abs, abs])
    with pytest.raises(TypeError, match=f"{kind.__name__}: expected an Optimizer, got list"):
        kind([], abs)

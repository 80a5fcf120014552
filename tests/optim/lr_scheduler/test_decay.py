import pytest

from npnet import Parameter
from npnet.optim import SGD
from npnet.optim.lr_scheduler import ExponentialLR, LambdaLR, MultiStepLR, PolynomialLR, StepLR
from tests.support.schedules import lockstep, pair


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
        lambda s, o: s.StepLR(o, 30),
        lambda s, o: s.StepLR(o, 1, 0.98),
        lambda s, o: s.MultiStepLR(o, [3, 50, 50, 200, 1000], 0.3),
        lambda s, o: s.MultiStepLR(o, (0, 1), 0.3),
        lambda s, o: s.ExponentialLR(o, 0.97),
        lambda s, o: s.PolynomialLR(o),
        lambda s, o: s.PolynomialLR(o, 250, 0.9),
        lambda s, o: s.PolynomialLR(o, 0),
    ],
)
def test_rates_are_torchs_to_the_last_bit(make):
    lockstep(make)


@pytest.mark.torch
@pytest.mark.parametrize(
    "make",
    [
        lambda s, o: s.LambdaLR(o, lambda epoch: 0.95**epoch),
        lambda s, o: s.StepLR(o, 7, 0.3),
        lambda s, o: s.MultiStepLR(o, [3, 5, 5], 0.3),
        lambda s, o: s.ExponentialLR(o, 0.97),
        lambda s, o: s.PolynomialLR(o, 45, 1.5),
    ],
)
def test_jumps_are_torchs(make):
    mine, theirs = pair(make)
    for epoch in (40, 0, 4, None, 5, None, 7, None):
        for optimizer, scheduler in (mine, theirs):
            optimizer.step()
            if epoch is None:
                scheduler.step()
            else:
                with pytest.warns(UserWarning, match="deprecated"):
                    scheduler.step(epoch)
        assert mine[1].get_last_lr() == theirs[1].get_last_lr()


def optimizer(lr=1.0):
    return SGD([Parameter([1.0])], lr=lr)


def rates(scheduler, epochs):
    found = [*scheduler.get_last_lr()]
    for _ in range(epochs):
        scheduler.optimizer.step()
        scheduler.step()
        found += scheduler.get_last_lr()
    return found


def test_rates_by_hand():
    assert rates(StepLR(optimizer(), 2, 0.5), 5) == [1, 1, 0.5, 0.5, 0.25, 0.25]
    assert rates(MultiStepLR(optimizer(), [1, 3, 3], 0.5), 4) == [1, 0.5, 0.5, 0.125, 0.125]
    assert rates(ExponentialLR(optimizer(), 0.5), 3) == [1, 0.5, 0.25, 0.125]
    assert rates(LambdaLR(optimizer(0.5), lambda epoch: epoch), 3) == [0, 0.5, 1, 1.5]
    assert rates(PolynomialLR(optimizer(), 2, 3), 4) == [1, 0.125, 0, 0, 0]


def test_the_state_of_functions():
    scheduler = LambdaLR(optimizer(), Growth(0.5))
    saved = scheduler.state_dict()
    assert saved["lr_lambdas"] == [{"rate": 0.5}]
    saved["lr_lambdas"][0]["rate"] = 0.25
    assert scheduler.lr_lambdas[0].rate == 0.5
    other = LambdaLR(optimizer(), Growth(0.125))
    other.load_state_dict(saved)
    assert other.lr_lambdas[0].rate == 0.25
    assert LambdaLR(optimizer(), lambda epoch: 1).state_dict()["lr_lambdas"] == [None]
    assert LambdaLR(optimizer(), [float]).state_dict()["lr_lambdas"] == [dict(vars(float))]


@pytest.mark.parametrize("functions", [[], [None, None]])
def test_a_state_of_other_functions_changes_nothing(functions):
    scheduler = LambdaLR(optimizer(), Growth(0.5))
    saved = {**scheduler.state_dict(), "lr_lambdas": functions, "last_epoch": 7}
    with pytest.raises(ValueError, match="expected a state of 1 functions, got"):
        scheduler.load_state_dict(saved)
    assert scheduler.last_epoch == 0


def test_what_cannot_be_right_is_refused():
    with pytest.raises(TypeError, match="LambdaLR: expected a function as lr_lambda, got a float"):
        LambdaLR(optimizer(), 0.5)
    with pytest.raises(ValueError, match=r"expected 1 values as lr_lambda, one for each .*, got 2"):
        LambdaLR(optimizer(), [abs, abs])
    with pytest.raises(TypeError, match="LambdaLR: expected an Optimizer, got a list"):
        LambdaLR([], abs)
    with pytest.raises(ValueError, match="StepLR: step_size must be at least 1, got 0"):
        StepLR(optimizer(), 0)

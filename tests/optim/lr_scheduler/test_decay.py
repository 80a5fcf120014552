import pytest

from npnet import Parameter
from npnet.optim import SGD
from npnet.optim.lr_scheduler import ExponentialLR, MultiStepLR, PolynomialLR, StepLR
from tests.support.schedules import jump, lockstep, rates


@pytest.mark.torch
@pytest.mark.parametrize(
    "make",
    [
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
        lambda s, o: s.StepLR(o, 7, 0.3),
        lambda s, o: s.MultiStepLR(o, [3, 5, 5], 0.3),
        lambda s, o: s.ExponentialLR(o, 0.97),
        lambda s, o: s.PolynomialLR(o, 45, 1.5),
    ],
)
def test_jumps_are_torchs(make):
    jump(make, (40, 0, 4, None, 5, None, 7, None))


def optimizer(lr=1.0):
    return SGD([Parameter([1.0])], lr=lr)


def test_rates_by_hand():
    assert rates(StepLR(optimizer(), 2, 0.5), 5) == [1, 1, 0.5, 0.5, 0.25, 0.25]
    assert rates(MultiStepLR(optimizer(), [1, 3, 3], 0.5), 4) == [1, 0.5, 0.5, 0.125, 0.125]
    assert rates(ExponentialLR(optimizer(), 0.5), 3) == [1, 0.5, 0.25, 0.125]
    assert rates(PolynomialLR(optimizer(), 2, 3), 4) == [1, 0.125, 0, 0, 0]


def test_a_step_of_no_epochs_is_refused():
    with pytest.raises(ValueError, match="StepLR: step_size must be at least 1, got 0"):
        StepLR(optimizer(), 0)

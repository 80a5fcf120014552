import pytest

from npnet import Parameter
from npnet.optim import SGD
from npnet.optim.lr_scheduler import ConstantLR, LinearLR
from tests.support.schedules import jump, lockstep


@pytest.mark.torch
@pytest.mark.parametrize(
    "make",
    [
        lambda s, o: s.ConstantLR(o),
        lambda s, o: s.ConstantLR(o, 0.3, 40),
        lambda s, o: s.ConstantLR(o, 0.3, 0),
        lambda s, o: s.LinearLR(o),
        lambda s, o: s.LinearLR(o, 0.1, 0.7, 200),
        lambda s, o: s.LinearLR(o, 1.0, 0.0, 100),
        lambda s, o: s.LinearLR(o, total_iters=0),
    ],
)
def test_rates_are_torchs_to_the_last_bit(make):
    lockstep(make)


@pytest.mark.torch
@pytest.mark.parametrize(
    "make", [lambda s, o: s.ConstantLR(o, 0.3, 5), lambda s, o: s.LinearLR(o, 0.1, 0.7, 5)]
)
def test_jumps_are_torchs(make):
    jump(make, (40, 0, 4, 5, 6))


def test_a_line_of_no_epochs_stays_where_it_begins():
    optimizer = SGD([Parameter([1.0])], lr=1.0)
    scheduler = LinearLR(optimizer, 0.5, total_iters=0)
    optimizer.step()
    with pytest.warns(UserWarning, match="deprecated"):
        scheduler.step(3)
    assert scheduler.get_last_lr() == [0.5]


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (ConstantLR, {"factor": 1.5}, r"ConstantLR: factor must be in \(0, 1\], got 1.5"),
        (ConstantLR, {"factor": 0.0}, r"ConstantLR: factor must be in \(0, 1\], got 0.0"),
        (LinearLR, {"start_factor": 0.0}, r"LinearLR: start_factor must be in \(0, 1\], got 0.0"),
        (LinearLR, {"start_factor": 1.5}, r"LinearLR: start_factor must be in \(0, 1\], got 1.5"),
        (LinearLR, {"end_factor": 1.5}, r"LinearLR: end_factor must be in \[0, 1\], got 1.5"),
        (LinearLR, {"end_factor": -0.5}, r"LinearLR: end_factor must be in \[0, 1\], got -0.5"),
    ],
)
def test_factors_out_of_range_are_refused(kind, options, message):
    optimizer = SGD([Parameter([1.0])], lr=1.0)
    with pytest.raises(ValueError, match=message):
        kind(optimizer, **options)
    assert "initial_lr" not in optimizer.param_groups[0]

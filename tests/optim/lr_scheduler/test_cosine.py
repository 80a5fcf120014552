import math

import pytest

from npnet import Parameter
from npnet.optim import SGD
from npnet.optim.lr_scheduler import CosineAnnealingLR, CosineAnnealingWarmRestarts
from tests.support.schedules import assert_alike, jump, lockstep, pair


@pytest.mark.torch
@pytest.mark.parametrize(
    "make",
    [
        lambda s, o: s.CosineAnnealingLR(o, 300),
        lambda s, o: s.CosineAnnealingLR(o, 70, 1e-3),
        lambda s, o: s.CosineAnnealingLR(o, 1),
        lambda s, o: s.CosineAnnealingWarmRestarts(o, 1),
        lambda s, o: s.CosineAnnealingWarmRestarts(o, 7, 1, 1e-3),
        lambda s, o: s.CosineAnnealingWarmRestarts(o, 7, 2),
    ],
)
def test_rates_are_torchs_to_the_last_bit(make):
    lockstep(make)


@pytest.mark.torch
def test_jumps_are_torchs():
    jump(lambda s, o: s.CosineAnnealingLR(o, 7, 1e-3), (40, 0, 7, 21))


@pytest.mark.torch
@pytest.mark.parametrize("ratio", [1, 2, 3])
def test_steps_to_parts_of_an_epoch_are_torchs(ratio):
    mine, theirs = pair(lambda s, o: s.CosineAnnealingWarmRestarts(o, 4, ratio, 1e-3))
    for batch in range(300):
        for _, scheduler in (mine, theirs):
            scheduler.step(batch / 7)
        assert_alike(mine, theirs)
    for _ in range(10):
        for _, scheduler in (mine, theirs):
            scheduler.step()
        assert_alike(mine, theirs)


def test_half_a_cosine_by_hand():
    optimizer = SGD([Parameter([1.0])], lr=1.0)
    scheduler = CosineAnnealingLR(optimizer, T_max=4, eta_min=0.5)
    for epoch in range(20):
        expected = 0.5 + 0.25 * (1 + math.cos(math.pi * epoch / 4))
        assert math.isclose(scheduler.get_last_lr()[0], expected, rel_tol=1e-12)
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"T_0": 0}, "T_0 must be an int of at least 1, got 0"),
        ({"T_0": 1.5}, "T_0 must be an int of at least 1, got 1.5"),
        ({"T_0": 1, "T_mult": 0}, "T_mult must be an int of at least 1, got 0"),
        ({"T_0": 1, "eta_min": "low"}, "expected a number as eta_min, got 'low'"),
    ],
)
def test_restarts_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=f"CosineAnnealingWarmRestarts: {message}"):
        CosineAnnealingWarmRestarts(SGD([Parameter([1.0])]), **options)


def test_no_epochs_down_and_negative_epochs_are_refused():
    optimizer = SGD([Parameter([1.0])], lr=1.0)
    with pytest.raises(ValueError, match="CosineAnnealingLR: T_max must not be 0"):
        CosineAnnealingLR(optimizer, 0)
    scheduler = CosineAnnealingWarmRestarts(optimizer, 4)
    scheduler.step(2.5)
    before = scheduler.state_dict()
    with pytest.raises(ValueError, match="expected an epoch of at least 0, got -1"):
        scheduler.step(-1)
    assert scheduler.state_dict() == before
    optimizer.add_param_group({"params": Parameter([1.0])})
    with pytest.raises(ValueError, match="expected the 1 parameter groups it was made for"):
        scheduler.step()
    assert scheduler.state_dict() == before and optimizer.learning_rates[0] == before["_last_lr"][0]

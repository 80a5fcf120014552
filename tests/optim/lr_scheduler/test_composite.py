import pytest

from npnet import Parameter
from npnet.optim import SGD
from npnet.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)
from tests.support.schedules import lockstep


@pytest.mark.torch
@pytest.mark.parametrize(
    "make",
    [
        lambda s, o: s.SequentialLR(o, [s.ExponentialLR(o, 0.9)], []),
        lambda s, o: s.SequentialLR(
            o,
            [s.LinearLR(o, 0.1, 1.0, 20), s.CosineAnnealingLR(o, 100), s.ExponentialLR(o, 0.9)],
            [20, 120],
        ),
        lambda s, o: s.SequentialLR(o, [s.ConstantLR(o, 0.1, 9), s.StepLR(o, 10)], [5]),
        lambda s, o: s.SequentialLR(o, [s.ConstantLR(o, 0.1, 9), s.MultiStepLR(o, [1, 9])], [0]),
        lambda s, o: s.SequentialLR(
            o, [s.CosineAnnealingWarmRestarts(o, 9), s.CosineAnnealingWarmRestarts(o, 5)], [50]
        ),
        lambda s, o: s.SequentialLR(o, [s.LinearLR(o), s.OneCycleLR(o, 0.3, 300)], [7]),
        lambda s, o: s.ChainedScheduler(
            [s.LinearLR(o, 0.1, 1.0, 20), s.ExponentialLR(o, 0.99), s.CosineAnnealingLR(o, 301)]
        ),
        lambda s, o: s.ChainedScheduler([s.ConstantLR(o), s.StepLR(o, 50)], optimizer=o),
        lambda s, o: s.ChainedScheduler(
            [s.SequentialLR(o, [s.LinearLR(o), s.ExponentialLR(o, 0.9)], [5]), s.StepLR(o, 20)]
        ),
    ],
)
def test_rates_are_torchs_to_the_last_bit(make):
    lockstep(make)


@pytest.mark.torch
@pytest.mark.filterwarnings(r"ignore:\w+LR. expected optimizer.step\(\)")
@pytest.mark.filterwarnings(r"ignore:Detected call of `lr_scheduler.step\(\)`")
@pytest.mark.parametrize(
    "make",
    [
        lambda s, o: s.SequentialLR(
            o,
            [s.ChainedScheduler([s.LinearLR(o, 0.1), s.StepLR(o, 7)]), s.ExponentialLR(o, 0.9)],
            [20],
        ),
        lambda s, o: s.SequentialLR(
            o,
            [s.SequentialLR(o, [s.LinearLR(o), s.StepLR(o, 7)], [5]), s.ExponentialLR(o, 0.9)],
            [20],
        ),
    ],
)
def test_schedules_of_schedules_may_come_first(make):
    """In torch too they warn, since they step theirs a second time before the optimizer."""
    lockstep(make)


def optimizer(groups=1):
    return SGD([{"params": Parameter([1.0])} for _ in range(groups)], lr=1.0)


@pytest.mark.parametrize("kind", [SequentialLR, ChainedScheduler])
def test_what_cannot_be_combined_is_refused(kind):
    mine, other = optimizer(), optimizer()

    def combine(*schedulers):
        if kind is ChainedScheduler:
            return ChainedScheduler(schedulers, optimizer=mine)
        return SequentialLR(mine, schedulers, [*range(1, len(schedulers))])

    good = ExponentialLR(mine, 0.5)
    with pytest.raises(ValueError, match=f"{kind.__name__}: expected at least one schedule, got"):
        combine()
    with pytest.raises(TypeError, match=r"expected a schedule as schedulers\[1\], got float"):
        combine(good, 0.5)
    with pytest.raises(ValueError, match=r"schedulers\[1\] is a ReduceLROnPlateau, which needs a"):
        combine(good, ReduceLROnPlateau(mine))
    with pytest.raises(ValueError, match=r"but schedulers\[1\], a StepLR, has another"):
        combine(good, StepLR(other, 2))
    assert good.last_epoch == 0 and good.get_last_lr() == [1.0]
    with pytest.raises(TypeError, match="expected a schedule as schedulers"):
        ChainedScheduler([1.0])


def test_sequences_that_cannot_be_are_refused():
    mine = optimizer()
    good = ExponentialLR(mine, 0.5)
    with pytest.raises(ValueError, match="expected 1 milestones between 2 schedules, got 2"):
        SequentialLR(mine, [good, good], [1, 2])
    with pytest.raises(ValueError, match="a ChainedScheduler must come first, it cannot begin"):
        SequentialLR(mine, [good, ChainedScheduler([good])], [1])
    with pytest.raises(TypeError, match="SequentialLR: expected an Optimizer, got NoneType"):
        SequentialLR(None, [good], [])
    assert good.last_epoch == 0


def fail_at(epoch):
    def function(now):
        if now == epoch:
            raise RuntimeError("no rate")
        return 0.5

    return function


@pytest.mark.parametrize("kind", ["chained", "sequential"])
def test_a_step_that_fails_changes_nothing(kind):
    mine = optimizer()
    if kind == "chained":
        parts = [ExponentialLR(mine, 0.5), LambdaLR(mine, fail_at(2))]
        scheduler = ChainedScheduler(parts)
    else:
        parts = [ExponentialLR(mine, 0.5), LambdaLR(mine, fail_at(2))]
        scheduler = SequentialLR(mine, parts, [0])
    mine.step()
    scheduler.step()
    before = scheduler.state_dict(), mine.learning_rates
    with pytest.raises(RuntimeError, match="no rate"):
        scheduler.step()
    assert (scheduler.state_dict(), mine.learning_rates) == before


def test_a_sequence_that_fails_to_begin_changes_nothing():
    mine = optimizer()
    failing = fail_at(0)
    parts = [LambdaLR(mine, lambda epoch: 0.25), ConstantLR(mine, 0.5)]
    parts[0].lr_lambdas = [failing]
    before = [part.state_dict() for part in parts], mine.learning_rates
    with pytest.raises(RuntimeError, match="no rate"):
        SequentialLR(mine, parts, [3])
    assert ([part.state_dict() for part in parts], mine.learning_rates) == before


def test_a_state_that_does_not_fit_changes_nothing():
    mine, other = optimizer(), optimizer()
    scheduler = ChainedScheduler([ExponentialLR(mine, 0.5), StepLR(mine, 2)])
    mine.step()
    scheduler.step()
    before = scheduler.state_dict()
    with pytest.raises(ValueError, match="expected the states of 2 schedules as '_schedulers'"):
        scheduler.load_state_dict(ChainedScheduler([ExponentialLR(other, 0.5)]).state_dict())
    other = {**before["_schedulers"][0], "last_epoch": 7}
    with pytest.raises(ValueError, match=r"StepLR: expected .* is it the state of anot"):
        scheduler.load_state_dict({**before, "_schedulers": [other, {}]})
    assert scheduler.state_dict() == before

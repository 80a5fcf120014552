import math

import numpy as np
import pytest

from npnet import Parameter
from npnet.optim import SGD
from npnet.optim.lr_scheduler import ReduceLROnPlateau
from tests.support.schedules import lockstep


@pytest.mark.torch
@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"factor": 0.7, "patience": 3, "cooldown": 2, "min_lr": [1e-3, 1e-5]},
        {"factor": 0.5, "patience": 0, "min_lr": 1e-3, "threshold": 0.1},
        {"factor": 0.9, "patience": 1, "eps": 1e-3},
    ],
)
def test_rates_are_torchs_to_the_last_bit(mode, threshold_mode, options):
    metrics = np.sin(np.arange(300.0) ** 2) + np.exp(np.arange(300.0) / -50)
    metrics[[40, 41, 150]] = math.nan
    seen = lockstep(
        lambda s, o: s.ReduceLROnPlateau(o, mode, threshold_mode=threshold_mode, **options),
        arguments=lambda epoch: (metrics[epoch],),
    )
    assert seen[-1][0] < seen[0][0]


def test_patience_and_cooldown_by_hand():
    optimizer = SGD([Parameter([1.0])], lr=1.0)
    scheduler = ReduceLROnPlateau(optimizer, "max", 0.5, patience=1, cooldown=1)
    seen = []
    for metric in (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0):
        scheduler.step(metric)
        seen += scheduler.get_last_lr()
    # Reduced after two bad epochs; the next is cooldown, and then two bad ones again.
    assert seen == [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]
    assert scheduler.num_bad_epochs == 1 and not scheduler.in_cooldown


def test_a_group_added_later_gets_the_lowest_rate_of_all():
    optimizer = SGD([Parameter([1.0])], lr=1.0)
    scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=0, min_lr=0.5)
    optimizer.add_param_group({"params": Parameter([1.0]), "lr": 0.75})
    for _ in range(2):
        scheduler.step(1.0)
    assert scheduler.get_last_lr() == [0.5, 0.5]


def test_a_group_without_a_lowest_rate_stops_the_step_before_anything_changes():
    optimizer = SGD([Parameter([1.0])], lr=1.0)
    scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=0, min_lr=[0.5])
    optimizer.add_param_group({"params": Parameter([1.0])})
    scheduler.step(1.0)
    before = scheduler.state_dict()
    with pytest.raises(ValueError, match="expected 1 parameter groups, one for each min_lr, got 2"):
        scheduler.step(1.0)
    assert scheduler.state_dict() == before and optimizer.learning_rates[0] == 1.0
    with pytest.raises((TypeError, ValueError)):
        scheduler.step("high")
    assert scheduler.state_dict() == before


def test_an_epoch_may_be_given_and_is_deprecated():
    scheduler = ReduceLROnPlateau(SGD([Parameter([1.0])]))
    with pytest.warns(UserWarning, match=r"step\(epoch\) is deprecated"):
        scheduler.step(1.0, epoch=7)
    assert scheduler.last_epoch == 7


def test_states_of_older_versions_load():
    optimizer = SGD([Parameter([1.0])])
    saved = ReduceLROnPlateau(optimizer, patience=3).state_dict()
    del saved["default_min_lr"]
    scheduler = ReduceLROnPlateau(optimizer)
    scheduler.load_state_dict(saved)
    assert scheduler.patience == 3 and scheduler.default_min_lr == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factor": 1.0}, "factor must be below 1, got 1.0"),
        ({"mode": "low"}, r"mode must be one of \('min', 'max'\), got 'low'"),
        ({"threshold_mode": "no"}, r"threshold_mode must be one of \('rel', 'abs'\), got 'no'"),
        ({"min_lr": [0.1, 0.1]}, "expected 1 values as min_lr, one for each parameter group"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=f"ReduceLROnPlateau: {message}"):
        ReduceLROnPlateau(SGD([Parameter([1.0])]), **options)


def test_what_is_no_optimizer_is_refused():
    with pytest.raises(TypeError, match="ReduceLROnPlateau: expected an Optimizer, got Paramet"):
        ReduceLROnPlateau(Parameter([1.0]))

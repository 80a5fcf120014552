import math

import pytest

from npnet.training import EarlyStopping
from npnet.training.monitor import Monitor


@pytest.mark.parametrize(
    "name, mode",
    [
        (None, "min"),
        ("loss", "min"),
        ("val_loss", "min"),
        ("val_mae", "min"),
        ("accuracy", "max"),
        ("val_accuracy", "max"),
        ("val_top5", "max"),
        ("val_f1", "max"),
        ("r2", "max"),
        ("val_Precision", "max"),
    ],
)
def test_the_way_follows_from_the_name(name, mode):
    assert Monitor(name).mode == mode
    assert Monitor(name, "min").mode == "min"


def test_better_is_beyond_the_best_by_more_than_a_margin():
    low, high = Monitor(mode="min"), Monitor(mode="max")
    assert low.better(1.0, None) and high.better(1.0, None)
    assert low.better(0.9, 1.0) and not low.better(1.0, 1.0) and not low.better(0.9, 1.0, 0.2)
    assert high.better(1.1, 1.0) and not high.better(1.0, 1.0) and not high.better(1.1, 1.0, 0.2)
    assert not low.better(math.nan, None) and not high.better(math.nan, 1.0)


def test_without_a_name_validation_counts_where_there_is_one():
    assert Monitor().value({"loss": 1, "val_loss": 2}) == 2.0
    assert Monitor().value({"loss": 1}) == 1.0
    with pytest.raises(
        ValueError, match=r"got 'val_r2'; there are epoch, loss; give fit a validation$"
    ):
        Monitor("val_r2").value({"epoch": 1, "loss": 1})


def test_another_mode_is_refused():
    with pytest.raises(ValueError, match=r"^Trainer: expected mode 'min' or 'max', got 'up'"):
        Monitor("loss", "up")
    with pytest.raises(ValueError, match=r"^EarlyStopping: expected mode 'min' or 'max', got 'up'"):
        EarlyStopping("loss", mode="up")

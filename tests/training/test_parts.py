import pytest

from npnet import Linear, MSELoss
from npnet.optim import SGD
from npnet.optim.lr_scheduler import StepLR
from npnet.training import Trainer
from tests.support.runs import Hits


@pytest.mark.parametrize(
    "change, error, match",
    [
        ({"model": 3}, TypeError, "expected a Module as model, got a int"),
        ({"loss": 3}, TypeError, "expected a loss Module or function, got a int"),
        ({"optimizer": None}, TypeError, "expected an Optimizer, got a NoneType"),
        ({"loss": MSELoss(reduction="none")}, ValueError, "MSELoss has reduction='none'; leave"),
        ({"accumulate": 0}, ValueError, "accumulate as an integer >= 1, got 0"),
        ({"accumulate": True}, ValueError, "accumulate as an integer"),
        ({"clip": 0.0}, ValueError, "clip as a norm above 0, got 0"),
        ({"clip": float("nan")}, ValueError, "clip as a norm"),
        (
            {"metrics": [Hits(), Hits()]},
            ValueError,
            "metrics with different names, got .*'accuracy'",
        ),
        ({"metrics": [len]}, ValueError, r"got \[None\]"),
        ({"callbacks": [print]}, TypeError, "expected Callbacks, got a builtin"),
        ({"mode": "up"}, ValueError, "mode 'min' or 'max'"),
        ({"loss": None, "class_weight": [1.0]}, ValueError, "class_weight needs a loss"),
    ],
)
def test_wrong_parts_are_named(change, error, match):
    model = Linear(2, 2)
    parts = {"model": model, "loss": MSELoss(), "optimizer": SGD(model.parameters(), lr=0.1)}
    with pytest.raises(error, match=match):
        Trainer(**{**parts, **change})


def test_a_schedule_of_another_optimizer_is_refused():
    model = Linear(2, 2)
    one, other = (SGD(model.parameters(), lr=0.1) for _ in range(2))
    with pytest.raises(ValueError, match="a schedule of the optimizer"):
        Trainer(model, MSELoss(), one, schedule=StepLR(other, 2))

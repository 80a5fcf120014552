import pytest

from npnet import Linear, MSELoss
from npnet.optim import SGD
from npnet.optim.lr_scheduler import ReduceLROnPlateau, StepLR
from npnet.training import Accuracy, EarlyStopping, Trainer
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
        ({"metrics": [len]}, TypeError, "objects with name, reset, .* got <built-in function len>"),
        ({"metrics": ["accuracy"]}, TypeError, "expected metrics, objects .* got 'accuracy'"),
        ({"metrics": [Hits]}, TypeError, "expected metrics, objects .* got <class"),
        ({"metrics": Hits()}, TypeError, r"a list of metrics, got one Hits; put it into \[...\]"),
        ({"callbacks": EarlyStopping()}, TypeError, "a list of callbacks, got one EarlyStopping"),
        ({"metrics": [Accuracy(name="loss")]}, ValueError, r"names of their own, got \['loss'\]"),
        ({"metrics": [Accuracy(name="val_x")]}, ValueError, r"names of their own, got \['val_x'\]"),
        ({"schedule": 3}, TypeError, "expected a schedule of npnet.optim.lr_scheduler, got a int"),
        ({"loss": MSELoss}, TypeError, r"expected a loss, got the class; give MSELoss\(\)"),
        (
            {"optimizer": SGD(Linear(2, 2).parameters(), lr=0.1)},
            ValueError,
            r"got one that has none of them; make it from model.parameters\(\)",
        ),
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


def test_an_optimizer_may_have_some_of_the_parameters_and_others():
    model, other = Linear(2, 2), Linear(2, 2)
    optimizer = SGD([model.weight, *other.parameters()], lr=0.1)
    assert len(Trainer(model, MSELoss(), optimizer).trained) == 3


def test_a_plateau_is_not_asked_about_after_each_step():
    model = Linear(2, 2)
    optimizer = SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="ReduceLROnPlateau goes on by the figures of an epoch"):
        Trainer(
            model,
            MSELoss(),
            optimizer,
            schedule=ReduceLROnPlateau(optimizer),
            schedule_steps=True,
        )

import pytest

from npnet import Linear, MSELoss
from npnet.optim import SGD
from npnet.optim.lr_scheduler import ReduceLROnPlateau, StepLR
from npnet.training import Accuracy, Callback, EarlyStopping, Trainer
from tests.support.runs import Hits, bits, loaders, trainer


@pytest.mark.parametrize(
    "change, error, match",
    [
        ({"model": 3}, TypeError, "expected a Module as model, got int$"),
        ({"loss": 3}, TypeError, "expected a loss Module or function, got int; with"),
        ({"optimizer": None}, TypeError, "an Optimizer, got NoneType; give optimizer=SGD"),
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
        (
            {"metrics": ["accuracy"]},
            TypeError,
            r"expected metrics, .* got 'accuracy'; give Accuracy\(\)$",
        ),
        (
            {"metrics": [Hits]},
            TypeError,
            r"expected metrics, objects .* got the class Hits; give Hits\(\)$",
        ),
        (
            {"metrics": Accuracy},
            TypeError,
            r"a list of metrics, got one Accuracy; give \[Accuracy\(",
        ),
        ({"metrics": "accuracy"}, TypeError, r"a list of metrics, got one str; put it into \["),
        ({"metrics": ["AUC"]}, TypeError, "update and compute, got 'AUC'$"),
        ({"metrics": Hits()}, TypeError, r"a list of metrics, got one Hits; put it into \[...\]"),
        ({"callbacks": EarlyStopping()}, TypeError, "a list of callbacks, got one EarlyStopping"),
        ({"metrics": [Accuracy(name="loss")]}, ValueError, r"names of their own, got \['loss'\]"),
        ({"metrics": [Accuracy(name="val_x")]}, ValueError, r"names of their own, got \['val_x'\]"),
        ({"schedule": 3}, TypeError, "a schedule of npnet.optim.lr_scheduler, got int$"),
        (
            {"schedule": StepLR},
            TypeError,
            r"got the class StepLR; give StepLR\(optimizer, \.\.\.\)",
        ),
        ({"loss": MSELoss}, TypeError, r"or function, got the class MSELoss; give MSELoss\(\)$"),
        ({"model": Linear}, TypeError, r"as model, got the class Linear; give Linear\(\.\.\.\)$"),
        (
            {"optimizer": SGD},
            TypeError,
            r"the class SGD; give SGD\(model.parameters\(\), lr=\.\.\.",
        ),
        ({"optimizer": "adam"}, TypeError, r"got 'adam'; give Adam\(model.parameters\(\), lr="),
        (
            {"callbacks": [EarlyStopping]},
            TypeError,
            r"the class EarlyStopping; give EarlyStopping\(\)$",
        ),
        (
            {"callbacks": EarlyStopping},
            TypeError,
            r"one EarlyStopping; give \[EarlyStopping\(\)\]$",
        ),
        ({"callbacks": [int]}, TypeError, "got int; let it inherit Callback$"),
        (
            {"optimizer": SGD(Linear(2, 2).parameters(), lr=0.1)},
            ValueError,
            r"got one that has none of them; make it from model.parameters\(\)",
        ),
        ({"callbacks": [print]}, TypeError, "expected Callbacks, got builtin"),
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


@pytest.mark.parametrize("validation", [False, True])
@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy", "acuracy", "accuracy"])
def test_a_figure_that_epochs_will_not_have_is_refused_before_the_first_step(monitor, validation):
    loader, held_out = loaders()
    run = trainer(callbacks=[EarlyStopping(monitor)])
    before = bits(run)
    there = monitor == "accuracy" or (validation and monitor.startswith("val_"))
    if there:
        run.fit(loader, 1, held_out if validation else None)
        return
    words = rf"^EarlyStopping: expected monitor as the name of a figure .* got '{monitor}'; there"
    with pytest.raises(ValueError, match=words) as error:
        run.fit(loader, 1, held_out if validation else None)
    advised = str(error.value).endswith("; give fit a validation")
    assert advised == monitor.startswith("val_")
    assert bits(run) == before


def test_the_figure_of_the_trainer_counts_where_something_goes_by_it(tmp_path):
    loader, _ = loaders()
    trainer(monitor="val_loss").fit(loader, 1)
    with pytest.raises(ValueError, match=r"^Trainer: expected monitor .* got 'val_loss'"):
        trainer(monitor="val_loss").fit(loader, 1, checkpoint=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    run = trainer(monitor="val_loss", schedule=None)
    run.schedule = ReduceLROnPlateau(run.optimizer)
    with pytest.raises(ValueError, match=r"^Trainer: expected monitor .* got 'val_loss'"):
        run.fit(loader, 1)


def test_callbacks_may_add_figures_to_the_record():
    class Adds(Callback):
        def on_epoch_end(self, trainer, record):
            record["val_own"] = 1.0

    loader, _ = loaders()
    run = trainer(callbacks=[Adds(), EarlyStopping("val_own")])
    run.fit(loader, 1)
    run = trainer(callbacks=[Adds(), EarlyStopping("val_other")])
    with pytest.raises(ValueError, match=r"got 'val_other'; there are epoch, .*val_own$"):
        run.fit(loader, 1)


def test_a_trainer_prints_its_parts_and_how_far_it_is():
    model = Linear(2, 3)
    optimizer = SGD(model.parameters(), lr=0.1)
    run = Trainer(model, MSELoss(), optimizer, metrics=[Accuracy(threshold=0.5)])
    run.schedule, run.steps = StepLR(optimizer, 2), 7
    lines = repr(run).splitlines()
    assert lines[:4] == [
        "Trainer(",
        "  (model): Linear(in_features=2, out_features=3, bias=True)",
        "  (loss): MSELoss()",
        "  (optimizer): SGD (",
    ]
    assert lines[-4:] == [
        "  (schedule): StepLR",
        "  (metrics): [Accuracy(threshold=0.5)]",
        "  epoch=0, steps=7",
        ")",
    ]

    def distance(outputs, target):
        return outputs - target

    lines = repr(Trainer(model, distance, optimizer)).splitlines()
    assert "  (loss): distance" in lines and not any("metrics" in line for line in lines)

import io
import sys

import pytest

from npnet import CrossEntropyLoss, Linear
from npnet.data import DataLoader
from npnet.optim import SGD
from npnet.training import Trainer, progress
from tests.support.runs import BATCHES, CLASSES, FEATURES, loaders, samples, trainer


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_record_of_an_epoch():
    run, (loader, validation) = trainer(), loaders()
    rates, figures = [], []
    for epoch in range(1, 4):
        rates.append(run.learning_rate)
        history = run.fit(loader, epoch, validation)
        figures.append(run.evaluate(validation))
    record = history.records[2]
    assert [*record] == ["epoch", "loss", "accuracy", "lr", "val_loss", "val_accuracy", "seconds"]
    assert history["epoch"].tolist() == [1, 2, 3]
    assert history["lr"].tolist() == rates == [0.02, 0.02, 0.01]
    assert history["val_loss"].tolist() == [found["loss"] for found in figures]
    assert history["val_accuracy"].tolist() == [found["accuracy"] for found in figures]
    assert (history["seconds"] > 0).all()


def test_the_loss_of_an_epoch_is_the_mean_over_its_samples():
    x, y = samples()
    model = Linear(FEATURES, CLASSES)
    each = CrossEntropyLoss(reduction="none")(model(x), y)
    run = Trainer(model, CrossEntropyLoss(), SGD(model.parameters(), lr=0.0))
    assert run.fit(DataLoader(x, y, 5), 1)["loss"][0] == pytest.approx(each.mean(), rel=1e-6)


@pytest.mark.parametrize("loader", [[], iter([])])
def test_no_batches_are_no_epoch(loader):
    with pytest.raises(ValueError, match="fit: expected at least one batch in an epoch, got none"):
        trainer().fit(loader, 1)


def test_no_samples_are_no_epoch():
    x, y = samples()
    for data in (DataLoader(x[:0], y[:0], 4), DataLoader(x[:3], y[:3], 4, drop_last=True)):
        with pytest.raises(
            ValueError, match="the data are empty, drop_last leaves all of them out"
        ):
            trainer().fit(data, 1)


def test_a_loader_that_can_be_gone_through_only_once_is_named():
    x, y = samples()
    run = trainer()
    with pytest.raises(
        ValueError, match="cannot be gone through again: give a DataLoader or a lis"
    ):
        run.fit(iter([(x, y)]), 2)
    assert run.epoch == 1


def test_a_terminal_shows_a_bar_an_epoch_and_anything_else_nothing(monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.0)
    loader, validation = loaders()
    quiet = io.StringIO()
    monkeypatch.setattr(sys, "stderr", quiet)
    trainer().fit(loader, 1, validation)
    assert quiet.getvalue() == ""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    trainer().fit(loader, 2, validation)
    lines = terminal.getvalue().rstrip("\n").split("\n")
    assert len(lines) == 2
    for number, line in enumerate(lines, 1):
        *_, last = line.split("\r")
        assert f"epoch {number}/2 100%" in last and f"{BATCHES}/{BATCHES}" in last
        assert "loss=" in last and "accuracy=" in last and "samples/s=" in last
        assert line.count("\r") >= BATCHES


def test_bars_are_drawn_by_the_clock_and_not_by_the_step(monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 1e9)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    x, y = samples(400)
    trainer().fit(DataLoader(x, y, 4), 1)
    assert terminal.getvalue().count("\r") <= 4


def test_a_bar_is_closed_where_a_step_fails(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    x, y = samples()
    with pytest.raises(IndexError):
        trainer().fit(DataLoader(x, y + 5, 4), 1)
    assert terminal.getvalue().endswith("\n")

import numpy as np
import pytest

from npnet.training import Callback, EarlyStopping
from npnet.training.callbacks import overridden
from tests.support.runs import BATCHES, loaders, trainer


class Noting(Callback):
    """Notes what it is called for."""

    def __init__(self):
        self.seen = []

    def on_fit_start(self, trainer):
        self.seen.append("start")

    def on_step_end(self, trainer):
        assert all(parameter.grad is not None for parameter in trainer.model.parameters())
        self.seen.append(trainer.steps)

    def on_epoch_end(self, trainer, record):
        assert record == trainer.history.records[-1]
        self.seen.append((trainer.epoch, record["epoch"]))

    def on_fit_end(self, trainer):
        self.seen.append("end")


def test_hooks_are_called_in_their_places():
    noting = Noting()
    run = trainer(callbacks=[noting, Callback()])
    run.fit(loaders()[0], 2)
    steps = [*range(1, 2 * BATCHES + 1)]
    assert noting.seen == [
        "start",
        *steps[:BATCHES],
        (1, 1),
        *steps[BATCHES:],
        (2, 2),
        "end",
    ]


def test_only_hooks_that_somebody_wrote_are_called():
    noting, quiet = Noting(), Callback()
    assert overridden([quiet, noting], "on_step_end") == [noting.on_step_end]
    assert overridden([quiet, EarlyStopping()], "on_step_end") == []


@pytest.mark.parametrize("hook", ["on_step_end", "on_epoch_end"])
def test_a_callback_stops_a_run_after_the_step_or_the_epoch(hook):
    class Stop(Callback):
        pass

    def stop(self, trainer, *record):
        trainer.stopped = True

    setattr(Stop, hook, stop)
    run = trainer(callbacks=[Stop()])
    run.fit(loaders()[0], 3)
    assert (run.steps, run.epoch) == ((1, 0) if hook == "on_step_end" else (BATCHES, 1))
    run.fit(loaders()[0], 3)
    assert run.steps == (1 if hook == "on_step_end" else BATCHES)
    run.stopped = False
    run.callbacks.clear()
    run.fit(loaders()[0], 3)
    assert (run.steps, run.epoch) == (3 * BATCHES, 3)


class Figures(Callback):
    """Gives epochs the figures that a test wants, and notes the weights after each."""

    def __init__(self, figures):
        self.figures, self.weights = figures, []

    def on_epoch_end(self, trainer, record):
        record["score"] = self.figures[trainer.epoch - 1]
        self.weights.append(trainer.model[0].weight.data.copy())


def run_of(figures, epochs=20, **options):
    given, stopping = Figures(figures), EarlyStopping("score", **options)
    run = trainer(callbacks=[given, stopping])
    run.fit(loaders()[0], epochs)
    return run, given.weights, stopping


def test_no_better_figure_for_some_epochs_stops_and_puts_the_best_weights_back():
    run, weights, stopping = run_of([5, 3, 4, 2, 2, 3, 9, 0], patience=3)
    assert run.epoch == 7 and run.stopped
    assert (stopping.best, stopping.best_epoch) == (2, 4)
    assert np.array_equal(run.model[0].weight.data, weights[3])


def test_a_run_that_ends_by_itself_has_the_best_weights_too():
    run, weights, _ = run_of([5, 3, 4], epochs=3, patience=3)
    assert not run.stopped and np.array_equal(run.model[0].weight.data, weights[1])


def test_the_last_weights_stay_if_that_is_wanted():
    run, weights, _ = run_of([1, 2, 3], epochs=3, patience=3, restore_best=False)
    assert np.array_equal(run.model[0].weight.data, weights[2])


def test_higher_may_be_better_and_a_margin_asked_for():
    run, _, stopping = run_of(
        [1, 1.5, 1.8, 1.9, 2.6], epochs=9, patience=2, mode="max", min_delta=0.4
    )
    assert run.epoch == 4 and stopping.best == 1.5


def test_nan_is_never_better():
    run, weights, stopping = run_of([np.nan] * 9, patience=2)
    assert run.epoch == 2 and stopping.best is None
    assert np.array_equal(run.model[0].weight.data, weights[1])


def test_its_state_goes_on():
    _, _, stopping = run_of([5, 3, 4], epochs=3, patience=9)
    other = EarlyStopping("score", patience=9)
    other.load_state_dict(stopping.state_dict())
    assert (other.best, other.best_epoch) == (3, 2)
    assert np.array_equal(other._weights["0.weight"], stopping._weights["0.weight"])
    Callback().load_state_dict(Callback().state_dict())


@pytest.mark.parametrize("options", [{"patience": 0}, {"min_delta": -1}, {"min_delta": np.inf}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="expected patience >= 1 and min_delta >= 0"):
        EarlyStopping(**options)


def test_callbacks_print_as_they_are_made():
    printed = repr(EarlyStopping("val_accuracy", patience=3, min_delta=0.01))
    assert printed == (
        "EarlyStopping(monitor='val_accuracy', mode='max', patience=3, min_delta=0.01, "
        "restore_best=True)"
    )
    assert repr(Noting()) == "Noting()"

import gc
import signal
import threading
import tracemalloc

import numpy as np
import pytest

import npnet
from npnet import CheckpointError, CrossEntropyLoss, Linear
from npnet.data import DataLoader
from npnet.optim import SGD
from npnet.optim.lr_scheduler import OneCycleLR
from npnet.training import (
    F1,
    Accuracy,
    Callback,
    ConfusionMatrix,
    EarlyStopping,
    Precision,
    TopK,
    Trainer,
)
from tests.support.runs import (
    BATCH,
    BATCHES,
    CLASSES,
    FEATURES,
    Hits,
    bits,
    loaders,
    samples,
    trainer,
)

EPOCHS = 3


class Each(Callback):
    """Saves after each step and each epoch, into one file each."""

    def __init__(self, folder):
        self.folder = folder

    def on_step_end(self, trainer):
        trainer.save(self.folder / f"step {trainer.steps}")

    def on_epoch_end(self, trainer, record):
        trainer.save(self.folder / f"epoch {trainer.epoch}")


def step_schedule(optimizer):
    return OneCycleLR(optimizer, 0.1, total_steps=30)


def build(kind, own=None):
    """Return a run of a kind, with its loaders, all at their beginning."""
    own = npnet.Generator(8) if kind in ("shared stream", "several streams") else None
    other = own if kind == "shared stream" else (own and npnet.Generator(9))
    options = {
        "accumulating": {"accumulate": 4},
        "a schedule a step": {"schedule_steps": True},
        "bare": {"schedule": None, "metrics": [], "clip": None},
        "many metrics": {"metrics": [Accuracy(), TopK(2), Precision(), F1(), ConfusionMatrix()]},
    }.get(kind, {})
    run = trainer(own=other, **options)
    if kind == "a schedule a step":
        run.schedule = step_schedule(run.optimizer)
    how = {"prefetch": 3} if kind == "ahead" else {}
    loader, validation = loaders(own, **how)
    return run, loader, None if kind == "bare" else validation


@pytest.mark.parametrize(
    "kind",
    [
        "plain",
        "accumulating",
        "a schedule a step",
        "shared stream",
        "several streams",
        "ahead",
        "bare",
        "many metrics",
    ],
)
def test_a_run_goes_on_from_every_step_bit_for_bit(kind, tmp_path):
    run, loader, validation = build(kind)
    run.callbacks.append(Each(tmp_path))
    run.fit(loader, EPOCHS, validation)
    expected = bits(run)
    files = sorted(tmp_path.iterdir())
    assert len(files) == run.steps + EPOCHS
    for path in files:
        again, loader, validation = build(kind)
        again.callbacks.append(Each(tmp_path))
        npnet.rand(3)
        again.resume(path)
        npnet.rand(5)  # what is drawn between resuming and going on does not count
        again.callbacks.pop()
        again.fit(loader, EPOCHS, validation)
        assert bits(again) == expected, path.name


@pytest.mark.parametrize("steps", [1, 5, BATCHES, BATCHES + 1, 2 * BATCHES])
def test_ctrl_c_finishes_the_step_saves_and_raises(steps, tmp_path):
    class Press(Callback):
        def on_step_end(self, trainer):
            if trainer.steps == steps:
                signal.raise_signal(signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    whole, loader, validation = build("plain")
    whole.fit(loader, EPOCHS, validation)
    run, loader, validation = build("plain")
    run.callbacks.append(Press())
    with pytest.raises(KeyboardInterrupt):
        run.fit(loader, EPOCHS, validation, checkpoint=tmp_path, every=1000)
    assert signal.getsignal(signal.SIGINT) is handler
    assert run.steps == steps
    run.callbacks.pop()
    again, other, other_validation = build("plain")
    again.callbacks.append(Press())
    again.resume(tmp_path)
    again.callbacks.pop()
    again.fit(other, EPOCHS, other_validation, checkpoint=tmp_path)
    assert bits(again) == bits(whole)


def test_after_ctrl_c_a_run_goes_on_in_the_same_process(tmp_path):
    class Press(Callback):
        def on_step_end(self, trainer):
            if trainer.steps in (2, 9):
                signal.raise_signal(signal.SIGINT)

    whole, loader, validation = build("plain")
    whole.fit(loader, EPOCHS, validation)
    run, loader, validation = build("plain")
    run.callbacks.append(Press())
    for steps in (2, 9):
        with pytest.raises(KeyboardInterrupt) as stopped:
            run.fit(loader, EPOCHS, validation)
        assert run.steps == steps
        (note,) = stopped.value.__notes__
        assert note.startswith(
            f"Trainer: stopped after step {steps}, in epoch {1 + steps // BATCHES};"
        )
        assert "give it checkpoint=folder" in note
    run.fit(loader, EPOCHS, validation)
    assert bits(run) == bits(whole)


def test_ctrl_c_in_the_validation_leaves_the_epoch_open(tmp_path):
    class Presses(Hits):
        """Ctrl-C in the second validation."""

        times = 0

        def update(self, outputs, targets, weights=None):
            super().update(outputs, targets, weights)
            if len(targets) == 8:
                Presses.times += 1
                if Presses.times == 4:
                    signal.raise_signal(signal.SIGINT)

    def run():
        found = trainer(metrics=[Presses()])
        return found, *loaders()

    Presses.times = 100
    whole, loader, validation = run()
    whole.fit(loader, EPOCHS, validation)
    Presses.times = 0
    broken, loader, validation = run()
    with pytest.raises(KeyboardInterrupt):
        broken.fit(loader, EPOCHS, validation, checkpoint=tmp_path, every=1000)
    assert (broken.epoch, broken.open_epoch.place) == (1, BATCHES)
    expected = bits(whole)
    broken.fit(loader, EPOCHS, validation)
    assert bits(broken) == expected | {"streams": bits(broken)["streams"]}
    again, loader, validation = run()
    again.resume(tmp_path).fit(loader, EPOCHS, validation)
    assert bits(again) == expected | {"streams": bits(broken)["streams"]}


def test_a_second_ctrl_c_stops_at_once(tmp_path):
    class Press(Callback):
        def on_step_end(self, trainer):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("the second one must raise")

    handler = signal.getsignal(signal.SIGINT)
    run, loader, _ = build("plain")
    run.callbacks.append(Press())
    with pytest.raises(KeyboardInterrupt):
        run.fit(loader, 1, checkpoint=tmp_path)
    assert not [*tmp_path.iterdir()] and signal.getsignal(signal.SIGINT) is handler


def test_a_run_in_another_thread_leaves_signals_alone():
    run, loader, validation = build("plain")
    whole, other, other_validation = build("plain")
    whole.fit(other, 2, other_validation)
    npnet.manual_seed(0)
    run, loader, validation = build("plain")
    thread = threading.Thread(target=run.fit, args=(loader, 2, validation))
    thread.start()
    thread.join()
    assert bits(run) == bits(whole)


def test_early_stopping_and_its_best_weights_go_on(tmp_path):
    def run(*more):
        npnet.manual_seed(0)
        found = trainer(callbacks=[EarlyStopping("loss", patience=2, mode="max"), *more])
        return found, *loaders()

    whole, loader, validation = run()
    whole.fit(loader, 20, validation)
    assert whole.epoch < 20 and whole.stopped

    class Press(Callback):
        def on_epoch_end(self, trainer, record):
            if trainer.epoch == 2:
                signal.raise_signal(signal.SIGINT)

    broken, loader, validation = run(Press())
    with pytest.raises(KeyboardInterrupt) as stopped:
        broken.fit(loader, 20, validation, checkpoint=tmp_path)
    (note,) = stopped.value.__notes__
    assert f"step {2 * BATCHES}, at the end of epoch 2; fit goes on from there, in another" in note
    assert note.endswith(f"trainer.resume({str(tmp_path)!r})")
    again, loader, validation = run(Press())
    again.resume(tmp_path)
    again.callbacks.pop()
    again.fit(loader, 20, validation, checkpoint=tmp_path)
    assert bits(again) == bits(whole)
    once_more, loader, validation = run()
    once_more.resume(tmp_path).fit(loader, 20, validation)
    assert bits(once_more) == bits(whole)


def test_other_data_are_refused_in_the_middle_of_an_epoch(tmp_path):
    class Stop(Callback):
        def on_step_end(self, trainer):
            trainer.stopped = True

    run, loader, _ = build("plain")
    run.callbacks.append(Stop())
    run.fit(loader, 2)
    run.stopped = False
    run.callbacks.pop()
    before = bits(run)
    with pytest.raises(ValueError, match=r"broken off, of .*'batch_size': 4.*'batch_size': 5"):
        run.fit(loaders(batch_size=5)[0], 2)
    assert bits(run) == before
    run.forget_place()
    run.fit(loaders(batch_size=5)[0], 1)
    assert run.steps == 1 + 5


def test_another_generator_is_refused(tmp_path):
    run, loader, validation = build("several streams")
    run.fit(loader, 1, validation, checkpoint=tmp_path)
    again, _, _ = build("several streams")
    again.resume(tmp_path)
    with pytest.raises(ValueError, match=r"other random streams; they differ in train\.generator"):
        again.fit(loaders()[0], 2)
    assert again.steps == BATCHES
    again.fit(loader, 2, validation)


def test_a_file_or_folder_may_be_missing_if_that_is_said(tmp_path):
    run = trainer()
    assert run.resume(tmp_path, missing_ok=True) is run
    assert run.resume(tmp_path / "none.npz", missing_ok=True).steps == 0
    with pytest.raises(FileNotFoundError):
        run.resume(tmp_path / "none.npz")
    with pytest.raises(CheckpointError, match="no checkpoint that can be read"):
        run.resume(tmp_path)


def test_a_run_that_has_had_its_epochs_does_nothing():
    run, loader, _ = build("plain")
    run.fit(loader, 2)
    before = bits(run)
    assert run.fit(loader, 2) is run.history and run.fit(loader, 0) is run.history
    assert {**bits(run), "streams": 0} == {**before, "streams": 0}


def test_a_model_in_evaluation_is_put_into_training_and_frozen_parts_stay():
    run, loader, _ = build("plain")
    run.model.eval()
    run.fit(loader, 1)
    assert all(module.training for module in run.model.modules())
    run.model[1].eval()
    mean = run.model[1].running_mean.copy()
    run.fit(loader, 2)
    assert not run.model[1].training and np.array_equal(run.model[1].running_mean, mean)


@pytest.mark.parametrize("epochs", [-1, 1.5, True, None])
def test_epochs_are_counted(epochs):
    with pytest.raises(ValueError, match="fit: expected epochs as an integer >= 0"):
        trainer().fit(loaders()[0], epochs)


def test_memory_does_not_grow_with_steps():
    x, y = samples(400)
    model = Linear(FEATURES, CLASSES)
    run = Trainer(model, CrossEntropyLoss(), SGD(model.parameters(), lr=0.1), metrics=[Hits()])
    loader = DataLoader(x, y, BATCH, shuffle=True)
    run.fit(loader, 2)
    gc.collect()
    tracemalloc.start()
    try:
        run.fit(loader, 4)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        run.fit(loader, 24)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert run.steps == 2400
    # 2,000 steps: a number a step would be 48,000 bytes; 20 records of the history are less.
    assert after - before < 20_000


def test_data_in_place_of_a_loader_are_refused_before_the_first_step():
    x, y = samples()
    loader, _ = loaders()
    run = trainer()
    before = bits(run)
    calls = {
        "Trainer.fit: expected data as": [
            lambda: run.fit(x, 1),
            lambda: run.fit((x, y), 1),
            lambda: run.fit(x, y, 1),
        ],
        "Trainer.fit: expected validation as": [lambda: run.fit(loader, 1, (x, y))],
        "Trainer.evaluate: expected data as": [lambda: run.evaluate((x, y))],
    }
    for words, mistakes in calls.items():
        for mistake in mistakes:
            with pytest.raises(TypeError, match=rf"^{words} batches, .*; give DataLoader\(x, y, "):
                mistake()
    assert bits(run) == before
    run.fit([(x, y)], 1, [(x[:9], y[:9]), (x[9:], y[9:])])
    assert run.steps == 1

import errno
import os
import stat
import time
import warnings

import numpy as np
import pytest

from npnet import CheckpointError
from npnet.training import Callback, NonFiniteError, checkpoint
from npnet.training.keeper import Keeper, is_empty, newest
from npnet.training.monitor import Monitor
from tests.support.runs import BATCHES, loaders, trainer


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def step(number):
    return f"step-{number:09d}.npz"


def keeper(folder, every="epoch", keep=1, on_error="raise", monitor=None):
    return Keeper(folder, every, keep, monitor or Monitor(), on_error)


class Saves(Callback):
    """Notes which files there are after each step."""

    def __init__(self, folder):
        self.folder, self.seen = folder, []

    def on_step_end(self, trainer):
        self.seen.append([name for name in names(self.folder) if name != "best.npz"])


@pytest.mark.parametrize("every", [2, "2 steps", "2 step"])
@pytest.mark.parametrize("keep", [1, 3])
def test_the_last_few_steps_are_kept(tmp_path, every, keep):
    folder = tmp_path / "a" / "b"
    saves = Saves(folder)
    run = trainer(callbacks=[saves])
    run.fit(loaders()[0], 3, checkpoint=folder, every=every, keep=keep)
    for steps, found in enumerate(saves.seen, 1):
        due = [*range(2, steps, 2)][-keep:]
        assert found == [step(number) for number in due]
    assert names(folder) == ["best.npz", *(step(number) for number in (14, 16, 18)[-keep:])]
    assert checkpoint.read(folder / step(18))["open"] is None


@pytest.mark.parametrize("every, kept", [("epoch", [12, 18]), ("2 epochs", [12, 18]), (100, [18])])
def test_epochs_and_the_end_are_kept(tmp_path, every, kept):
    trainer().fit(loaders()[0], 3, checkpoint=tmp_path, every=every, keep=2)
    assert names(tmp_path) == ["best.npz", *map(step, kept)]


@pytest.mark.parametrize(
    "every", [0, -1, True, "0 steps", "epochs 2", "2", "steps of 2", 2.0, None]
)
def test_other_intervals_are_refused(tmp_path, every):
    with pytest.raises(ValueError, match="expected every as a number of steps, '500 steps'"):
        keeper(tmp_path, every)


@pytest.mark.parametrize("keep", [0, -1, True, 1.5])
def test_other_numbers_of_files_are_refused(tmp_path, keep):
    with pytest.raises(ValueError, match="keep to be an integer >= 1"):
        keeper(tmp_path, keep=keep)
    with pytest.raises(ValueError, match="'raise' or 'warn', got 'ignore'"):
        keeper(tmp_path, on_error="ignore")


class Figures(Callback):
    """Gives epochs the loss that a test wants."""

    def __init__(self, losses):
        self.losses = losses

    def on_epoch_end(self, trainer, record):
        trainer.history.records[-1]["loss"] = self.losses[trainer.epoch - 1]


def test_the_best_epoch_is_kept_beside(tmp_path):
    run = trainer(callbacks=[Figures([3.0, np.nan, 1.0, 2.0, 1.0])])
    run.fit(loaders()[0], 5, checkpoint=tmp_path, every=1000)
    assert checkpoint.read(tmp_path / "best.npz")["epoch"] == 3
    run = trainer(callbacks=[Figures([3.0, 2.0, 5.0])], monitor="loss", mode="max")
    run.fit(loaders()[0], 3, checkpoint=tmp_path / "max", every=1000)
    assert checkpoint.read(tmp_path / "max" / "best.npz")["epoch"] == 3


def test_epochs_before_without_the_figure_are_no_rivals(tmp_path):
    run, (loader, validation) = trainer(monitor="val_loss"), loaders()
    run.fit(loader, 1)
    run.fit(loader, 2, validation, checkpoint=tmp_path)
    assert checkpoint.read(tmp_path / "best.npz")["epoch"] == 2


def test_the_folder_of_another_run_is_refused(tmp_path):
    trainer().fit(loaders()[0], 1, checkpoint=tmp_path)
    before = names(tmp_path)
    run = trainer()
    with pytest.raises(FileExistsError, match=r"another run; go on with that by trainer.resume"):
        run.fit(loaders()[0], 1, checkpoint=tmp_path)
    assert run.steps == 0 and names(tmp_path) == before
    run.resume(tmp_path).fit(loaders()[0], 2, checkpoint=tmp_path)
    run.fit(loaders()[0], 3, checkpoint=tmp_path)
    assert names(tmp_path) == ["best.npz", step(18)]


def test_files_beyond_where_a_run_goes_on_from_are_let_go(tmp_path):
    trainer().fit(loaders()[0], 3, checkpoint=tmp_path, every=5, keep=9)
    assert names(tmp_path)[1:] == [step(5), step(10), step(15), step(18)]
    run = trainer().resume(tmp_path / step(10))
    run.fit(loaders()[0], 2, checkpoint=tmp_path, every=1000, keep=2)
    assert names(tmp_path)[1:] == [step(10), step(12)]


def test_what_a_killed_process_left_goes_with_the_next_save(tmp_path):
    old, young = tmp_path / ".npnet-00ff.tmp", tmp_path / ".npnet-ff00.tmp"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 60,) * 2)
    os.utime(young, (time.time() + 60,) * 2)
    trainer().fit(loaders()[0], 1, checkpoint=tmp_path)
    assert names(tmp_path) == [young.name, "best.npz", step(BATCHES)]


def failing(monkeypatch, steps):
    """Have the disk be full from some step on."""
    flush = os.fsync
    left = [steps]

    def full(handle):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(handle)

    monkeypatch.setattr(os, "fsync", full)


def test_a_full_disk_stops_the_run_with_the_checkpoint_before_whole(tmp_path, monkeypatch):
    failing(monkeypatch, 2)
    run = trainer()
    with pytest.raises(OSError, match="No space left") as error:
        run.fit(loaders()[0], 3, checkpoint=tmp_path, every=2, keep=2)
    assert "after step 6; checkpoints from before are whole" in error.value.__notes__[-1]
    assert run.steps == 6 and names(tmp_path) == [step(2), step(4)]
    path, state = newest(tmp_path)
    assert path.name == step(4) and state["steps"] == 4


def test_a_full_disk_is_only_warned_of_if_that_is_asked_for(tmp_path, monkeypatch):
    failing(monkeypatch, 2)
    run = trainer()
    with pytest.warns(RuntimeWarning) as caught:
        run.fit(loaders()[0], 2, checkpoint=tmp_path, every=2, keep=2, on_save_error="warn")
    assert run.steps == 12
    texts = [str(warning.message) for warning in caught]
    assert "step-000000006.npz could not be written after step 6: " in texts[0]
    assert any("best.npz could not be written after step 6" in text for text in texts)
    assert names(tmp_path) == [step(2), step(4)]


def test_a_real_limit_of_the_system_is_met_the_same_way(tmp_path):
    resource = pytest.importorskip("resource")
    run = trainer()
    run.fit(loaders()[0], 1, checkpoint=tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        with pytest.raises(OSError, match="File too large"):
            keeper(tmp_path).save(run)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names(tmp_path) == ["best.npz", step(BATCHES)]
    assert newest(tmp_path)[1]["steps"] == BATCHES


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
@pytest.mark.parametrize("on_error", ["raise", "warn"])
def test_a_folder_that_cannot_be_written_to(tmp_path, on_error):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        check_unwritable(tmp_path / "run", on_error, "Permission denied")
    finally:
        tmp_path.chmod(stat.S_IRWXU)


@pytest.mark.parametrize("on_error", ["raise", "warn"])
def test_a_folder_that_cannot_be_made(tmp_path, on_error):
    (tmp_path / "file").write_bytes(b"")
    check_unwritable(tmp_path / "file" / "run", on_error, "Not a directory")


def check_unwritable(folder, on_error, match):
    run = trainer()
    if on_error == "raise":
        with pytest.raises(OSError, match=match):
            run.fit(loaders()[0], 1, checkpoint=folder, on_save_error=on_error)
        assert run.steps == 0
        return
    with pytest.warns(RuntimeWarning, match="could not be written"):
        run.fit(loaders()[0], 1, checkpoint=folder, on_save_error=on_error)
    assert run.epoch == 1


def test_parameters_that_are_not_finite_are_not_saved(tmp_path):
    class Spoil(Callback):
        def on_step_end(self, trainer):
            if trainer.steps == 4:
                trainer.model[4].bias.data[1] = np.nan

    run = trainer(callbacks=[Spoil()])
    with pytest.raises(
        NonFiniteError, match=r"'model\.4\.bias' is not finite after step 4; nothing"
    ):
        run.fit(loaders()[0], 1, checkpoint=tmp_path, every=2, keep=5)
    assert names(tmp_path) == [step(2)]


def test_a_damaged_newest_file_is_passed_over_with_a_warning(tmp_path):
    trainer().fit(loaders()[0], 2, checkpoint=tmp_path, keep=3)
    last = tmp_path / step(2 * BATCHES)
    last.write_bytes(last.read_bytes()[:-1])
    with pytest.warns(RuntimeWarning, match="not whole.*; going on from step-000000006.npz"):
        path, state = newest(tmp_path)
    assert path.name == step(BATCHES) and state["epoch"] == 1
    (tmp_path / step(BATCHES)).write_bytes(b"")
    with pytest.raises(
        CheckpointError, match=r"no checkpoint that can be read.*not whole.*not whole"
    ):
        newest(tmp_path)


def test_where_there_is_nothing(tmp_path):
    assert is_empty(tmp_path) and is_empty(tmp_path / "none") and is_empty(tmp_path / "none.npz")
    (tmp_path / "best.npz").write_bytes(b"")
    assert is_empty(tmp_path) and not is_empty(tmp_path / "best.npz")
    with warnings.catch_warnings(), pytest.raises(CheckpointError, match="no checkpoint that can"):
        newest(tmp_path)

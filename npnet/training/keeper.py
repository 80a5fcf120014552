"""Keeper: the checkpoints of a run in a folder: the last few, and the best."""

from __future__ import annotations

import math
import os
import re
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from npnet.checkpoint import CheckpointError
from npnet.training import checkpoint
from npnet.training.monitor import Monitor
from npnet.training.trouble import check_parameters

__all__ = ["Keeper", "is_empty", "newest"]

_NAME = re.compile(r"step-(\d{9,})\.npz")
_BEST = "best.npz"
_TEMPORARY = ".npnet-*.tmp"
_EVERY = re.compile(r"(?:(\d+) )?(step|epoch)s?")


class Keeper:
    """Writes a run's state into a folder every so often, and keeps the last few files.

    The files are step-000000500.npz and so on, by the steps taken, and best.npz, the end of the
    epoch with the best figure. Each is written beside and renamed; older ones go after that.

    Parameters
    ----------
    folder : path
        Made where it is not there.
    every : int or str
        So many steps, "500 steps", "epoch" or "2 epochs".
    keep : int
        How many of the last files stay.
    monitor : Monitor
        The figure that makes an epoch the best.
    on_error : {"raise", "warn"}
        What becomes of a run that cannot be saved.

    Errors
    ------
    ValueError
        For another every, keep or on_error.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        every: int | str,
        keep: int,
        monitor: Monitor,
        on_error: str,
    ) -> None:
        if on_error not in ("raise", "warn"):
            raise ValueError(f"Trainer: expected on_save_error 'raise' or 'warn', got {on_error!r}")
        if isinstance(keep, bool) or not isinstance(keep, int) or keep < 1:
            raise ValueError(f"Trainer: expected keep to be an integer >= 1, got {keep!r}")
        self.folder = Path(folder)
        self.every, self.by_epoch = _interval(every)
        self.keep, self.monitor, self.on_error = keep, monitor, on_error
        self._began = time.time()
        self._saved: tuple[int, int] | None = None

    def prepare(self, trainer: Any) -> None:
        """Make the folder; refuse one with the checkpoints of another run.

        Errors
        ------
        FileExistsError
            For checkpoints that this run neither wrote nor was resumed from.
        """
        own = trainer.home == self.folder.resolve()
        if not own and self.folder.is_dir() and _holds_any(self.folder):
            raise FileExistsError(
                f"Trainer: {self.folder} holds checkpoints of another run; go on with that by "
                "trainer.resume(folder), or give this one a folder of its own"
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._failed(trainer, self.folder, error)
        trainer.home = self.folder.resolve()

    def due(self, steps: int) -> float:
        """Return after which step the next checkpoint is due, inf where an epoch decides."""
        return math.inf if self.by_epoch else steps - steps % self.every + self.every

    def save(self, trainer: Any) -> None:
        """Write the state of the run as it is.

        Where that fails the earlier files are whole, and the run stops or goes on.

        Errors
        ------
        NonFiniteError
            For parameters that nobody would want to go on with.
        """
        check_parameters(trainer, f"after step {trainer.steps}; nothing is saved")
        if self._write(trainer, self.folder / f"step-{trainer.steps:09d}.npz"):
            self._saved = (trainer.steps, trainer.epoch)

    def finish(self, trainer: Any) -> bool:
        """Write the state of the run unless it is written; return whether it is now."""
        now = (trainer.steps, trainer.epoch)
        if self._saved != now:
            self.save(trainer)
        return self._saved == now

    def after_epoch(self, trainer: Any, records: Sequence[Mapping[str, Any]]) -> None:
        """Write what is due at the end of an epoch; `records` are those of all epochs."""
        name = self.monitor.name_in(records[-1])
        best: float | None = None
        for record in records[:-1]:
            value = float(record.get(name, math.nan))
            best = value if self.monitor.better(value, best) else best
        if self.monitor.better(float(records[-1][name]), best):
            self._write(trainer, self.folder / _BEST)
        if self.by_epoch and trainer.epoch % self.every == 0:
            self.save(trainer)

    def _write(self, trainer: Any, path: Path) -> bool:
        """Write a file, and let go of others; return whether that went well."""
        try:
            trainer.save(path)
            self._let_go(trainer.steps)
        except OSError as error:
            self._failed(trainer, path, error)
            return False
        return True

    def _let_go(self, steps: int) -> None:
        """Remove all but the last files, and what processes that were killed have left."""
        found = _files(self.folder)
        # Those of later steps are of a run that once went on from where this one does.
        kept = [number for number in found if number <= steps][-self.keep :]
        for number, file in found.items():
            if number not in kept:
                file.unlink(missing_ok=True)
        for file in self.folder.glob(_TEMPORARY):
            # A younger one may be another process's, which is writing it now.
            if file.stat().st_mtime < self._began:
                file.unlink(missing_ok=True)

    def _failed(self, trainer: Any, path: Path, error: OSError) -> None:
        """Raise, or warn that the run goes on unsaved."""
        if self.on_error == "raise":
            error.add_note(
                f"Trainer: {path} could not be written after step {trainer.steps}; checkpoints "
                "from before are whole. on_save_error='warn' lets a run go on"
            )
            raise error
        warnings.warn(
            f"Trainer: {path} could not be written after step {trainer.steps}: {error}; the run "
            "goes on, and checkpoints from before are whole",
            RuntimeWarning,
            stacklevel=2,
        )


def newest(folder: Path) -> tuple[Path, Any]:
    """Return path and state of a folder's newest checkpoint that is whole.

    Errors
    ------
    CheckpointError
        Where there is none.

    Warnings
    --------
    RuntimeWarning
        For each newer one that is damaged.
    """
    problems = []
    for path in reversed(_files(folder).values()):
        try:
            state = checkpoint.read(path)
        except CheckpointError as error:
            problems.append(str(error))
            continue
        for problem in problems:
            warnings.warn(f"{problem}; going on from {path.name}", RuntimeWarning, stacklevel=3)
        return path, state
    raise CheckpointError(
        f"Trainer: {folder} has no checkpoint that can be read"
        + "".join(f"; {problem}" for problem in problems)
    )


def _files(folder: Path) -> dict[int, Path]:
    """Return the checkpoints of a folder by their steps, in order."""
    found = {int(m[1]): path for path in folder.iterdir() if (m := _NAME.fullmatch(path.name))}
    return dict(sorted(found.items()))


def _holds_any(folder: Path) -> bool:
    """Whether a run has saved here."""
    return bool(_files(folder)) or (folder / _BEST).exists()


def is_empty(place: Path) -> bool:
    """Whether there is no file at a path, or no checkpoint in a folder."""
    return not (_files(place) if place.is_dir() else place.exists())


def _interval(every: int | str) -> tuple[int, bool]:
    """Return a number, and whether it is of epochs."""
    if isinstance(every, int) and not isinstance(every, bool) and every >= 1:
        return every, False
    found = _EVERY.fullmatch(every) if isinstance(every, str) else None
    if found is None or found[1] == "0":
        raise ValueError(
            "Trainer: expected every as a number of steps, '500 steps', 'epoch' or '2 epochs', "
            f"got {every!r}"
        )
    return int(found[1] or 1), found[2] == "epoch"

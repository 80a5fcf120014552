"""Snapshot: all that a run must know to go on, checked before anything is changed."""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from npnet.checkpoint import CheckpointError
from npnet.module import Module
from npnet.parameter import Array
from npnet.training.passes import numbers_of
from npnet.training.streams import Marks, States, Streams, states_at

__all__ = ["OpenEpoch", "collect", "restore", "version"]

#: Of the state's form; a change of it is a change of the number.
FORMAT = 1
_SHOWN = 4


@dataclass(slots=True)
class OpenEpoch:
    """An epoch that has begun.

    `place` counts its batches so far; `last` is the index of the last of them, the numbers of its
    samples where those are known (`numbered`). `shape` says what the loader was; `weight` is what
    all samples so far count, `loss` the sum of their losses.
    """

    marks: Marks | None
    shape: dict[str, Any]
    numbered: bool
    place: int = 0
    weight: float = 0.0
    loss: float = 0.0
    last: Any = None
    began: float = field(default_factory=lambda: time.monotonic())
    kept: States | None = None

    @property
    def start(self) -> States:
        """Where the random streams were when the pass began."""
        if self.kept is None:
            # A mark is found much faster, and most epochs are never asked.
            self.kept = states_at(self.marks or {})
        return self.kept

    @property
    def seconds(self) -> float:
        """How long the epoch has taken."""
        return time.monotonic() - self.began

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint holds of it."""
        names = ("start", "shape", "numbered", "place", "weight", "loss", "seconds")
        known = self.numbered and self.last is not None
        last = numbers_of(self.last) if known else None
        return {**{name: getattr(self, name) for name in names}, "last": last}

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> OpenEpoch:
        """Return the epoch of a checkpoint."""
        names = ("shape", "numbered", "place", "weight", "loss", "last")
        rest = {name: state[name] for name in names}
        began = time.monotonic() - state["seconds"]
        return cls(marks=None, kept=state["start"], began=began, **rest)


def version() -> str:
    """Return npnet's version."""
    # The package imports nothing from here, so that nothing here imports the package.
    found: str = sys.modules["npnet"].__version__
    return found


def collect(trainer: Any) -> dict[str, Any]:
    """Return the state of a run as it is; its arrays are live."""
    epoch: OpenEpoch | None = trainer.open_epoch
    streams: Streams = trainer.streams
    opened = None
    if epoch is not None:
        metrics = [[metric.name, _state_of(metric)] for metric in trainer.metrics]
        opened = {**epoch.state(), "metrics": metrics}
    return {
        "format": FORMAT,
        "npnet": version(),
        "model": dict(trainer.model.state_dict()),
        "rest": _rest(trainer),
        "optimizer": {
            "name": type(trainer.optimizer).__name__,
            "steps": trainer.optimizer.steps,
            "state": trainer.optimizer.state_dict(),
        },
        "schedule": _named(trainer.schedule),
        "streams": {"names": dict(streams.names), "states": streams.states()},
        "epoch": trainer.epoch,
        "steps": trainer.steps,
        "stopped": bool(trainer.stopped),
        "open": opened,
        "history": trainer.history.state_dict(),
        "callbacks": [_named(callback) for callback in trainer.callbacks],
    }


def restore(trainer: Any, state: Any, who: str, *, other_version: bool) -> None:
    """Put a run where a state says: all of it or, on an error, nothing.

    Errors
    ------
    CheckpointError
        For a state of another model, optimizer, schedule or version.
    """
    try:
        _check(trainer, state, who, other_version)
    except (AttributeError, KeyError, TypeError) as error:
        raise CheckpointError(f"Trainer: {who} is none that a Trainer writes: {error!r}") from error
    before, waiting = copy.deepcopy(collect(trainer)), trainer.waiting_streams
    try:
        _load(trainer, state)
    except Exception as error:
        _load(trainer, before)
        trainer.waiting_streams = waiting
        raise CheckpointError(f"Trainer: {who} does not fit this run: {error}") from error


def _load(trainer: Any, state: Mapping[str, Any]) -> None:
    """Put everything where a state says."""
    trainer.model.load_state_dict(state["model"])
    for name, array in _rest(trainer).items():
        np.copyto(array, state["rest"][name])
    trainer.optimizer.load_state_dict(state["optimizer"]["state"])
    trainer.optimizer.steps = state["optimizer"]["steps"]
    if trainer.schedule is not None:
        trainer.schedule.load_state_dict(state["schedule"]["state"])
    trainer.history.load_state_dict(state["history"])
    for callback, saved in zip(trainer.callbacks, state["callbacks"], strict=True):
        callback.load_state_dict(saved["state"])
    opened = state["open"]
    for metric, saved in zip(trainer.metrics, opened["metrics"] if opened else (), strict=False):
        _set_state(metric, saved[1])
    trainer.epoch, trainer.steps = state["epoch"], state["steps"]
    trainer.stopped = state["stopped"]
    trainer.open_epoch = None if opened is None else OpenEpoch.of(opened)
    trainer.waiting_streams = state["streams"]
    # Those of the loaders follow when a fit names these.
    trainer.streams.go_to(state["streams"]["states"])


def _check(trainer: Any, state: Any, who: str, other_version: bool) -> None:
    """Raise unless a state is of this run's kind."""
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        found = state.get("format") if isinstance(state, dict) else None
        raise CheckpointError(
            f"Trainer: {who} has format {found}, this version of npnet reads {FORMAT}"
        )
    if state["npnet"] != version() and not other_version:
        raise CheckpointError(
            f"Trainer: {who} was written by npnet {state['npnet']}, this is {version()}, which may "
            "not go on bit for bit; resume(path, other_version=True) loads it all the same"
        )
    problems = _differences(state["model"], trainer.model.state_dict())
    problems += _differences(state["rest"], _rest(trainer))
    if problems:
        raise CheckpointError(
            f"Trainer: {who} is of another model: {'; '.join(problems[:_SHOWN])}"
            + f" and {len(problems) - _SHOWN} more" * (len(problems) > _SHOWN)
        )
    own = {
        "optimizer": type(trainer.optimizer).__name__,
        "schedule": _kind(trainer.schedule),
        "callbacks": [_kind(callback) for callback in trainer.callbacks],
    }
    saved = {
        "optimizer": state["optimizer"]["name"],
        "schedule": state["schedule"] and state["schedule"]["name"],
        "callbacks": [callback["name"] for callback in state["callbacks"]],
    }
    if state["open"] is not None:
        own["metrics"] = [metric.name for metric in trainer.metrics]
        saved["metrics"] = [name for name, _ in state["open"]["metrics"]]
    for what, expected in own.items():
        if saved[what] != expected:
            raise CheckpointError(
                f"Trainer: {who} is of a run with {saved[what]} as {what}, this one has {expected}"
            )


def _differences(saved: Mapping[str, Any], own: Mapping[str, Array]) -> list[str]:
    """Say in what named arrays differ, but for their numbers."""
    found = [f"it has no {name!r}" for name in own if name not in saved]
    found += [f"it has {name!r}, which is not here" for name in saved if name not in own]
    for name, array in own.items():
        there = saved.get(name)
        if there is not None and (there.shape, there.dtype) != (array.shape, array.dtype):
            found.append(
                f"{name!r} is {there.dtype} of shape {there.shape} there, {array.dtype} of "
                f"{array.shape} here"
            )
    return found


def _rest(trainer: Any) -> dict[str, Array]:
    """Return the parameters and buffers of the objective that are not in the model's state."""
    objective: Module = trainer.objective
    there = {id(array) for array in trainer.model.state_dict().values()}
    found = {name: p.data for name, p in objective.named_parameters()}
    found.update(objective.named_buffers())
    return {name: array for name, array in found.items() if id(array) not in there}


def _named(part: Any) -> dict[str, Any] | None:
    """Return the kind and the state of a schedule or callback."""
    return None if part is None else {"name": _kind(part), "state": part.state_dict()}


def _kind(part: Any) -> str | None:
    """Return the name of a part's class."""
    return None if part is None else type(part).__name__


def _state_of(metric: Any) -> Any:
    """Return what a metric has seen: its state_dict, or without one its attributes."""
    return metric.state_dict() if hasattr(metric, "state_dict") else dict(vars(metric))


def _set_state(metric: Any, state: Any) -> None:
    """Take over what a metric had seen."""
    if hasattr(metric, "load_state_dict"):
        metric.load_state_dict(state)
    else:
        vars(metric).update(state)

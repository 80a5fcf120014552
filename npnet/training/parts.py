"""Parts: what a Trainer is made of, checked before it is."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from npnet.module import Module
from npnet.optim import Optimizer
from npnet.optim.lr_scheduler import ReduceLROnPlateau
from npnet.training.callbacks import Callback

__all__ = ["check_numbers", "check_parts"]

#: What the record of an epoch has beside metrics.
_TAKEN = ("epoch", "loss", "lr", "seconds")


def check_parts(
    model: Any,
    loss: Any,
    optimizer: Any,
    schedule: Any,
    schedule_steps: bool,
    metrics: Any,
    callbacks: Any,
) -> None:
    """Raise where parts are none, or do not go together."""
    if not isinstance(model, Module):
        raise TypeError(f"Trainer: expected a Module as model, got a {type(model).__name__}")
    if isinstance(loss, type):
        raise TypeError(f"Trainer: expected a loss, got the class; give {loss.__name__}()")
    if loss is not None and not callable(loss):
        raise TypeError(
            f"Trainer: expected a loss Module or function, got a {type(loss).__name__}; with an "
            "objective as model, give the optimizer by name"
        )
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"Trainer: expected an Optimizer, got a {type(optimizer).__name__}")
    if getattr(loss, "reduction", None) == "none":
        raise ValueError(
            f"Trainer: expected a loss of one number, {type(loss).__name__} has reduction='none'; "
            "leave it at 'mean', and give weights by sample_weight or class_weight"
        )
    _check_trained([model, loss], optimizer)
    _check_schedule(schedule, optimizer, schedule_steps)
    _check_metrics(_listed("metrics", metrics))
    for callback in _listed("callbacks", callbacks):
        if not isinstance(callback, Callback):
            kind = type(callback).__name__
            raise TypeError(f"Trainer: expected Callbacks, got a {kind}; let it inherit Callback")


def _check_schedule(schedule: Any, optimizer: Any, steps: bool) -> None:
    """Raise for what is no schedule of the optimizer, or none that goes on after each step."""
    if schedule is None:
        return
    if not hasattr(schedule, "optimizer"):
        kind = type(schedule).__name__
        raise TypeError(f"Trainer: expected a schedule of npnet.optim.lr_scheduler, got a {kind}")
    if schedule.optimizer is not optimizer:
        raise ValueError("Trainer: expected a schedule of the optimizer, got one of another")
    if steps and isinstance(schedule, ReduceLROnPlateau):
        raise ValueError(
            "Trainer: ReduceLROnPlateau goes on by the figures of an epoch; leave schedule_steps "
            "at False"
        )


def _check_trained(modules: Iterable[Any], optimizer: Optimizer) -> None:
    """Raise where an optimizer has none of the parameters there are."""
    parts = (module.parameters() for module in modules if isinstance(module, Module))
    known = {id(parameter) for parameters in parts for parameter in parameters}
    trained = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if known and not known & trained:
        raise ValueError(
            "Trainer: expected an optimizer of the model's parameters, got one that has none of "
            "them; make it from model.parameters()"
        )


def _listed(name: str, parts: Any) -> Iterable[Any]:
    """Return several parts, or say that it is one."""
    if not isinstance(parts, Iterable):
        kind = type(parts).__name__
        raise TypeError(f"Trainer: expected a list of {name}, got one {kind}; put it into [...]")
    return parts


def _check_metrics(metrics: Iterable[Any]) -> None:
    """Raise for what is no metric, and for names that are taken."""
    names = []
    for metric in metrics:
        parts = (getattr(metric, part, None) for part in ("reset", "update", "compute"))
        if isinstance(metric, type) or not hasattr(metric, "name") or not all(map(callable, parts)):
            raise TypeError(
                "Trainer: expected metrics, objects with name, reset, update and compute, got "
                f"{metric!r}"
            )
        names.append(metric.name)
    if len({*names}) < len(names):
        raise ValueError(f"Trainer: expected metrics with different names, got {names}")
    taken = [name for name in names if name in _TAKEN or name.startswith("val_")]
    if taken:
        raise ValueError(
            f"Trainer: expected metrics with names of their own, got {taken}; a record has "
            f"{', '.join(_TAKEN)} and, of the validation, val_... besides"
        )


def check_numbers(accumulate: Any, clip: Any) -> None:
    """Raise for numbers out of range."""
    if isinstance(accumulate, bool) or not isinstance(accumulate, int) or accumulate < 1:
        raise ValueError(f"Trainer: expected accumulate as an integer >= 1, got {accumulate!r}")
    if clip is not None and not 0 < clip <= math.inf:
        raise ValueError(f"Trainer: expected clip as a norm above 0, got {clip!r}")

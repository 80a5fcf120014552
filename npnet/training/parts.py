"""Parts: what a Trainer is made of, checked before it is."""

from __future__ import annotations

import math
from typing import Any

from npnet.module import Module
from npnet.optim import Optimizer
from npnet.training.callbacks import Callback

__all__ = ["check_numbers", "check_parts"]


def check_parts(
    model: Any, loss: Any, optimizer: Any, schedule: Any, metrics: Any, callbacks: Any
) -> None:
    """Raise where parts are none, or do not go together."""
    if not isinstance(model, Module):
        raise TypeError(f"Trainer: expected a Module as model, got a {type(model).__name__}")
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
    if schedule is not None and getattr(schedule, "optimizer", None) is not optimizer:
        raise ValueError("Trainer: expected a schedule of the optimizer, got one of another")
    names = [getattr(metric, "name", None) for metric in metrics]
    if None in names or len({*names}) < len(names):
        raise ValueError(f"Trainer: expected metrics with different names, got {names}")
    for callback in callbacks:
        if not isinstance(callback, Callback):
            kind = type(callback).__name__
            raise TypeError(f"Trainer: expected Callbacks, got a {kind}; let it inherit Callback")


def check_numbers(accumulate: Any, clip: Any) -> None:
    """Raise for numbers out of range."""
    if isinstance(accumulate, bool) or not isinstance(accumulate, int) or accumulate < 1:
        raise ValueError(f"Trainer: expected accumulate as an integer >= 1, got {accumulate!r}")
    if clip is not None and not 0 < clip <= math.inf:
        raise ValueError(f"Trainer: expected clip as a norm above 0, got {clip!r}")

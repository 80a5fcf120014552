"""Parts: what a Trainer is made of, checked before it is."""

from __future__ import annotations

import math
from collections.abc import Iterable
from inspect import isfunction
from textwrap import indent
from typing import Any

from npnet import optim
from npnet.module import Module
from npnet.optim import Optimizer, lr_scheduler
from npnet.optim.lr_scheduler import ReduceLROnPlateau
from npnet.training import metrics as library
from npnet.training.callbacks import Callback, EarlyStopping, overridden

__all__ = ["check_monitored", "check_numbers", "check_parts", "described"]

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
        raise TypeError(f"Trainer: expected a Module as model, got {_given(model, '...')}")
    if isinstance(loss, type):
        raise TypeError(f"Trainer: expected a loss Module or function, got {_given(loss)}")
    if loss is not None and not callable(loss):
        raise TypeError(
            f"Trainer: expected a loss Module or function, got {type(loss).__name__}; with an "
            "objective as model, give the optimizer by name"
        )
    if not isinstance(optimizer, Optimizer):
        arguments = "model.parameters(), lr=..."
        found = _given(optimizer, arguments, optim)
        mend = f"; give optimizer=SGD({arguments})" if optimizer is None else ""
        raise TypeError(f"Trainer: expected an Optimizer, got {found}{mend}")
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
            own = isinstance(callback, type) and issubclass(callback, Callback)
            found = _given(callback) if own else f"{_name(callback)}; let it inherit Callback"
            raise TypeError(f"Trainer: expected Callbacks, got {found}")


def _name(part: Any) -> str:
    """Return the name of a class, or of that of an object."""
    return part.__name__ if isinstance(part, type) else type(part).__name__


def _given(part: Any, arguments: str = "", package: Any = None) -> str:
    """Say what was given in place of a part; of a class, or its name, also how it is made."""
    if isinstance(part, type):
        return f"the class {part.__name__}; give {part.__name__}({arguments})"
    if not isinstance(part, str):
        return type(part).__name__
    bare = part.lower().replace("_", "")
    meant = [name for name in getattr(package, "__all__", ()) if name.lower() == bare]
    return repr(part) + "".join(f"; give {name}({arguments})" for name in meant)


def _check_schedule(schedule: Any, optimizer: Any, steps: bool) -> None:
    """Raise for what is no schedule of the optimizer, or none that goes on after each step."""
    if schedule is None:
        return
    if not hasattr(schedule, "optimizer"):
        found = _given(schedule, "optimizer, ...", lr_scheduler)
        raise TypeError(f"Trainer: expected a schedule of npnet.optim.lr_scheduler, got {found}")
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
    if isinstance(parts, type | str) or not isinstance(parts, Iterable):
        mend = f"give [{_name(parts)}()]" if isinstance(parts, type) else "put it into [...]"
        raise TypeError(f"Trainer: expected a list of {name}, got one {_name(parts)}; {mend}")
    return parts


def _check_metrics(metrics: Iterable[Any]) -> None:
    """Raise for what is no metric, and for names that are taken."""
    names = []
    for metric in metrics:
        parts = (getattr(metric, part, None) for part in ("reset", "update", "compute"))
        if isinstance(metric, type) or not hasattr(metric, "name") or not all(map(callable, parts)):
            raise TypeError(
                "Trainer: expected metrics, objects with name, reset, update and compute, got "
                f"{_given(metric, '', library) if isinstance(metric, type | str) else repr(metric)}"
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


def check_monitored(trainer: Any, validation: bool, saves: bool) -> None:
    """Raise where a run goes by a figure that its epochs will not have.

    A callback that does something at the end of an epoch may add what it likes to the record.

    Parameters
    ----------
    trainer : Trainer
    validation : whether there is one
    saves : whether checkpoints are kept, with the best
    """
    hooks = overridden(trainer.callbacks, "on_epoch_end")
    if any(hook.__func__ is not EarlyStopping.on_epoch_end for hook in hooks):
        return
    monitors = [c.monitor for c in trainer.callbacks if isinstance(c, EarlyStopping)]
    if saves or isinstance(trainer.schedule, ReduceLROnPlateau):
        monitors.append(trainer.monitor)
    figures = ["loss", *(metric.name for metric in trainer.metrics)]
    there = ["epoch", *figures, "lr", *(f"val_{name}" for name in figures if validation), "seconds"]
    for monitor in monitors:
        monitor.name_in(dict.fromkeys(there))


def described(trainer: Any) -> str:
    """Return a Trainer's parts, a line each or more, and how far it is."""
    lines = []
    for name in ("model", "loss", "optimizer", "schedule", "metrics", "callbacks"):
        part = getattr(trainer, name)
        if part is None or part == []:
            continue
        bare = isfunction(part) or repr(part) == object.__repr__(part)
        text = getattr(part, "__name__", type(part).__name__) if bare else repr(part)
        lines.append(f"({name}): {text}")
    lines.append(f"epoch={trainer.epoch}, steps={trainer.steps}")
    return f"Trainer(\n{indent(chr(10).join(lines), '  ')}\n)"

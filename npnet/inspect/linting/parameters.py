"""Rules on parameters, penalties and optimizers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from npnet.inspect.linting.advice import Advice
from npnet.inspect.linting.view import View, written
from npnet.layers import Regularization
from npnet.parameter import Parameter

__all__ = ["learning_rates", "optimized", "penalties", "unused"]


class Rates(NamedTuple):
    """The learning rates of an optimizer between which training is at all likely."""

    lowest: float
    highest: float
    usual: str
    why: str


_PER_NUMBER = "its steps are of about the size lr for every number, whatever the gradient's size"
_PER_GRADIENT = "its steps are lr times the gradient"
_RATES: dict[str, Rates] = {
    "SGD": Rates(1e-7, 20.0, "0.01 to 0.5", _PER_GRADIENT),
    "Adagrad": Rates(1e-6, 5.0, "0.01", "its first step is of about the size lr for every number"),
    "RMSprop": Rates(1e-8, 0.5, "0.001", _PER_NUMBER),
    "Adam": Rates(1e-8, 0.5, "0.001", _PER_NUMBER),
    "AdamW": Rates(1e-8, 0.5, "0.001", _PER_NUMBER),
}


def unused(view: View) -> Iterator[Advice]:
    """Find parameters that no output depends on."""
    reached = {id(parameter) for parameter in view.tape.parameters.values()}
    for name, parameter in view.model.named_parameters():
        if parameter.requires_grad and id(parameter) not in reached:
            yield Advice(
                "unused-parameter",
                name,
                f"no output depends on this parameter of shape {parameter.shape}",
                "it never has a gradient, so it stays as it was drawn; a step was forgotten in "
                "forward, or the parameter is left over",
                f"use {written(name)} in forward, or leave it out",
            )


def optimized(view: View) -> Iterator[Advice]:
    """Find parameters that no optimizer steps, and those stepped that are not the model's."""
    if not view.optimizers:
        return
    stepped = {id(p) for optimizer in view.optimizers for p in _parameters(optimizer)}
    own = {id(p) for p in view.model.parameters()}
    for parameter in view.tape.parameters.values():
        if not parameter.requires_grad or id(parameter) in stepped:
            continue
        name = view.names.get(id(parameter))
        if name is not None:  # `unregistered` tells of what nothing holds
            kind = type(view.optimizers[0]).__name__
            held = "model.parameters()"
            if id(parameter) not in own:
                held = "[*model.parameters(), *loss.parameters()]"
            yield Advice(
                "parameter-without-optimizer",
                name,
                f"no optimizer has this parameter of shape {parameter.shape}",
                "its gradient is computed in every step and never used; a layer that was replaced "
                "or added after the optimizer was made is not the optimizer's",
                f"optimizer = {kind}({held}, lr=...)    # made last; or "
                "requires_grad_(False) for what shall stay",
            )
    known = own | {id(p) for p in view.tape.parameters.values()}
    for number, optimizer in enumerate(view.optimizers):
        strangers = [p for p in _parameters(optimizer) if id(p) not in known]
        if strangers and len(view.optimizers) == 1:
            name = type(optimizer).__name__
            yield Advice(
                "optimizer-of-another-model",
                _place(view, number),
                f"{name} steps {len(strangers)} parameters that are not the model's",
                "what it steps is not what is trained: the model was replaced, or copied, after "
                "the optimizer was made",
                f"optimizer = {name}(model.parameters(), lr={optimizer.learning_rates[0]:g})",
            )


def penalties(view: View) -> Iterator[Advice]:
    """Find penalties on biases, and weights that are penalized twice."""
    decayed = {
        id(parameter)
        for optimizer in view.optimizers
        for group in optimizer.param_groups
        if group.get("weight_decay")
        for parameter in group["params"]
    }
    for step in view.steps(Regularization):
        parameter = _penalized(view, step.reads[0])
        if parameter is None or not getattr(step.layer, "strength", 0.0):
            continue
        name = view.name(parameter)
        if name.split(".")[-1] == "bias":
            yield Advice(
                "penalty-on-bias",
                name,
                "Regularization reads a bias",
                "a bias sets where a unit works, not how steep it is; pulled to 0 it cannot follow "
                "the mean of the data, and few numbers overfit nothing",
                f"penalty({written(name.removesuffix('bias') + 'weight')})    # of weights alone",
            )
        elif id(parameter) in decayed and getattr(step.layer, "p", 2) == 2:
            yield Advice(
                "penalized-twice",
                name,
                "Regularization reads what the optimizer decays too (weight_decay)",
                "both pull it to 0, and the strength is the sum of two settings",
                "optimizer = ...(model.parameters(), weight_decay=0.0)    # or leave the penalty",
            )


def learning_rates(view: View) -> Iterator[Advice]:
    """Find learning rates that are far out for their kind of optimizer."""
    for number, optimizer in enumerate(view.optimizers):
        rates = next(
            (_RATES[c.__name__] for c in type(optimizer).__mro__ if c.__name__ in _RATES), None
        )
        if rates is None:
            continue
        kind = type(optimizer).__name__
        scheduled = getattr(optimizer, "scheduled_from", None) is not None
        for group, rate in enumerate(optimizer.learning_rates):
            far = rate > rates.highest or (rate < rates.lowest and not scheduled)
            if not far or not math.isfinite(rate):
                continue
            place = _place(view, number) + f" group {group}" * (len(optimizer.param_groups) > 1)
            what = "large" if rate > rates.highest else "small"
            end = "training diverges" if what == "large" else "the weights hardly move"
            if rate == 0:
                end = "nothing is learnt"
            yield Advice(
                "learning-rate",
                place,
                f"lr={rate:g} is far too {what} for {kind}",
                f"{rates.why}; with this one {end}",
                f"{kind}(model.parameters(), lr={rates.usual.split()[0]})    # {rates.usual}",
            )


def _place(view: View, number: int) -> str:
    """Return what an optimizer is called."""
    kind = type(view.optimizers[number]).__name__
    return f"optimizer ({kind})" if len(view.optimizers) == 1 else f"optimizer {number} ({kind})"


def _parameters(optimizer: Any) -> list[Parameter]:
    """Return what an optimizer steps."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _penalized(view: View, slot: int | None) -> Parameter | None:
    """Return the Parameter that a penalty reads, if it reads one as it is."""
    return None if slot is None else view.tape.parameters.get(slot)

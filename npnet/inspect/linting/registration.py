"""Rules on what a Module computes with and does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from npnet.inspect.linting.advice import Advice
from npnet.inspect.linting.view import View, written
from npnet.module import Module
from npnet.parameter import Parameter

__all__ = ["unregistered"]


class _Place(NamedTuple):
    """Where a Parameter is that the model does not hold.

    `path` is for the finding, `kept` what keeps it there, `name` its own, `instead` the mend.
    """

    path: str
    kept: str
    name: str
    instead: str


def unregistered(view: View) -> Iterator[Advice]:
    """Find parameters that forward computes with, and that are not among model.parameters()."""
    stepped = {
        id(parameter)
        for optimizer in view.optimizers
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    aside = _kept_aside(view.model)
    places: dict[_Place, list[str]] = {}
    for slot, parameter in view.tape.parameters.items():
        if not parameter.requires_grad or id(parameter) in view.names or id(parameter) in stepped:
            continue
        place = aside.get(id(parameter)) or _by_step(view, slot)
        entry = f"{place.name} {parameter.shape}".lstrip()
        places.setdefault(place._replace(name=""), []).append(entry)
    for place, names in places.items():
        yield Advice(
            "parameter-not-of-the-model",
            place.path,
            f"{place.kept}: {', '.join(names)}",
            "a Module finds what is assigned to its attributes, alone or in a ModuleList: these "
            "are not in model.parameters(), so no optimizer made from it steps them, and not in "
            "model.state_dict(), so they are not saved",
            place.instead,
        )


def _kept_aside(model: Module) -> dict[int, _Place]:
    """Return the places of Parameters that plain lists, tuples and dicts of Modules hold."""
    found: dict[int, _Place] = {}
    for path, module in model.named_modules():
        for attribute, value in vars(module).items():
            if isinstance(value, list | tuple | dict):
                name = f"{path}.{attribute}".lstrip(".")
                kind = type(value).__name__
                for own, parameter, parts in _inside(value, name):
                    container = f"{parts}{'Dict' if isinstance(value, dict) else 'List'}"
                    brackets = "{...}" if isinstance(value, dict) else "[...]"
                    instead = f"self.{attribute} = {container}({brackets})    # in place of the "
                    kept = f"a plain {kind} keeps what is trained"
                    place = _Place(name, kept, own, f"{instead}{kind}")
                    found.setdefault(id(parameter), place)
    return found


def _inside(value: Any, path: str) -> Iterator[tuple[str, Parameter, str]]:
    """Yield the Parameters in a container: what a program calls them, and of what they are."""
    if isinstance(value, Parameter):
        yield path, value, "Parameter"
    elif isinstance(value, Module):
        for name, parameter in value.named_parameters():
            yield path + written(name).removeprefix("model"), parameter, "Module"
    elif isinstance(value, list | tuple | dict):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _inside(item, f"{path}[{key!r}]")


def _by_step(view: View, slot: int) -> _Place:
    """Return the place of a Parameter by the step that reads it first."""
    parameter = view.tape.parameters[slot]
    layer: Any = next(step.layer for step in view.tape.steps if slot in step.reads)
    own = next((name for name, p in layer.named_parameters() if p is parameter), "")
    kind = type(layer).__name__
    kept = f"{kind} computes with what no Module of the model holds"
    if own:
        kept = f"no Module of the model holds this {kind}"
    made = f"{kind}(...)" if own else "Parameter(...)"
    attribute = kind.lower() if own else parameter.name or "weight"
    instead = f"self.{attribute} = {made}    # in __init__, and used by forward"
    return _Place(view.path(layer), kept, own or parameter.name, instead)

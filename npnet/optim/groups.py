"""Parameter groups: what callers give an optimizer, read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np

from npnet.parameter import Parameter

__all__ = [
    "Group",
    "check_members",
    "given_groups",
    "listed",
    "plain",
    "read_group",
    "without_execution",
]

Group: TypeAlias = dict[str, Any]

#: How torch is told to carry out a step. Its rule is the same, and npnet has one way for it.
_EXECUTION = ("foreach", "fused", "capturable", "differentiable")


def given_groups(who: str, params: Iterable[Any]) -> list[Any]:
    """Return an optimizer's parameters as a list of groups to be read."""
    if isinstance(params, dict):
        raise TypeError(f"{who}: expected a list of groups, got one dict; write [group]")
    given = listed(who, params, "params")
    if not given:
        mend = "has the model any?"
        if isinstance(params, Iterator):
            mend += " A generator gives them only once: list(model.parameters())"
        raise ValueError(f"{who}: expected parameters, got none; {mend}")
    return given if isinstance(given[0], dict) else [{"params": given}]


def listed(who: str, params: Any, what: str) -> list[Any]:
    """Return an iterable as a list, or say why it is none that will do."""
    kind = type(params).__name__
    if isinstance(params, set | frozenset):
        raise TypeError(f"{who}: expected {what} in an order, got {kind}; use a list")
    single = isinstance(params, Parameter | np.ndarray | str) or not isinstance(params, Iterable)
    found: list[Any] = [] if single else list(params)
    # A ParameterList is a list of Parameters, other Modules only have some.
    if single or (_is_module(params) and not all(isinstance(p, Parameter) for p in found)):
        mend = _mend(params)
        raise TypeError(f"{who}: expected {what} as a list of Parameters, got {kind}{mend}")
    return found


def read_group(who: str, given: Any, defaults: Group) -> Group:
    """Return a group with all options, its parameters in a list, made of what the caller gave."""
    if not isinstance(given, dict):
        raise TypeError(f"{who}: expected a group as a dict, got {type(given).__name__}")
    if "params" not in given:
        raise ValueError(f'{who}: expected "params" in a group, got {sorted(given)}')
    params = given["params"]
    params = [params] if isinstance(params, Parameter) else params
    members = listed(who, params, 'a group\'s "params"')
    names = [m[0] for m in members if isinstance(m, tuple) and len(m) == 2]
    if names and len(names) < len(members):
        raise ValueError(
            f"{who}: expected (name, Parameter) pairs throughout or not at all, got {len(names)} "
            f"in {len(members)}"
        )
    options = {name: plain(value) for name, value in given.items() if name != "params"}
    group = {**defaults, **without_execution(who, options)}
    group["params"] = [member[1] for member in members] if names else members
    if names:
        group["param_names"] = names
    return group


def without_execution(who: str, options: Group) -> Group:
    """Return options without torch's ways to carry out a step, which may only be left off."""
    for name in _EXECUTION:
        if options.get(name):
            raise ValueError(
                f"{who}: {name} must be None or False, got {options[name]}; leave it out: all "
                "parameters of a group are stepped together as one vector"
            )
    return {name: value for name, value in options.items() if name not in _EXECUTION}


def check_members(who: str, groups: list[Group]) -> None:
    """Raise unless the groups hold Parameters, each once, and all or none have names."""
    seen: dict[int, str] = {}
    for number, group in enumerate(groups):
        if ("param_names" in group) != ("param_names" in groups[0]):
            raise ValueError(
                f"{who}: expected names in all groups or in none; group {number} differs from "
                "group 0"
            )
        for index, parameter in enumerate(group["params"]):
            place = f"params[{index}] of group {number}"
            if not isinstance(parameter, Parameter):
                kind = type(parameter).__name__
                mend = _mend(parameter)
                raise TypeError(f"{who}: expected a Parameter as {place}, got {kind}{mend}")
            if id(parameter) in seen:
                raise ValueError(
                    f"{who}: expected each parameter once, but {seen[id(parameter)]} is {place} "
                    "again"
                )
            seen[id(parameter)] = place


def _is_module(value: Any) -> bool:
    """Whether something has parameters to give; of Modules no optimizer knows more."""
    return callable(getattr(value, "parameters", None))


def _mend(value: Any) -> str:
    """Return what to write in place of something that is no Parameter."""
    if isinstance(value, Parameter):
        return "; put it in a list"
    if isinstance(value, Iterator | list):
        return "; unpack it: [*first, *second]"
    return "; give its parameters: model.parameters()" if _is_module(value) else ""


def plain(value: Any) -> Any:
    """Return a NumPy scalar or 0-d array as the Python number it holds, also in a tuple."""
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return value.item() if isinstance(value, np.generic | np.ndarray) and not value.ndim else value

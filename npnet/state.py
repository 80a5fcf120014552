"""State: what a Holder writes down of itself by name, and takes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, NamedTuple

import numpy as np

from npnet.parameter import Array, Parameter, computing_dtype, structure

__all__ = ["Entry", "LoadResult", "entries", "load"]


class LoadResult(NamedTuple):
    """What `load_state_dict` could not place."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        """Torch's words where everything was placed."""
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"LoadResult({', '.join(f'{k}={v}' for k, v in self._asdict().items())})"


class Entry(NamedTuple):
    """A Parameter or persistent buffer, and who holds it under which name."""

    holder: Any
    name: str
    part: Any

    @property
    def array(self) -> Array:
        """The live storage."""
        storage: Array = self.part.data if isinstance(self.part, Parameter) else self.part
        return storage


def entries(holder: Any, prefix: str = "") -> dict[str, Entry]:
    """Return what a Holder's state consists of: its Parameters, its buffers, its children's."""
    found: dict[str, Entry] = {}
    for table in ("_parameters", "_buffers"):
        for name, part in holder.__dict__[table].items():
            if part is not None and name not in holder._transient:
                found[prefix + name] = Entry(holder, name, part)
    for name, child in holder._modules.items():
        if child is not None:
            found.update(entries(child, f"{prefix}{name}."))
    return found


def load(holder: Any, state: Mapping[str, Any], strict: bool, assign: bool) -> LoadResult:
    """Take numbers over by name, all of them or, on an error, none; see `Module`."""
    who = type(holder).__name__
    _check_mapping(who, state)
    own = entries(holder)
    missing = [key for key in own if key not in state]
    unexpected = [key for key in state if key not in own]
    arrays = {key: _fitting(state[key], own[key].array) for key in own if key in state}
    problems = []
    if strict and missing:
        problems.append(f"Missing key(s) in state_dict: {_quoted(missing)}. ")
    if strict and unexpected:
        problems.append(f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
    faults = (_fault(key, array, own[key].array, assign) for key, array in arrays.items())
    problems += filter(None, faults)
    if problems:
        lines = "\n\t".join(problems)
        raise RuntimeError(f"Error(s) in loading state_dict for {who}:\n\t{lines}")
    if assign:
        _assign([(own[key], state[key], array) for key, array in arrays.items()])
    else:
        pairs = [(own[key].array, array) for key, array in arrays.items()]
        # All of them are converted before the first is written: where warnings are errors, a
        # number may be too large.
        fitted = [(target, array.astype(target.dtype, copy=False)) for target, array in pairs]
        for target, array in fitted:
            np.copyto(target, array)
    for module in holder.modules():
        if module._buffers:
            # What forward computed from a buffer when it was traced is out of date.
            module._version += 1
            structure.tick()
    return LoadResult(missing, unexpected)


def _check_mapping(who: str, state: Any) -> None:
    """Refuse what has no names, as the path of a file."""
    if not isinstance(state, Mapping):
        mend = "; read the file: npnet.load(path)" if isinstance(state, str | PathLike) else ""
        kind = type(state).__name__
        raise TypeError(f"{who}: expected state_dict to be dict-like, got {kind}{mend}")


def _fitting(given: Any, own: Array) -> Array:
    """Return what a state holds as an array; a single number may be one of shape (1,)."""
    try:
        array = np.asarray(given)
    except (TypeError, ValueError, RuntimeError):
        # Lists of several lengths, and tensors that require a gradient: told with the other faults.
        return np.empty(own.shape, object)
    return array[0] if own.shape == () and array.shape == (1,) else array


def _fault(key: str, array: Array, own: Array, assign: bool) -> str | None:
    """Return why an array cannot take the place of another, or None."""
    if array.dtype.kind not in "fiub":
        return (
            f'While copying the parameter named "{key}", expected an array of real numbers '
            f"from checkpoint but received dtype {array.dtype}."
        )
    if array.shape != own.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {array.shape} from "
            f"checkpoint, the shape in current model is {own.shape}."
        )
    if assign and array.dtype.kind == "f" and array.dtype != own.dtype:
        who = f'While assigning the parameter named "{key}"'
        try:
            computing_dtype(array.dtype, who, mend="; without assign=True it is converted.")
        except TypeError as error:
            return str(error)
    return None


def _assign(found: Sequence[tuple[Entry, Any, Array]]) -> None:
    """Replace Parameters and buffers by those of a state; what was tied stays tied."""
    fresh: dict[int, Parameter] = {}
    for (holder, name, part), given, array in found:
        if not isinstance(part, Parameter):
            holder._register("_buffers", name, np.array(array))
            continue
        if id(part) not in fresh:
            whole = isinstance(given, Parameter)
            fresh[id(part)] = given if whole else Parameter(array, name=part.name)
            fresh[id(part)].requires_grad = part.requires_grad
        holder._hold_parameter(name, fresh[id(part)])


def _quoted(names: Sequence[str]) -> str:
    """Names in quotes, separated by commas."""
    return ", ".join(f'"{name}"' for name in names)

"""Places: what a list of parts has in common, whatever its parts are."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from npnet.module import Module

__all__ = ["Places", "no_module", "pairs", "place"]

Self = TypeVar("Self", bound="Places")


def place(who: str, index: Any, length: int) -> int:
    """Return an index into so many parts, counted from the front."""
    number = operator.index(index)
    if not -length <= number < length:
        raise IndexError(f"{who}: index {number} is out of range for {length} parts")
    return number % length


def no_module(
    who: str, given: Any, what: str = "a Module", several: str = "Sequential(*modules)"
) -> TypeError:
    """Return the error of what is no Module; `several` is how more than one is written."""
    kind = type(given).__name__
    mend = ""
    if isinstance(given, type):
        kind = f"the class {given.__name__}"
        mend = f"; write {given.__name__}()" if issubclass(given, Module) else ""
    elif isinstance(given, Module):
        mend = "; write [module]"
    elif isinstance(given, dict):
        mend = "; Modules with names make a ModuleDict, or a Sequential of an OrderedDict"
    elif isinstance(given, list | tuple | Iterator):
        mend = f"; unpack it: {several}"
    return TypeError(f"{who}: expected {what}, got {kind}{mend}")


def pairs(who: str, items: Any) -> list[tuple[Any, Any]]:
    """Return the pairs of a mapping, or of an iterable of pairs."""
    if hasattr(items, "items"):
        return list(items.items())
    if not isinstance(items, Iterable):
        raise TypeError(
            f"{who}: expected a mapping or an iterable of (key, value) pairs, got "
            f"{type(items).__name__}"
        )
    found = []
    for number, pair in enumerate(items):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{who}: expected pair {number} to be iterable, got {pair!r}")
        given = tuple(pair)
        if len(given) != 2:
            raise ValueError(f"{who}: expected a key and a value as pair {number}, got {given!r}")
        found.append(given)
    return found


class Places(Module):
    """Modules at places 0, 1, ..., changed as a list is; base of Sequential and ModuleList."""

    #: How several Modules are written.
    _several = "ModuleList([*modules])"

    def append(self: Self, module: Any) -> Self:
        """Add a Module at the end."""
        return self.extend([module])

    def extend(self: Self, modules: Iterable[Any]) -> Self:
        """Add Modules at the end."""
        if not isinstance(modules, Iterable):
            raise no_module(self._who, modules, "an iterable of Modules")
        added = list(modules)
        self._check(added)
        for module in added:
            self.add_module(str(len(self)), module)
        return self

    def insert(self: Self, index: int, module: Any) -> Self:
        """Put a Module before the place `index`; the ones after it move up by one."""
        if not -len(self) <= index <= len(self):
            raise IndexError(
                f"{self._who}: expected an index from {-len(self)} to {len(self)}, got {index}"
            )
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def pop(self, key: Any = -1) -> Any:
        """Remove the Module at a place, or those of a slice, and return it."""
        module = self[key]
        del self[key]
        return module

    def __len__(self) -> int:
        """How many Modules."""
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        """Yield the Modules in order."""
        return iter(self._modules.values())

    def __getitem__(self, index: Any) -> Any:
        """Return one Module, or for a slice a container of the same Modules."""
        if isinstance(index, slice):
            return self._of(list(self._modules.items())[index])
        return self._modules[self._name(index)]

    def __setitem__(self, index: int, module: Any) -> None:
        """Replace the Module at a place."""
        self._check([module])
        self.add_module(self._name(index), module)

    def __delitem__(self, index: Any) -> None:
        """Remove Modules; the ones after them move down, and all are named by their places."""
        modules = list(self)
        del modules[index if isinstance(index, slice) else place(self._who, index, len(self))]
        self._renumber(modules)

    def _of(self: Self, items: list[tuple[str, Any]]) -> Self:
        """Return a container of its kind."""
        raise NotImplementedError

    def _name(self, index: int) -> str:
        """Name of the Module at a place."""
        return list(self._modules)[place(self._who, index, len(self))]

    def _check(self, modules: list[Any]) -> None:
        """Refuse what is no Module."""
        for module in modules:
            if not isinstance(module, Module):
                raise no_module(self._who, module, several=self._several)

    def _renumber(self, modules: list[Any]) -> None:
        """Hold exactly these Modules, named by their places."""
        self._check(modules)
        for name in list(self._modules):
            delattr(self, name)
        for number, module in enumerate(modules):
            self.add_module(str(number), module)

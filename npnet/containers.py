"""Containers: Modules made of Modules."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, overload

from npnet.module import Module

__all__ = ["Sequential"]


class Sequential(Module):
    """Modules one after the other, each fed with what the one before returns.

    Equation: y = f_n(... f_2(f_1(x)))

    Parameters
    ----------
    *modules : Modules, or one OrderedDict of name -> Module
        Without names they are "0", "1" and so on.

    Slices are Sequentials of the same Modules; `append`, `insert`, `extend`, item assignment and
    deletion work as in a list.

    Errors
    ------
    TypeError
        For a part that is no Module.
    IndexError
        For a place that is not there.

    Source: torch.nn.Sequential.

    Examples
    --------
    >>> import npnet
    >>> Sequential(npnet.Linear(4, 3), npnet.ReLU())
    Sequential(
      (0): Linear(in_features=4, out_features=3, bias=True)
      (1): ReLU()
    )
    """

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            self.extend(modules)

    def forward(self, *x: Any) -> Any:
        """Chain the Modules; several values go on as several operands."""
        for module in self:
            result = module(*x)
            x = result if isinstance(result, tuple) else (result,)
        return x[0] if len(x) == 1 else x

    def append(self, module: Module) -> Sequential:
        """Add a Module at the end."""
        return self.extend([module])

    def extend(self, modules: Iterable[Module]) -> Sequential:
        """Add Modules at the end."""
        added = list(modules)
        for module in added:
            if not isinstance(module, Module):
                raise TypeError(f"Sequential: expected a Module, got {type(module).__name__}")
        for module in added:
            self.add_module(str(len(self)), module)
        return self

    def insert(self, index: int, module: Module) -> Sequential:
        """Put a Module before the place `index`; the ones after it move up by one."""
        if not -len(self) <= index <= len(self):
            raise IndexError(
                f"Sequential: expected an index from {-len(self)} to {len(self)}, got {index}"
            )
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def __len__(self) -> int:
        """How many Modules."""
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        """Yield the Modules in order."""
        return iter(self._modules.values())

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Module | Sequential:
        """Return one Module, or for a slice a Sequential of the same Modules."""
        if isinstance(index, slice):
            return Sequential(OrderedDict(list(self._modules.items())[index]))
        module: Module = self._modules[self._name(index)]
        return module

    def __setitem__(self, index: int, module: Module) -> None:
        """Replace the Module at a place."""
        self.add_module(self._name(index), module)

    def __delitem__(self, index: int | slice) -> None:
        """Remove Modules; the ones after them move down."""
        modules = list(self)
        if isinstance(index, slice):
            del modules[index]
        else:
            del modules[list(self._modules).index(self._name(index))]
        self._renumber(modules)

    def _name(self, index: int) -> str:
        """Name of the Module at a place."""
        place = operator.index(index)
        if not -len(self) <= place < len(self):
            raise IndexError(f"Sequential: index {index} is out of range for {len(self)} modules")
        return list(self._modules)[place]

    def _renumber(self, modules: list[Module]) -> None:
        """Hold exactly these Modules, named by their places."""
        for module in modules:
            if not isinstance(module, Module):
                raise TypeError(f"Sequential: expected a Module, got {type(module).__name__}")
        for name in list(self._modules):
            delattr(self, name)
        self.extend(modules)

"""ModuleDict: Modules by name, for a forward that chooses among them."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any

from npnet.containers.places import no_module, pairs
from npnet.module import Module

__all__ = ["ModuleDict"]


class ModuleDict(Module):
    """Modules by name: held and looked up as in a Python dict, and not called.

    Parameters
    ----------
    modules : mapping of names to Modules, or iterable of pairs, optional
        A Module may be None: its name stays without one.

    Errors
    ------
    TypeError
        For what is no Module, and names that are no strings.
    KeyError
        For a name that is not there, and for one that a Module's attribute has.
    NotImplementedError
        Where it is called.

    Source: torch.nn.ModuleDict.

    Examples
    --------
    >>> import npnet
    >>> choices = ModuleDict({"relu": npnet.ReLU(), "tanh": npnet.Tanh()})
    >>> choices["tanh"], "gelu" in choices, list(choices)
    (Tanh(), False, ['relu', 'tanh'])
    """

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def forward(self, *operands: Any) -> Any:
        """Raise: which Module is meant is for another forward to say."""
        raise NotImplementedError(
            f"{self._who}: has no forward; choose from it in the forward of what holds it"
        )

    def update(self, modules: Any) -> None:
        """Add Modules, or replace those of the same names: all of them or, on an error, none."""
        found = pairs(self._who, modules)
        for name, module in found:
            if module is not None and not isinstance(module, Module):
                raise no_module(self._who, module, f"a Module as {name!r}")
            self._check_name(name)
            self._check_free(name, "_modules")
        for name, module in found:
            self.add_module(name, module)

    def pop(self, key: str) -> Any:
        """Remove a Module and return it."""
        module = self[key]
        del self[key]
        return module

    def clear(self) -> None:
        """Remove all Modules."""
        for name in list(self):
            del self[name]

    def keys(self) -> KeysView[str]:
        """Names, in the order they came."""
        return self._modules.keys()

    def values(self) -> ValuesView[Any]:
        """Modules, in the order they came."""
        return self._modules.values()

    def items(self) -> ItemsView[str, Any]:
        """Names and Modules, in the order they came."""
        return self._modules.items()

    def __len__(self) -> int:
        """How many names."""
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        """Whether there is such a name."""
        return key in self._modules

    def __getitem__(self, key: str) -> Any:
        """Return the Module of a name."""
        self._check_there(key)
        return self._modules[key]

    def __setitem__(self, key: str, module: Any) -> None:
        """Add a Module, or replace the one of this name."""
        self.update({key: module})

    def __delitem__(self, key: str) -> None:
        """Remove a Module."""
        self._check_there(key)
        delattr(self, key)

    def _check_there(self, key: str) -> None:
        """Refuse a name that is not there."""
        if key not in self._modules:
            raise KeyError(f"{self._who}: no Module {key!r}; there are {', '.join(self) or 'none'}")

"""ModuleList: Modules in a list, for a forward that loops over them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from npnet.containers.places import Places

__all__ = ["ModuleList"]


class ModuleList(Places):
    """Modules in a list: held, counted and indexed as in a Python list, and not called.

    Parameters
    ----------
    modules : iterable of Modules, optional
        An entry may be None: its place stays without a Module.

    Errors
    ------
    TypeError
        For a part that is neither, and what is no iterable.
    IndexError
        For a place that is not there.
    NotImplementedError
        Where it is called.

    Source: torch.nn.ModuleList.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> class Deep(npnet.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layers = ModuleList(npnet.Linear(2, 2) for _ in range(3))
    ...     def forward(self, x):
    ...         for layer in self.layers:
    ...             x = x + layer(x)
    ...         return x
    >>> Deep()(np.ones((1, 2), np.float32)).shape
    (1, 2)
    >>> Deep().layers
    ModuleList(
      (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)
    )
    """

    def __init__(self, modules: Iterable[Any] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def forward(self, *operands: Any) -> Any:
        """Raise: which Module comes first, and what it gets, is for another forward to say."""
        raise NotImplementedError(
            f"{self._who}: has no forward; loop over it in the forward of the Module that holds "
            "it, or make a Sequential"
        )

    def __add__(self, other: Iterable[Any]) -> ModuleList:
        """Return a list of its Modules and others."""
        return ModuleList([*self, *other])

    def __iadd__(self, modules: Iterable[Any]) -> ModuleList:
        """Add Modules at the end."""
        return self.extend(modules)

    def __repr__(self) -> str:
        """Torch's form: neighbours that print alike are counted."""
        lines = []
        for text, equal in groupby(enumerate(map(repr, self)), lambda pair: pair[1]):
            numbers = [number for number, _ in equal]
            if len(numbers) > 1:
                head = f"({numbers[0]}-{numbers[-1]}): {len(numbers)} x "
            else:
                head = f"({numbers[0]}): "
            lines.append(head + text.replace("\n", "\n  "))
        return f"{self._who}(\n  " + "\n  ".join(lines) + "\n)" if lines else f"{self._who}()"

    def _of(self, items: list[tuple[str, Any]]) -> Any:
        """Return a list of Modules, numbered anew."""
        return self.__class__(module for _, module in items)

    def _check(self, modules: list[Any]) -> None:
        """Refuse what is neither a Module nor None."""
        super()._check([module for module in modules if module is not None])

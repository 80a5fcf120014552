"""Sequential: Modules one after the other."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from npnet.containers.places import Places

__all__ = ["Sequential"]


class Sequential(Places):
    """Modules one after the other, each fed with what the one before returns.

    Equation: y = f_n(... f_2(f_1(x)))

    Parameters
    ----------
    *modules : Modules, or one OrderedDict of name -> Module
        Without names they are "0", "1" and so on.

    Slices are Sequentials of the same Modules; `append`, `insert`, `extend`, `pop`, item
    assignment and deletion work as in a list, ``a + b`` is one Sequential after the other and
    ``a * n`` the same Modules n times.

    Errors
    ------
    TypeError
        For a part that is no Module.
    IndexError
        For a place that is not there.
    ValueError
        For ``+`` with what is no Sequential, and ``*`` with less than 1.

    Source: torch.nn.Sequential, which hands a tuple on as one operand; here it goes on as several.

    Examples
    --------
    >>> import npnet
    >>> Sequential(npnet.Linear(4, 3), npnet.ReLU())
    Sequential(
      (0): Linear(in_features=4, out_features=3, bias=True)
      (1): ReLU()
    )
    """

    _several = "Sequential(*modules)"

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            self._check(list(modules[0].values()))
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            self.extend(modules)

    def forward(self, *x: Any) -> Any:
        """Chain the Modules; several values go on as several operands."""
        for name, module in self._modules.items():
            try:
                result = module(*x)
            except Exception as error:
                handed = f", which was handed {len(x)} operands" if len(x) != 1 else ""
                error.add_note(f"in layer {name} of the {self._who}{handed}")
                raise
            x = result if isinstance(result, tuple) else (result,)
        return x[0] if len(x) == 1 else x

    def __add__(self, other: Any) -> Sequential:
        """Return the Modules of both, one Sequential after the other."""
        return Sequential(*self, *self._other(other))

    def __iadd__(self, other: Any) -> Sequential:
        """Add the Modules of another Sequential at the end."""
        return self.extend(self._other(other))

    def __mul__(self, times: int) -> Sequential:
        """Return the same Modules so many times."""
        return Sequential(*list(self) * self._times(times))

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Sequential:
        """Have the same Modules so many times."""
        return self.extend(list(self) * (self._times(times) - 1))

    def _of(self, items: list[tuple[str, Any]]) -> Any:
        """Return a Sequential of named Modules."""
        return self.__class__(OrderedDict(items))

    def _other(self, other: Any) -> list[Any]:
        """Return the Modules of a Sequential."""
        if not isinstance(other, Sequential):
            raise ValueError(f"{self._who}: expected a Sequential to add, got {other!r}")
        return list(other)

    def _times(self, times: Any) -> int:
        """Return how often the Modules are to come."""
        if not isinstance(times, int):
            raise TypeError(f"{self._who}: expected an int to multiply with, got {times!r}")
        if times < 1:
            raise ValueError(f"{self._who}: expected a factor of at least 1, got {times}")
        return times

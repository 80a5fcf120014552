"""Facts about functions: operands, options, and the value worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

import npnet.functional as F

__all__ = ["Fact", "check_value"]


@dataclass(frozen=True)
class Fact:
    """What a function of npnet.functional gives: nested lists of numbers in and out."""

    name: str
    operands: tuple[Any, ...]
    value: Any
    options: dict[str, Any] = field(default_factory=dict)

    def arrays(self, dtype: Any) -> list[Any]:
        """Return operands; integers stay integers."""
        given = [np.asarray(operand) for operand in self.operands]
        return [a.astype(dtype) if a.dtype.kind == "f" else a for a in given]

    def __call__(self, *operands: Any) -> Any:
        """Call the function."""
        return getattr(F, self.name)(*operands, **self.options)


def check_value(fact: Fact, dtype: Any) -> None:
    """Hold a function to its value and its dtype."""
    found = fact(*fact.arrays(dtype))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, np.asarray(fact.value), rtol=8 * np.finfo(dtype).eps)

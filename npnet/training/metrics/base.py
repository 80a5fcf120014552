"""Metric: what all metrics share."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from npnet.parameter import Array

__all__ = ["Metric", "sample_weights"]


class Metric:
    """A figure of a stream of batches: reset, update with each batch, compute.

    What it computes is that of all samples together, to the last bit the same however they were cut
    into batches, as long as they come in the same order. A call that fails changes nothing.

    A subclass writes `reset`, which sets the attributes that `state` names, `update` and `compute`.
    A Trainer takes any object that has `name` and these three.

    Parameters
    ----------
    name : str
        What it is called in bars and histories.

    Examples
    --------
    >>> class Largest(Metric):
    ...     state = ("most",)
    ...     def reset(self):
    ...         self.most = -np.inf
    ...     def update(self, outputs, targets, weights=None):
    ...         self.most = max(self.most, float(np.max(outputs)))
    ...     def compute(self):
    ...         return self.most
    >>> largest = Largest("largest")
    >>> largest.update([1.0, 3.0], None)
    >>> largest.update([2.0], None)
    >>> largest.compute(), largest.state_dict()
    (3.0, {'most': 3.0})
    """

    #: The names of the attributes that hold what was seen: numbers, arrays and None.
    state: tuple[str, ...] = ()

    def __init__(self, name: str) -> None:
        self.name = name
        self.reset()

    @property
    def _who(self) -> str:
        """Who speaks in error messages."""
        return type(self).__name__

    def reset(self) -> None:
        """Forget all batches."""
        raise NotImplementedError(f"{self._who}: has no reset")

    def update(
        self, outputs: ArrayLike, targets: ArrayLike, weights: ArrayLike | None = None
    ) -> None:
        """Take a batch."""
        raise NotImplementedError(f"{self._who}: has no update")

    def compute(self) -> Any:
        """Return the figure of all batches since the last reset; NaN where there were none."""
        raise NotImplementedError(f"{self._who}: has no compute")

    def __repr__(self) -> str:
        """Return its class and the arguments that are not the defaults."""
        given = []
        for name, parameter in inspect.signature(type(self)).parameters.items():
            value = getattr(self, name, parameter.default)
            if repr(value) != repr(parameter.default):
                given.append(f"{name}={value!r}")
        return f"{self._who}({', '.join(given)})"

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of what was seen: numbers, arrays and None."""
        return {name: copy.deepcopy(getattr(self, name)) for name in self.state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what a metric of this kind had seen; KeyError where part of it lacks."""
        fresh = {name: copy.deepcopy(state[name]) for name in self.state}
        for name, value in fresh.items():
            setattr(self, name, value)


def sample_weights(who: str, weights: ArrayLike | None, count: int) -> Array | None:
    """Return the weights of a batch as float64 (B,), or say what is wrong with them."""
    if weights is None:
        return None
    found = np.asarray(weights)
    if found.dtype.kind not in "biuf":
        raise TypeError(f"{who}: expected weights to be real numbers, got {found.dtype}")
    if found.shape not in ((count,), (count, 1)):
        raise ValueError(
            f"{who}: expected weights of shape ({count},), one a sample, got {found.shape}"
        )
    found = found.reshape(count).astype(np.float64)
    fine = (found >= 0) & (found < np.inf)
    if not fine.all():
        row = int(np.argmin(fine))
        raise ValueError(f"{who}: expected finite weights >= 0, got {found[row]} in row {row}")
    return found

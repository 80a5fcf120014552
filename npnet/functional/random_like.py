"""Functions that draw numbers in the shape of a value: torch's names, arguments and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.expression import Expression
from npnet.grad_mode import no_grad
from npnet.layers.methods import refuse
from npnet.layers.random_like import RandLike, RandnLike
from npnet.module import is_recording
from npnet.parameter import computing_dtype
from npnet.random import Generator, rand, randn

__all__ = ["rand_like", "randn_like"]


def rand_like(input: Any, *, generator: Generator | None = None, **options: Any) -> Any:
    """Draw numbers evenly from [0, 1) in the shape and dtype of `input`.

    For an array, as `npnet.rand` draws them. In a `forward` they are drawn anew in every run, by
    RandLike, and no gradient goes through them. What else torch's function takes must be as by
    default: dtype, layout, device (or "cpu"), requires_grad, memory_format.

    Errors
    ------
    TypeError
        For an array that is neither float32 nor float64, and for those options.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> npnet.rand_like(np.zeros(2, np.float32), generator=npnet.Generator(0)).tolist()
    [0.49625658988952637, 0.7682217955589294]
    """
    _only_defaults("rand_like", options)
    return _drawn("rand_like", input, rand, RandLike, generator)


def randn_like(input: Any, *, generator: Generator | None = None, **options: Any) -> Any:
    """Draw numbers from the standard normal distribution in the shape and dtype of `input`.

    For an array, as `npnet.randn` draws them. In a `forward` they are drawn anew in every run, by
    RandnLike, and no gradient goes through them. What else torch's function takes must be as by
    default: dtype, layout, device (or "cpu"), requires_grad, memory_format.

    Errors
    ------
    TypeError
        For an array that is neither float32 nor float64, and for those options.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> noise = npnet.randn_like(np.zeros(2, np.float32), generator=npnet.Generator(0))
    >>> [round(z, 4) for z in noise.tolist()]
    [1.541, -0.2934]
    """
    _only_defaults("randn_like", options)
    return _drawn("randn_like", input, randn, RandnLike, generator)


def _drawn(who: str, input: Any, draw: Any, layer: Any, generator: Generator | None) -> Any:
    """Draw now, or record the layer that draws in every run."""
    if is_recording() or isinstance(input, Expression):
        with no_grad():
            return layer(generator=generator)(input)
    given = np.asarray(input)
    dtype = given.dtype if isinstance(input, (np.ndarray, np.generic)) else np.dtype(np.float32)
    mend = f"; npnet.{who.removesuffix('_like')}(*x.shape) takes none"
    computing_dtype(dtype, who, "an array of", mend)
    return draw(given.shape, generator=generator, dtype=dtype)


#: What torch's functions take beside, and what it may be here.
_OPTIONS: dict[str, tuple[Any, ...]] = {
    "dtype": (None,),
    "layout": (None,),
    "device": (None, "cpu"),
    "requires_grad": (False,),
    "pin_memory": (False,),
    "memory_format": (None,),
}


def _only_defaults(who: str, options: dict[str, Any]) -> None:
    """Refuse torch's options where they ask for anything else than what there is."""
    for name, value in options.items():
        if name not in _OPTIONS:
            raise TypeError(f"{who}: got an unexpected keyword {name!r}")
        if not any(value is usual or value == usual for usual in _OPTIONS[name]):
            refuse(who, **{name: value})

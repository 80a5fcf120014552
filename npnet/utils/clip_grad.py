"""Clipping: gradients scaled down to a norm, or cut off at a value, between backward and step."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from npnet.parameter import Array, Parameter

__all__ = ["clip_grad_norm_", "clip_grad_value_"]

#: Squares in one product: so few are summed exactly enough in float32, and by one thread.
_PIECE = 8192


def clip_grad_norm_(
    parameters: Iterable[Parameter] | Parameter,
    max_norm: float,
    norm_type: float | str = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> np.floating[Any]:
    """Scale all gradients down in place so that together they have at most a norm.

    With the norm n of the vector of the norms of the gradients g::

        n = sum(|g| ** norm_type) ** (1 / norm_type)        2: Euclidean, inf: the largest
        g = g * min(1, max_norm / (n + 1e-6))

    Parameters
    ----------
    parameters : Parameter or iterable of Parameter
        Those without a gradient are skipped.
    max_norm : float
        The highest norm; inf only measures.
    norm_type : float or "inf", default 2
        The order of the norm.
    error_if_nonfinite : bool, default False
        Whether a norm that is infinite or NaN is an error. Else the gradients are scaled by it,
        which makes them zero or NaN.
    foreach : optional
        Accepted for torch's sake; without effect.

    Returns
    -------
    NumPy scalar
        The norm before, in the widest dtype of the gradients; 0 where there is none. It is summed
        in double precision, so that large float32 gradients, whose squares overflow, have one too.

    Errors
    ------
    TypeError
        For what is no Parameter.
    ValueError
        For a max_norm that is negative or NaN (with which torch turns gradients around).
    RuntimeError
        Under error_if_nonfinite. Nothing is changed by a call that raises.

    Warnings
    --------
    UserWarning
        For an iterator that is empty: it was used before.

    Source: torch.nn.utils.clip_grad_norm_; R. Pascanu et al., On the difficulty of training
    recurrent neural networks, 2013.

    Examples
    --------
    >>> weight = Parameter([1.0, 1.0])
    >>> weight.grad = [3.0, 4.0]
    >>> print(clip_grad_norm_([weight], max_norm=1.0), weight.grad.round(3))
    5.0 [0.6 0.8]
    """
    who = "clip_grad_norm_"
    limit, order = _limit(who, "max_norm", max_norm), float(norm_type)
    if math.isnan(order):
        raise ValueError(f"{who}: norm_type must be a number, got nan")
    members = _with_gradient(who, parameters)
    if not members:
        return np.float32(0)
    with np.errstate(all="ignore"):  # what is not finite is the caller's decision, made above
        norms = [_norm(p.settle().ravel("K"), order) for p in members if p.size]
        dtype = np.result_type(*{p.dtype for p in members})
        total: np.floating[Any] = dtype.type(_norm(np.array(norms), order) if norms else 0)
        if error_if_nonfinite and not np.isfinite(total):
            raise RuntimeError(_culprit(who, members, total))
        scale = dtype.type(limit) / (total + dtype.type(1e-6))
        if not scale >= 1:
            for parameter in members:
                grad = parameter.buffer
                np.multiply(grad, parameter.dtype.type(scale), grad)
                parameter.publish()
    return total


def clip_grad_value_(
    parameters: Iterable[Parameter] | Parameter, clip_value: float, foreach: bool | None = None
) -> None:
    """Cut all gradients off in place at a value.

    For each gradient g::

        g = min(max(g, -clip_value), clip_value)

    Parameters
    ----------
    parameters : Parameter or iterable of Parameter
        Those without a gradient are skipped.
    clip_value : float
        The largest magnitude.
    foreach : optional
        Accepted for torch's sake; without effect.

    Errors
    ------
    TypeError
        For what is no Parameter.
    ValueError
        For a clip_value that is negative or NaN.

    Warnings
    --------
    UserWarning
        For an iterator that is empty: it was used before.

    Source: torch.nn.utils.clip_grad_value_.

    Examples
    --------
    >>> weight = Parameter([1.0, 1.0])
    >>> weight.grad = [3.0, -0.5]
    >>> clip_grad_value_([weight], clip_value=1.0)
    >>> weight.grad.tolist()
    [1.0, -0.5]
    """
    who = "clip_grad_value_"
    limit = _limit(who, "clip_value", clip_value)
    for parameter in _with_gradient(who, parameters):
        grad = parameter.settle()
        with np.errstate(over="ignore"):
            bound = grad.dtype.type(limit)
        grad.clip(-bound, bound, out=grad)
        parameter.publish()


def _limit(who: str, name: str, value: float) -> float:
    """Return a limit as a float, or say why it is none."""
    if not float(value) >= 0:
        raise ValueError(f"{who}: {name} must be at least 0, got {value}")
    return float(value)


def _with_gradient(who: str, parameters: Any) -> list[Parameter]:
    """Return the parameters that have a gradient, or say what is none."""
    if isinstance(parameters, Parameter):
        parameters = [parameters]
    if not isinstance(parameters, Iterable) or isinstance(parameters, np.ndarray):
        kind = type(parameters).__name__
        raise TypeError(f"{who}: expected Parameters, got {kind}; pass model.parameters()")
    members = list(parameters)
    for index, member in enumerate(members):
        if not isinstance(member, Parameter):
            kind = type(member).__name__
            raise TypeError(f"{who}: expected a Parameter as parameters[{index}], got {kind}")
    if not members and isinstance(parameters, Iterator):
        warnings.warn(
            f"{who}: expected parameters, got an empty iterator; make a new one for each call",
            UserWarning,
            stacklevel=3,
        )
    return [member for member in members if member.has_grad]


def _norm(vector: Array, order: float) -> float:
    """Return the norm of a vector that is not empty."""
    if order == 2 and vector.dtype.char in "fd":
        total = 0.0
        for start in range(0, vector.size, _PIECE):
            part = vector[start : start + _PIECE]
            total += float(np.dot(part, part))
        if math.isfinite(total):
            return math.sqrt(total)
    if order == math.inf:
        return float(max(vector.max(), -vector.min()))
    wide = vector.astype(np.result_type(vector, np.float64))
    return float(np.linalg.norm(wide, order))


def _culprit(who: str, members: list[Parameter], total: Any) -> str:
    """Return a message that names the first gradient that is not finite."""
    for parameter in members:
        if not np.isfinite(parameter.buffer).all():
            name = parameter.name or f"a parameter of shape {parameter.shape}"
            return f"{who}: the norm is {total}, as the gradient of {name} is not finite"
    return f"{who}: the norm is {total}, though all gradients are finite: it is too large"

"""A layer and torch's of the same name, side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import npnet
from tests.support.case import Array, close, seeds_for

__all__ = ["as_tensor", "assert_same_state", "assert_step_alike", "twins"]


def twins(
    name: str, *arguments: Any, dtype: Any = np.float32, seed: int = 0, **options: Any
) -> Any:
    """Return npnet's layer and torch's, each made after seeding the default stream."""
    torch = pytest.importorskip("torch")
    npnet.manual_seed(seed)
    torch.manual_seed(seed)
    ours = getattr(npnet, name)(*arguments, dtype=dtype, **options)
    theirs = getattr(torch.nn, name)(
        *arguments, dtype=getattr(torch, np.dtype(dtype).name), **options
    )
    return ours, theirs


def as_tensor(array: Array) -> Any:
    """Return a tensor with a gradient, where there can be one."""
    torch = pytest.importorskip("torch")
    return torch.tensor(array, requires_grad=array.dtype.kind == "f")


def assert_same_state(ours: Any, theirs: Any) -> None:
    """Hold names, order, dtypes and bits of parameters and buffers, and the text, to torch's."""
    state, expected = ours.state_dict(), theirs.state_dict()
    assert list(state) == list(expected)
    for name, tensor in expected.items():
        np.testing.assert_array_equal(state[name], tensor.numpy(), strict=True, err_msg=name)
    assert repr(ours) == repr(theirs)


def assert_step_alike(ours: Any, theirs: Any, *arrays: Array, ulps: int = 16) -> None:
    """Hold output, all gradients and the buffers after a forward and a backward to torch's."""
    tensors = [as_tensor(array) for array in arrays]
    y, expected = np.asarray(ours(*arrays)), theirs(*tensors)
    size = float(np.abs(y).max(initial=1.0)) * max(y.size, 1) ** 0.5
    close(y, expected.detach().numpy(), "output", ulps, 1.0)
    seed = seeds_for([y])[0]
    ours.zero_grad()
    theirs.zero_grad()
    expected.backward(as_tensor(seed).detach())
    found = ours.execution.backward([seed], None)
    for array, gradient, tensor in zip(arrays, found, tensors, strict=True):
        if array.dtype.kind == "f":
            close(np.asarray(gradient), tensor.grad.numpy(), "gradient of an input", ulps, size)
    pairs = zip(ours.named_parameters(), theirs.parameters(), strict=True)
    for (name, parameter), tensor in pairs:
        close(parameter.grad, tensor.grad.numpy(), f"gradient of {name}", ulps, size)
    for (name, buffer), tensor in zip(ours.named_buffers(), theirs.buffers(), strict=True):
        if buffer.dtype.kind == "f":
            close(buffer, tensor.numpy(), name, ulps)
        else:
            np.testing.assert_array_equal(buffer, tensor.numpy(), err_msg=name, strict=True)

import numpy as np
import pytest

import npnet
import npnet.functional as F
from npnet import Graph, Parameter
from tests.support.autograd import from_torch

FUNCTIONS = {"cat": F.cat, "stack": F.stack}


def test_a_hand_joins_the_same_rows():
    a, b = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])
    assert F.cat((a, b)).tolist() == [[1, 2], [3, 4]]
    assert F.cat([a, b], 1).tolist() == F.cat([a, b], axis=-1).tolist() == [[1, 2, 3, 4]]
    assert F.stack([a, b]).tolist() == [[[1, 2]], [[3, 4]]]
    assert F.stack([a, b], -1).tolist() == F.stack((a, b), axis=2).tolist() == [[[1, 3], [2, 4]]]
    assert F.stack([1.0, 2.0]).tolist() == [1, 2]


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "name, dim", [(n, d) for n, dims in (("cat", 2), ("stack", 3)) for d in range(-dims, dims)]
)
def test_nodes_and_parameters_are_joined_as_in_torch(name, dim, dtype):
    torch = pytest.importorskip("torch")
    first, second = np.random.default_rng(0).normal(size=(2, 2, 3)).astype(dtype)
    weight = Parameter(second)
    graph = Graph(dtype=dtype)
    x = graph.input("x", requires_grad=True)
    graph.output(FUNCTIONS[name]([x, weight, x], dim))
    y = graph(first)
    seed = np.random.default_rng(1).normal(size=y.shape).astype(dtype)
    graph.backward(seed)
    expected, (dx, dw) = from_torch(
        lambda a, b: getattr(torch, name)([a, b, a], dim), [first, second], seed
    )
    np.testing.assert_array_equal(y, expected, strict=True)
    np.testing.assert_allclose(graph.grad(x), dx, rtol=1e-6)
    np.testing.assert_array_equal(weight.grad, dw)


def test_arrays_beside_expressions_are_constants():
    graph = Graph(dtype=np.float64)
    graph.output(npnet.cat([np.zeros(1), graph.input("x")]), npnet.stack([graph.input("y"), 1.0]))
    joined, stacked = graph(np.ones(2), 3.0)
    assert (joined.tolist(), stacked.tolist()) == ([0, 1, 1], [3, 1])


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(
    "parts, dtype",
    [
        ([np.array([2**24 + 1]), np.array([3])], np.int64),
        ([np.array([True]), np.array([False])], np.bool_),
        ([np.zeros(1, np.float32), np.full(1, 1 / 3)], np.float64),
        ([np.full(1, 1 / 3), np.zeros(1, np.float32)], np.float64),
        ([np.array([1]), np.zeros(1, np.float32)], np.float32),
        ([[1.5], [2.5]], np.float32),
    ],
)
def test_arrays_keep_their_dtype(name, parts, dtype):
    found = FUNCTIONS[name](parts)
    assert found.dtype == dtype
    assert found.ravel().tolist() == np.concatenate(parts).tolist()


@pytest.mark.torch
@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("first", [np.empty(0, np.float32), np.empty(0, int), np.empty((0, 3))])
def test_what_is_empty_is_left_out_as_in_torch(first, dim):
    torch = pytest.importorskip("torch")
    for rest in (np.ones((2, 3)), np.array([[1, 2, 3]]), np.ones((2, 3), np.float32)):
        if first.ndim == 2 and dim != 0:
            continue
        expected = torch.cat([torch.tensor(first), torch.tensor(rest)], dim).numpy()
        np.testing.assert_array_equal(F.cat([first, rest], dim), expected, strict=True)
    empty = torch.cat([torch.tensor(first)], min(dim, first.ndim - 1)).numpy()
    np.testing.assert_array_equal(F.cat([first], min(dim, first.ndim - 1)), empty, strict=True)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(
    "tensors, error, message",
    [
        (np.zeros((2, 2)), TypeError, "expected a list or tuple of values, got ndarray"),
        (Parameter([1.0]), TypeError, "expected a list or tuple of values, got Parameter"),
        ([], ValueError, "expected one value or more, got none"),
    ],
)
def test_refuses_what_is_no_list(name, tensors, error, message):
    with pytest.raises(error, match=f"^{name}: {message}"):
        FUNCTIONS[name](tensors)


def test_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match=r"Concatenate: .* got \(1, 2\) and \(1, 3\)"):
        F.stack([np.zeros(2), np.zeros(3)])
    with pytest.raises(IndexError, match=r"Unsqueeze: expected an x with axis 2, got shape \(2,\)"):
        F.stack([np.zeros(2), np.zeros(2)], 2)

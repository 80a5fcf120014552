import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from npnet import Concatenate, Flatten, Reshape, Unflatten
from tests.support.autograd import agrees_with_torch
from tests.support.case import run

DTYPES = (np.float32, np.float64)


def numbers(shape):
    """Return 0, 1, 2 ... in this shape."""
    return np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)


@pytest.mark.parametrize(
    "layer, before, after",
    [
        (Reshape(4, 3), (3, 4), (4, 3)),
        (Reshape((2, -1)), (3, 4), (2, 6)),
        (Reshape([-1]), (3, 4), (12,)),
        (Reshape(-1), (), (1,)),
        (Reshape(), (1, 1), ()),
        (Reshape(-1, 3), (0, 3), (0, 3)),
        (Reshape(0, 7), (3, 0), (0, 7)),
        (Flatten(), (2, 3, 4), (2, 12)),
        (Flatten(0), (2, 3, 4), (24,)),
        (Flatten(0, 1), (2, 3, 4), (6, 4)),
        (Flatten(1, 1), (2, 3, 4), (2, 3, 4)),
        (Flatten(-2, -1), (2, 3, 4), (2, 12)),
        (Flatten(0), (), (1,)),
        (Flatten(), (0, 3, 4), (0, 12)),
        (Unflatten(1, (2, 3)), (2, 6), (2, 2, 3)),
        (Unflatten(-2, [-1, 3, 1]), (2, 6, 4), (2, 2, 3, 1, 4)),
        (Unflatten(0, (0, 5)), (0, 2), (0, 5, 2)),
    ],
    ids=str,
)
def test_numbers_keep_their_order(layer, before, after):
    x = numbers(before)
    ran = run(layer, [x], [10 * numbers(after)])
    assert ran.outputs[0].shape == after and ran.inputs[0].shape == before
    assert ran.outputs[0].ravel().tolist() == x.ravel().tolist()
    assert ran.inputs[0].ravel().tolist() == (10 * x).ravel().tolist()


def test_parts_stand_in_a_row():
    a, b = np.array([[1.0], [2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]])
    ran = run(Concatenate(axis=1), [a, b], [np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])])
    assert ran.outputs[0].tolist() == [[1, 3, 4], [2, 5, 6]]
    assert ran.inputs[0].tolist() == [[1], [4]]
    assert ran.inputs[1].tolist() == [[2, 3], [5, 6]]


def test_a_part_without_a_gradient_keeps_its_place():
    layer = Concatenate()
    layer(np.zeros(2), np.zeros(3), np.zeros(1))
    found = layer.execution.backward([np.arange(6.0)], (1, 2))
    assert [g.tolist() for g in found] == [[2, 3, 4], [5]]


#: Shapes and an axis: (0,) has nothing to add, whatever the others are.
NOTHING = [
    ([(0,), (2, 3)], 0),
    ([(0,), (2, 3)], -1),
    ([(2, 3), (0,), (2, 1)], 1),
    ([(0,), (0,)], 0),
    ([(0,), (0,)], 1),
    ([(0,)], -2),
    ([(0,), (3,)], -1),
    ([(3,), (0,), (0,)], 0),
    ([(0,), (2, 3)], 2),
    ([(0,), (2, 3)], -3),
    ([(0,), ()], 0),
    ([(0, 3), (2, 4)], 0),
    ([(0, 1), (2, 3)], 1),
]


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shapes, axis", NOTHING)
def test_nothing_is_joined_as_in_torch(shapes, axis, dtype):
    torch = pytest.importorskip("torch")
    arrays = [numbers(shape).astype(dtype) for shape in shapes]
    try:
        torch.cat([torch.tensor(a) for a in arrays], axis)
    except (IndexError, RuntimeError):
        with pytest.raises((IndexError, ValueError), match="Concatenate: expected "):
            Concatenate(axis)(*arrays)
    else:
        agrees_with_torch(Concatenate(axis), lambda *parts: torch.cat(parts, axis), arrays)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=3),
    st.lists(st.integers(0, 3), min_size=1, max_size=3),
    st.integers(-3, 2),
)
def test_concatenation_agrees_with_torch(dtype, shape, lengths, place):
    torch = pytest.importorskip("torch")
    axis = place % len(shape) - (len(shape) if place < 0 else 0)
    random = np.random.default_rng(0)
    arrays = []
    for length in lengths:
        shape[axis] = length
        arrays.append(random.normal(size=shape).astype(dtype))
    agrees_with_torch(Concatenate(axis), lambda *parts: torch.cat(parts, axis), arrays)


@pytest.mark.torch
@given(st.lists(st.integers(0, 3), max_size=4), st.integers(-5, 4), st.integers(-5, 4))
def test_flattens_and_refuses_as_torch(shape, start, end):
    torch = pytest.importorskip("torch")
    x = numbers(tuple(shape))
    try:
        expected = torch.nn.Flatten(start, end)(torch.tensor(x))
    except (IndexError, RuntimeError) as error:
        with pytest.raises(IndexError if isinstance(error, IndexError) else ValueError):
            Flatten(start, end)(x)
    else:
        assert Flatten(start, end)(x).tolist() == expected.tolist()


@pytest.mark.torch
@given(
    st.lists(st.integers(0, 6), max_size=3),
    st.integers(-4, 3),
    st.lists(st.integers(-2, 6), max_size=3),
)
@example([2, 12], 1, [3, -1])
@example([2, 0], 1, [3, -1])
@example([2, 0], 1, [0, -1])
def test_unflattens_and_refuses_as_torch(shape, dim, sizes):
    torch = pytest.importorskip("torch")
    x = numbers(tuple(shape))
    try:
        expected = torch.nn.Unflatten(dim, sizes)(torch.tensor(x))
    except (IndexError, RuntimeError):
        with pytest.raises((IndexError, ValueError)):
            Unflatten(dim, sizes)(x)
    else:
        layer = Unflatten(dim, sizes)
        assert layer(x).shape == expected.shape and layer(x).tolist() == expected.tolist()
        assert repr(layer) == repr(torch.nn.Unflatten(dim, sizes))


def test_prints_its_shape():
    assert repr(Reshape(-1, 8, 8)) == "Reshape(-1, 8, 8)"
    assert repr(Flatten()) == "Flatten(start_dim=1, end_dim=-1)"
    assert repr(Concatenate(1)) == "Concatenate(axis=1)"


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: Reshape(1.5), TypeError, r"Reshape: expected a shape of integers, got \(1.5,\)"),
        (lambda: Reshape(-1, -1), ValueError, "Reshape: expected sizes >= 0 and at most one -1"),
        (lambda: Reshape(2, -2), ValueError, "Reshape: expected sizes >= 0 and at most one -1"),
        (lambda: Flatten("0"), TypeError, "Flatten: expected start_dim to be an integer"),
        (lambda: Flatten(0, 1.5), TypeError, "Flatten: expected end_dim to be an integer"),
        (lambda: Concatenate(None), TypeError, "Concatenate: expected axis to be an integer"),
        (lambda: Unflatten(None, (1,)), TypeError, "Unflatten: expected dim to be an integer"),
        (lambda: Unflatten("a", (("b", 1),)), TypeError, "Unflatten: expected dim to be an int"),
        (lambda: Unflatten(1, 4), TypeError, "unflattened_size to be a tuple of integers, got 4"),
        (lambda: Unflatten(1, (2.0,)), TypeError, "to be a tuple of integers"),
        (lambda: Unflatten(1, ()), ValueError, "at most one -1, got"),
        (lambda: Unflatten(1, (-1, -1)), ValueError, "at most one -1, got"),
        (lambda: Unflatten(1, (-3, 2)), ValueError, "sizes >= 0 and at most one -1, got"),
    ],
)
def test_refuses_what_is_no_shape(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    "layer, shapes, error, message",
    [
        (Reshape(5), [(2, 3)], ValueError, r"numbers for \(5,\), got \(2, 3\), which has 6"),
        (Reshape(4, -1), [(2, 3)], ValueError, r"numbers for \(4, -1\), got \(2, 3\)"),
        (Reshape(0, -1), [(0, 3)], ValueError, r"numbers for \(0, -1\), got \(0, 3\)"),
        (Flatten(), [(3,)], IndexError, r"an x with axis 1, got shape \(3,\); .* from -1 to 0"),
        (Flatten(0, 2), [(2, 3)], IndexError, r"an x with axis 2, got shape \(2, 3\)"),
        (Flatten(2, 1), [(2, 3, 4)], ValueError, "start_dim before end_dim, got 2 and 1"),
        (Unflatten(1, (2,)), [(2,)], IndexError, r"an x with axis 1, got shape \(2,\)"),
        (Unflatten(1, (2, 2)), [(1, 6)], ValueError, r"multiply up to 6, got \(2, 2\)"),
        (Unflatten(1, (4, -1)), [(1, 6)], ValueError, r"multiply up to 6, got \(4, -1\)"),
        (Concatenate(1), [(2,), (2,)], IndexError, r"an x with axis 1, got shape \(2,\)"),
        (Concatenate(), [()], IndexError, r"an x with axis 0, got shape \(\)"),
        (Concatenate(), [(2, 3), (2, 4)], ValueError, r"axis 0 only, got \(2, 3\) and \(2, 4\)"),
        (Concatenate(), [(2,), (2, 1)], ValueError, r"axis 0 only, got \(2,\) and \(2, 1\)"),
    ],
)
def test_refuses_shapes_that_do_not_fit(layer, shapes, error, message):
    with pytest.raises(error, match=message):
        layer(*map(np.zeros, shapes))

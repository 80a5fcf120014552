import warnings

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from npnet import Graph, Index, Parameter
from tests.support.autograd import agrees_with_torch
from tests.support.case import run

X = np.arange(12.0).reshape(3, 4)
ALL = slice(None)


def test_a_hand_picks_the_same_numbers():
    ran = run(Index((slice(1, None), -1)), [X], [np.array([10.0, 20.0])])
    assert ran.outputs[0].tolist() == [7, 11]
    assert ran.inputs[0].tolist() == [[0, 0, 0, 0], [0, 0, 0, 10], [0, 0, 0, 20]]


def test_the_gradients_of_a_place_read_twice_add_up():
    ran = run(Index((0, [2, 0, 2])), [X], [np.array([1.0, 10.0, 100.0])])
    assert ran.outputs[0].tolist() == [2, 0, 2]
    assert ran.inputs[0].tolist() == [[10, 0, 101, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    "index, shape",
    [
        (0, (4,)),
        ((1, 2), ()),
        (..., (3, 4)),
        ((), (3, 4)),
        (None, (1, 3, 4)),
        ((..., None, 0), (3, 1)),
        ((None, ..., None), (1, 3, 4, 1)),
        (slice(5, 9), (0, 4)),
        (slice(None, None, -2), (2, 4)),
        ([0, 0, 1], (3, 4)),
        ([[0, 1], [1, 2]], (2, 2, 4)),
        ((ALL, [3, -4]), (3, 2)),
        ((np.array([0, 1], np.uint8), [2, 3]), (2,)),
        (([[0], [1]], [2, 3]), (2, 2)),
        (([0, 1], None, [2, 3]), (2, 1)),
        ([], (0, 4)),
        (np.int32(1), (4,)),
        (np.array(1), (4,)),
    ],
    ids=repr,
)
def test_shapes(index, shape):
    ran = run(Index(index), [X])
    assert ran.outputs[0].shape == shape and ran.inputs[0].shape == X.shape


def test_an_integer_is_taken_before_arrays_are_as_torch_does_it_and_numpy_does_not():
    x = np.arange(24.0).reshape(2, 3, 4)
    assert x[0, :, [1, 2]].shape == (2, 3)
    assert Index((0, ALL, [1, 2]))(x).tolist() == x[0][:, [1, 2]].tolist()


@st.composite
def indexed(draw):
    """Draw a shape and an index that mostly fits."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple))
    bound = st.none() | st.integers(-5, 5)
    index = []
    for n in draw(st.lists(st.sampled_from(shape), max_size=len(shape))):
        places = st.integers(-n, n - 1)
        part = st.one_of(
            st.integers(-n - 1, n),
            st.builds(slice, bound, bound, st.sampled_from([None, 1, 2])),
            st.none(),
            st.lists(places, max_size=3),
            st.lists(st.lists(places, min_size=2, max_size=2), min_size=1, max_size=2),
        )
        index.append(draw(part))
    if draw(st.booleans()):
        index.insert(draw(st.integers(0, len(index))), ...)
    return shape, tuple(index)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(indexed())
@example(((2, 3, 4), (0, ALL, [1, 2])))
@example(((2, 3, 4), ([0, 1], ALL, [1, 2])))
@example(((2, 3, 4), ([0, 1], 1, [1, 2])))
@example(((2, 3, 4), (..., [[0], [1]], [1, 2])))
def test_agrees_with_torch(dtype, drawn):
    torch = pytest.importorskip("torch")
    shape, index = drawn
    x = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    with warnings.catch_warnings():
        # torch takes lists as arrays, and says that it will go on.
        warnings.simplefilter("ignore")
        try:
            expected = torch.tensor(x)[index]
        except IndexError:
            with pytest.raises(IndexError, match=r"^Index: expected an x that has \["):
                Index(index)(x)
            return
        try:
            layer = Index(index)
            layer(x)
        except IndexError:
            # Where nothing comes out torch does not look at the places.
            assert expected.numel() == 0
            return
        agrees_with_torch(layer, lambda t: t[index], [x])


def test_parameters_are_indexed_too():
    weight = Parameter(X)
    graph = Graph(dtype=np.float64)
    graph.output(weight[1, ::2] + graph.input("x"))
    assert graph(np.zeros(2)).tolist() == [4, 6]
    graph.backward(np.array([1.0, 2.0]))
    assert weight.grad.tolist() == [[0, 0, 0, 0], [1, 0, 2, 0], [0, 0, 0, 0]]


def test_an_array_of_places_is_copied():
    places = np.array([0, 1])
    layer = Index(places)
    places[...] = 2
    assert layer(X).tolist() == X[[0, 1]].tolist()


@pytest.mark.parametrize(
    "index, text",
    [
        (1, "1"),
        ((slice(1, None), ..., None), "1:, ..., None"),
        ((slice(None, None, 2), [0, 1]), "::2, [0, 1]"),
        ((), "()"),
        (np.zeros((3, 4), int), "12 integers of shape (3, 4)"),
    ],
)
def test_prints_what_stands_in_brackets(index, text):
    assert repr(Index(index)) == f"Index({text})"


@pytest.mark.parametrize(
    "index, error, message",
    [
        (1.0, TypeError, "Index: expected integers, slices, None, ... and arrays .* got float"),
        (True, TypeError, "got bool"),
        (np.True_, TypeError, "got bool"),
        ("a", TypeError, "got str"),
        (Parameter([1.0]), TypeError, "got Parameter; a tape is recorded before"),
        (slice(0, 1.5), TypeError, r"Index: expected a slice of integers, got 0:1.5"),
        (slice(None, None, 0), ValueError, "Index: expected a step other than 0, got ::0"),
        ([0.5], TypeError, r"expected arrays of integers, got float64"),
        (np.array([True, False]), TypeError, r"got bool; for booleans np.flatnonzero\(mask\)"),
        ([[0, 1], [2]], TypeError, "Index: expected an index of real numbers"),
        ((..., ...), IndexError, r"expected one \.\.\. at most, got \[\.\.\., \.\.\.\]"),
    ],
)
def test_refuses_what_is_no_place(index, error, message):
    with pytest.raises(error, match=message):
        Index(index)


@pytest.mark.parametrize(
    "index, reason",
    [
        (3, "out of bounds"),
        ((0, -5), "out of bounds"),
        ((ALL, [0, 4]), "out of bounds"),
        ((0, 0, 0), "it has 2 axes"),
        (([0, 1], [0, 1, 2]), "broadcast"),
    ],
)
def test_refuses_places_that_are_not_there(index, reason):
    with pytest.raises(IndexError, match=r"^Index: expected an x that has .* \(3, 4\); ") as raised:
        Index(index)(X)
    assert reason in str(raised.value)

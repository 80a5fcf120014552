import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet import Permute, Squeeze, Transpose, Unsqueeze
from tests.support.autograd import agrees_with_torch
from tests.support.case import run

SHAPES = st.lists(st.integers(0, 3), max_size=4).map(tuple)
DIMS = st.integers(-5, 4)


def numbers(shape):
    """Return 0, 1, 2 ... in this shape."""
    return np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)


def test_numbers_go_where_a_hand_puts_them():
    x = np.array([[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]])
    seed = np.array([[[10.0, 40.0]], [[20.0, 50.0]], [[30.0, 60.0]]])
    for layer in (Transpose(0, 2), Permute(2, 1, 0), Permute((-1, -2, -3))):
        ran = run(layer, [x], [seed])
        assert ran.outputs[0].tolist() == [[[1, 4]], [[2, 5]], [[3, 6]]]
        assert ran.inputs[0].tolist() == (10 * x).tolist()


@pytest.mark.parametrize(
    "layer, before, after",
    [
        (Transpose(0, -1), (2, 3, 4), (4, 3, 2)),
        (Transpose(0, -1), (), ()),
        (Permute(1, 2, 0), (2, 3, 4), (3, 4, 2)),
        (Permute(), (), ()),
        (Squeeze(), (1, 2, 1, 3), (2, 3)),
        (Squeeze(0), (1, 2, 1, 3), (2, 1, 3)),
        (Squeeze(1), (1, 2, 1, 3), (1, 2, 1, 3)),
        (Squeeze((0, -2)), (1, 2, 1, 3), (2, 3)),
        (Squeeze(()), (1, 2), (1, 2)),
        (Unsqueeze(0), (), (1,)),
        (Unsqueeze(-1), (2, 3), (2, 3, 1)),
        (Unsqueeze(1), (2, 3), (2, 1, 3)),
    ],
    ids=repr,
)
def test_shapes(layer, before, after):
    ran = run(layer, [numbers(before)])
    assert ran.outputs[0].shape == after and ran.inputs[0].shape == before


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(st.data())
def test_reorderings_agree_with_torch(dtype, data):
    torch = pytest.importorskip("torch")
    shape = data.draw(SHAPES)
    axes = st.integers(-max(len(shape), 1), max(len(shape), 1) - 1)
    dim0, dim1 = data.draw(axes), data.draw(axes)
    dims = data.draw(st.permutations(range(len(shape))))
    x = [numbers(shape).astype(dtype)]
    agrees_with_torch(Transpose(dim0, dim1), lambda t: t.transpose(dim0, dim1), x)
    agrees_with_torch(Permute(dims), lambda t: torch.permute(t, dims), x)


def agrees_or_is_refused(make, function, shape):
    """Hold what a layer makes of a shape to torch, whether that is numbers or an error."""
    torch = pytest.importorskip("torch")
    x = numbers(shape)
    try:
        expected = function(torch.tensor(x))
    except (IndexError, RuntimeError) as error:
        kind = IndexError if isinstance(error, IndexError) else ValueError
        with pytest.raises(kind, match=r"expected"):
            make()(x)
    else:
        found = make()(x)
        assert found.shape == expected.shape
        assert found.tolist() == expected.tolist()


@pytest.mark.torch
@given(SHAPES, DIMS, DIMS, st.lists(DIMS, max_size=3))
def test_axes_are_taken_and_refused_as_in_torch(shape, dim0, dim1, dims):
    agrees_or_is_refused(lambda: Transpose(dim0, dim1), lambda t: t.transpose(dim0, dim1), shape)
    agrees_or_is_refused(lambda: Squeeze(dim0), lambda t: t.squeeze(dim0), shape)
    agrees_or_is_refused(lambda: Squeeze(dims), lambda t: t.squeeze(tuple(dims)), shape)
    agrees_or_is_refused(lambda: Unsqueeze(dim0), lambda t: t.unsqueeze(dim0), shape)


@given(st.permutations(range(4)), SHAPES.filter(lambda shape: len(shape) == 4))
def test_a_permutation_and_its_inverse_are_nothing(dims, shape):
    x = numbers(shape)
    assert Permute(np.argsort(dims).tolist())(Permute(dims)(x)).tolist() == x.tolist()


def test_prints_its_axes():
    assert repr(Transpose(0, -1)) == "Transpose(0, -1)"
    assert repr(Permute(2, 0, 1)) == "Permute(2, 0, 1)"
    assert (repr(Squeeze()), repr(Squeeze(1))) == ("Squeeze()", "Squeeze(dim=1)")
    assert repr(Unsqueeze(-1)) == "Unsqueeze(dim=-1)"


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: Transpose(0, None), TypeError, "Transpose: expected dim1 to be an integer"),
        (lambda: Transpose(True, 1), TypeError, "Transpose: expected dim0 to be an integer"),
        (lambda: Permute(0.0, 1), TypeError, "Permute: expected dims to be an integer, got 0.0"),
        (lambda: Permute(0, 2), IndexError, r"Permute: expected axes from -2 to 1, got \(0, 2\)"),
        (lambda: Permute(0, -2), ValueError, r"Permute: expected every axis once, got \(0, -2\)"),
        (lambda: Squeeze("1"), TypeError, "Squeeze: expected dim to be an integer"),
        (lambda: Squeeze((1, None)), TypeError, "Squeeze: expected dim to be an integer"),
        (lambda: Unsqueeze(None), TypeError, "Unsqueeze: expected dim to be an integer"),
    ],
)
def test_refuses_what_is_no_axis(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    "layer, shape, error, message",
    [
        (Transpose(0, 2), (2, 3), IndexError, r"axis 2, got shape \(2, 3\); .* from -2 to 1"),
        (Permute(1, 0), (3,), ValueError, r"an x of 2 axes for \(1, 0\), got shape \(3,\)"),
        (Squeeze(2), (1, 1), IndexError, r"axis 2, got shape \(1, 1\)"),
        (Squeeze((0, -2)), (1, 1), ValueError, r"different axes, got \(0, -2\)"),
        (Unsqueeze(3), (1, 1), IndexError, r"axis 3, got shape \(1, 1\); axes are from -3 to 2"),
    ],
)
def test_refuses_shapes_that_do_not_fit(layer, shape, error, message):
    with pytest.raises(error, match=message):
        layer(np.zeros(shape))

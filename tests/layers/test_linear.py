import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import npnet
from npnet import Linear, Parameter
from npnet.layers.linear import row_blocks
from tests.support.case import close, run, seeds_for

DTYPES = (np.float32, np.float64)


def filled(in_features=3, out_features=2, **options):
    """Return a Linear with small whole numbers."""
    fc = Linear(in_features, out_features, **options)
    for parameter in fc.parameters():
        parameter.data = np.arange(1.0, parameter.size + 1).reshape(parameter.shape)
    return fc


def test_computes_what_a_hand_computes():
    fc = filled()
    ran = run(fc, [np.array([[1, 0, -1], [2, 1, 0]], np.float32)], [[[1, 0], [10, 100]]])
    assert ran.outputs[0].tolist() == [[-1, 0], [5, 15]]
    assert ran.inputs[0].tolist() == [[1, 2, 3], [410, 520, 630]]
    assert ran.parameters[0].tolist() == [[21, 10, -1], [200, 100, 0]]
    assert ran.parameters[1].tolist() == [11, 100]


def test_without_bias_is_the_product_alone():
    fc = filled(bias=False)
    assert fc.bias is None and list(fc.state_dict()) == ["weight"]
    assert fc(np.ones((1, 3), np.float32)).tolist() == [[6, 15]]


def test_gradients_add_up_until_they_are_let_go():
    fc, x = filled(), np.ones((1, 3), np.float32)
    for count in (1, 2, 3):
        fc(x)
        fc.backward(np.ones((1, 2)))
        assert fc.bias.grad.tolist() == [count, count]
    fc.zero_grad()
    assert fc.weight.grad is None


@pytest.mark.parametrize("index, name", [(0, "dx"), (1, "dweight")])
def test_gradients_are_the_adjoints_of_the_product(index, name):
    assert Linear.y.adjoint(index).subscripts == getattr(Linear, name).subscripts


def rows(array):
    """Return the array with its leading axes as one, written out for what has no numbers."""
    return array.reshape(math.prod(array.shape[:-1]), array.shape[-1])


@pytest.mark.parametrize("lead", [(), (5,), (2, 3), (2, 1, 3), (0,), (2, 0)])
def test_leading_axes_are_rows(lead):
    fc, x = filled(), np.random.default_rng(0).normal(size=(*lead, 3))
    ran = run(fc, [x.astype(np.float32)])
    seed = seeds_for(ran.outputs)[0]
    y = np.einsum("...i,oi->...o", x, fc.weight.data) + fc.bias.data
    close(ran.outputs[0], y.astype(np.float32), "y")
    pairs = np.einsum("bo,bi->oi", rows(seed), rows(x))
    close(ran.parameters[0], pairs.astype(np.float32), "dweight")
    close(ran.parameters[1], rows(seed).sum(0), "dbias")
    close(ran.inputs[0], np.einsum("...o,oi->...i", seed, fc.weight.data), "dx")


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@given(st.lists(st.integers(0, 4), max_size=2), st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_agrees_with_torch(dtype, lead, i, o, bias):
    torch = pytest.importorskip("torch")
    fc = Linear(i, o, bias, dtype=dtype)
    theirs = torch.nn.Linear(i, o, bias, dtype=getattr(torch, np.dtype(dtype).name))
    theirs.load_state_dict({k: torch.tensor(v) for k, v in fc.state_dict().items()})
    x = np.random.default_rng(1).normal(size=(*lead, i)).astype(dtype)
    ran = run(fc, [x])
    tensor = torch.tensor(x, requires_grad=True)
    y = theirs(tensor)
    y.backward(torch.tensor(seeds_for(ran.outputs)[0]))
    close(ran.outputs[0], y.detach().numpy(), "y", size=1.0)
    close(ran.inputs[0], tensor.grad.numpy(), "dx", size=1.0)
    for found, parameter in zip(ran.parameters, theirs.parameters(), strict=True):
        close(found, parameter.grad.numpy(), "parameter", size=1.0)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_starts_with_torchs_numbers(dtype):
    torch = pytest.importorskip("torch")
    for seed, sizes in ((0, (64, 32)), (3, (5, 1)), (7, (784, 256))):
        npnet.manual_seed(seed)
        torch.manual_seed(seed)
        fc = Linear(*sizes, dtype=np.dtype(dtype))
        theirs = torch.nn.Linear(*sizes, dtype=getattr(torch, dtype))
        np.testing.assert_array_equal(fc.weight.data, theirs.weight.detach().numpy())
        np.testing.assert_array_equal(fc.bias.data, theirs.bias.detach().numpy())


def test_starts_within_its_bound_and_from_its_own_generator():
    state = npnet.Generator(5)
    fc = Linear(50, 40, generator=state)
    bound = 1 / math.sqrt(50)
    for parameter in fc.parameters():
        assert 0.5 * bound < np.abs(parameter.data).max() <= bound
    again = Linear(50, 40, generator=npnet.Generator(5))
    np.testing.assert_array_equal(again.weight.data, fc.weight.data)
    assert (Linear(50, 40, generator=state).weight.data != fc.weight.data).any()


def test_drawing_anew_changes_the_numbers_in_place():
    fc = Linear(4, 3)
    weight, before = fc.weight.data, fc.weight.data.copy()
    fc.reset_parameters()
    assert fc.weight.data is weight and (weight != before).all()


@pytest.mark.parametrize("sizes", [(0, 3), (3, 0), (0, 0)])
def test_may_be_empty(sizes):
    fc = Linear(*sizes)
    ran = run(fc, [np.ones((2, sizes[0]), np.float32)])
    assert ran.outputs[0].shape == (2, sizes[1]) and ran.inputs[0].shape == (2, sizes[0])
    np.testing.assert_array_equal(ran.outputs[0], np.broadcast_to(fc.bias.data, (2, sizes[1])))
    assert [g.shape for g in ran.parameters] == [p.shape for p in fc.parameters()]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given_dtype", [np.float64, np.float32, np.float16, np.int64, np.uint8])
def test_computes_in_the_dtype_of_its_parameters(dtype, given_dtype):
    fc = filled(dtype=dtype)
    y = fc(np.ones((2, 3), given_dtype))
    assert y.dtype == dtype and y.tolist() == [[7, 17], [7, 17]]
    assert fc.backward(np.ones((2, 2), given_dtype)).dtype == dtype
    assert {p.grad.dtype for p in fc.parameters()} == {np.dtype(dtype)}


def test_keeps_its_weight_by_columns():
    fc = Linear(4, 3)
    assert fc.weight.shape == (3, 4) and fc.weight.data.T.flags.c_contiguous
    fc(np.ones((2, 4), np.float32))
    fc.backward(np.ones((2, 3)))
    assert fc.weight.buffer.T.flags.c_contiguous


def test_bias_gradient_of_many_rows_stays_exact():
    fc = Linear(1, 2)
    dy = np.random.default_rng(0).uniform(size=(65_536, 2)).astype(np.float32)
    fc(np.zeros((65_536, 1), np.float32))
    fc.backward(dy)
    exact = [math.fsum(column) for column in dy.T.tolist()]
    np.testing.assert_allclose(fc.bias.grad, exact, rtol=3e-7)


def test_takes_over_other_parameters():
    fc = filled()
    fc.weight = Parameter(np.zeros((2, 3), np.float32))
    assert fc(np.ones(3, np.float32)).tolist() == [1, 2]
    fc.bias = None
    assert fc(np.ones(3, np.float32)).tolist() == [0, 0]


@pytest.mark.parametrize("shape", [(32, 63), (), (64, 1)])
def test_refuses_another_width(shape):
    with pytest.raises(ValueError, match="in_features is 64") as raised:
        Linear(64, 32)(np.ones(shape, np.float32))
    assert f"Linear: expected x of shape (B, 64), got {shape}" in str(raised.value)


@pytest.mark.parametrize("sizes", [(-1, 2), (2, -1), (2.0, 3), ("2", 3), (None, 3)])
def test_refuses_sizes_that_are_none(sizes):
    with pytest.raises(ValueError, match="features to be an integer >= 0, got"):
        Linear(*sizes)


@pytest.mark.parametrize("dtype", [np.float16, np.int64, np.longdouble, complex])
def test_refuses_dtypes_it_does_not_compute_in(dtype):
    with pytest.raises(TypeError, match="dtype"):
        Linear(3, 2, dtype=dtype)


def test_refuses_an_output_gradient_of_another_shape():
    fc = filled()
    fc(np.ones((2, 3), np.float32))
    with pytest.raises(ValueError, match=r"Linear: .* gradient of shape \(2, 2\), got \(2,\)"):
        fc.backward(np.ones(2))
    assert fc.weight.grad is None


def test_prints_as_torchs():
    assert repr(Linear(2, 3, bias=False)) == "Linear(in_features=2, out_features=3, bias=False)"


@pytest.mark.parametrize("rows", [97, 98, 300])
def test_short_product_in_blocks_of_rows_equals_the_whole(rows):
    """A last layer with few outputs computes dx block by block, the last block short."""
    blocks = row_blocks(rows, 10, 1024)
    assert [len(range(rows)[block]) for block in blocks] == {
        97: [],
        98: [97, 1],
        300: [97, 97, 97, 9],
    }[rows]
    fc, rng = Linear(1024, 10), np.random.default_rng(rows)
    fc(rng.standard_normal((rows, 1024), np.float32))
    dy = rng.standard_normal((rows, 10), np.float32)
    expected = np.einsum("bo,oi->bi", dy.astype(float), fc.weight.data.astype(float))
    np.testing.assert_allclose(fc.backward(dy), expected, rtol=1e-5, atol=1e-6)

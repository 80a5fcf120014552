import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from npnet import Add, Divide, Graph, MatMul, Multiply, Power, Square, Subtract
from npnet.layers.arithmetic import deliver
from tests.support.autograd import agrees_with_torch, from_torch
from tests.support.case import close, run, seeds_for

DTYPES = (np.float32, np.float64)
#: Layer, a, b, y, dy/da, dy/db by hand.
FACTS = [
    (Add, 3.0, 2.0, 5.0, 1.0, 1.0),
    (Subtract, 3.0, 2.0, 1.0, 1.0, -1.0),
    (Multiply, 3.0, 2.0, 6.0, 2.0, 3.0),
    (Divide, 3.0, 2.0, 1.5, 0.5, -0.75),
    (Power, 3.0, 2.0, 9.0, 6.0, 9.0 * math.log(3.0)),
    (Power, 4.0, 0.5, 2.0, 0.25, 2.0 * math.log(4.0)),
    (Power, 2.0, -1.0, 0.5, -0.25, 0.5 * math.log(2.0)),
    (MatMul, [1.0, 2.0], [3.0, 4.0], 11.0, [3.0, 4.0], [1.0, 2.0]),
]
FUNCTIONS = {Add: "add", Subtract: "sub", Multiply: "mul", Divide: "div", Power: "pow"}
BROADCASTING = mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4)


@pytest.mark.parametrize("kind, a, b, y, da, db", FACTS)
def test_computes_what_a_hand_computes(kind, a, b, y, da, db):
    ran = run(kind(), [np.array(a), np.array(b)], [10.0])
    np.testing.assert_allclose(ran.outputs[0], y, rtol=1e-15)
    np.testing.assert_allclose(ran.inputs[0], 10 * np.array(da), rtol=1e-15)
    np.testing.assert_allclose(ran.inputs[1], 10 * np.array(db), rtol=1e-15)


def test_gradients_of_what_was_broadcast_are_sums():
    a, b = np.array([[1.0], [2.0]]), np.array([3.0, 4.0, 5.0])
    seed = np.array([[1.0, 10.0, 100.0], [2.0, 20.0, 200.0]])
    ran = run(Multiply(), [a, b], [seed])
    assert ran.outputs[0].tolist() == [[3, 4, 5], [6, 8, 10]]
    assert ran.inputs[0].tolist() == [[543], [1086]]
    assert ran.inputs[1].tolist() == [5, 50, 500]


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", FUNCTIONS)
@given(shapes=BROADCASTING, seed=st.integers(0, 99))
def test_agrees_with_torch_however_shapes_broadcast(kind, dtype, shapes, seed):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(seed)
    a, b = (np.asarray(random.uniform(0.3, 2.0, s)).astype(dtype) for s in shapes.input_shapes)
    agrees_with_torch(kind(), getattr(torch, FUNCTIONS[kind]), [a, b], ulps=64)


@st.composite
def matrices(draw):
    """Draw shapes of two operands that torch.matmul takes."""
    n, k, m = (draw(st.integers(1, 4)) for _ in range(3))
    batch = draw(mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3)).input_shapes
    a = draw(st.sampled_from([(k,), (*batch[0], n, k)]))
    b = draw(st.sampled_from([(k,), (*batch[1], k, m)]))
    return a, b


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@given(shapes=matrices(), seed=st.integers(0, 99))
def test_matmul_agrees_with_torch(dtype, shapes, seed):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(seed)
    a, b = (np.asarray(random.normal(size=s)).astype(dtype) for s in shapes)
    agrees_with_torch(MatMul(), torch.matmul, [a, b], ulps=64)


@given(shapes=matrices())
def test_matmul_is_the_sum_of_products(shapes):
    random = np.random.default_rng(0)
    a, b = (random.normal(size=s) for s in shapes)
    ran = run(MatMul(), [a, b])
    close(ran.outputs[0], np.asarray(a @ b), "y")
    rows, columns = "n" * (a.ndim > 1), "m" * (b.ndim > 1)
    left, right = f"...{rows}k", f"...k{columns}"
    y = np.einsum(f"{left},{right}->...{rows}{columns}", a, b)
    close(ran.outputs[0], np.asarray(y), "y as a sum")


@pytest.mark.parametrize("shapes", [((2, 0), (0, 3)), ((0, 2), (2, 3)), ((2, 0), (0,))])
def test_matmul_of_no_numbers(shapes):
    arrays = [np.ones(shape) for shape in shapes]
    ran = run(MatMul(), arrays)
    assert ran.outputs[0].shape == (arrays[0] @ arrays[1]).shape and not ran.outputs[0].any()
    assert [g.shape for g in ran.inputs] == list(shapes)
    assert not any(g.any() for g in ran.inputs)


POWERS = [-2.5, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0]


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
def test_power_agrees_with_torch_at_the_edges(dtype):
    torch = pytest.importorskip("torch")
    a, b = (g.ravel().astype(dtype) for g in np.meshgrid([*POWERS, np.inf, np.nan], POWERS))
    with np.errstate(all="ignore"):
        ran = run(Power(), [a, b], [np.ones_like(a)])
    y, (da, db) = from_torch(torch.pow, [a, b], np.ones_like(a))
    rtol = 8 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(ran.outputs[0], y, rtol=rtol)
    np.testing.assert_allclose(ran.inputs[0], da, rtol=rtol)
    np.testing.assert_allclose(ran.inputs[1], db, rtol=rtol)


@pytest.mark.parametrize(
    "base, exponent, slope", [(0.0, 0.0, 0.0), (0.0, 1.0, 1.0), (0.0, 2.0, 0.0), (-2.0, 3.0, 12.0)]
)
def test_power_warns_of_nothing_where_its_base_has_a_slope(base, exponent, slope):
    layer = Power()
    layer(np.array([base]), np.array([exponent]))
    assert layer.backward(np.ones(1)).tolist() == [slope]


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
def test_divide_agrees_with_torch_at_the_edges(dtype):
    torch = pytest.importorskip("torch")
    edges = [0.0, -0.0, 1.0, -2.0, np.inf, -np.inf, np.nan]
    a, b = (g.ravel().astype(dtype) for g in np.meshgrid(edges, edges))
    with np.errstate(all="ignore"):
        ran = run(Divide(), [a, b], [np.ones_like(a)])
    y, (da, db) = from_torch(torch.div, [a, b], np.ones_like(a))
    np.testing.assert_array_equal(ran.outputs[0], y)
    np.testing.assert_array_equal(ran.inputs[0], da)
    np.testing.assert_allclose(ran.inputs[1], db, rtol=4 * float(np.finfo(dtype).eps))


def test_deliver_sums_back_through_the_full_array():
    full, target = np.empty((2, 3)), np.empty(3)
    deliver(np.multiply, np.ones((2, 3)), np.array([1.0, 2.0, 3.0]), target, full)
    assert target.tolist() == [2, 4, 6]
    same = np.empty((2, 3))
    deliver(np.subtract, np.ones((2, 3)), 3.0, same, full)
    assert (same == -2).all()


@pytest.mark.parametrize("kind", FUNCTIONS)
@pytest.mark.parametrize("shapes", [((2, 3), (4,)), ((2,), (3,)), ((2, 2), (3, 1))])
def test_refuses_shapes_that_do_not_broadcast(kind, shapes):
    with pytest.raises(ValueError, match=f"^{kind.__name__}: expected shapes that broadcast") as e:
        kind()(*(np.ones(shape) for shape in shapes))
    assert f"got {shapes[0]} and {shapes[1]}; axes are matched from the last" in str(e.value)


@pytest.mark.parametrize("shapes", [((2, 3), (2, 3)), ((3,), (2,)), ((), (2,)), ((2,), ())])
def test_matmul_refuses_axes_that_differ(shapes):
    with pytest.raises(ValueError, match=r"MatMul: expected a of shape \(\.\.\., N, K\)") as raised:
        MatMul()(*(np.ones(shape) for shape in shapes))
    assert f"got {shapes[0]} and {shapes[1]}" in str(raised.value)


def test_matmul_refuses_batches_that_do_not_broadcast():
    with pytest.raises(ValueError, match=r"MatMul: expected shapes .* got \(2,\) and \(3,\)"):
        MatMul()(np.ones((2, 1, 4)), np.ones((3, 4, 1)))


@pytest.mark.parametrize(
    "record, y, slope",
    [
        (lambda x: x + 2, 5.0, 1.0),
        (lambda x: 2 + x, 5.0, 1.0),
        (lambda x: x - 2, 1.0, 1.0),
        (lambda x: 2 - x, -1.0, -1.0),
        (lambda x: x * 2, 6.0, 2.0),
        (lambda x: 2 * x, 6.0, 2.0),
        (lambda x: x / 2, 1.5, 0.5),
        (lambda x: 2 / x, 2 / 3, -2 / 9),
        (lambda x: x**2, 9.0, 6.0),
        (lambda x: x**3, 27.0, 27.0),
        (lambda x: 2**x, 8.0, 8.0 * math.log(2.0)),
        (lambda x: x**x, 27.0, 27.0 * (1 + math.log(3.0))),
        (lambda x: np.float64(2) * x, 6.0, 2.0),
        (lambda x: np.add(x, np.array(2.0)), 5.0, 1.0),
        (lambda x: np.power(x, 2), 9.0, 6.0),
    ],
)
def test_operators_record_layers(record, y, slope):
    g = Graph(dtype=np.float64)
    x = g.input("x", requires_grad=True)
    g.output(record(x))
    assert g(3.0) == pytest.approx(y, rel=1e-15)
    g.backward()
    assert g.grad(x) == pytest.approx(slope, rel=1e-15)


@pytest.mark.parametrize("turned", [False, True])
def test_matmul_is_recorded_from_either_side(turned):
    g, array = Graph(), np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    x = g.input("x", requires_grad=True)
    g.output(array @ x if turned else x @ array)
    assert g(np.ones(2, np.float32)).tolist() == ([3, 7] if turned else [4, 6])
    g.backward(np.array([1.0, 10.0]))
    assert g.grad(x).tolist() == ([31, 42] if turned else [21, 43])


def test_a_square_is_recorded_as_one():
    g = Graph()
    g.output(g.input("x") ** 2)
    assert type(g.tape.steps[0].layer) is Square


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", [*FUNCTIONS, MatMul])
def test_numbers_beside_arrays_promote_nothing(kind, dtype):
    if kind is MatMul:
        arrays = [np.ones((2, 2), dtype), np.ones((2, 2))]
    else:
        arrays = [np.ones((2, 2), dtype), np.float64(2.0)]
    ran = run(kind(), arrays)
    assert {a.dtype for _, a in ran.all()} == {np.dtype(dtype)}


def test_gradients_summed_over_many_rows_stay_exact():
    dy = np.random.default_rng(0).uniform(size=(65_536, 3)).astype(np.float32)
    ran = run(Add(), [np.zeros_like(dy), np.zeros(3, np.float32)], [dy])
    exact = [math.fsum(column) for column in dy.T.tolist()]
    np.testing.assert_allclose(ran.inputs[1], exact, rtol=3e-7)
    assert seeds_for(ran.outputs)[0].dtype == np.float32

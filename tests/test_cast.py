"""Cast: Modules in another dtype, and the devices that npnet has not."""

import copy

import numpy as np
import pytest

from npnet import Graph, Linear, Module, Parameter, Sequential, Tanh
from npnet.optim import SGD
from tests.support.block import Block

X = np.array([[1.0, -2.0], [0.5, 3.0]])


@pytest.mark.parametrize(
    ("change", "dtype"),
    [
        (lambda m: m.double(), np.float64),
        (lambda m: m.float(), np.float32),
        (lambda m: m.to(np.float64), np.float64),
        (lambda m: m.to("float32"), np.float32),
        (lambda m: m.to("cpu", np.float64), np.float64),
        (lambda m: m.to(np.ones(1)), np.float64),
        (lambda m: m.to(Parameter([1.0])), np.float32),
        (lambda m: m.to(dtype=np.dtype(">f8")), np.float64),
        (lambda m: m.to(np.float64, True), np.float64),
        (lambda m: m.type(np.float64), np.float64),
        (lambda m: m.type("float32"), np.float32),
    ],
)
@pytest.mark.parametrize("before", [np.float32, np.float64])
def test_everything_floating_changes_its_dtype_and_stays_the_same_object(before, change, dtype):
    block = Block().to(before)
    block.register_buffer("count", np.arange(3))
    parts = list(block.parameters())
    numbers = {name: array.copy() for name, array in block.state_dict().items()}
    assert change(block) is block
    for a, b in zip(block.parameters(), parts, strict=True):
        assert a is b
    for name, array in block.state_dict().items():
        assert array.dtype == (np.arange(3).dtype if name == "count" else dtype)
        np.testing.assert_allclose(array, numbers[name], rtol=1e-6)
    assert block.noise.dtype == dtype
    assert block.later is None
    assert block.again.weight is block.fc.weight


@pytest.mark.parametrize("argument", ["cpu", None])
def test_the_cpu_is_where_it_is(argument):
    block = Block()
    assert block.to(argument) is block.cpu() is block.to(device="cpu:0") is block
    assert block.scale.dtype == np.float64


def test_a_model_computes_and_trains_in_its_new_dtype():
    model = Sequential(Linear(2, 3), Tanh(), Linear(3, 1))
    other = copy.deepcopy(model)
    single = model(X)
    model.backward(np.ones((2, 1)))
    held = model[0].weight.grad
    assert (single.dtype, held.dtype) == (np.float32, np.float32)
    before = held.copy()
    model.double()
    assert model[0].weight.grad.dtype == np.float64
    np.testing.assert_array_equal(model[0].weight.grad, before)
    double = model(X)
    assert double.dtype == np.float64
    np.testing.assert_allclose(double, single, rtol=1e-5)
    model.backward(np.ones((2, 1)))
    np.testing.assert_allclose(model[0].weight.grad, 2 * before, rtol=1e-5)
    np.testing.assert_array_equal(held, before)
    optimizer = SGD(model.parameters(), lr=0.5)
    optimizer.step()
    np.testing.assert_allclose(
        model[0].weight.data, other[0].weight.data - before, rtol=1e-5, atol=1e-6
    )
    assert model.float()(X).dtype == np.float32


def test_what_a_holder_wrote_into_a_gradient_counts():
    fc = Linear(1, 1)
    fc.backward(fc(np.ones((1, 1))))
    held = fc.bias.grad
    held[0] = 5
    assert fc.double().bias.grad.tolist() == [5]
    fc.bias.grad[0] = 6
    assert held.tolist() == [5]


def test_an_optimizer_made_before_steps_on():
    model = Sequential(Linear(2, 1))
    optimizer = SGD(model.parameters(), lr=0.5, momentum=0.9)
    model(X)
    model.backward(np.ones((2, 1)))
    optimizer.step()
    model.double()
    optimizer.zero_grad()
    model(X)
    model.backward(np.ones((2, 1)))
    before = model[0].bias.data.copy()
    optimizer.step()
    np.testing.assert_allclose(model[0].bias.data, before - 0.5 * (0.9 * 2 + 2), rtol=1e-6)
    assert model[0].bias.dtype == np.float64


def test_a_parameter_in_column_order_keeps_its_order():
    class Columns(Module):
        def __init__(self):
            super().__init__()
            self.weight = Parameter(np.asfortranarray(np.arange(6.0).reshape(2, 3)))

    columns = Columns().float()
    assert columns.weight.data.flags.f_contiguous
    assert columns.weight.data.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_graph_follows():
    graph = Graph(dtype=np.float32)
    fc = Linear(2, 1, dtype=np.float32)
    graph.output(fc(graph.input("x")))
    assert graph(X).dtype == np.float32
    single = graph(X)
    assert graph.double()(X).dtype == np.float64
    np.testing.assert_allclose(graph(X), single, rtol=1e-5)
    assert graph.dtype == np.float64
    assert Graph().double().dtype is None


@pytest.mark.parametrize("where", ["parameter", "gradient", "buffer"])
def test_a_number_too_large_leaves_all_as_it_was(where):
    """Warnings are errors in these tests."""
    block = Block().double()
    parts = [(p, p.data) for p in block.parameters()]
    block.scale.grad, block.shift.grad = [1.0, 2.0], [3.0, 4.0]
    last = {"parameter": block.shift.data, "gradient": block.shift.grad, "buffer": block.noise}
    last[where][1] = 1e300
    buffers, grad = [*block.buffers()], block.scale.grad
    with pytest.raises(RuntimeWarning, match="overflow encountered in cast"):
        block.float()
    for parameter, data in parts:
        assert parameter.data is data and data.dtype == np.float64
    for buffer, same in zip(block.buffers(), buffers, strict=True):
        assert buffer is same
    assert block.scale.grad is grad and grad.tolist() == [1, 2]


def test_a_buffer_that_two_modules_read_stays_one():
    first, second = Module(), Module()
    first.register_buffer("table", np.ones(2))
    second._register("_buffers", "table", first.table)
    Sequential(first, second).float()
    assert first.table is second.table
    assert first.table.dtype == np.float32


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda m: m.half(), TypeError, r"float16 is not for computing: .* array\.astype"),
        (lambda m: m.bfloat16(), TypeError, r"NumPy has no bfloat16; use float\(\) or double\(\)"),
        (lambda m: m.type(np.int64), TypeError, "floating dtypes only, got int64"),
        (lambda m: m.type(None), TypeError, "expected a dtype, got None"),
        (lambda m: m.type("cpu"), TypeError, "expected a dtype or a device, got 'cpu'"),
        (lambda m: m.to(np.float16), TypeError, "float16 is not for computing"),
        (lambda m: m.to(np.longdouble), TypeError, "dtype float32 or float64, got .*; BLAS"),
        (lambda m: m.to(np.int64), TypeError, r"floating dtypes only, got int64; use np\.float64"),
        (lambda m: m.to(object()), TypeError, "expected a dtype or a device, got <object"),
        (lambda m: m.to(5), TypeError, "expected a dtype or a device, got 5"),
        (lambda m: m.cuda(), ValueError, "npnet computes on the CPU, .* device 'cuda'"),
        (lambda m: m.to("cuda:1"), ValueError, "got device 'cuda:1'"),
        (lambda m: m.to("mps", np.float32), ValueError, "got device 'mps'"),
        (lambda m: m.to(device="gpu"), ValueError, "got device 'gpu'"),
    ],
)
def test_what_npnet_does_not_compute_in_or_on_is_refused(change, kind, message):
    block = Block()
    with pytest.raises(kind, match=f"^Block: .*{message}"):
        change(block)
    assert {p.dtype.name for p in block.parameters()} == {"float64"}

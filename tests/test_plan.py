"""Plan: arrays of a tape, reused where nobody sees it."""

import gc
import itertools
import tracemalloc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import npnet
from npnet import (
    Exp,
    Identity,
    Linear,
    Log,
    Module,
    Negate,
    Parameter,
    ReLU,
    Scale,
    Sequential,
    Sigmoid,
    Sqrt,
    Square,
    Tanh,
)
from npnet.kernel import Spec
from npnet.layers.base import Layer
from npnet.plan import Plan, own
from npnet.tape import Input, Node, Tape
from tests.support.case import sweep_back
from tests.support.reference import SinCos, Total

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
ELEMENTWISE = {
    "identity": Identity,
    "relu": ReLU,
    "scale": lambda: Scale(0.5),
    "negate": Negate,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "exp": lambda: Sequential(Tanh(), Exp()),
    "square": Square,
    "sqrt": lambda: Sequential(Sigmoid(), Sqrt()),
    "log": lambda: Sequential(Sigmoid(), Log()),
}


def planned(module, shape, dtype=F64, **keywords):
    """Return the Plan of a module of one input, and its tape."""
    tape = module.trace([Spec(shape, dtype)])
    return Plan(tape, [Spec(shape, dtype)], dtype, **keywords), tape


def backward_of(plan, gradients, inputs, parameters):
    for parameter in parameters:
        parameter.zero_grad()
    sweep_back(plan, gradients, frozenset(inputs))
    return [plan.swept.gradients[i].copy() for i in inputs] + [p.grad.copy() for p in parameters]


@given(
    st.lists(st.sampled_from([*ELEMENTWISE, "linear"]), min_size=1, max_size=10),
    st.lists(st.integers(0, 9), max_size=3),
    st.integers(0, 2**32 - 1),
)
def test_merging_in_place_changes_no_number(names, taps, seed):
    """Chains whose middle values are outputs too, planned in every way, agree bit by bit."""
    random = np.random.default_rng(seed)
    layers = [
        Linear(3, 3, dtype=np.float64) if name == "linear" else ELEMENTWISE[name]()
        for name in names
    ]

    class Chain(Module):
        def __init__(self):
            super().__init__()
            self.layers = Sequential(*layers)

        def forward(self, x):
            values = [x]
            for layer in self.layers:
                values.append(layer(values[-1]))
            return (values[-1], *(values[tap % len(values)] for tap in taps))

    chain, x = Chain(), random.normal(size=(4, 3))
    parameters = list(chain.parameters())
    gradients = [random.normal(size=(4, 3)) for _ in range(1 + len(taps))]
    plain, tape = planned(chain, (4, 3), retain=True)
    kept, _ = planned(chain, (4, 3), keep=True)
    light, _ = planned(chain, (4, 3), keep=False)
    expected = plain.forward([x])
    for _ in range(2):
        for plan in (kept, light):
            np.testing.assert_array_equal(plan.forward([x]), expected)
    expected = backward_of(plain, gradients, tape.inputs, parameters)
    for _ in range(2):
        got = backward_of(kept, gradients, kept.tape.inputs, parameters)
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_array_equal(a, b)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=12), st.integers(0, 8))
def test_forward_alone_takes_the_two_largest_activations_at_most(widths, batch):
    pairs = itertools.pairwise(widths)
    chain = Sequential(*[part for i, o in pairs for part in (Linear(i, o), ReLU())])
    plan, _ = planned(chain, (batch, widths[0]), F32, keep=False)
    sizes = sorted(4 * batch * width for width in widths[1:])
    assert plan.nbytes <= sum(sizes[-2:])
    kept, _ = planned(chain, (batch, widths[0]), F32, keep=True)
    assert kept.nbytes >= plan.nbytes


def test_kept_plan_writes_relu_over_linear():
    chain = Sequential(Linear(8, 8), ReLU(), Linear(8, 8), ReLU())
    kept, _ = planned(chain, (2, 8), F32, keep=True)
    retained, _ = planned(chain, (2, 8), F32, retain=True)
    assert (kept.nbytes, retained.nbytes) == (2 * 64, 4 * 64)


@pytest.mark.parametrize("training", [True, False])
def test_steady_step_allocates_nothing_large(training):
    model = Sequential(Linear(256, 512), ReLU(), Linear(512, 512), Tanh(), Linear(512, 4))
    model.train(training)
    x, g = np.ones((256, 256), np.float32), np.ones((256, 4), np.float32)

    def step():
        model(x)
        if training:
            for parameter in parameters:
                parameter.zero_grad()
            model.backward(g)

    parameters = list(model.parameters())
    for _ in range(3):
        step()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    for _ in range(3):
        step()
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - before < 65_536  # one activation is 524,288 bytes, the result 4,096
    assert now - before < 8_000


def test_results_are_never_written_again():
    plan, _ = planned(Sequential(Linear(2, 2, dtype=np.float64), ReLU()), (3, 2), keep=False)
    first = plan.forward([np.ones((3, 2))])
    copy = first.copy()
    plan.forward([np.full((3, 2), 9.0)])
    np.testing.assert_array_equal(first, copy)


@pytest.mark.parametrize("copied", [True, False])
def test_inputs_are_never_written_and_large_ones_are_read_where_they_are(copied, monkeypatch):
    monkeypatch.setattr("npnet.plan.COPIED", 24 if copied else 23)
    plan, tape = planned(Sequential(ReLU(), Scale(2.0)), (3,), keep=False)
    for first in (-1.0, 3.0):
        x = np.array([first, 0.0, 2.0])
        x.flags.writeable = False
        assert plan.forward([x]).tolist() == [2 * max(first, 0.0), 0.0, 4.0]
        assert (plan.value(tape.inputs[0]) is x) is not copied


def test_plan_follows_storage_that_moved():
    fc = Linear(2, 2, dtype=np.float64)
    plan, _ = planned(fc, (1, 2))
    x = np.ones((1, 2))
    before = plan.forward([x])
    storage, gradient = np.zeros((2, 2)), np.zeros((2, 2))
    fc.weight.move(storage, gradient)
    sweep_back(plan, [np.ones((1, 2))])
    np.testing.assert_array_equal(gradient, np.ones((2, 2)))
    storage[...] = 0
    plan.refresh()
    np.testing.assert_array_equal(plan.forward([x]), fc.bias.data[None])
    assert not np.array_equal(before, fc.bias.data[None])


def test_plan_follows_what_is_frozen_and_freed():
    fc = Linear(2, 2, dtype=np.float64)
    plan, _ = planned(fc, (1, 2))
    plan.forward([np.ones((1, 2))])
    for frozen in (True, False, True):
        fc.requires_grad_(True).zero_grad()
        fc.weight.requires_grad = not frozen
        sweep_back(plan, [np.ones((1, 2))])
        assert (fc.weight.grad is None) == frozen
        assert fc.bias.grad.tolist() == [1, 1]


def test_freezing_and_freeing_for_ever_keeps_nothing():
    model = Sequential(Linear(3, 3), Tanh(), Linear(3, 3))
    x, sweeps = np.ones((2, 3), np.float32), []
    for step in range(20):
        model[0].weight.requires_grad = bool(step % 2)
        model(x)
        model.backward(np.ones((2, 3)))
        sweeps.append(weakref.ref(model.execution.ran.swept))
    gc.collect()
    assert sum(sweep() is not None for sweep in sweeps) <= 2


def test_dead_output_of_a_step_frees_its_array():
    class Halves(Module):
        def forward(self, x):
            for _ in range(5):
                x, _ = SinCos()(x)
            return x

    plan, _ = planned(Halves(), (100,), keep=False)
    assert plan.nbytes <= 3 * 800
    x = np.linspace(0, 1, 100)
    expected = np.sin(np.sin(np.sin(np.sin(np.sin(x)))))
    np.testing.assert_allclose(plan.forward([x]), expected, rtol=1e-15)


def test_constants_are_converted_once_to_the_plans_dtype():
    x = Node(Input("x"))
    tape = Tape([x * np.array([1, 2]) + 0.1], [x])
    plan = Plan(tape, [Spec((2,), F32)], F32)
    result = plan.forward([np.ones(2, np.float32)])
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, np.array([1.1, 2.1], np.float32))


def test_own_returns_scalars_for_what_has_no_axis():
    array = np.array(1.5, np.float32)
    assert isinstance(own(array), np.float32)
    matrix = np.ones((2, 2))
    assert own(matrix) is not matrix


def test_scratch_shared_by_steps_is_not_seen():
    class Several(Module):
        def __init__(self):
            super().__init__()
            self.weight = Parameter(np.full(3, 0.5))

        def forward(self, x):
            return Total()(Sigmoid()(x) * self.weight / Tanh()(x * 2.0 + 1.0) ** 3.0)

    x = np.array([[0.3, -0.2, 0.9], [1.5, 2.0, 0.1]])
    module = Several()
    module(x)
    dx = module.backward(input_grad=True)

    def value(x, w):
        return np.sum(1 / (1 + np.exp(-x)) * w / np.tanh(2 * x + 1) ** 3)

    for place in np.ndindex(2, 3):
        step = np.zeros((2, 3))
        step[place] = 1e-6
        w = module.weight.data
        slope = (value(x + step, w) - value(x - step, w)) / 2e-6
        assert dx[place] == pytest.approx(slope, rel=1e-7)
    ones = [value(x, np.eye(3)[i]) for i in range(3)]
    np.testing.assert_allclose(module.weight.grad, ones, rtol=1e-12)


ON_A_PARAMETER = {
    "reshape": lambda w: npnet.Reshape((2, 6))(w),
    "flatten": lambda w: npnet.Flatten()(w),
    "flatten all": lambda w: npnet.Flatten(0)(w),
    "concatenate": lambda w: npnet.Concatenate()(w, w * 2.0),
    "concatenate rows": lambda w: npnet.Concatenate(0)(w, w),
    "softmax": lambda w: npnet.Softmax(1)(w),
    "softmax of columns": lambda w: npnet.Softmax(0)(w),
    "log softmax": lambda w: npnet.LogSoftmax(0)(w),
    "sum": lambda w: npnet.Sum()(w),
    "sum of rows": lambda w: npnet.Sum(axis=1)(w),
    "sum of columns": lambda w: npnet.Sum(axis=0, keepdims=True)(w),
    "mean": lambda w: npnet.Mean(axis=0)(w),
    "squared penalty": lambda w: npnet.Regularization(0.5)(w),
    "absolute penalty": lambda w: npnet.Regularization(0.5, p=1)(w),
    "mse": lambda w: npnet.MSELoss()(w, np.ones((3, 4))),
    "bce": lambda w: npnet.BCELoss(reduction="none")(npnet.Sigmoid()(w), np.full((3, 4), 0.25)),
    "bce with logits": lambda w: npnet.BCEWithLogitsLoss()(w, np.full((3, 4), 0.25)),
    "cross entropy": lambda w: npnet.CrossEntropyLoss()(w, np.array([0, 3, 1])),
    "smoothed": lambda w: npnet.CrossEntropyLoss(label_smoothing=0.1)(w, np.array([0, 3, 1])),
    "probabilities": lambda w: npnet.SoftmaxCrossEntropy()(w, np.full((3, 4), 0.25))[0],
    "two outputs": lambda w: npnet.SoftmaxCrossEntropy()(w, np.array([0, 3, 1]))[1],
    "as x": lambda w: FC(w),
    "left": lambda w: w @ np.arange(8.0).reshape(4, 2),
    "right": lambda w: np.arange(6.0).reshape(2, 3) @ w,
    "broadcast": lambda w: w * np.arange(24.0).reshape(2, 3, 4) / (w + 9.0) - w**2.0,
    "elementwise": lambda w: np.exp(Tanh()(ReLU()(w))) + npnet.Abs()(w) - np.sqrt(w * w + 1.0),
    "itself": lambda w: w,
}
FC = Linear(4, 2, dtype=np.float64)


@pytest.mark.parametrize("name", ON_A_PARAMETER)
def test_every_layer_reads_a_parameter_in_any_memory_order(name):
    """A weight lies by columns; what reads one as an operand must not see another matrix."""
    data, found = np.random.default_rng(0).normal(size=(3, 4)), []
    for order in ("C", "F"):

        class Reads(Module):
            def __init__(self, order=order):
                super().__init__()
                self.weight = Parameter(np.array(data, order=order))

            def forward(self, x):
                return ON_A_PARAMETER[name](self.weight), x

        for moved in (False, True):
            model = Reads()
            result, _ = model(np.ones(1))
            if moved:
                flat, gradient = np.empty(12), np.empty(12)
                views = [a.reshape((4, 3) if order == "F" else (3, 4)) for a in (flat, gradient)]
                model.weight.move(*[v.T if order == "F" else v for v in views])
                model.weight.data *= 1.0
                np.testing.assert_allclose(model(np.ones(1))[0], result, rtol=1e-15)
            seed = np.cos(np.arange(result.size)).reshape(result.shape)
            model.backward(seed, None)
            model.backward(seed, None)
            found.append((result, model.weight.grad))
    for result, gradient in found[1:]:
        np.testing.assert_allclose(result, found[0][0], rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(gradient, found[0][1], rtol=1e-13, atol=1e-14)
    assert np.any(found[0][1])


class InPlaceSquare(Layer):
    """x^2, which may be written over x by what it declares, though its backward reads x."""

    backward_reads = frozenset({"x"})
    in_place = True

    def infer(self, x):
        return x

    def forward_kernel(self, x, *, out, scratch):
        np.multiply(x, x, out=out)

    def backward_kernel(self, dy, x, y, *, dx, scratch):
        np.multiply(dy, x, out=dx)
        np.multiply(dx, 2.0, out=dx)


class InPlaceProduct(Layer):
    """a b, which writes da before it reads dy for db."""

    backward_reads = frozenset({"a", "b"})
    in_place = True

    def infer(self, a, b):
        return a

    def forward_kernel(self, a, b, *, out, scratch):
        np.multiply(a, b, out=out)

    def backward_kernel(self, dy, a, b, y, *, da, db, scratch):
        if da is not None:
            np.multiply(dy, b, out=da)
        if db is not None:
            np.multiply(dy, a, out=db)


@pytest.mark.parametrize("training", [True, False])
def test_in_place_layers_that_read_their_operands_get_whole_ones(training):
    class Chain(Module):
        def __init__(self):
            super().__init__()
            self.square, self.product = InPlaceSquare(), InPlaceProduct()

        def forward(self, x):
            squares = self.square(Scale(3.0)(x))
            return self.square(self.product(Scale(1.0)(squares), np.exp(x)))

    chain, x = Chain().train(training), np.array([0.5, -1.0, 2.0])
    np.testing.assert_allclose(chain(x), 81 * x**4 * np.exp(2 * x), rtol=1e-14)
    slope = 81 * np.exp(2 * x) * (4 * x**3 + 2 * x**4)
    np.testing.assert_allclose(chain.backward(np.ones(3), input_grad=True), slope, rtol=1e-13)


def test_scratch_may_hold_a_constant_of_any_type():
    """What is no Spec is handed to the kernels as it is, a tuple too."""

    class Affine(Layer):
        def infer(self, x):
            return x

        def scratch_specs(self, x):
            return {"factors": (2.0, 3.0, 1.0), "room": x}

        def forward_kernel(self, x, *, out, scratch):
            np.multiply(x, scratch.factors[0], out=scratch.room)
            np.add(scratch.room, scratch.factors[1], out=out)

    assert Affine()(np.array([1.0, 2.0])).tolist() == [5.0, 7.0]

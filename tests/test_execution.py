"""Execution: how arrays meet a Module, per thread, per shape, per dtype."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from npnet import (
    CrossEntropyLoss,
    Graph,
    Linear,
    Module,
    Multiply,
    Parameter,
    ReLU,
    Sequential,
    Tanh,
)
from npnet.execution import Execution
from tests.support.reference import Spy, Strict, Total


def network(*widths, dtype=None):
    parts = []
    for i, o in pairwise(widths):
        parts += [Linear(i, o, dtype=dtype), Tanh()]
    return Sequential(*parts)


def by_hand(model, x, g):
    """Return output, input gradient and parameter gradients of a network, in plain NumPy."""
    values = [np.asarray(x, np.float64)]
    for fc in list(model)[::2]:
        values.append(np.tanh(values[-1] @ fc.weight.data.T + fc.bias.data))
    gradients, g = [], np.asarray(g, np.float64)
    for fc, x, y in zip(list(model)[-2::-2], values[-2::-1], values[:0:-1], strict=True):
        g = g * (1 - y * y)
        gradients = [g.T @ x, g.sum(0), *gradients]
        g = g @ fc.weight.data
    return values[-1], g, gradients


def check(model, x, g, **tolerance):
    model.zero_grad()
    y, dx, gradients = by_hand(model, x, g)
    np.testing.assert_allclose(model(x), y, **tolerance)
    np.testing.assert_allclose(model.backward(g, input_grad=True), dx, **tolerance)
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        np.testing.assert_allclose(parameter.grad, gradient, **tolerance)


TIGHT = {"rtol": 1e-12, "atol": 1e-14}


@pytest.mark.parametrize("training", [True, False])
def test_batches_of_alternating_sizes(training):
    model, random = network(3, 5, 2, dtype=np.float64).train(training), np.random.default_rng(0)
    for batch in (4, 4, 3, 4, 1, 3, 0, 4, 1, 0, 7, 4):
        check(model, random.normal(size=(batch, 3)), random.normal(size=(batch, 2)), **TIGHT)


def test_more_shapes_than_plans_are_kept():
    model, random = network(2, 2, dtype=np.float64), np.random.default_rng(1)
    for batch in (*range(40), *range(40)):
        check(model, random.normal(size=(batch, 2)), random.normal(size=(batch, 2)), **TIGHT)
    assert len(model.execution._plans) <= 16


VARIANTS = {
    "column order": np.asfortranarray,
    "every second row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "backwards": lambda x: x[::-1].copy()[::-1],
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "unaligned": lambda x: (
        np.frombuffer(b"." + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(x.shape)
    ),
    "float32": lambda x: x.astype(np.float32),
    "integers": lambda x: x.astype(np.int8),
    "bool": lambda x: x.astype(bool),
    "list": lambda x: x.tolist(),
    "rows": list,
    "subclass": lambda x: x.view(type("Own", (np.ndarray,), {})),
}


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_layout_and_kind_of_input(name, dtype):
    model = network(3, 4, 2, dtype=dtype)
    x = np.arange(6.0).reshape(2, 3).astype(dtype)
    given, tolerance = VARIANTS[name](x), TIGHT if dtype == np.float64 else {"atol": 1e-6}
    expected = np.asarray(given).astype(np.float64)
    for _ in range(2):
        np.testing.assert_array_equal(model(x), model(x.copy()))
        y, dx, _ = by_hand(model, expected, np.ones((2, 2)))
        result = model(given)
        assert type(result) is np.ndarray
        assert result.dtype == dtype
        np.testing.assert_allclose(result, y, **tolerance)
        np.testing.assert_allclose(
            model.backward(np.ones((2, 2)), input_grad=True), dx, **tolerance
        )
    np.testing.assert_array_equal(np.asarray(given), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, "float64", ">f8"])
@pytest.mark.parametrize(
    ("make", "labels"),
    [
        (lambda dtype: Linear(3, 3, dtype=dtype), ()),
        (lambda dtype: Sequential(Parameters(dtype), ReLU()), ()),
        (lambda dtype: ReLU(), ()),
        (lambda dtype: CrossEntropyLoss(), (np.array([0, 2]),)),
        (lambda dtype: identity_graph(dtype), ()),
    ],
)
def test_usual_call_looks_nothing_up(make, labels, dtype, monkeypatch):
    """An array of the right kind goes straight to the plan of the call before."""
    module = make(np.dtype(dtype).newbyteorder("="))
    x, found, find = np.ones((2, 3), np.dtype(dtype).newbyteorder("=")), [], Execution._find
    monkeypatch.setattr(Execution, "_find", lambda *given: found.append(1) or find(*given))
    for given in (x, x.copy(), x * 2, pickle.loads(pickle.dumps(x))):
        module(given, *labels)
    assert len(found) == 1


class Parameters(Module):
    def __init__(self, dtype):
        super().__init__()
        self.weight = Parameter(np.ones(3, dtype))

    def forward(self, x):
        return x * self.weight


def identity_graph(dtype):
    graph = Graph(dtype=dtype)
    graph.output(np.exp(graph.input("x")))
    return graph


def test_scalar_model_follows_storage_that_moves_between_forward_and_backward():
    model = Sequential(Linear(2, 1, dtype=np.float64), Total())
    for moves in (False, False, True):
        model(np.array([[1.0, 2.0]]))
        for parameter in model.parameters() if moves else ():
            parameter.move(np.empty_like(parameter.data), np.empty_like(parameter.data))
        model.backward()
    assert model[0].weight.grad.tolist() == [[3, 6]]
    assert model[0].bias.grad.tolist() == [3]


def test_kernels_get_rows_that_lie_in_order():
    class Looks(Spy):
        def forward_kernel(self, x, *, out, scratch):
            self.seen.append(x.flags.c_contiguous)
            np.copyto(out, x)

    looks, x = Looks(), np.arange(6.0).reshape(2, 3)
    for given in (x, np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x[::-1]):
        np.testing.assert_array_equal(looks(given), given)
    assert looks.seen == [True] * 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("other", [np.float32, np.float64, np.int64, np.bool_, np.float16])
def test_module_with_parameters_computes_in_their_dtype(dtype, other):
    fc = Linear(2, 2, dtype=dtype)
    assert fc(np.ones((1, 2), other)).dtype == dtype
    assert fc.backward(np.ones((1, 2), other)).dtype == dtype
    assert fc.weight.grad.dtype == dtype


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.ones(2, np.float32), np.float32),
        (np.ones(2), np.float64),
        (np.float64(1), np.float64),
        (np.float32(1), np.float32),
        (np.array(1.0), np.float64),
        ([1.0, 2.0], np.float32),
        (1.0, np.float32),
        (3, np.float32),
        (np.arange(2), np.float32),
        (np.ones(2, ">f8"), np.float64),
    ],
)
def test_module_without_parameters_follows_its_floating_input(given, expected):
    relu = ReLU()
    result = relu(given)
    assert result.dtype == expected
    assert result.dtype.isnative
    assert relu.backward(np.ones(result.shape)).dtype == expected


def test_first_floating_input_decides_among_several():
    multiply = Multiply()
    assert multiply(np.arange(2), np.ones(2, np.float32)).dtype == np.float32
    assert multiply(np.ones(2, np.float32), np.ones(2)).dtype == np.float32
    assert multiply(np.ones(2), np.ones(2, np.float32)).dtype == np.float64
    assert multiply(np.float64(2), np.ones(2, np.float32)).dtype == np.float64


def test_results_without_axis_are_scalars():
    for dtype in (np.float32, np.float64):
        total = Total()
        result = total(np.ones(3, dtype))
        assert type(result) is dtype
        assert total.backward().tolist() == [1, 1, 1]
        assert type(ReLU()(dtype(2))) is dtype


def test_integers_that_are_only_passed_on_stay_integers():
    class Passes(Module):
        def forward(self, x, y):
            return x * 2.0, y

    x, y = Passes()(np.ones(2, np.float32), np.arange(2))
    assert (x.dtype, y.dtype) == (np.float32, np.int64)


@pytest.mark.parametrize("bad", [1j, [None], [[1], [1, 2]], np.array(["a"]), {"x": 1.0}, object()])
def test_what_is_no_real_number_is_refused(bad):
    relu = ReLU()
    relu(np.ones(2))
    with pytest.raises(TypeError, match=r"^ReLU: expected (in|ope)\w+ of real numbers"):
        relu(bad)
    with pytest.raises(TypeError, match=r"^ReLU: expected gradients of real numbers|needs a grad"):
        relu.backward(bad if bad is not None else [None, None])


def test_backward_needs_a_forward_in_its_thread():
    fc = Linear(2, 2)
    with pytest.raises(RuntimeError, match=r"^Linear: backward before forward; call it on arrays"):
        fc.backward(np.ones((1, 2)))
    fc(np.ones((1, 2)))
    with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="before forward"):
        pool.submit(fc.backward, np.ones((1, 2))).result()
    assert fc.weight.grad is None


def test_recording_is_no_forward():
    fc = Linear(2, 2)
    fc(Graph().input("x"))
    with pytest.raises(RuntimeError, match="before forward"):
        fc.backward(np.ones((1, 2)))


def test_output_gradients_are_checked():
    class Two(Module):
        def forward(self, x):
            return x * 2.0, Total()(x)

    two = Two()
    two(np.ones(3))
    with pytest.raises(ValueError, match=r"^Two: backward\(\) starts from 1 .* shape \(3,\)"):
        two.backward()
    with pytest.raises(ValueError, match=r"expected 2 output gradients, got 1; one an output"):
        two.backward(np.ones(3))
    with pytest.raises(ValueError, match=r"expected an output gradient of shape \(\), got \(1,\)"):
        two.backward(np.ones(3), [1.0])
    with pytest.raises(
        ValueError, match=r"of shape \(3,\), got \(3, 1\); it has the shape of what"
    ):
        two.backward(np.ones((3, 1)), 1.0)
    with pytest.raises(ValueError, match=r"needs a gradient for at least one output"):
        two.backward(None, None)
    assert two.backward(None, 1.0, input_grad=True).tolist() == [1, 1, 1]


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_backward_starts_from_one_for_a_single_number(shape):
    relu = ReLU()
    relu(np.full(shape, 2.0))
    np.testing.assert_array_equal(relu.backward(), np.ones(shape))


def test_gradient_may_be_the_callers_or_an_output_and_stays():
    model = Sequential(Tanh(), ReLU(), ReLU())
    x = np.array([0.5, -0.5])
    y = model(x)
    kept = y.copy()
    model.backward(y, input_grad=True)
    np.testing.assert_array_equal(y, kept)
    np.testing.assert_array_equal(x, [0.5, -0.5])


@pytest.mark.parametrize("training", [True, False])
def test_backward_again_adds_the_same_again(training):
    fc = Linear(2, 2, dtype=np.float64).train(training)
    x = np.array([[1.0, 2.0]])
    fc(x)
    first = fc.backward([[1.0, 10.0]])
    np.testing.assert_array_equal(fc.backward([[1.0, 10.0]]), first)
    assert fc.weight.grad.tolist() == [[2, 4], [20, 40]]
    fc.zero_grad()
    fc.backward([[0.0, 1.0]])
    assert fc.weight.grad.tolist() == [[0, 0], [1, 2]]


def test_scalar_model_runs_backward_again_after_each_forward():
    """The usual training step takes a shorter way in; it must not remember the step before."""
    total = Sequential(Linear(2, 1, dtype=np.float64), Total())
    for number in range(1, 5):
        total.zero_grad()
        total(np.full((1, 2), float(number)))
        total.backward()
        assert total[0].weight.grad.tolist() == [[number, number]]
        if number == 2:
            total[0].bias.requires_grad = False
        if number > 2:
            assert total[0].bias.grad is None
    total.backward(2.0)
    assert total[0].weight.grad.tolist() == [[12, 12]]
    assert total.backward(input_grad=True).shape == (1, 2)
    assert total[0].weight.grad.tolist() == [[16, 16]]


def test_failed_call_leaves_the_last_good_one():
    fc = Linear(2, 2, dtype=np.float64)
    fc(np.array([[1.0, 2.0]]))
    for bad in (np.ones((1, 3)), "word"):
        with pytest.raises((ValueError, TypeError)):
            fc(bad)
    fc.backward([[1.0, 1.0]])
    assert fc.weight.grad.tolist() == [[1, 2], [1, 2]]


def test_call_that_fails_half_way_is_no_forward_and_the_next_is_right():
    model = Sequential(Linear(2, 2, dtype=np.float64), Strict(), Linear(2, 2, dtype=np.float64))
    model[0].weight.data, model[0].bias.data = np.eye(2), [0.0, 0.0]
    good = model(np.array([[1.0, 2.0]]))
    model.backward([[1.0, 1.0]])
    gradient = [p.grad.copy() for p in model.parameters()]
    with pytest.raises(ValueError, match="expected numbers >= 0"):
        model(np.array([[1.0, -2.0]]))
    with pytest.raises(RuntimeError, match="before forward"):
        model.backward([[1.0, 1.0]])
    for parameter, before in zip(model.parameters(), gradient, strict=True):
        np.testing.assert_array_equal(parameter.grad, before)
    np.testing.assert_array_equal(model(np.array([[1.0, 2.0]])), good)
    model.backward([[1.0, 1.0]])
    for parameter, before in zip(model.parameters(), gradient, strict=True):
        np.testing.assert_array_equal(parameter.grad, 2 * before)


def run_threads(count, work):
    """Run work(number) in threads that start together; re-raise what went wrong."""
    barrier = threading.Barrier(count)

    def started(number):
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return [job.result() for job in [pool.submit(started, n) for n in range(count)]]


def test_threads_never_mix_numbers_and_gradients_add_up():
    model, random = network(4, 8, 3, dtype=np.float64), np.random.default_rng(2)
    calls = [
        [(random.normal(size=(b, 4)), random.normal(size=(b, 3))) for b in (1, 2, 5, 8) * 50]
        for _ in range(4)
    ]
    expected = [[by_hand(model, x, g) for x, g in own] for own in calls]

    def work(number):
        for (x, g), (y, dx, _) in zip(calls[number], expected[number], strict=True):
            np.testing.assert_allclose(model(x), y, **TIGHT)
            np.testing.assert_allclose(model.backward(g, input_grad=True), dx, **TIGHT)

    run_threads(4, work)
    for place, parameter in enumerate(model.parameters()):
        total = sum(gradients[place] for own in expected for _, _, gradients in own)
        np.testing.assert_allclose(parameter.grad, total, rtol=1e-9, atol=1e-9)


def test_threads_in_models_that_share_a_parameter():
    weight = Parameter(np.ones((2, 2)))
    models = [Linear(2, 2, bias=False, dtype=np.float64) for _ in range(4)]
    for model in models:
        model.weight = weight

    def work(number):
        for _ in range(200):
            models[number](np.full((1, 2), number + 1.0))
            models[number].backward(np.ones((1, 2)))

    run_threads(4, work)
    assert weight.grad.tolist() == [[2000, 2000], [2000, 2000]]

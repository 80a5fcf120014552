"""ForwardHooks: what hooks may return, and what is said where they may not."""

import copy

import numpy as np
import pytest

from npnet import Linear, Module, ReLU, Sequential
from npnet.hooks.forward import through_forward_hooks
from npnet.kernel import Spec
from npnet.tape import Input, Node

X = np.array([[1.0, -2.0], [0.5, 3.0]])


def test_a_step_holds_no_node_of_the_tape():
    relu = ReLU()
    relu.register_forward_hook(lambda m, i, o: None)
    x = Node(Input("x"), spec=Spec((2,), np.dtype(np.float64)))
    result, token = through_forward_hooks(relu, (x, 3), {"y": x, "n": None})
    assert (list(result), result["n"], result["y"].shape) == (["y", "n"], None, (2,))
    step = token.source.layer
    assert step.module is relu
    assert step.width == 1
    assert len(step.operand_names) == 2
    assert not any(isinstance(value, Node) for value in vars(step).values())


@pytest.mark.parametrize("same", [lambda o: None, lambda o: o])
def test_returning_what_was_given_is_returning_nothing(same):
    relu, calls = ReLU(), []

    def hook(module, inputs, output):
        calls.append(type(output))
        return same(output)

    relu.register_forward_hook(hook)
    relu.register_forward_pre_hook(lambda module, inputs: inputs)
    relu(X)
    assert relu.backward(X).tolist() == (X * (X > 0)).tolist()
    assert calls == [np.ndarray]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("made", [np.float64, np.float32, np.int64, bool])
def test_what_is_returned_is_taken_in_the_dtype_of_the_tape(made, dtype):
    relu = ReLU()
    relu.register_forward_hook(lambda m, i, o: (np.asarray(o) * 2).astype(made))
    y = relu(np.ones(2, dtype))
    assert y.dtype == dtype
    assert y.tolist() == np.array([2.0, 2.0]).astype(made).tolist()


@pytest.mark.parametrize(
    ("hook", "kind", "message"),
    [
        (lambda m, i, o: o[:1], ValueError, r"real numbers of shape \(2, 2\), got .* \(1, 2\)"),
        (lambda m, i, o: 0.0, ValueError, r"of shape \(2, 2\), got float64 of shape \(\)"),
        (lambda m, i, o: o * 1j, ValueError, r"real numbers .* got complex128"),
        (lambda m, i, o: (o, o), ValueError, r"real numbers of shape \(2, 2\)"),
        (lambda m, i, o: o.tolist()[0], ValueError, r"of shape \(2, 2\), got float64"),
    ],
)
def test_what_a_hook_cannot_return(hook, kind, message):
    relu = ReLU()
    good = relu(X)
    with (
        relu.register_forward_hook(hook),
        pytest.raises(kind, match=f"^ReLU: a forward hook must.*{message}"),
    ):
        relu(X)
    np.testing.assert_array_equal(relu(X), good)


def test_what_is_fixed_when_planned_stays():
    class Scaled(Module):
        def forward(self, x, flag):
            return (x, x * 2.0) if flag else x

    class Outer(Module):
        def __init__(self):
            super().__init__()
            self.inner = Scaled()

        def forward(self, x):
            return self.inner(x, True)[1]

    model = Outer()
    for hook, message in (
        (lambda m, i: (i[0], False), "expected True as it was, got False"),
        (lambda m, i: i[0], "expected a tuple of 2, got a tuple of 1"),
        (lambda m, i: (*i, 3), "expected a tuple of 2, got a tuple of 3"),
    ):
        with (
            model.inner.register_forward_pre_hook(hook),
            pytest.raises(ValueError, match=f"^Scaled: a forward pre-hook changed .*{message}; ch"),
        ):
            model(X)
    with (
        model.inner.register_forward_hook(lambda m, i, o: o[1]),
        pytest.raises(ValueError, match=r"a forward hook changed .*tuple of 2, got an array of s"),
    ):
        model(X)
    np.testing.assert_array_equal(model(X), 2 * X)


def test_labels_cannot_be_replaced():
    class Pick(Module):
        def forward(self, x, labels):
            return x * 1.0, labels

    pick = Pick()
    pick.register_forward_pre_hook(lambda m, i: (i[0], i[1] + 1))
    with pytest.raises(ValueError, match="Pick: a forward pre-hook replaced integers"):
        pick(X, np.arange(2))


def test_a_hook_that_runs_its_own_tape_is_stopped():
    model = Sequential(Linear(2, 2, dtype=np.float64), ReLU())
    other = copy.deepcopy(model)
    handle = model[1].register_forward_hook(lambda m, i, o: model(X))
    with pytest.raises(RuntimeError, match=r"^ReLU: a forward hook calls the Module.*deepcopy"):
        model(X)
    handle.remove()
    model[1].register_forward_hook(lambda m, i, o: other(X) + o)
    np.testing.assert_allclose(model(X), 2 * other(X), rtol=1e-15)


def test_a_hook_may_call_other_modules_and_train_them():
    model, probe, losses = ReLU(), Linear(2, 1, bias=False, dtype=np.float64), []

    def hook(module, inputs, output):
        losses.append(float(probe(output).sum()))
        probe.backward(np.ones((2, 1)))

    model.register_forward_hook(hook)
    model(X)
    y = X * (X > 0)
    assert losses == [pytest.approx(float((y @ probe.weight.data.T).sum()), rel=1e-14)]
    np.testing.assert_allclose(probe.weight.grad, y.sum(0, keepdims=True), rtol=1e-15)


def test_shapes_and_dtypes_alternate():
    model = Sequential(Linear(2, 2), ReLU())
    model[0].register_forward_hook(lambda m, i, o: o * 2.0)
    w, b = model[0].weight.data, model[0].bias.data
    for x in (X, X[:1], X, X[:0], X.astype(np.float32)):
        expected = np.maximum((x.astype(np.float32) @ w.T + b) * 2, 0)
        np.testing.assert_allclose(model(x), expected, rtol=1e-5)
        model.backward(np.ones(expected.shape, np.float32))

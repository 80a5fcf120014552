import numpy as np
import pytest

from npnet.check.function import Function, GradientShape, positional_names, shape_cause

X, W = np.arange(6.0).reshape(2, 3), np.ones((3, 3))
DY = np.ones((2, 3))


def closure(x, w):
    return x @ w, lambda dy: (dy @ w.T, x.T @ dy)


def forward(x, w):
    return x @ w, (x, w)


def backward(dy, cache):
    x, w = cache
    return dy @ w.T, x.T @ dy


class Stateful:
    def forward(self, x, w):
        self.x, self.w = x, w
        return x @ w

    def backward(self, dy):
        return dy @ self.w.T, self.x.T @ dy


def loss_and_gradients(x, w):
    return np.sum(x @ w), (np.ones((2, 3)) @ w.T, x.T @ np.ones((2, 3)))


def loss_and_dict(x, w):
    dx, dw = loss_and_gradients(x, w)[1]
    return np.sum(x @ w), {"dx": dx, "w": dw}


def pair(stateful):
    return stateful.forward, stateful.backward


@pytest.mark.parametrize(
    "form, seed",
    [
        (closure, DY),
        ((forward, backward), DY),
        (pair(Stateful()), DY),
        (loss_and_gradients, np.array(1.0)),
        (loss_and_dict, np.array(1.0)),
    ],
)
def test_every_form_gives_outputs_and_gradients(form, seed):
    function = Function(form)
    (y,) = function.outputs([X, W])
    np.testing.assert_array_equal(y, X @ W if seed.ndim else np.sum(X @ W))
    dx, dw = function.gradients([seed])
    np.testing.assert_array_equal(dx, DY @ W.T)
    np.testing.assert_array_equal(dw, X.T @ DY)
    assert function.names == ("x", "w")


def test_gradients_returned_with_a_loss_are_those_for_1():
    function = Function(loss_and_gradients)
    function.outputs([X, W])
    assert function.returns_gradients and not function.keeps_state
    np.testing.assert_array_equal(function.gradients([np.array(3.0)])[0], 3 * DY @ W.T)


def test_says_what_keeps_state_outside_of_the_call():
    assert Function(pair(Stateful())).keeps_state
    assert not Function((forward, backward)).keeps_state and not Function(closure).keeps_state


@pytest.mark.parametrize(
    "gradients, there",
    [
        (lambda x, t: x, (True, False, False)),
        (lambda x, t: (x, t), (True, False, True)),
        (lambda x, t: (x, None, t), (True, False, True)),
        (lambda x, t: (x, None, None), (True, False, False)),
        (lambda x, t: {"x": x}, (True, False, False)),
        (lambda x, t: {"dt": t}, (False, False, True)),
    ],
)
def test_gradients_find_their_operands(gradients, there):
    function = Function(lambda x, i, t: (np.sum(x) + np.sum(t), lambda dy: gradients(x, t)))
    function.outputs([X, np.array([1, 2]), X])
    found = function.gradients([np.array(1.0)])
    assert tuple(g is not None for g in found) == there


def test_several_outputs_each_have_a_gradient():
    function = Function(lambda x: ((2 * x, 3 * x), lambda a, b: 2 * a + 3 * b))
    assert len(function.outputs([X])) == 2
    np.testing.assert_array_equal(function.gradients([DY, DY])[0], 5 * DY)


@pytest.mark.parametrize(
    "wrong, words",
    [
        (3, "expected f.x, ...."),
        ((closure, 3), "expected f.x, ...."),
        (lambda x: x, "returned a ndarray where .y, backward. is meant"),
        ((lambda x: x, backward), "where .y, cache. is meant"),
        (lambda x: (x, x), "which fit a scalar loss only"),
        (lambda x: ("y", lambda dy: dy), "outputs of real numbers"),
    ],
)
def test_refuses_what_is_no_function_with_a_backward(wrong, words):
    with pytest.raises(TypeError, match=words):
        Function(wrong).outputs([X])


@pytest.mark.parametrize(
    "gradients, who, words",
    [
        (lambda dy: (dy, dy, dy, dy), "backward", "returned 4 gradients"),
        (lambda dy: {"q": dy}, "backward", r"gradients of \['q'\]"),
        (lambda dy: (dy.T, None), "x", r"of x has shape \(3, 2\), x has \(2, 3\)"),
    ],
)
def test_gradients_that_cannot_be_are_refused(gradients, who, words):
    function = Function(lambda x, w: (x * 2, gradients))
    function.outputs([X, W])
    with pytest.raises(GradientShape, match=words) as raised:
        function.gradients([DY])
    assert raised.value.operand == who and raised.value.cause


@pytest.mark.parametrize(
    "got, expected, outputs, words",
    [
        ((4, 3), (3, 4), [], "transposed"),
        ((5, 3), (3,), [], "not summed over the batch"),
        ((5, 3), (1, 3), [], "keepdims=True"),
        ((5, 5), (5, 1), [], "broadcast: (5,) against (5, 1) is (5, 5)"),
        ((5, 5), (5,), [], "not summed over the batch"),
        ((), (3,), [], "summed over all elements"),
        ((7,), (3,), [], ""),
    ],
)
def test_says_what_a_wrong_shape_looks_like(got, expected, outputs, words):
    found = shape_cause(got, expected, outputs)
    assert words in found and bool(found) == bool(words)


def test_names_are_those_of_the_function_or_numbers():
    assert positional_names(closure, 2) == ("x", "w")
    assert positional_names(lambda *arrays: arrays, 2) == ("x0", "x1")
    assert positional_names(np.add, 2)[0] in ("x1", "x0")


def test_gradients_in_another_order_are_told_from_transposed_ones():
    swapped = Function(lambda x, w: (x @ w, lambda dy: (x.T @ dy, dy @ w.T)))
    swapped.outputs([np.ones((5, 4)), np.ones((4, 3))])
    with pytest.raises(GradientShape) as raised:
        swapped.gradients([np.ones((5, 3))])
    assert raised.value.cause.startswith("another order") and "x, w" in raised.value.cause
    beside = Function(lambda x, y, w: (x @ w, lambda dy: (x.T @ dy, None, dy @ w.T)))
    beside.outputs([np.ones((5, 4)), np.ones(5), np.ones((4, 3))])
    with pytest.raises(GradientShape) as raised:
        beside.gradients([np.ones((5, 3))])
    assert raised.value.cause.startswith("another order")
    transposed = Function(lambda x, w: (x @ w.T, lambda dy: ((dy @ w).T, x.T @ dy)))
    transposed.outputs([np.ones((5, 4)), np.ones((3, 4))])
    with pytest.raises(GradientShape) as raised:
        transposed.gradients([np.ones((5, 3))])
    assert raised.value.cause.startswith("transposed")

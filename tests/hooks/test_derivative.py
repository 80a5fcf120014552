"""Derivative: the gradient of what a hook returned, or the reason why there is none."""

import numpy as np
import pytest

from npnet import Identity, Module, Parameter, Sequential, Sigmoid, Tanh, functional

X = np.array([[1.0, -2.0], [0.5, 3.0]])
G = np.array([[1.0, 2.0], [3.0, -4.0]])


def hooked(hook, *modules):
    """Return the identity with a hook on it, between other Modules."""
    model = Identity()
    model.register_forward_hook(hook)
    return Sequential(*modules, model)


def gradient(model, x=X):
    model(x)
    return model.backward(G, input_grad=True)


def test_functions_of_npnet_take_arrays_and_nodes():
    sigmoid = Sigmoid()
    model = hooked(lambda m, i, o: functional.tanh(o) * sigmoid(o), Tanh())
    t = np.tanh(X)
    s, u = 1 / (1 + np.exp(-t)), np.tanh(t)
    expected = G * (s * (1 - u * u) + u * s * (1 - s)) * (1 - t * t)
    np.testing.assert_allclose(gradient(model), expected, rtol=1e-12)


def test_a_hook_is_recorded_once_for_each_shape():
    kinds = []

    def hook(module, inputs, output):
        kinds.append(type(output).__name__)
        return output * 2.0

    model = hooked(hook, Identity())
    for x in (X, X, X + 1.0, X):
        np.testing.assert_array_equal(gradient(model, x), 2 * G)
    assert kinds == ["ndarray", "Node", "ndarray", "ndarray", "ndarray"]
    model(X[:1])
    model.backward(G[:1], input_grad=True)
    assert kinds[5:] == ["ndarray", "Node"]


def test_hooks_that_only_look_are_not_recorded():
    kinds = []
    model = hooked(lambda m, i, o: kinds.append(type(o)))
    model[0].register_forward_hook(lambda m, i, o: o * 3.0)
    model[0].register_forward_hook(lambda m, i, o: kinds.append(type(o)))
    np.testing.assert_array_equal(gradient(model), 3 * G)
    assert kinds == [np.ndarray, np.ndarray]


def test_a_hook_that_is_gone_by_then_is_differentiated_all_the_same():
    identity = Identity()
    handle = identity.register_forward_hook(lambda m, i, k, o: o * 2.0, with_kwargs=True)
    identity(X)
    handle.remove()
    np.testing.assert_array_equal(identity.backward(G), 2 * G)
    np.testing.assert_array_equal(identity(X), X)


def test_what_a_hook_reads_from_outside_is_followed():
    factor = [2.0]
    model = hooked(lambda m, i, o: o * factor[0])
    for number in (2.0, 5.0, 5.0, -1.0):
        factor[0] = number
        np.testing.assert_array_equal(gradient(model), number * G)


def test_a_parameters_numbers_are_followed_and_not_trained():
    scale = Parameter(np.array([2.0, 3.0]))
    model = hooked(lambda m, i, o: o * scale.data)
    for step in range(3):
        scale.data = [2.0 + step, 3.0]
        np.testing.assert_array_equal(gradient(model), G * scale.data)
    assert scale.grad is None


def test_an_array_from_elsewhere_is_a_constant():
    patch = np.full((2, 2), 7.0)
    model = hooked(lambda m, i, o: patch, Identity())
    assert model(X).tolist() == patch.tolist()
    assert model.backward(G, input_grad=True).tolist() == np.zeros((2, 2)).tolist()


def test_one_of_two_outputs_may_be_a_constant():
    class Both(Module):
        def forward(self, x):
            return x * 2.0, x * 3.0

    both = Both()
    both.register_forward_hook(lambda m, i, o: (o[0] * 5.0, np.ones((2, 2))))
    both(X)
    assert both.backward(G, G, input_grad=True).tolist() == (10 * G).tolist()
    both(X)
    assert both.backward(None, G, input_grad=True).tolist() == (0 * G).tolist()


def test_not_a_number_does_not_hide_a_difference():
    model = hooked(lambda m, i, o: o * 2.0)
    x = X.copy()
    x[0, 0] = np.nan
    np.testing.assert_array_equal(gradient(model, x), 2 * G)


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        (lambda m, i, o: np.fmax(o, 0), r"np\.fmax"),
        (lambda m, i, o: o[:, ::-1].copy(), "cannot be recorded"),
        (lambda m, i, o: np.array(o), "cannot be recorded"),
        (lambda m, i, o: np.where(o > 0, o, 0), "cannot be compared|cannot be recorded"),
    ],
)
def test_what_cannot_be_recorded_says_so_in_backward(hook, message):
    model = hooked(hook)
    y = model(X)
    with pytest.raises(RuntimeError, match=r"^Identity: a forward hook returned a value .*func"):
        model.backward(G, input_grad=True)
    np.testing.assert_array_equal(model(X), y)


@pytest.mark.parametrize("kind", ["draws", "counts"])
def test_other_numbers_in_backward_are_noticed(kind):
    random, count = np.random.default_rng(0), [0]

    def hook(module, inputs, output):
        count[0] += 1
        factor = random.uniform(1, 2) if kind == "draws" else count[0]
        return output * factor

    model = hooked(hook)
    model(X)
    with pytest.raises(RuntimeError, match=r"returned other numbers when it was recorded"):
        model.backward(G, input_grad=True)


def test_a_parameter_that_a_recording_would_train_is_refused():
    scale, nodes = Parameter(np.array([2.0, 3.0])), []

    def hook(module, inputs, output):
        nodes.append(output)
        return output * (scale.data if isinstance(output, np.ndarray) else scale)

    model = hooked(hook)
    model(X)
    with pytest.raises(RuntimeError, match=r"^Identity: a forward hook computes with a Parameter"):
        model.backward(G, input_grad=True)
    scale.requires_grad = False
    np.testing.assert_array_equal(gradient(model), G * scale.data)

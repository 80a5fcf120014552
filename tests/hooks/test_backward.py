"""BackwardHooks: gradients of operands and outputs, seen and replaced as torch's are."""

import numpy as np
import pytest

from npnet import Flatten, Identity, Linear, Module, Sequential, Tanh

G = np.array([1.0, -2.0])


def two(base):
    """Return a Module of two operands and two outputs, in either library."""

    class Two(base):
        def forward(self, x, y):
            return x * y, y * 3.0

    return Two()


def plain(gradients):
    """Return gradients of either library as lists."""
    return tuple(None if g is None else g.tolist() for g in gradients)


@pytest.mark.torch
@pytest.mark.parametrize("seeds", [(1.0, 1.0), (1.0, None), (None, 2.0)])
def test_gradients_of_several_operands_and_outputs_are_torchs(seeds):
    torch = pytest.importorskip("torch")
    ours, theirs, logs = two(Module), two(torch.nn.Module), ([], [])
    for module, log in zip((ours, theirs), logs, strict=True):
        module.register_full_backward_pre_hook(lambda m, dy, log=log: log.append(plain(dy)))
        module.register_full_backward_hook(
            lambda m, dx, dy, log=log: log.append((plain(dx), plain(dy)))
        )
    x, y = np.array([2.0, 3.0]), np.array([5.0, 7.0])
    ours(x, y)
    ours.backward(*(None if s is None else s * G for s in seeds), input_grad=True)
    outputs = theirs(*(torch.tensor(a, requires_grad=True) for a in (x, y)))
    sum(
        (o * torch.tensor(s * G)).sum() for o, s in zip(outputs, seeds, strict=True) if s
    ).backward()
    assert logs[0] == logs[1]
    assert len(logs[0]) == 2


@pytest.mark.torch
def test_what_hooks_return_goes_on_as_in_torch():
    torch = pytest.importorskip("torch")
    ours, theirs, found = two(Module), two(torch.nn.Module), []
    for module in (ours, theirs):
        module.register_full_backward_pre_hook(lambda m, dy: (dy[0] * 2, None))
        module.register_full_backward_pre_hook(lambda m, dy: [dy[0] + 1, dy[1]])
        module.register_full_backward_hook(lambda m, dx, dy: (dx[0] * 5, dx[1]))
        module.register_full_backward_hook(lambda m, dx, dy: (dx[0] + dy[0], dx[1] * 3))
    x, y = np.array([2.0, 3.0]), np.array([5.0, 7.0])
    ours(x, y)
    found = ours.backward(G, G, input_grad=True)
    a, b = (torch.tensor(array, requires_grad=True) for array in (x, y))
    outputs = theirs(a, b)
    sum((output * torch.tensor(G)).sum() for output in outputs).backward()
    np.testing.assert_allclose(found[0], a.grad.numpy(), rtol=1e-14)
    np.testing.assert_allclose(found[1], b.grad.numpy(), rtol=1e-14)


def test_a_replaced_gradient_reaches_the_layers_before():
    model = Sequential(Linear(2, 2, dtype=np.float64), Tanh())
    model[1].register_full_backward_hook(lambda m, dx, dy: (dx[0] * 10,))
    x = np.array([[1.0, 2.0]])
    y = model(x)
    model.backward(np.ones((1, 2)))
    expected = 10 * (1 - y * y)
    np.testing.assert_allclose(model[0].bias.grad, expected[0], rtol=1e-14)


def test_an_operand_without_gradient_reads_none_and_hooks_are_called_all_the_same():
    model, seen = Sequential(Linear(2, 1, dtype=np.float64), Tanh()), []
    model[0].register_full_backward_hook(lambda m, dx, dy: seen.append((dx, plain(dy))))
    x = np.array([[1.0, 2.0]])
    y = model(x)
    for input_grad in (False, True, False):
        model.backward([[1.0]], input_grad=input_grad)
    slope = (1 - y * y).tolist()
    assert seen[0] == seen[2] == ((None,), (slope,))
    np.testing.assert_allclose(seen[1][0][0], slope[0][0] * model[0].weight.data, rtol=1e-14)
    handle = model[0].register_full_backward_hook(lambda m, dx, dy: (None,))
    model.backward([[1.0]])
    handle.remove()
    model[0].register_full_backward_hook(lambda m, dx, dy: (x,))
    with pytest.raises(ValueError, match=r"^Linear: a backward hook returned a gradient of an op"):
        model(x)
        model.backward([[1.0]])


def test_of_several_operands_those_asked_for_have_gradients():
    class Outer(Module):
        def __init__(self):
            super().__init__()
            self.fc, self.two = Linear(2, 2, dtype=np.float64), two(Module)

        def forward(self, x):
            return self.two(self.fc(x), x)

    model, seen = Outer(), []
    model.two.register_full_backward_hook(lambda m, dx, dy: seen.append(plain(dx)))
    x = np.array([[1.0, 2.0]])
    model(x)
    for input_grad in (False, True):
        model.backward(np.ones((1, 2)), None, input_grad=input_grad)
    assert seen[0] == (x.tolist(), None)
    assert seen[1][0] == x.tolist()
    np.testing.assert_allclose(seen[1][1], model.fc(x), rtol=1e-15)


def test_none_instead_of_a_gradient_is_zero():
    identity = Identity()
    identity.register_full_backward_hook(lambda m, dx, dy: (None,))
    identity(G)
    assert identity.backward(G).tolist() == [0, 0]


def test_gradients_are_the_hooks_to_keep():
    identity, seen = Identity(), []
    identity.register_full_backward_hook(lambda m, dx, dy: seen.append((*dx, *dy)))
    identity(G)
    for number in range(3):
        identity.backward(G * number)
    assert [dx.tolist() for dx, _ in seen] == [(G * n).tolist() for n in range(3)]
    with pytest.raises(ValueError, match="read-only"):
        seen[0][0][0] = 1


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        (lambda m, dx, dy: (dx[0], dx[0]), "tuple of 1 gradients, one for each of the operands, g"),
        (lambda m, dx, dy: dx[0] * 2, "got ndarray"),
        (lambda m, dx, dy: (dx[0][:1],), r"gradients of shape \(2,\), got \(1,\)"),
    ],
)
def test_what_a_hook_cannot_return(hook, message):
    identity = Identity()
    identity.register_full_backward_hook(hook)
    identity(G)
    with pytest.raises(ValueError, match=f"^Identity: a backward hook must return .*{message}"):
        identity.backward(G)


def test_a_module_that_returns_no_array_has_no_backward_hooks():
    class Named(Module):
        def forward(self, x):
            return {"y": x}

    class Outer(Module):
        def __init__(self):
            super().__init__()
            self.named = Named()

        def forward(self, x):
            return self.named(x)["y"]

    model = Outer()
    model.named.register_full_backward_hook(lambda m, dx, dy: None)
    with pytest.raises(TypeError, match=r"^Named: a backward hook needs forward to return .*di"):
        model(G)


def test_a_module_without_operands_has_backward_hooks():
    class Held(Module):
        def __init__(self):
            super().__init__()
            self.fc = Linear(2, 2, bias=False, dtype=np.float64)

        def forward(self):
            return self.fc.weight * 2.0

    held, seen = Held(), []
    held.register_full_backward_hook(lambda m, dx, dy: seen.append((dx, plain(dy))))
    held()
    held.backward(np.eye(2))
    assert seen == [((), ([[1, 0], [0, 1]],))]
    assert held.fc.weight.grad.tolist() == [[2, 0], [0, 2]]


@pytest.mark.parametrize("before", [False, True])
def test_a_pass_within_a_pass_adds_its_gradients_too(before):
    model = Sequential(Linear(2, 3), Tanh(), Linear(3, 1))
    part, x = Sequential(model[0]), np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)

    def other(scale):
        part(x)
        part.backward(np.full((2, 3), scale))

    def gradients(scale):
        model.zero_grad()
        if before:
            other(3.0)
        model(x)
        model.backward(np.ones((2, 1)))
        if scale:
            other(scale)
        return [parameter.grad for parameter in model.parameters()]

    expected = gradients(7.0)
    handle = model[1].register_full_backward_hook(lambda *_: other(7.0))
    for gradient, right in zip(gradients(0.0), expected, strict=True):
        np.testing.assert_allclose(gradient, right, rtol=1e-6)
    handle.remove()
    for gradient, right in zip(gradients(7.0), expected, strict=True):
        np.testing.assert_array_equal(gradient, right)


def test_a_pass_within_a_pass_that_fails_leaves_the_outer_one_right():
    model = Sequential(Linear(2, 3), Tanh(), Linear(3, 1))
    part, x = Sequential(model[0], Tanh()), np.ones((1, 2), np.float32)
    model(x)
    model.backward([[1.0]])
    expected = [parameter.grad for parameter in model.parameters()]
    model.zero_grad()

    def fail(*_):
        raise ArithmeticError("on purpose")

    def other(*_):
        part(x)
        with pytest.raises(ArithmeticError):
            part.backward(np.ones((1, 3)))

    model[2].register_full_backward_hook(other)
    part[1].register_full_backward_hook(fail)
    model.backward([[1.0]])
    model.zero_grad()
    model(x)
    model.backward([[1.0]])
    for parameter, right in zip(model.parameters(), expected, strict=True):
        np.testing.assert_array_equal(parameter.grad, right)


@pytest.mark.parametrize("register", ["full_backward_hook", "full_backward_pre_hook"])
def test_where_integers_are_only_moved_no_gradient_is_seen(register):
    called = []
    model = Sequential(Flatten(1), Linear(4, 3))
    getattr(model[0], f"register_{register}")(lambda *given: called.append(given))
    images = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
    model(images)
    model.backward(np.ones((2, 3)))
    np.testing.assert_array_equal(model[1].weight.grad, [images.reshape(2, 4).sum(0)] * 3)
    assert called == []

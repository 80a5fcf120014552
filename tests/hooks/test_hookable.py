"""Hookable: hooks as a user registers them, in every kind of Module, beside torch's."""

from functools import partial

import numpy as np
import pytest

from npnet import (
    CrossEntropyLoss,
    Module,
    Parameter,
    ReLU,
    Sequential,
)
from tests.support.reference import Strict
from tests.support.watched import G, X, network, watch


def beside(torch, model):
    """Return torch's network with the same weights."""
    nn, double = torch.nn, {"dtype": torch.float64}
    inner = nn.Sequential(nn.Linear(4, 4, **double), nn.ReLU())
    other = nn.Sequential(nn.Linear(2, 4, **double), nn.Tanh(), inner, nn.Linear(4, 2, **double))
    state = {name: torch.from_numpy(array.copy()) for name, array in model.state_dict().items()}
    other.load_state_dict(state)
    return other


def close(ours, theirs):
    """Hold two logs together: names and places exactly, numbers but for rounding."""
    if isinstance(ours, (tuple, list)):
        assert type(ours) is type(theirs)
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            close(one, other)
    elif isinstance(ours, float):
        assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-14)
    else:
        assert ours == theirs


@pytest.mark.torch
@pytest.mark.parametrize("training", [True, False])
def test_every_hook_of_every_module_sees_what_torchs_sees_in_torchs_order(training):
    torch = pytest.importorskip("torch")
    model, logs = network().train(training), ([], [])
    other = beside(torch, model)
    for part, log in zip((model, other), logs, strict=True):
        watch(part, log)
    for scale in (1.0, 0.5):
        model(X * scale)
        model.backward(G, input_grad=True)
        other(torch.tensor(X * scale, requires_grad=True)).backward(torch.from_numpy(G))
    assert len(logs[0]) == 2 * 4 * 7
    close(*logs)
    for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=1e-12)


#: What a hook makes of input and output, with the exponential of its library.
REPLACING = {
    "scaled": lambda exp, x, y: y * 2.0,
    "residual": lambda exp, x, y: y + x,
    "read twice": lambda exp, x, y: y * y - x * 0.5,
    "of the input alone": lambda exp, x, y: x * 3.0,
    "exponential": lambda exp, x, y: exp(y * 0.1) + y,
}


@pytest.mark.torch
@pytest.mark.parametrize("name", REPLACING)
@pytest.mark.parametrize("place", ["1", "2", ""])
@pytest.mark.parametrize("before", [False, True])
def test_what_hooks_return_goes_on_and_is_differentiated_as_in_torch(name, place, before):
    torch = pytest.importorskip("torch")
    model = network()
    other = beside(torch, model)
    for part, exp in ((model, np.exp), (other, torch.exp)):
        made = partial(REPLACING[name], exp)
        module = part.get_submodule(place)
        if before:
            module.register_forward_pre_hook(lambda m, i, made=made: made(i[0], i[0]))
        else:
            module.register_forward_hook(lambda m, i, o, made=made: made(i[0], o))
    for scale in (1.0, 0.5, 0.5):
        x = torch.tensor(X * scale, requires_grad=True)
        y = other(x)
        np.testing.assert_allclose(model(X * scale), y.detach().numpy(), rtol=1e-12)
        y.backward(torch.from_numpy(G))
        found = model.backward(G, input_grad=True)
        np.testing.assert_allclose(found, x.grad.numpy(), rtol=1e-12, atol=1e-14)
    for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
        # torch has none where a hook leaves the output out; a tape that is planned has zeros.
        expected = 0 if theirs.grad is None else theirs.grad.numpy()
        np.testing.assert_allclose(ours.grad, expected, rtol=1e-12, atol=1e-14)


def test_hooks_are_called_in_every_run_and_arrays_are_theirs_to_keep():
    model, seen = network(), []
    model[1].register_forward_hook(lambda module, inputs, output: seen.append((*inputs, output)))
    for number in range(4):
        model(X + number)
    hidden = [(X + n) @ model[0].weight.data.T + model[0].bias.data for n in range(4)]
    for (given, output), expected in zip(seen, hidden, strict=True):
        np.testing.assert_allclose(given, expected, rtol=1e-14)
        np.testing.assert_allclose(output, np.tanh(expected), rtol=1e-14)
        assert type(output) is np.ndarray
        with pytest.raises(ValueError, match="read-only"):
            output += 1


def test_a_layer_called_directly_has_hooks():
    relu, seen = ReLU(), []
    relu.register_forward_hook(lambda module, inputs, output: seen.append(output))
    relu.register_forward_pre_hook(lambda module, inputs: -inputs[0])
    assert relu([-1.0, 2.0]).tolist() == [1, 0]
    assert seen[0].tolist() == [1, 0]
    assert relu.backward([1.0, 1.0]).tolist() == [-1, 0]


def test_single_numbers_come_as_the_caller_gets_them():
    loss, seen = CrossEntropyLoss(), []
    loss.register_forward_hook(lambda module, inputs, output: seen.append((inputs, output)))
    value = loss(np.zeros((2, 3)), np.array([0, 1]))
    (((logits, labels), output),) = seen
    assert output == value
    assert type(output) is type(value)
    assert (logits.shape, labels.tolist(), labels.dtype.kind) == ((2, 3), [0, 1], "i")


def test_order_prepend_and_keywords():
    class Scaled(Module):
        def forward(self, x, by=1.0):
            return x * by

    model, log = Scaled(), []
    model.register_forward_pre_hook(lambda m, i: log.append("second"))
    model.register_forward_pre_hook(lambda m, i: log.append("first"), prepend=True)
    model.register_forward_pre_hook(
        lambda m, i, k: log.append(("third", len(i), k)), with_kwargs=True
    )
    model.register_forward_hook(lambda m, i, o: log.append("fifth"))
    model.register_forward_hook(lambda m, i, o: log.append("fourth"), prepend=True)
    model.register_forward_hook(lambda m, i, k, o: log.append((len(i), k)), with_kwargs=True)
    assert model(2.0, by=3.0) == 6
    assert log == ["first", "second", ("third", 2, {}), "fourth", "fifth", (2, {})]


def test_pre_hooks_with_keywords_return_both():
    class Scaled(Module):
        def forward(self, x, by):
            return x * by

    model = Scaled()
    handle = model.register_forward_pre_hook(
        lambda m, i, k: ((i[0] + 1.0,), {"by": i[1]}), with_kwargs=True
    )
    assert model(2.0, 3.0) == 9
    assert model.backward(input_grad=True) == (3, 3)
    handle.remove()
    model.register_forward_pre_hook(lambda m, i, k: i, with_kwargs=True)
    with pytest.raises(TypeError, match=r"Scaled: a forward pre-hook must return None or \(args"):
        model(1.0, 2.0)


def test_registering_and_removing_at_any_time_is_followed():
    model, x = Sequential(ReLU(), Sequential(ReLU())), np.ones(2)
    assert model(x).tolist() == [1, 1]
    first = model[1][0].register_forward_hook(lambda m, i, o: o * 2.0)
    assert model(x).tolist() == [2, 2]
    with model.register_forward_pre_hook(lambda m, i: (i[0] * 5.0,)):
        assert model(x).tolist() == [10, 10]
    assert model(x).tolist() == [2, 2]
    first.remove()
    first.remove()
    assert model(x).tolist() == [1, 1]
    assert all(type(step.layer) is ReLU for step in model.execution.ran.tape.steps)
    model[0].register_forward_hook(lambda m, i, o: o * 2.0)
    model(x)
    model[0]._forward_hooks.clear()
    assert model(x).tolist() == [1, 1]
    assert model.backward(x, input_grad=True).tolist() == [1, 1]


def test_a_hook_may_remove_itself():
    relu, seen = ReLU(), []

    def once(module, inputs, output):
        seen.append(output)
        handle.remove()

    handle = relu.register_forward_hook(once)
    for _ in range(3):
        relu(np.ones(2))
    assert len(seen) == 1


def test_a_hook_that_raises_fails_the_call_and_the_next_is_right():
    model, stop = network(), [False]

    def refuse(module, inputs, output):
        if stop[0]:
            raise KeyError("stop")

    model[1].register_forward_hook(refuse)
    good = model(X)
    stop[0] = True
    with pytest.raises(KeyError, match="stop"):
        model(X)
    with pytest.raises(RuntimeError, match="before forward"):
        model.backward(G)
    stop[0] = False
    np.testing.assert_array_equal(model(X), good)
    model.backward(G)
    before = [p.grad.copy() for p in model.parameters()]
    model[1].register_full_backward_hook(refuse)
    model(X)
    stop[0] = True
    with pytest.raises(KeyError, match="stop"):
        model.backward(G)
    for parameter, gradient in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.grad, gradient)


def test_a_step_that_fails_between_hooks_leaves_nothing_behind():
    model = Sequential(ReLU(), Strict(), ReLU())
    for module in model:
        module.register_forward_hook(lambda m, i, o: o - 1.0)
    with pytest.raises(ValueError, match="expected numbers >= 0"):
        model(np.array([0.0]))
    assert model(np.array([5.0])).tolist() == [2]
    assert model.backward([1.0], input_grad=True).tolist() == [1]


def test_evaluation_calls_hooks_once_even_where_backward_follows():
    model, calls = network().eval(), []
    model[1].register_forward_hook(lambda m, i, o: calls.append(o))
    model(X)
    model.backward(G)
    assert len(calls) == 1


@pytest.mark.parametrize(
    "kind",
    ["forward_pre_hook", "forward_hook", "full_backward_pre_hook", "full_backward_hook"],
)
def test_what_is_no_function_is_refused(kind):
    with pytest.raises(TypeError, match=r"^ReLU: expected a function as hook, got int"):
        getattr(ReLU(), f"register_{kind}")(3)


def test_always_call_is_refused_with_the_reason():
    with pytest.raises(NotImplementedError, match=r"^ReLU: always_call=True is not supported"):
        ReLU().register_forward_hook(print, always_call=True)


def test_parameters_held_by_nobody_else_in_a_hook_are_refused():
    scale, relu = Parameter(np.array([2.0, 3.0])), ReLU()
    relu.register_forward_hook(lambda m, i, o: o * scale)
    with pytest.raises(
        TypeError, match=r"^ReLU: a forward hook returned what is on a tape.*\.data"
    ):
        relu(np.ones(2))

import numpy as np
import pytest

import npnet
from npnet import CrossEntropyLoss, Dropout, Linear, MSELoss, Parameter, ReLU, Sequential, Softmax
from npnet.inspect import watch
from npnet.optim import SGD, Adam

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
Y = np.random.default_rng(1).normal(size=(6, 3)).astype(np.float32)


class Loop:
    """A training loop, written in some ways."""

    def __init__(self, *layers, optimizer=SGD):
        npnet.manual_seed(0)
        self.model = Sequential(Linear(4, 8), ReLU(), *layers, Linear(8, 3))
        self.loss = MSELoss()
        self.optimizer = optimizer(self.model.parameters(), lr=0.01)

    def backward(self):
        value = self.loss(self.model(X), Y)
        self.model.backward(self.loss.backward())
        return value

    def watched(self, step, steps=3):
        with watch(self.model, self.loss, self.optimizer) as watched:
            for _ in range(steps):
                step(self)
        return watched


def right(loop):
    loop.optimizer.zero_grad()
    loop.backward()
    loop.optimizer.step()


def zeroed_by_model(loop):
    loop.backward()
    loop.optimizer.step()
    loop.model.zero_grad()


def zeroed_to_zeros(loop):
    loop.optimizer.zero_grad(set_to_none=False)
    loop.backward()
    loop.optimizer.step()


def zeroed_one_by_one(loop):
    for parameter in loop.model.parameters():
        parameter.grad = None
    loop.backward()
    loop.optimizer.step()


def in_parts(loop):
    loop.optimizer.zero_grad()
    for _ in range(2):
        loop.backward()
    loop.optimizer.step()


def by_closure(loop):
    def closure():
        loop.optimizer.zero_grad()
        return loop.backward()

    assert loop.optimizer.step(closure) > 0


def clipped(loop):
    loop.optimizer.zero_grad()
    loop.backward()
    npnet.utils.clip_grad_norm_(loop.model.parameters(), 0.1)
    loop.optimizer.step()


@pytest.mark.parametrize(
    "step",
    [
        right,
        zeroed_by_model,
        zeroed_to_zeros,
        zeroed_one_by_one,
        in_parts,
        by_closure,
        clipped,
    ],
)
@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_finds_nothing_in_loops_that_are_right(step, optimizer):
    assert Loop(optimizer=optimizer).watched(step).lint.findings == ()


def never_zeroed(loop):
    loop.backward()
    loop.optimizer.step()


def never_zeroed_by_closure(loop):
    loop.optimizer.step(loop.backward)


def zeroed_too_late(loop):
    loop.backward()
    loop.optimizer.zero_grad()
    loop.optimizer.step()


def without_backward(loop):
    if not loop.model[0].weight.has_grad:
        loop.backward()
    loop.optimizer.step()


@pytest.mark.parametrize(
    "step, code, message",
    [
        (never_zeroed, "no-zero-grad", "2 of 3 steps add to the gradients"),
        (never_zeroed_by_closure, "no-zero-grad", "2 of 3 steps add to the gradients"),
        (zeroed_too_late, "step-without-gradient", "3 of 3 steps find no gradient"),
        (without_backward, "step-without-backward", "2 of 3 steps go along the gradients"),
    ],
)
def test_finds_what_is_wrong_in_a_loop(step, code, message):
    watched = Loop().watched(step)
    (found,) = watched.lint
    assert (found.code, found.path) == (code, "optimizer (SGD)")
    assert message in found.message and "optimizer" in found.instead and not watched.ok


def test_finds_training_in_evaluation_mode():
    loop = Loop(Dropout(0.5))
    loop.model.eval()
    (found,) = loop.watched(right).lint
    assert (found.code, found.path) == ("training-in-evaluation", "Sequential")
    plain = Loop()
    plain.model.eval()
    assert plain.watched(right).ok


def test_finds_parameters_whose_gradient_never_arrives():
    loop, other = Loop(), Linear(4, 3)
    loop.optimizer.add_param_group({"params": list(other.parameters())})
    found = loop.watched(right).lint
    assert [(a.code, a.path) for a in found] == [
        ("optimizer-of-another-model", "optimizer (SGD)"),
        ("parameter-without-gradient", "weight"),
        ("parameter-without-gradient", "bias"),
    ]


def test_what_reaches_no_output_is_told_once():
    loop = Loop()
    loop.model.register_parameter("idle", Parameter([1.0]))
    loop.optimizer.add_param_group({"params": [loop.model.idle]})
    assert loop.watched(right).lint.codes == ("unused-parameter",)


def test_has_the_findings_of_the_model_too_and_prints_them():
    model = Sequential(Linear(4, 3), Softmax(dim=1))
    loss, optimizer = CrossEntropyLoss(), SGD(model.parameters(), lr=0.1)
    with watch(model, loss, optimizer) as watched:
        for _ in range(2):
            loss(model(X), np.arange(6) % 3)
            model.backward(loss.backward())
            optimizer.step()
    assert watched.lint.codes == ("softmax-before-cross-entropy", "no-zero-grad")
    assert str(watched) == str(watched.lint)


def test_trains_the_same_watched_or_not():
    weights = []
    for watching in (False, True):
        loop = Loop()
        if watching:
            loop.watched(right)
        else:
            for _ in range(3):
                right(loop)
        weights.append(loop.model[0].weight.data.copy())
    np.testing.assert_array_equal(*weights)


def test_leaves_optimizer_and_model_as_they_were_whatever_happens():
    loop = Loop()
    with pytest.raises(KeyError), watch(loop.model, loop.optimizer):
        assert "step" in vars(loop.optimizer) and "zero_grad" in vars(loop.model)
        raise KeyError
    assert "step" not in vars(loop.optimizer) and "zero_grad" not in vars(loop.optimizer)
    assert "zero_grad" not in vars(loop.model)


def test_leaves_the_methods_a_user_has_put_on_them():
    loop, seen = Loop(), []
    step, zero_grad = loop.optimizer.step, loop.model.zero_grad
    loop.optimizer.step = mine = lambda closure=None: seen.append("step") or step(closure)
    loop.model.zero_grad = other = lambda *a: seen.append("zero_grad") or zero_grad(*a)
    assert loop.watched(zeroed_by_model).ok
    assert seen == ["step", "zero_grad"] * 3
    assert loop.optimizer.step is mine and loop.model.zero_grad is other
    assert "zero_grad" not in vars(loop.optimizer)


def test_a_watch_within_another_leaves_that_one_looking():
    loop, second = Loop(), SGD([Parameter([1.0])], lr=0.1)
    with watch(loop.model, loop.loss, loop.optimizer, second) as outer:
        inner = loop.watched(never_zeroed, steps=2)
        never_zeroed(loop)
    for watched, message in ((outer, "2 of 3 steps add"), (inner, "1 of 2 steps add")):
        (advice,) = (a for a in watched.lint if a.code == "no-zero-grad")
        assert advice.message.startswith(message)
    for place in (loop.optimizer, second, loop.model):
        assert not {"step", "zero_grad"} & vars(place).keys()


def test_each_optimizer_has_its_own_findings():
    loop = Loop()
    first = SGD(loop.model[0].parameters(), lr=0.01)
    last = Adam(loop.model[2].parameters(), lr=0.01)
    with watch(loop.model, first, last) as watched:
        for _ in range(3):
            first.zero_grad()
            loop.backward()
            first.step()
            last.step()
    assert [(a.code, a.path) for a in watched.lint] == [("no-zero-grad", "optimizer (Adam)")]


def test_there_must_be_an_optimizer():
    with pytest.raises(TypeError, match="watch: expected the optimizer of the loop"):
        watch(Linear(4, 3), MSELoss())

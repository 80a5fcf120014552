"""Grad mode: nested as torch's, per thread; what runs without it keeps nothing, and is right."""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import npnet
from npnet import (
    BatchNorm1d,
    Dropout,
    Embedding,
    Graph,
    Linear,
    Module,
    ModuleList,
    Sequential,
    Tanh,
)
from npnet.execution import Execution
from tests.support.effects import Fails, lasting

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
ONES = np.ones((6, 4), np.float32)


def network(*last):
    return Sequential(Linear(4, 4), BatchNorm1d(4), Tanh(), Dropout(0.5), Linear(4, 4), *last)


# ---------------------------------------------------------------------- the mode


BLOCKS = [
    lambda library: library.no_grad(),
    lambda library: library.enable_grad(),
    lambda library: library.inference_mode(),
    lambda library: library.inference_mode(mode=False),
    lambda library: library.set_grad_enabled(True),
    lambda library: library.set_grad_enabled(False),
]


def nested(library):
    """Return the modes met in blocks within blocks, and in functions within them."""
    seen, see = [], library.is_grad_enabled

    def note(*_):
        seen.append(see())

    for outer in BLOCKS:
        for inner in BLOCKS:
            with outer(library):
                note()
                with inner(library):
                    note()
                note()
                inner(library)(note)()
                note()
            note()
    return seen


def walked(library):
    """Return the modes met in a walk through the other ways to switch."""
    seen, see = [], library.is_grad_enabled

    def note(*_):
        seen.append(see())

    for bare in (library.no_grad, library.enable_grad, library.inference_mode):
        bare(note)()
        library.set_grad_enabled(False)
        bare(note)()
        note()
        library.set_grad_enabled(True)
    block = library.set_grad_enabled(False)
    note()
    for _ in range(2):
        with block:
            note()
        note()
    decorated = library.set_grad_enabled(False)(note)
    note()
    decorated()
    return seen


@pytest.mark.torch
def test_the_mode_is_torchs_wherever_it_is_switched(torch):
    modes = nested(npnet) + walked(npnet)
    assert modes == nested(torch) + walked(torch)
    assert modes.count(False) > 50 < modes.count(True)
    assert npnet.is_grad_enabled()


def test_one_block_may_be_entered_again_within_itself():
    block = npnet.no_grad()
    with block, npnet.enable_grad(), block:
        assert not npnet.is_grad_enabled()
    assert npnet.is_grad_enabled()


def test_an_error_switches_back():
    with pytest.raises(KeyError), npnet.no_grad():
        raise KeyError
    assert npnet.is_grad_enabled()
    with pytest.raises(ZeroDivisionError):
        npnet.no_grad(lambda: 1 / 0)()
    assert npnet.is_grad_enabled()


def test_a_decorated_function_is_still_itself():
    @npnet.no_grad()
    def halves(x, *, by=2):
        """Divide."""
        return x / by

    assert halves(3, by=4) == 0.75
    assert (halves.__name__, halves.__doc__) == ("halves", "Divide.")


def driven(library):
    """Return what a decorated generator sees, and what is seen outside of it."""
    seen, see = [], library.is_grad_enabled

    @library.no_grad()
    def generator():
        try:
            seen.append(("sent", (yield see())))
            try:
                yield see()
            except ValueError:
                yield "caught", see()
            yield see()
        finally:
            seen.append(("closed", see()))
        return "end"

    made = generator()
    seen += [next(made), see(), made.send(3), see(), made.throw(ValueError), see(), next(made)]
    with pytest.raises(StopIteration) as end:
        next(made)
    seen += [end.value.value, see()]
    made = generator()
    seen.append(next(made))
    made.close()
    made = generator()
    next(made)
    with pytest.raises(KeyError, match="loud"):
        made.throw(KeyError("loud"))
    return [*seen, see()]


@pytest.mark.torch
def test_a_decorated_generator_is_switched_while_it_computes_as_torchs_is(torch):
    assert driven(npnet) == driven(torch)


def test_each_thread_has_its_own_mode():
    inside, done = threading.Barrier(2), threading.Barrier(2)

    def other():
        with npnet.no_grad():
            inside.wait()
            done.wait()
            return npnet.is_grad_enabled()

    model = network()
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(other)
        inside.wait()
        assert npnet.is_grad_enabled()
        model(X)
        model.backward(ONES)
        done.wait()
        assert job.result() is False


@pytest.mark.parametrize("wrong", [3, None, "x", Linear])
def test_what_cannot_be_decorated_is_refused(wrong):
    for block in (npnet.no_grad(), npnet.enable_grad(), npnet.inference_mode()):
        with pytest.raises(TypeError, match="expected a function to decorate, got"):
            block(wrong)
    with pytest.raises(TypeError, match="set_grad_enabled: expected mode True or False, got 1"):
        npnet.set_grad_enabled(1)
    assert npnet.is_grad_enabled()


# ---------------------------------------------------------------------- called on arrays


def graph():
    g = Graph()
    g.output(Tanh()(Linear(4, 4)(g.input("x"))))
    return g


@pytest.mark.parametrize("make", [lambda: Linear(4, 4), network, graph, lambda: network().eval()])
def test_nothing_is_kept_and_backward_says_so_until_the_next_call(make):
    npnet.manual_seed(0)
    model = make()
    model(X)
    with npnet.no_grad():
        model(X)
        assert not model.execution.ran.keep
        with pytest.raises(RuntimeError, match="backward after a call within no_grad, which keep"):
            model.backward(ONES)
    name = type(model).__name__
    with pytest.raises(RuntimeError, match=rf"^{name}: .*; make the call outside of the block, or"):
        model.backward(ONES)
    assert all(parameter.grad is None for parameter in model.parameters())
    with npnet.no_grad(), npnet.enable_grad():
        model(X)
    model.backward(ONES)
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_training_stays_training():
    """Masks are drawn, statistics run, and the numbers are those of a call outside."""
    results = []
    for block in (npnet.no_grad, npnet.inference_mode, npnet.enable_grad):
        npnet.manual_seed(1)
        model = network()
        with block():
            outputs = [model(X).tolist() for _ in range(3)]
        assert model.training and all(part.training for part in model)
        results.append((outputs, lasting(model)))
    assert results[0] == results[1] == results[2]
    assert results[0][0][0] != results[0][0][1]


def test_a_layer_with_effects_still_takes_them_back_where_a_step_fails():
    class Shrinks(Module):
        def __init__(self):
            super().__init__()
            self.tables = ModuleList(Embedding(9, 4, max_norm=0.5) for _ in range(2))

        def forward(self, x):
            return self.tables[0](x) + self.tables[1](x)

    for failing, x in ((network(Fails()), X), (Sequential(Shrinks(), Fails()), np.arange(9))):
        before = lasting(failing)
        for _ in range(2):
            with pytest.raises(ArithmeticError), npnet.no_grad():
                failing(x)
            assert lasting(failing) == before


def test_arrays_are_used_again_along_the_tape_as_in_evaluation():
    model = Sequential(*(Linear(4, 4) if i % 2 else Tanh() for i in range(20)))
    held = {}
    for mode in ("train", "no_grad", "eval"):
        model.train(mode != "eval")
        with npnet.set_grad_enabled(mode != "no_grad"):
            model(X)
        held[mode] = model.execution.ran.nbytes
    assert held["no_grad"] == held["eval"] < held["train"] / 5


def test_a_graph_still_shows_its_values():
    g = Graph()
    x = g.input("x", requires_grad=True)
    hidden = [x * 2.0]
    for _ in range(4):
        hidden.append(hidden[-1] + 1.0)
    g.output(hidden[-1])
    with npnet.no_grad():
        g(X)
    for number, node in enumerate(hidden):
        np.testing.assert_allclose(g.value(node), 2 * X + number, rtol=1e-6)
    with pytest.raises(RuntimeError, match="before backward"):
        g.grad(hidden[0])


@pytest.mark.parametrize("training", [True, False])
def test_backward_within_goes_through_a_call_made_outside(training):
    """As in torch: the mode counts where a Module is called. Evaluation has to run it again."""
    model = Linear(4, 4).train(training)
    twin = copy.deepcopy(model)
    model(X)
    with npnet.no_grad():
        gradient = model.backward(ONES)
        assert not npnet.is_grad_enabled()
    twin(X)
    np.testing.assert_array_equal(gradient, twin.backward(ONES))
    np.testing.assert_array_equal(model.weight.grad, twin.weight.grad)


def test_switching_traces_nothing_anew_and_costs_a_look_a_switch(monkeypatch):
    model, counts = network(), {"_find": 0, "_make": 0}
    for name in counts:
        method = getattr(Execution, name)

        def counting(self, *given, name=name, method=method):
            counts[name] += 1
            return method(self, *given)

        monkeypatch.setattr(Execution, name, counting)
    for _ in range(5):
        for _ in range(4):
            model(X)
        with npnet.no_grad():
            for _ in range(4):
                model(X)
    assert counts == {"_find": 10, "_make": 2}
    with npnet.enable_grad():
        model(X)
        counts["_find"] = 0
        model(X)
        with npnet.enable_grad():
            model(X)
    assert counts == {"_find": 0, "_make": 2}

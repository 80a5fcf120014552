"""A forward that fails, or that is only looked at, changes nothing that outlasts it."""

import threading

import numpy as np
import pytest

import npnet
import npnet.functional as F
from npnet import BatchNorm1d, Dropout, Embedding, Graph, Linear, Module, ReLU, Sequential
from npnet.random import default_generator
from tests.support.effects import Fails, lasting

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


class Interrupts(Fails):
    """A step in which the user presses Ctrl-C."""

    def forward_kernel(self, x, *, out, scratch):
        raise KeyboardInterrupt


def model(*last):
    return Sequential(Dropout(0.2), Linear(4, 4), BatchNorm1d(4), ReLU(), Dropout(0.5), *last)


@pytest.mark.parametrize("last, error", [(Fails, ArithmeticError), (Interrupts, KeyboardInterrupt)])
def test_whatever_stops_a_forward_it_is_as_if_it_had_not_begun(last, error):
    failing = model(last())
    before = lasting(failing)
    for _ in range(2):
        with pytest.raises(error):
            failing(X)
        assert lasting(failing) == before


def test_a_graph_and_a_nested_module_are_no_exceptions():
    inner, g = model(), Graph()
    g.output(Fails()(Sequential(inner)(g.input("x"))))
    before = lasting(g)
    with pytest.raises(ArithmeticError):
        g(X)
    assert lasting(g) == before == lasting(Sequential(inner, *g.children()))[: len(before)]


def test_steps_before_the_one_that_fails_are_undone_though_it_is_of_their_kind():
    table = Embedding(5, 3, max_norm=0.5)
    both = Sequential(table, npnet.Flatten(), Linear(6, 5), Fails())
    before = lasting(both)
    with pytest.raises(ArithmeticError):
        both(np.array([[0, 1], [1, 4]]))
    with pytest.raises(IndexError, match="index 5"):
        both(np.array([[0, 1], [1, 5]]))
    assert lasting(both) == before


def test_what_two_steps_changed_is_undone_from_the_last_to_the_first():
    table = Embedding.from_pretrained([[3.0, 4.0], [6.0, 8.0]], max_norm=2.0)
    small = Embedding(2, 2, max_norm=1.0)
    small.weight = table.weight

    class Both(Module):
        def __init__(self):
            super().__init__()
            self.table, self.small, self.last = table, small, Fails()

        def forward(self, x):
            return self.last(self.table(x) + self.small(x))

    with pytest.raises(ArithmeticError):
        Both()(np.array([0, 1]))
    assert table.weight.data.tolist() == [[3.0, 4.0], [6.0, 8.0]]


def test_an_error_before_the_forward_changes_nothing():
    whole = model()
    before = lasting(whole)
    with pytest.raises(ValueError, match="expected x of shape"):
        whole(np.ones((6, 5), np.float32))
    assert lasting(whole) == before


def test_plans_without_effects_save_nothing(monkeypatch):
    monkeypatch.setattr(npnet.Layer, "save", None)
    monkeypatch.setattr(npnet.Layer, "restore", None)
    plain = Sequential(Linear(4, 4), BatchNorm1d(4), Dropout(0.0), Dropout(1.0), Embedding(1, 1))
    plain = Sequential(*plain[:4]).eval()
    plain(X)
    assert plain.execution.ran._effects == []
    plain.backward(np.ones((6, 4)))


def test_a_layer_that_says_it_has_effects_must_say_how_to_undo_them():
    class Half(ReLU):
        def has_effects(self):
            return True

    with pytest.raises(NotImplementedError, match=r"Half: has effects and no save; see npnet\.L"):
        Half()(X)


class Sampled(Module):
    """Dropout that is at work in evaluation too."""

    def __init__(self):
        super().__init__()
        self.fc = Linear(4, 50)

    def forward(self, x):
        return F.dropout(self.fc(x), 0.5, training=True)


def test_evaluation_keeps_the_mask_it_drew_for_backward():
    sampled = Sampled().eval()
    npnet.manual_seed(1)
    y = sampled(X)
    mark = default_generator().mark()
    sampled.backward(np.ones((6, 50)))
    assert default_generator().mark() == mark
    np.testing.assert_array_equal(sampled.fc.bias.grad, (2.0 * (y != 0)).sum(axis=0))


def test_a_function_follows_the_mode_of_the_module_that_calls_it():
    class Follows(Module):
        def forward(self, x):
            return F.dropout(x, 0.5, training=self.training)

    follows, ones = Follows(), np.ones(100)
    assert set(follows(ones).tolist()) == {0.0, 2.0}
    assert set(follows.eval()(ones).tolist()) == {1.0}
    assert set(follows.train()(ones).tolist()) == {0.0, 2.0}


def test_gradcheck_checks_layers_that_draw_and_leaves_all_as_it_was():
    whole = model(Linear(4, 2), npnet.Tanh())
    before = lasting(whole)
    assert npnet.gradcheck(whole, X)
    assert lasting(whole) == before
    result = npnet.gradcheck(Sequential(*whole, Wrong()), X, raise_exception=False)
    assert not result and "the fault is in step" in str(result) and "Wrong" in str(result)
    assert lasting(whole) == before


class Wrong(npnet.Elementwise):
    def forward_kernel(self, x, *, out, scratch):
        np.sin(x, out=out)

    def backward_kernel(self, dy, x, y, *, dx, scratch):
        np.multiply(dy, 2.0, out=dx)


def test_threads_draw_their_masks_each_in_one_piece():
    dropout, drawn, lock = Dropout(generator=npnet.Generator(3)), [], threading.Lock()

    def work():
        for _ in range(40):
            mask = dropout(np.ones(50)).tolist()
            with lock:
                drawn.append(mask)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = Dropout(generator=npnet.Generator(3))
    assert sorted(drawn) == sorted(alone(np.ones(50)).tolist() for _ in range(160))

"""Ownership: no array the caller holds ever changes, whatever is called in whatever order."""

import numpy as np
import pytest

from npnet import (
    CrossEntropyLoss,
    Graph,
    Linear,
    Module,
    Regularization,
    ReLU,
    Sequential,
    Sigmoid,
    SoftmaxCrossEntropy,
    Sum,
    Tanh,
)
from npnet.data import DataLoader
from npnet.optim import SGD


class Composite(Module):
    """Two outputs, a penalty, an input that is passed on, values used twice."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.tanh = Linear(3, 4), Linear(4, 3), Tanh()
        self.penalty = Regularization(0.1)

    def forward(self, x):
        h = self.tanh(self.fc1(x))
        z = self.fc2(h) + x
        return z, self.penalty(self.fc1.weight), x


def by_hand():
    graph, fc1, fc2 = Graph(), Linear(3, 4), Linear(4, 3)
    x = graph.input("x", requires_grad=True)
    h = Sigmoid()(fc1(x))
    graph.output(fc2(h), Sum()(Regularization(0.5)(fc2.weight)), h)
    return graph


MODELS = {
    "layer": lambda: Linear(3, 3),
    "sequential": lambda: Sequential(Linear(3, 4), ReLU(), Linear(4, 4), ReLU(), Linear(4, 3)),
    "composite": Composite,
    "graph": by_hand,
    "nested": lambda: Sequential(by_hand(), Sequential(Sum(axis=1))[:0]),
}


class Caller:
    """Holds everything a user may hold, and knows what it looked like."""

    def __init__(self, kind, seed):
        self.random = np.random.default_rng(seed)
        self.model, self.held, self.ran = MODELS[kind](), [], False
        self.parameters = list(self.model.parameters())
        self.optimizer = SGD(self.parameters, lr=0.01, momentum=0.5)
        self.results = ()
        self.inputs = [self.keep(self.draw(n, 3)) for n in (1, 2, 4)]
        samples = self.keep(self.draw(10, 3)), self.keep(np.arange(10))
        self.loader = iter(DataLoader(*samples, batch_size=4, shuffle=True))

    def draw(self, *shape):
        return self.random.normal(size=shape).astype(np.float32)

    def keep(self, array):
        """Hold an array: from now on it must stay as it is."""
        if isinstance(array, np.ndarray):
            self.held.append((array, array.copy()))
        return array

    def check(self):
        for array, copy in self.held:
            np.testing.assert_array_equal(array, copy)

    # ---------------------------------------------------------------- what a user may call

    def forward(self):
        self.run(self.inputs[self.random.integers(3)])

    def run(self, x):
        results = self.model(x)
        self.results = results if isinstance(results, tuple) else (results,)
        self.ran = True
        for result in self.results:
            self.keep(result)

    def backward(self):
        if not self.ran:
            return
        gradients = [self.keep(self.draw(*np.shape(result))) for result in self.results]
        self.keep(self.model.backward(*gradients, input_grad=bool(self.random.integers(2))))

    def backward_from_results(self):
        if self.ran:
            self.keep(self.model.backward(*self.results, input_grad=True))

    def step(self):
        self.optimizer.step()

    def zero_grad(self):
        gradients = [parameter.grad for parameter in self.parameters]
        (self.model if self.random.integers(2) else self.optimizer).zero_grad()
        for gradient in gradients:
            self.keep(gradient)

    def read_gradients(self):
        for parameter in self.parameters:
            if parameter.grad is not None:
                self.keep(parameter.grad.copy())

    def switch(self):
        self.model.train(bool(self.random.integers(2)))

    def freeze(self):
        parameter = self.parameters[self.random.integers(len(self.parameters))]
        parameter.requires_grad = bool(self.random.integers(2))

    def copy_state(self):
        for array in self.model.state_dict().values():
            self.keep(array.copy())

    def load_state(self):
        state = {name: a * 0.5 for name, a in self.model.state_dict().items()}
        for array in state.values():
            self.keep(array)
        self.model.load_state_dict(state)

    def assign_data(self):
        parameter = self.parameters[0]
        parameter.data = self.keep(self.draw(*parameter.shape))
        parameter.grad = self.keep(self.draw(*parameter.shape))

    def look(self):
        if not isinstance(self.model, Graph) or not self.ran:
            return
        for node in (*self.model._inputs, *self.model._outputs, *self.parameters):
            self.keep(self.model.value(node))
            if self.model.execution.ran.swept is not None and node not in self.model._inputs:
                self.keep(self.model.grad(node))

    def another_batch(self):
        batch = next(self.loader, None)
        if batch is not None:
            for array in batch:
                self.keep(array)
            self.run(batch[0])


CALLS = [name for name in vars(Caller) if not name.startswith("_")]
CALLS = [name for name in CALLS if name not in ("draw", "keep", "check", "run")]


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("block", range(4))
def test_a_thousand_random_sequences(kind, block):
    """20 blocks of 50 sequences of 12 calls."""
    for seed in range(50):
        caller = Caller(kind, 50 * block + seed)
        for name in caller.random.choice(CALLS, 12):
            getattr(caller, name)()
            caller.check()


@pytest.mark.parametrize("kind", MODELS)
def test_what_the_caller_writes_into_results_is_not_seen(kind):
    caller = Caller(kind, 0)
    x, g = caller.inputs[1], []

    def run():
        caller.model.zero_grad()
        found = caller.model(x)
        found = list(found) if isinstance(found, tuple) else [found]
        g[:] = g or [caller.draw(*np.shape(value)) for value in found]
        found.append(caller.model.backward(*g, input_grad=True))
        return [value for value in found if isinstance(value, np.ndarray)]

    for training in (True, False):
        caller.model.train(training)
        first = run()
        copies = [array.copy() for array in first]
        for array in first:
            assert array.flags.writeable
            array[...] = np.nan
        for array, copy in zip(run(), copies, strict=True):
            np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("loss", [CrossEntropyLoss, SoftmaxCrossEntropy])
def test_losses_leave_logits_and_labels(loss):
    logits, labels = np.random.default_rng(0).normal(size=(4, 3)), np.array([0, 2, 1, 1])
    copies = logits.copy(), labels.copy()
    layer = loss()
    layer(logits, labels)
    gradient = layer.backward(1.0, *(() if layer.output_count == 1 else (None,)))
    kept = gradient.copy()
    layer(logits * 2, labels)
    layer.backward(2.0, *(() if layer.output_count == 1 else (None,)))
    np.testing.assert_array_equal(logits, copies[0])
    np.testing.assert_array_equal(labels, copies[1])
    np.testing.assert_array_equal(gradient, kept)


def test_live_by_contract():
    """state_dict entries and data follow training; grad follows until zero_grad."""
    fc = Linear(2, 2)
    state, data = fc.state_dict(), fc.weight.data
    fc([[1.0, 2.0]])
    fc.backward([[1.0, 1.0]])
    gradient = fc.weight.grad
    fc.backward([[1.0, 1.0]])
    assert gradient.tolist() == [[2, 4], [2, 4]]
    fc.weight.data = np.ones((2, 2))
    assert state["weight"].tolist() == data.tolist() == [[1, 1], [1, 1]]

"""Models are freed with their last reference, not at the next garbage collection.

Models made in a loop would otherwise pile up: Python counts objects, and these hold large arrays.
"""

import gc
import weakref

import numpy as np
import pytest

from npnet import CrossEntropyLoss, Graph, Linear, Module, Regularization, ReLU, Sequential, inspect
from npnet.data import DataLoader
from npnet.grad_mode import no_grad
from npnet.optim import SGD
from npnet.optim.lr_scheduler import StepLR
from npnet.training import Trainer

X = np.linspace(-1, 1, 8 * 6, dtype=np.float32).reshape(8, 6)
Y = np.arange(8) % 3


def network():
    return Sequential(Linear(6, 4), ReLU(), Linear(4, 3))


class Objective(Module):
    def __init__(self):
        super().__init__()
        self.net, self.loss, self.penalty = network(), CrossEntropyLoss(), Regularization(0.1)

    def forward(self, x, y):
        return self.loss(self.net(x), y) + self.penalty(self.net[0].weight)


def trained():
    model = Objective()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = StepLR(optimizer, 1)
    for rows in (8, 5):
        model(X[:rows], Y[:rows])
        model.backward()
        optimizer.step()
        scheduler.step()
    return model, optimizer, scheduler, *model.parameters()


def evaluated():
    model = network()
    model.eval()
    model(X)
    with no_grad():
        model(X)
    return model, *model.parameters()


def built_by_hand():
    graph, fc = Graph(), Linear(6, 3)
    x, y = graph.input("x"), graph.input("y")
    graph.output(CrossEntropyLoss()(fc(x).tanh(), y))
    graph(X, Y)
    graph.backward()
    str(graph)
    return graph, fc, *fc.parameters()


def fitted():
    model = network()
    trainer = Trainer(model, CrossEntropyLoss(), SGD(model.parameters(), lr=0.1))
    trainer.fit(DataLoader(X, Y, batch_size=4), epochs=2, progress=False)
    return model, trainer, *model.parameters()


def looked_at():
    model = network()
    model(X)
    model.backward(np.ones((8, 3)))
    inspect.record(model)
    inspect.summary(model)
    inspect.draw(model)
    return model, *model.parameters()


@pytest.mark.parametrize("make", [trained, evaluated, built_by_hand, fitted, looked_at])
def test_a_model_is_freed_at_once(make):
    make()  # what is made once and kept is there now
    gc.collect()
    gc.disable()
    try:
        left = [weakref.ref(part) for part in make()]
        assert [part() for part in left] == [None] * len(left)
    finally:
        gc.enable()

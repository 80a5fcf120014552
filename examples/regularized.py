"""Digits with an objective of parallel paths: cross-entropy, and a penalty on each weight.

``python examples/regularized.py`` trains it in a loop written by hand;
``python -m npnet.inspect examples/regularized.py`` makes a page to step through it, for two digits.
"""

import argparse

import numpy as np

import npnet
from npnet import Graph, Linear, Regularization, ReLU, SoftmaxCrossEntropy, Sum
from npnet.data import DataLoader, load_digits, train_test_split
from npnet.optim import SGD

# Here and not in a function: npnet.inspect takes the names from the module.
npnet.manual_seed(0)
fc1, fc2 = Linear(64, 32), Linear(32, 10)
W, M = fc1.weight, fc2.weight
g = Graph()
x, y = g.input("x"), g.input("y")
h = ReLU()(fc1(x))
z = fc2(h)
L, probabilities = SoftmaxCrossEntropy()(z, y)
# W and M are read twice each, by a layer and by a penalty; backward adds both gradients up.
R_W, R_M = Regularization(1e-3)(W), Regularization(1e-3)(M)
J = Sum()(L, R_W, R_M)
g.output(J)


def main(epochs=20):
    """Train, print each epoch's mean objective and its parts; return the test accuracy."""
    train, test = train_test_split(*load_digits())
    optimizer = SGD(g.parameters(), lr=0.05, momentum=0.9)
    loader = DataLoader(*train, batch_size=32, shuffle=True)
    for epoch in range(1, epochs + 1):
        parts = np.zeros(3)
        for inputs, targets in loader:
            total = g(x=inputs, y=targets)
            optimizer.zero_grad()
            g.backward()
            optimizer.step()
            parts += [total, g.value(L), g.value(R_W) + g.value(R_M)]
        objective, loss, penalty = parts / len(loader)
        print(f"epoch {epoch:2}  objective {objective:.4f} = {loss:.4f} + {penalty:.4f}")
    g(x=test.inputs, y=test.targets)
    accuracy = float((g.value(probabilities).argmax(1) == test.targets).mean())
    print(f"test accuracy: {accuracy:.1%}")
    # The last run is what npnet.inspect shows.
    g(x=test.inputs[:2], y=test.targets[:2])
    g.backward()
    return accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--quick", action="store_const", dest="epochs", const=3, help="3 epochs")
    main(**vars(parser.parse_args()))

"""Two moons told apart by a network: ``python examples/moons.py --picture moons.png``."""

import argparse
from importlib.util import find_spec

import numpy as np

from npnet import BCEWithLogitsLoss, Linear, Sequential, Tanh, manual_seed, sigmoid
from npnet.data import DataLoader
from npnet.optim import Adam
from npnet.training import Accuracy, Trainer


def moons(count, random):
    """Return points (count, 2) and which moon each is of, (count, 1)."""
    moon, angle = np.arange(count)[:, None] % 2, random.uniform(0, np.pi, (count, 1))
    upper = np.hstack([np.cos(angle), np.sin(angle)])
    points = np.where(moon, [1, 0.5] - upper, upper) + random.normal(0, 0.15, upper.shape)
    return points.astype(np.float32), moon.astype(np.float32)


def draw(predict, points, moon, path):
    """Draw how likely the second moon is at each place, the border, and the points."""
    from matplotlib.figure import Figure

    axes = Figure(figsize=(7, 4.2), layout="constrained").add_subplot(aspect="equal")
    x, y = np.meshgrid(np.linspace(-1.6, 2.6, 300), np.linspace(-1.2, 1.7, 200))
    likely = sigmoid(predict(np.float32([x.ravel(), y.ravel()]).T)).reshape(x.shape)
    shades = axes.contourf(x, y, likely, np.linspace(0, 1, 21), cmap="RdBu_r", alpha=0.6)
    axes.contour(x, y, likely, [0.5], colors="black")
    axes.scatter(*points.T, c=moon, cmap="RdBu_r", edgecolors="white", linewidths=0.5, s=20)
    axes.figure.colorbar(shades, label="probability of the second moon")
    axes.figure.savefig(path)


def main(epochs=100, picture=None, seed=0):
    """Train, print the history, and return the accuracy on new points."""
    manual_seed(seed)
    train, test = (moons(500, np.random.default_rng([seed, part])) for part in (0, 1))
    model = Sequential(Linear(2, 16), Tanh(), Linear(16, 16), Tanh(), Linear(16, 1))
    loss, optimizer = BCEWithLogitsLoss(), Adam(model.parameters(), lr=0.01)
    trainer = Trainer(model, loss, optimizer, metrics=[Accuracy(threshold=0.0)])
    print(trainer.fit(DataLoader(*train, batch_size=32, shuffle=True), epochs))
    accuracy = trainer.evaluate(DataLoader(*test, batch_size=256))["accuracy"]
    print(f"test accuracy: {accuracy:.1%}")
    if picture is not None:
        draw(trainer.predict, *test, picture)
    return accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--quick", action="store_const", dest="epochs", const=20, help="20 epochs")
    parser.add_argument("--picture", metavar="FILE", help="where to draw the border")
    options = parser.parse_args()
    if options.picture and not find_spec("matplotlib"):
        parser.error("--picture needs matplotlib: pip install -e '.[plot]'")
    main(**vars(options))

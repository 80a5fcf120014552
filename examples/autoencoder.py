"""Digits of 64 pixels squeezed into 8 numbers and out again, with pictures of what is left.

``python examples/autoencoder.py --picture digits.png``; the picture needs matplotlib.
"""

import argparse
from importlib.util import find_spec

import numpy as np

import npnet
from npnet import Linear, MSELoss, ReLU, Sequential, Sigmoid
from npnet.data import DataLoader, load_digits, train_test_split
from npnet.optim import Adam
from npnet.training import Trainer


def draw(digits, reconstructions, path):
    """Draw digits, and below each what came out."""
    from matplotlib.figure import Figure

    rows = ("digits", digits), ("from 8 numbers", reconstructions)
    figure = Figure(figsize=(len(digits), 2.4), layout="constrained")
    for axes, (title, images) in zip(figure.subplots(2), rows, strict=True):
        side_by_side = np.hstack([np.pad(image.reshape(8, 8), 1) for image in images])
        axes.imshow(side_by_side, cmap="gray", vmin=0, vmax=1)
        axes.set(title=title, xticks=[], yticks=[])
    figure.savefig(path)


def main(epochs=60, picture=None, seed=0):
    """Train, print the history, and return the mean squared error on digits set apart."""
    npnet.manual_seed(seed)
    train, test = (part.inputs for part in train_test_split(*load_digits()))
    encoder = Sequential(Linear(64, 48), ReLU(), Linear(48, 8))
    decoder = Sequential(Linear(8, 48), ReLU(), Linear(48, 64), Sigmoid())
    model = Sequential(encoder, decoder)
    trainer = Trainer(model, MSELoss(), Adam(model.parameters(), lr=3e-3))
    # What goes in is what is to come out.
    print(trainer.fit(DataLoader(train, train, batch_size=32, shuffle=True), epochs))
    error = trainer.evaluate(DataLoader(test, test, batch_size=256))["loss"]
    variance = float(np.square(test - train.mean(0)).mean())
    print(f"test error: {error:.4f}; of the mean digit: {variance:.4f}")
    if picture is not None:
        draw(test[:12], trainer.predict(test[:12]), picture)
    return error


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--quick", action="store_const", dest="epochs", const=5, help="5 epochs")
    parser.add_argument("--picture", metavar="FILE", help="where to draw reconstructions")
    options = parser.parse_args()
    if options.picture and not find_spec("matplotlib"):
        parser.error("--picture needs matplotlib: pip install -e '.[plot]'")
    main(**vars(options))

"""Prices of houses from a CSV file, with categories and gaps, by a small network.

``python examples/housing.py`` invents the houses from a seed, in a temporary folder.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

import npnet
from npnet import Linear, MSELoss, ReLU, Sequential
from npnet.data import DataLoader, read_csv, train_test_split
from npnet.optim import Adam
from npnet.training import Trainer
from npnet.training.metrics import R2, MeanAbsoluteError


def write_houses(path, count, seed):
    """Write a table of houses; every fiftieth has no age."""
    random = np.random.default_rng(seed)
    size, age = random.uniform(40, 200, count), random.integers(0, 100, count)
    heating = random.integers(0, 3, count)
    price = size * (4 - 0.02 * age) + np.array([0, 40, 90])[heating] + random.normal(0, 15, count)
    ages = ["" if i % 50 == 7 else years for i, years in enumerate(age)]
    kinds = np.array(["oil", "gas", "heat pump"])[heating]
    with path.open("w", encoding="utf-8") as file:
        print("size,age,heating,price", file=file)
        for house in zip(size.round(1), ages, kinds, price.round(1), strict=True):
            print(*house, sep=",", file=file)


def main(epochs=100, count=1000, seed=0):
    """Train, print the history, and return the share of the variance that is explained (R2)."""
    npnet.manual_seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        write_houses(Path(folder, "houses.csv"), count, seed)
        table = read_csv(Path(folder, "houses.csv"), "price", one_hot=True, missing="fill")
    print(f"{table}\nTrained on prices in hundreds, as loss and mae below are:")
    train, test = train_test_split(table.inputs, table.targets[:, None] / 100)
    mean, deviation = train.inputs.mean(0), train.inputs.std(0)

    model = Sequential(Linear(len(table.columns), 32), ReLU(), Linear(32, 1))
    metrics = [MeanAbsoluteError(), R2()]
    trainer = Trainer(model, MSELoss(), Adam(model.parameters(), lr=3e-3), metrics=metrics)
    batches = DataLoader((train.inputs - mean) / deviation, train.targets, 32, shuffle=True)
    held_out = DataLoader((test.inputs - mean) / deviation, test.targets, 256)
    print(trainer.fit(batches, epochs, held_out))
    figures = trainer.evaluate(held_out)
    print(f"on average {100 * figures['mae']:.1f} off; R2 of the test: {figures['r2']:.3f}")
    return figures["r2"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--quick", action="store_const", dest="epochs", const=10, help="10 epochs")
    main(**vars(parser.parse_args()))

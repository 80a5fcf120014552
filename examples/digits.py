"""Written digits, 8 x 8 pixels, told apart by a network of two layers: the shortest whole run.

``python examples/digits.py`` needs no files: the digits come with npnet.
"""

import argparse

import npnet
from npnet import CrossEntropyLoss, Linear, ReLU, Sequential
from npnet.data import DataLoader, load_digits, train_test_split
from npnet.optim import Adam
from npnet.training import EarlyStopping, Trainer
from npnet.training.metrics import Accuracy


def main(epochs=40, seed=0):
    """Train, print the history, and return the accuracy on digits that were set apart."""
    npnet.manual_seed(seed)
    rest, test = train_test_split(*load_digits())
    train, validation = train_test_split(*rest)

    model = Sequential(Linear(64, 64), ReLU(), Linear(64, 10))
    trainer = Trainer(
        model,
        CrossEntropyLoss(),
        Adam(model.parameters(), lr=3e-3),
        metrics=[Accuracy()],
        callbacks=[EarlyStopping("val_loss", patience=5)],
    )
    batches = DataLoader(*train, batch_size=32, shuffle=True)
    history = trainer.fit(batches, epochs, DataLoader(*validation, batch_size=256))
    print(history)

    accuracy = trainer.evaluate(DataLoader(*test, batch_size=256))["accuracy"]
    print(f"test accuracy: {accuracy:.1%}")
    return accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--quick", action="store_const", dest="epochs", const=5, help="5 epochs")
    main(**vars(parser.parse_args()))

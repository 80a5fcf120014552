"""MNIST's digits, 28 x 28 pixels, from its IDX files: 784-256-10 with weight decay.

``python examples/mnist.py ROOT`` reads the four files from the folder ROOT, gzipped or not;
``--download`` fetches those that are missing. The pixels stay bytes, scaled batch by batch.
"""

import argparse

import npnet
from npnet import CrossEntropyLoss, Linear, ReLU, Sequential
from npnet.data import DataLoader, Scaled, load_mnist
from npnet.optim import SGD
from npnet.training import Trainer
from npnet.training.metrics import Accuracy


def main(root, epochs=10, samples=None, download=False, seed=0):
    """Train on all samples or the first so many; return the accuracy on the test set."""
    npnet.manual_seed(seed)
    train, test = load_mnist(root, download=download, dtype="uint8")
    inputs, targets = train.inputs[:samples], train.targets[:samples]

    model = Sequential(Linear(784, 256), ReLU(), Linear(256, 10))
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    trainer = Trainer(model, CrossEntropyLoss(), optimizer, metrics=[Accuracy()])
    batches = DataLoader(Scaled(inputs), targets, batch_size=64, shuffle=True)
    print(trainer.fit(batches, epochs))

    accuracy = trainer.evaluate(DataLoader(Scaled(test.inputs), test.targets, 256))["accuracy"]
    print(f"test accuracy: {accuracy:.1%}")
    return accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", help="the folder with the four IDX files")
    parser.add_argument("--download", action="store_true", help="fetch files that are missing")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="2 epochs on 1,000 digits")
    given = parser.parse_args()
    epochs, samples = (2, 1000) if given.quick else (given.epochs, None)
    try:
        main(given.root, epochs, samples, given.download)
    except (OSError, ValueError) as error:
        parser.error(str(error))

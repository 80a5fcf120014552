"""A small run with everything that makes going on difficult, and the bits that it comes to."""

import numpy as np

import npnet
from npnet import BatchNorm1d, CrossEntropyLoss, Dropout, Linear, ReLU, Sequential
from npnet.data import DataLoader
from npnet.optim import Adam
from npnet.optim.lr_scheduler import StepLR
from npnet.training import EarlyStopping, Trainer

SAMPLES, FEATURES, CLASSES, BATCH = 22, 5, 3, 4
BATCHES = -(-SAMPLES // BATCH)


class Hits:
    """The share of rows whose largest output is at the target, with npnet's names for a metric."""

    name = "accuracy"

    def __init__(self):
        self.reset()

    def reset(self):
        self.hits, self.rows = 0.0, 0.0

    def update(self, outputs, targets, weights=None):
        weights = np.ones(len(targets)) if weights is None else weights
        self.hits += float(weights[outputs.argmax(1) == targets].sum())
        self.rows += float(weights.sum())

    def compute(self):
        return self.hits / self.rows if self.rows else float("nan")


def samples(count=SAMPLES, seed=3):
    """Return inputs and labels that can be learned."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, CLASSES, count)
    inputs = random.normal(size=(count, FEATURES)) + np.eye(CLASSES, FEATURES)[labels]
    return inputs.astype(np.float32), labels


def network(seed=0, own=None):
    """Return layers that draw numbers and keep statistics."""
    npnet.manual_seed(seed)
    dropout = Dropout(0.3, generator=own)
    return Sequential(Linear(FEATURES, 6), BatchNorm1d(6), ReLU(), dropout, Linear(6, CLASSES))


def trainer(seed=0, own=None, **options):
    """Return a Trainer with Adam, a schedule, a metric and a callback that has a state."""
    model = network(seed, own)
    optimizer = Adam(model.parameters(), lr=0.02)
    given = {
        "schedule": StepLR(optimizer, 2, 0.5),
        "metrics": [Hits()],
        "callbacks": [EarlyStopping(patience=50)],
        "clip": 1.5,
    }
    return Trainer(model, CrossEntropyLoss(), optimizer, **{**given, **options})


def loaders(own=None, **options):
    """Return a loader that shuffles, and one for validation."""
    inputs, labels = samples()
    given = {"batch_size": BATCH, "shuffle": True, "generator": own}
    return DataLoader(inputs, labels, **{**given, **options}), DataLoader(inputs, labels, 8)


def bits(run):
    """Return all that a run has come to, but for how long it took."""
    found = {name: array.tobytes() for name, array in run.model.state_dict().items()}
    state = run.optimizer.state_dict()
    for index, arrays in state["state"].items():
        found.update({(index, name): array.tobytes() for name, array in arrays.items()})
    found["groups"] = repr(state["param_groups"])
    found["history"] = repr(
        [{n: v for n, v in record.items() if n != "seconds"} for record in run.history.records]
    )
    found["streams"] = {name: repr(state) for name, state in run.streams.states().items()}
    found["counts"] = (run.epoch, run.steps, run.stopped)
    return found

"""The steady training step: what it costs, counted, for a network of two layers in five sizes."""

import gc
import sys
import tracemalloc

import numpy as np
import pytest

from npnet import CrossEntropyLoss, Linear, Module, Regularization, ReLU, Sequential
from npnet.contraction import Contraction
from npnet.optim import SGD
from npnet.plan import COPIED
from npnet.program import Program

#: Rows, inputs, hidden units, classes.
SIZES = (
    (1, 16, 32, 4),
    (32, 64, 64, 10),
    (128, 784, 128, 10),
    (512, 784, 512, 10),
    (2048, 784, 1024, 10),
)
SMALL, LARGE = SIZES[:2], SIZES[2:]

every_size = pytest.mark.parametrize("size", SIZES, ids=str)
both_paths = pytest.mark.parametrize("penalized", [False, True], ids=["plain", "penalized"])


class Objective(Module):
    """Cross-entropy of Linear, ReLU, Linear, and a regularization path for each weight."""

    def __init__(self, size, penalized):
        super().__init__()
        _, inputs, hidden, classes = size
        self.network = Sequential(Linear(inputs, hidden), ReLU(), Linear(hidden, classes))
        self.loss = CrossEntropyLoss()
        self.penalty = Regularization(1e-4) if penalized else None

    def forward(self, x, y):
        value = self.loss(self.network(x), y)
        if self.penalty is not None:
            value = value + self.penalty(self.network[0].weight)
            value = value + self.penalty(self.network[2].weight)
        return value


class Training:
    """An objective with its optimizer and three batches, stepped until nothing is new."""

    def __init__(self, size, penalized=False):
        rows, inputs, _, classes = size
        random = np.random.default_rng(0)
        self.objective = Objective(size, penalized)
        self.optimizer = SGD(self.objective.parameters(), lr=1e-3, momentum=0.9)
        self.batches = [
            (random.random((rows, inputs), np.float32), random.integers(0, classes, rows))
            for _ in range(3)
        ]
        for _ in range(2):
            self.epoch()

    def epoch(self):
        for x, y in self.batches:
            self.optimizer.zero_grad()
            self.objective(x, y)
            self.objective.backward()
            self.optimizer.step()

    @property
    def plan(self):
        return self.objective.execution.ran


@both_paths
@every_size
def test_calls_of_a_step(size, penalized):
    """As many NumPy calls as counted when this was written, or fewer."""
    plan = Training(size, penalized).plan
    rows, _, hidden, _ = size
    blocks = -(-rows // max(2**15 // hidden, 1))  # ReLU goes back block by block
    assert len(plan._program.calls) <= 6 + 6 * penalized
    assert len(plan.swept._program.calls) <= 10 + 3 * blocks + 8 * penalized


@pytest.mark.skipif(sys.gettrace() is not None, reason="what traces coverage allocates too")
@both_paths
@every_size
def test_a_step_allocates_next_to_nothing(size, penalized):
    training = Training(size, penalized)
    gc.collect()
    # What NumPy reads an operand through where it stretches one: its own, for the call alone.
    usual = np.setbufsize(16)
    tracemalloc.start()
    try:
        training.epoch()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        training.epoch()
        now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        np.setbufsize(usual)
    # NumPy takes 1,104 bytes in any call that stretches an operand. A bias gradient of more than
    # 512 rows is added up in blocks of so many, and their sums added up.
    sums = 4 * (size[0] // 512) * size[2] if size[0] > 512 else 0
    assert peak - before < 4000 + sums
    assert now - before < 2000  # what Python keeps ready; it stays so however many steps follow


@every_size
def test_evaluation_holds_less_than_training(size):
    rows, inputs, hidden, classes = size
    model = Objective(size, penalized=False)
    x, y = np.ones((rows, inputs), np.float32), np.zeros(rows, np.int64)
    held = []
    for training in (False, True):
        model.train(training)
        gc.collect()
        tracemalloc.start()
        model(x, y)
        if training:
            model.backward()
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        if not training:
            activations = 4 * rows * (hidden + classes)
            assert model.execution.ran.nbytes <= activations + 64  # and the loss
    assert held[0] < held[1]


def listed_stages(training, monkeypatch):
    """Return how many stages of each program are listed anew in an epoch."""
    count = {"forward": 0, "backward": 0}
    write = Program._write

    def counting(program):
        which = "forward" if program is training.plan_seen._program else "backward"
        count[which] += len(program._stale)
        write(program)

    training.plan_seen = training.plan
    monkeypatch.setattr(Program, "_write", counting)
    training.epoch()
    return count


@both_paths
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_only_what_reads_a_large_batch_is_listed_anew(size, penalized, monkeypatch):
    training = Training(size, penalized)
    rows, inputs, _, _ = size
    # The first Linear forward and back; the labels, and the loss that reads them, are small.
    again = 3 if 4 * rows * inputs > COPIED else 0
    assert (again > 0) == (size in LARGE)
    expected = {"forward": again, "backward": again}
    assert listed_stages(training, monkeypatch) == expected


@pytest.mark.parametrize("size", SMALL, ids=str)
def test_the_same_large_batch_is_not_listed_anew(size, monkeypatch):
    monkeypatch.setattr("npnet.plan.COPIED", 0)
    training = Training(size)
    training.batches = training.batches[:1]
    training.epoch()
    assert listed_stages(training, monkeypatch) == {"forward": 0, "backward": 0}


@both_paths
@every_size
def test_the_gradient_of_data_is_not_computed_unasked(size, penalized, monkeypatch):
    asked = []
    ready = Contraction.ready

    def watched(contraction, *operands, out):
        if contraction is Linear.dx:
            asked.append(out.shape)
        return ready(contraction, *operands, out=out)

    monkeypatch.setattr(Contraction, "ready", watched)
    training = Training(size, penalized)
    plan = training.plan
    rows, inputs, hidden, _ = size
    assert not set(plan.tape.inputs) & set(plan.swept.gradients)
    assert set(asked) <= {(rows, hidden)}
    assert len(asked) <= 1
    asked.clear()
    training.objective.backward(input_grad=True)
    assert asked[-1] == (rows, inputs)

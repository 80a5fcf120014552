"""Runs that are killed, and long ones: from the tests, and as a command for the real thing.

    python -m tests.support.endurance kill 200
    python -m tests.support.endurance grow 100000
    python -m tests.support.endurance cost 100
    python -m tests.support.endurance map 4

The first kills a run that saves every few steps at so many random moments, and holds that the last
or the one-before checkpoint loads each time, that nothing is left lying about, and that the run
ends with the bits of one that nobody killed. The second trains for so many steps, and says by how
much resident memory grew after the first. The third holds the Trainer to loops written by hand, in
so many rounds of 1,000 steps each, in turn. The fourth writes a file of so many GiB, trains on it
in random order, and says how much memory the process held at most.
"""

import os
import random
import select
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import numpy as np

from npnet import CrossEntropyLoss, Linear, ReLU, Sequential, manual_seed
from npnet.data import DataLoader, Scaled
from npnet.optim import SGD
from npnet.training import Trainer
from npnet.training.keeper import is_empty, newest
from npnet.training.objective import Objective
from tests.support.runs import CLASSES, FEATURES, bits, loaders, samples, trainer

EPOCHS, EVERY, KEEP = 15, 4, 2
TEMPORARY = ".npnet-*.tmp"


def train(folder):
    """Go on with the run in a folder, or begin it; return its bits."""
    run = trainer()
    run.resume(folder, missing_ok=True)
    loader, validation = loaders()
    run.fit(loader, EPOCHS, validation, checkpoint=folder, every=EVERY, keep=KEEP, progress=False)
    return repr(sorted(bits(run).items(), key=repr)).encode()


class Child:
    """A process that trains in a folder, and writes the bits at the end into a pipe."""

    def __init__(self, folder):
        self.pipe, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.pipe)
                with os.fdopen(write, "wb") as pipe:
                    pipe.write(train(folder))
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        os.close(write)

    def ended_within(self, seconds):
        """Wait for the end, or not so long; return whether it came."""
        return bool(select.select([self.pipe], [], [], seconds)[0])

    def kill(self):
        """End the process now, in whatever it is doing."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.pipe)

    def result(self):
        """Wait for the end; return the bits."""
        with os.fdopen(self.pipe, "rb") as pipe:
            found = pipe.read()
        _, status = os.waitpid(self.pid, 0)
        assert status == 0 and found, f"the run ended with status {status}"
        return found


def check(folder):
    """Hold that the last checkpoint loads; return how many files were broken off."""
    if not is_empty(folder):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            newest(folder)
    return len([*folder.glob(TEMPORARY)])


def kill_runs(kills, seed=0):
    """Kill runs so many times; return how many were finished, and how many files broken off."""
    draw, finished, broken = random.Random(seed), 0, 0
    with tempfile.TemporaryDirectory() as root:
        train(Path(root, "first"))  # what is imported here no child has to
        began = time.monotonic()
        expected = Child(Path(root, "whole")).result()
        whole = time.monotonic() - began
        folder = Path(root, "0")
        while kills or not finished:
            child = Child(folder)
            if kills and not child.ended_within(draw.uniform(0, whole / 3)):
                child.kill()
                kills -= 1
                broken += check(folder) if folder.is_dir() else 0
                continue
            assert child.result() == expected, "the run ended with other bits"
            assert not [*folder.glob(TEMPORARY)], "files were left lying about"
            assert len([*folder.iterdir()]) == KEEP + 1
            finished += 1
            folder = Path(root, str(finished))
    return finished, broken


def resident():
    """Return the resident memory of this process in bytes."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def grow(steps):
    """Train for so many steps; return by how many bytes resident memory grew."""
    manual_seed(0)
    inputs, labels = samples(3200)
    model = Sequential(Linear(FEATURES, 64), ReLU(), Linear(64, CLASSES))
    run = Trainer(model, CrossEntropyLoss(), SGD(model.parameters(), lr=0.01))
    loader = DataLoader(inputs, labels, 32, shuffle=True)
    run.fit(loader, max(1, steps // 1000), progress=False)
    before = resident()
    run.fit(loader, run.epoch + steps // len(loader), progress=False)
    return resident() - before


def by_hand(inputs, labels, apart):
    """Return what trains for an epoch by a loop of one Module, or of model and loss apart."""
    model, loss = network(), CrossEntropyLoss()
    objective = Objective(model, loss)
    optimizer = SGD(model.parameters(), lr=0.1)
    loader = DataLoader(inputs, labels, 32)

    def together():
        total = 0.0
        for x, y in loader:
            total += objective(x, y)
            optimizer.zero_grad()
            objective.backward()
            optimizer.step()

    def in_turn():
        total = 0.0
        for x, y in loader:
            total += loss(model(x), y)
            optimizer.zero_grad()
            model.backward(loss.backward())
            optimizer.step()

    return in_turn if apart else together


def network():
    """Return the network that the Trainer's cost is measured at."""
    manual_seed(0)
    return Sequential(Linear(64, 64), ReLU(), Linear(64, 10))


def cost(rounds):
    """Return the Trainer's time over that of loops by hand: of the best rounds, and the median."""
    draw = np.random.default_rng(0)
    inputs, labels = draw.random((32_000, 64), np.float32), draw.integers(0, 10, 32_000)
    model = network()
    run = Trainer(model, CrossEntropyLoss(), SGD(model.parameters(), lr=0.1))
    loader = DataLoader(inputs, labels, 32)
    sides = {
        "trainer": lambda: run.fit(loader, run.epoch + 1, progress=False),
        "one Module": by_hand(inputs, labels, apart=False),
        "model and loss apart": by_hand(inputs, labels, apart=True),
    }
    times = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            began = time.perf_counter()
            side()
            times[name].append((time.perf_counter() - began) / len(loader))
    ours = np.array(times.pop("trainer"))
    return {
        name: (ours.min() / min(found), float(np.median(ours / np.array(found))), min(found))
        for name, found in times.items()
    }


def train_on_file(gib):
    """Train an epoch on a file of bytes, shuffled; return the most that was resident, in bytes."""
    width, rows = 3072, gib * 2**30 // 3072
    draw = np.random.default_rng(0).integers(0, 256, (4096, width), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "images.dat")
        with path.open("wb") as file:
            for start in range(0, rows, len(draw)):
                file.write(draw[: rows - start])
        child = os.fork()
        if child == 0:
            manual_seed(0)
            inputs = np.memmap(path, np.uint8, "r", shape=(rows, width))
            model = Sequential(Linear(width, 64), ReLU(), Linear(64, CLASSES))
            run = Trainer(model, CrossEntropyLoss(), SGD(model.parameters(), lr=0.01))
            run.fit(DataLoader(Scaled(inputs), np.arange(rows) % CLASSES, 256, shuffle=True), 1)
            os._exit(0)
        _, status, used = os.wait4(child, 0)
        assert status == 0
    return used.ru_maxrss * 1024


def main(what, count):
    """Do what was asked for, and say what came of it."""
    if what == "kill":
        finished, broken = kill_runs(count)
        print(f"{count} kills, {finished} runs finished, {broken} files broken off")
    elif what == "grow":
        print(f"{count} steps, resident memory grew by {grow(count) / 1024:.0f} KiB")
    elif what == "cost":
        for name, (best, median, seconds) in cost(count).items():
            print(
                f"over a loop by hand, {name} ({seconds * 1e6:.1f} µs a step): "
                f"{best:.3f} best, {median:.3f} median"
            )
    elif what == "map":
        print(f"{count} GiB, at most {train_on_file(count) / 2**20:.0f} MiB resident")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]))

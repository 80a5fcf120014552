"""Workers: a round trip, failures, and the order of rounds."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers import NPNET, SIDES
from benchmarks.problem import Problem, random_problem
from benchmarks.process import ROOT, Pace, WorkerError, interleave, pace, start


@pytest.fixture(scope="module")
def npnet(worker):
    return worker("npnet")


def losses_by_hand(problem, steps):
    """Return the losses of SGD with penalties in float64, from formulas."""
    (w, b), (m, c) = ([a.astype(np.float64) for a in pair] for pair in problem.weights)
    found = []
    for step in range(steps):
        x, y = problem.batches[step % len(problem.batches)]
        rows = np.arange(len(y))
        hidden = np.maximum(x @ w.T + b, 0)
        logits = hidden @ m.T + c
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        data = -np.log(p[rows, y]).mean()
        found.append(data + problem.penalty * ((w**2).sum() + (m**2).sum()))
        p[rows, y] -= 1
        dz = p / len(y)
        da = (dz @ m) * (hidden > 0)
        dm = dz.T @ hidden + 2 * problem.penalty * m
        dw = da.T @ x + 2 * problem.penalty * w
        w, b = w - problem.lr * dw, b - problem.lr * da.sum(axis=0)
        m, c = m - problem.lr * dm, c - problem.lr * dz.sum(axis=0)
    return found


@pytest.mark.parametrize("penalty", [0.0, 0.01])
def test_npnet_trains_as_the_formulas_do(npnet, penalty):
    plain = random_problem(5, (4, 6, 3), batches=3)
    problem = Problem(plain.sizes, plain.weights, plain.batches, lr=0.1, penalty=penalty)
    npnet.call("load", problem)
    found = npnet.call("losses", 4) + npnet.call("losses", 3)
    assert found == pytest.approx(losses_by_hand(problem, 7), rel=2e-6)


def test_seconds_and_accuracy_come_back(npnet):
    problem = random_problem(2, (3, 4, 2))
    npnet.call("load", problem)
    assert npnet.call("seconds", 3, 1) > 0
    x, y = problem.batches[0]
    assert npnet.call("accuracy", x, y) in (0.0, 0.5, 1.0)


def test_the_worker_has_loaded_its_own_framework_only(npnet):
    about = npnet.call("describe")
    assert about["loaded"] == ["npnet"]
    assert about["threads"] >= 1
    assert {"npnet", "numpy", "BLAS"} <= set(about["versions"])


def test_a_failure_names_side_and_method_and_the_worker_lives_on(npnet):
    with pytest.raises(WorkerError, match=r"npnet: load failed\n(?s:.*)AttributeError"):
        npnet.call("load", "no problem")
    npnet.call("load", random_problem(2, (3, 4, 2)))
    assert len(npnet.call("losses", 2)) == 2


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads /proc")
def test_an_idle_worker_is_stopped(npnet):
    npnet.call("describe")
    for task in Path(f"/proc/{npnet._popen.pid}/task").iterdir():
        assert (task / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "T"


def test_workers_end_with_the_block():
    with start([NPNET]) as processes:
        popen = processes["npnet"]._popen
        assert popen.poll() is None
    assert popen.poll() is not None


def test_a_worker_that_dies_is_reported():
    with start([NPNET]) as processes:
        processes["npnet"]._popen.kill()
        with pytest.raises(WorkerError, match="npnet: the worker ended with code -9 during load"):
            processes["npnet"].call("load", None)


@pytest.mark.parametrize("module", ["benchmarks.__main__", "benchmarks.worker"])
def test_parent_and_worker_import_no_framework_by_themselves(module):
    code = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    packages = {side.package for side in SIDES.values()}
    assert "npnet" in packages
    assert packages & {name.split(".")[0] for name in run.stdout.split()} == set()


class Fake:
    """A timer with a clock of its own: a step takes `step` seconds."""

    def __init__(self, name, step, log):
        self.name, self.step, self.log = name, step, log

    def __call__(self, steps, warm_up):
        self.log.append((self.name, steps, warm_up))
        return self.step * steps


def test_a_round_is_filled_with_steps_after_an_eighth_that_is_not_timed():
    assert pace(Fake("a", 1e-4, []), 0.03) == Pace(300, 37)
    assert pace(Fake("a", 0.02, []), 0.03) == Pace(2, 1)


def test_what_takes_ten_rounds_is_timed_once_and_not_warmed_up():
    log = []
    assert pace(Fake("a", 1.0, log), 0.03) == Pace(1, 0)
    assert log == [("a", 1, 1), ("a", 1, 0)]


def test_one_interruption_does_not_make_rounds_short():
    log = []
    fake = Fake("a", 1e-4, log)
    assert pace(lambda s, w: fake(s, w) + (0.1 if len(log) == 3 else 0.0), 0.03).steps == 300


def test_rounds_alternate_and_are_seconds_a_step():
    log, ticks = [], []
    timers = {"a": Fake("a", 1e-3, log), "b": Fake("b", 2e-3, log)}
    times = interleave(timers, 4, seconds=0.03, limit=60.0, tick=ticks.append)
    assert [entry for entry in log if entry[2]][-8:] == [("a", 30, 3), ("b", 15, 1)] * 4
    assert times == {"a": [pytest.approx(1e-3)] * 4, "b": [pytest.approx(2e-3)] * 4}
    assert ticks == [1] * 4


def test_the_limit_ends_the_rounds_after_five_and_the_bar_is_full():
    ticks = []
    times = interleave({"a": Fake("a", 1e-3, [])}, 9, seconds=0.03, limit=-1.0, tick=ticks.append)
    assert len(times["a"]) == 5
    assert sum(ticks) == 9

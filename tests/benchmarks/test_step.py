"""The question `step`: losses must agree before a time counts."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.peers import NPNET, PEERS
from benchmarks.problem import Problem, random_problem
from benchmarks.process import start
from benchmarks.question import Effort
from benchmarks.step import CONFIGURATIONS, compare

SHORT = Effort(rounds=2, limit=1.0)


class Bar:
    """Counts what a bar would show."""

    def __init__(self):
        self.rounds = 0

    def update(self, count):
        self.rounds += count


class Echo:
    """A side that answers with given losses and takes a fixed time a step."""

    def __init__(self, losses, step):
        self.losses, self.step, self.timed = losses, step, 0

    def call(self, method, *arguments):
        if method == "seconds":
            self.timed += 1
            return self.step * arguments[0]
        return self.losses if method == "losses" else None


class Other:
    """A process that is given another problem than it should be."""

    def __init__(self, process, change):
        self.process, self.change = process, change

    def call(self, method, *arguments):
        if method == "load":
            arguments = (replace(arguments[0], **self.change),)
        return self.process.call(method, *arguments)


def answer(theirs):
    """Compare npnet and a peer whose losses are given."""
    sides = {"npnet": Echo([2.0, 1.0], 0.01), "torch": Echo(theirs, 0.03)}
    bar = Bar()
    problem = random_problem(2, (3, 4, 2))
    return sides, compare(problem, sides, SHORT, bar, question="step", goal=2.0), bar


def test_sides_that_agree_are_timed():
    _, found, bar = answer([2.0, 1.00009])
    (row,) = found.rows
    assert found.failures == []
    assert (min(row.ours), min(row.theirs)) == (pytest.approx(0.01), pytest.approx(0.03))
    assert (row.peer, row.goal, bar.rounds) == ("torch", 2.0, 2)


@pytest.mark.parametrize("last", [1.0002, np.nan])
def test_a_side_that_disagrees_is_a_failure_and_not_timed(last):
    sides, found, _ = answer([2.0, last])
    (row,) = found.rows
    assert row.ours
    assert row.theirs == []
    assert sides["torch"].timed == 0
    assert len(found.failures) == 1
    assert "step 3-4-2, batch 2: the losses of npnet and torch differ by" in found.failures[0]


def test_npnet_alone_is_one_row():
    found = compare(
        random_problem(2, (3, 4, 2)), {"npnet": Echo([1.0], 0.01)}, SHORT, Bar(), question="step"
    )
    assert [(row.peer, row.theirs) for row in found.rows] == [(None, [])]
    assert found.failures == []


def test_the_five_sizes_and_their_goals():
    assert [(batch, *sizes, goal) for batch, sizes, goal in CONFIGURATIONS] == [
        (1, 16, 32, 4, 6.0),
        (32, 64, 64, 10, 5.0),
        (128, 784, 128, 10, 1.8),
        (512, 784, 512, 10, 1.15),
        (2048, 784, 1024, 10, 1.0),
    ]


@pytest.fixture(scope="module")
def beside_torch():
    pytest.importorskip("torch")
    with start([NPNET, PEERS["torch"]]) as processes:
        yield processes


@pytest.mark.torch
def test_torch_is_alone_in_its_process(beside_torch):
    assert beside_torch["torch"].call("describe")["loaded"] == ["torch"]


@pytest.mark.torch
@pytest.mark.parametrize("penalty", [0.0, 0.01])
def test_torch_takes_the_same_steps(beside_torch, penalty):
    plain = random_problem(4, (5, 6, 7, 3))
    problem = Problem(plain.sizes, plain.weights, plain.batches, 0.1, 0.9, penalty)
    found = compare(problem, beside_torch, SHORT, Bar(), question="step")
    assert found.failures == []
    assert found.rows[0].differs.relative < 1e-5


@pytest.mark.torch
@pytest.mark.parametrize("change", [{"lr": 0.1001}, {"momentum": 0.901}, {"penalty": 0.0101}])
def test_a_torch_that_trains_otherwise_is_found_out(beside_torch, change):
    problem = replace(random_problem(4, (5, 6, 3)), lr=0.1, momentum=0.9, penalty=0.01)
    sides = {"npnet": beside_torch["npnet"], "torch": Other(beside_torch["torch"], change)}
    assert len(compare(problem, sides, SHORT, Bar(), question="step").failures) == 1

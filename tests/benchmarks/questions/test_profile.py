"""The question `profile`: all parts of a step, and what they add up to."""

import pytest

from benchmarks.problem import random_problem
from benchmarks.question import Effort
from benchmarks.questions import profile
from benchmarks.questions.profile import QUESTION, parts_table, steps
from tests.support.benchmarks import SHORT

SMALL = ((1, 3, 4, 3), (2, 3, 4, 3), (4, 3, 4, 3), (5, 3, 4, 3))
PARTS = [
    "forward Linear 1",
    "forward ReLU 1",
    "forward Linear 2",
    "forward CrossEntropyLoss 1",
    "backward CrossEntropyLoss 1",
    "backward Linear 2",
    "backward ReLU 1",
    "backward Linear 1",
    "SGD",
    "around them",
    "step",
]


def test_every_part_of_a_step_and_their_sum(worker, monkeypatch):
    monkeypatch.setattr(profile, "SIZES", SMALL)
    found = QUESTION.answer({"npnet": worker("npnet")}, SHORT)
    assert (found.rows, found.failures) == ([], [])
    assert [one["batch"] for one in found.extra["profiles"]] == [1, 2, 4]
    for one in found.extra["profiles"]:
        times = dict(one["seconds"])
        assert [*times] == PARTS
        whole = times.pop("step")
        assert sum(times.values()) == pytest.approx(whole)
        assert all(seconds > 0 for part, seconds in times.items() if part != "around them")


def test_shares_of_the_step_and_parts_that_others_lack():
    problems = [random_problem(1, (3, 4, 3)), random_problem(2, (3, 4, 3))]
    found = [{"a": 1e-6, "b": 3e-6, "step": 4e-6}, {"a": 1e-4, "step": 1e-4}]
    table = parts_table(problems, found)
    assert table.rows == [
        ["a", "1.00   25%", "100.0  100%"],
        ["b", "3.00   75%", "-"],
        ["step", "4.00  100%", "100.0  100%"],
    ]


def test_large_steps_are_fewer():
    small, large = random_problem(1, (3, 4, 3)), random_problem(2000, (100, 900, 3), batches=1)
    assert steps(small, Effort()) == 3000
    assert steps(small, SHORT) == 300
    assert steps(large, Effort()) == 40
    assert steps(large, SHORT) == 10

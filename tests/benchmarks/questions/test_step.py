"""The question `step`: its sizes, variants and goals."""

import numpy as np
import pytest

from benchmarks.question import Effort
from benchmarks.questions import step
from benchmarks.questions.step import QUESTION, VARIANTS, case, places
from tests.support.benchmarks import SHORT, Fake

SIZES = [(1, 16, 32, 4), (32, 64, 64, 10), (128, 784, 128, 10), (512, 784, 512, 10)]
SIZES += [(2048, 784, 1024, 10)]


RUNS = ["plain", "two penalties", "momentum", "float64"]


def named(effort):
    """Return (run, (batch, sizes)) of everything that is compared."""
    return [(variant.run, step.SIZES[place]) for variant, place in places(effort)]


def test_a_full_run_takes_every_size_in_every_variant():
    assert named(Effort()) == [(run, size) for run in RUNS for size in SIZES]


def test_a_first_look_takes_the_plain_step_in_all_sizes_and_the_variants_in_one():
    assert named(SHORT) == [
        *(("plain", size) for size in SIZES),
        *((run, SIZES[1]) for run in RUNS[1:]),
    ]


def test_variants_differ_in_one_thing_and_but_for_the_plain_one_are_asked_of_torch():
    found = [case(variant, 0) for variant in VARIANTS]
    problems = [(c.problem.penalty, c.problem.momentum, c.problem.dtype) for c in found]
    single, double = np.float32, np.float64
    assert problems == [(0, 0, single), (1e-3, 0, single), (0, 0.9, single), (0, 0, double)]
    assert [c.peers for c in found] == [None, *[("torch",)] * 3]


def test_the_goals_are_those_of_their_size():
    plain, penalties, *others = VARIANTS
    assert case(plain, 0).goals == {"torch": 8, "compile": 10, "jax": 1.05, "sklearn": 3}
    assert case(plain, 1).goals == {"torch": 6.5, "compile": 9, "jax": 2, "sklearn": 3}
    assert case(penalties, 1).goals == {"torch": 8}
    assert [case(variant, 0).goals for variant in others] == [{}, {}]
    assert plain.goals["torch"] == (8, 6.5, 2.2, 1.25, 1.05)
    assert penalties.goals["torch"] == (9, 8, 2.5, 1.4, 1.05)


def test_the_table_says_of_every_row_whether_its_goal_is_reached(monkeypatch):
    monkeypatch.setattr(step, "SIZES", ((1, 3, 4, 3), (2, 3, 4, 3), (4, 3, 4, 3)))
    sides = {
        "npnet": Fake("npnet", 0.01, losses=[1.0]),
        "torch": Fake("torch", 0.07, losses=[1.0]),
        "jax": Fake("jax", 0.01, losses=[2.0]),
    }
    found = QUESTION.answer(sides, SHORT)
    rows = [(row.run, row.peer, row.goal, row.reached) for row in found.rows]
    assert rows[:4] == [
        ("plain", "torch", 8, False),
        ("plain", "jax", 1.05, None),
        ("plain", "torch", 6.5, True),
        ("plain", "jax", 2, None),
    ]
    assert rows[6:] == [
        ("two penalties", "torch", 8, False),
        ("momentum", "torch", None, None),
        ("float64", "torch", None, None),
    ]
    assert len(found.failures) == 3
    assert found.draw is not None


def test_npnet_runs_every_variant(worker, monkeypatch):
    monkeypatch.setattr(step, "SIZES", ((1, 3, 4, 3), (2, 3, 4, 3)))
    found = QUESTION.answer({"npnet": worker("npnet")}, SHORT)
    assert found.failures == []
    assert [row.run for row in found.rows] == ["plain", *RUNS]
    assert all(min(row.ours) > 0 for row in found.rows)


@pytest.mark.torch
def test_torch_is_alone_in_its_process_and_agrees_in_every_variant(beside, monkeypatch):
    monkeypatch.setattr(step, "SIZES", ((4, 5, 6, 3), (2, 5, 6, 3)))
    sides = beside("torch")
    assert sides["torch"].call("describe")["loaded"] == ["torch"]
    found = QUESTION.answer(sides, SHORT)
    assert found.failures == []
    assert all(row.differs.relative < 1e-5 and row.ratios for row in found.rows)
    assert found.rows[-1].differs.relative < 1e-12

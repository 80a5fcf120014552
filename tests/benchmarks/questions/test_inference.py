"""The question `inference`: its sizes and goals, and that outputs must agree."""

import numpy as np
import pytest

from benchmarks.questions import inference
from benchmarks.questions.inference import QUESTION, cases
from tests.support.benchmarks import SHORT, Fake


def test_batches_of_1_32_and_1024_and_goals_for_the_first():
    found = cases()
    assert [case.problem.batch for case in found] == [1, 32, 1024]
    assert [case.work for case in found] == ["inference"] * 3
    assert found[0].goals == {"torch": 3.5, "jax": 1.5, "onnx": 1.0}
    assert found[1].goals == found[2].goals == {}


def test_a_side_that_computes_something_else_is_not_timed(monkeypatch):
    monkeypatch.setattr(inference, "SIZES", ((1, 3, 4, 2),))
    ours, other = np.array([[0.5, 0.5]]), np.array([[0.4, 0.6]])
    sides = {
        "npnet": Fake("npnet", 0.01, probabilities=ours),
        "torch": Fake("torch", 0.04, probabilities=ours),
        "onnx": Fake("onnx", 0.01, probabilities=other),
    }
    found = QUESTION.answer(sides, SHORT)
    assert [(row.peer, row.reached) for row in found.rows] == [("torch", True), ("onnx", None)]
    assert len(found.failures) == 1
    assert found.unit == "pass"


@pytest.mark.parametrize("name", ["jax", "sklearn", "onnx"])
def test_a_peer_agrees(beside, monkeypatch, name):
    monkeypatch.setattr(inference, "SIZES", ((1, 5, 6, 3), (4, 5, 6, 3)))
    found = QUESTION.answer(beside(name), SHORT)
    assert found.failures == []
    assert all(row.ratios for row in found.rows)

"""What is computed must agree before a time counts."""

import numpy as np
import pytest

from benchmarks.compare import AGREEMENT, Case, compare
from benchmarks.problem import random_problem
from tests.support.benchmarks import SHORT, Bar, Changed, Fake

PROBLEM = random_problem(2, (3, 4, 3))


def answer(theirs, **case):
    """Compare npnet and a peer whose losses are given."""
    sides = {
        "npnet": Fake("npnet", 0.01, losses=[2.0, 1.0]),
        "torch": Fake("torch", 0.03, losses=theirs),
    }
    bar = Bar()
    return sides, compare(Case("plain", PROBLEM, **case), sides, SHORT, bar), bar


def test_sides_that_agree_are_timed():
    _, found, bar = answer([2.0, 1.00009], goals={"torch": 2.0})
    (row,) = found.rows
    assert found.failures == []
    assert (min(row.ours), min(row.theirs)) == (pytest.approx(0.01), pytest.approx(0.03))
    assert (row.run, row.peer, row.goal, row.reached) == ("plain", "torch", 2.0, True)
    assert bar.rounds == 2
    assert bar.said == ["plain 3-4-3, batch 2"]


@pytest.mark.parametrize("last", [1.0002, np.nan])
def test_a_side_that_disagrees_is_a_failure_and_not_timed(last):
    sides, found, _ = answer([2.0, last])
    (row,) = found.rows
    assert row.ours
    assert row.theirs == []
    assert sides["torch"].timed == 0
    (failure,) = found.failures
    assert failure.startswith("plain 3-4-3, batch 2: the losses of npnet and torch differ by")


def test_float64_is_held_to_more():
    problem = random_problem(2, (3, 4, 3), dtype=np.float64)
    sides = {
        "npnet": Fake("npnet", losses=[1.0]),
        "torch": Fake("torch", losses=[1.0 + 1e-9]),
    }
    assert AGREEMENT[np.dtype(np.float64)] < 1e-9 < AGREEMENT[np.dtype(np.float32)]
    assert len(compare(Case("float64", problem), sides, SHORT, Bar()).failures) == 1


def test_npnet_alone_is_one_row():
    sides = {"npnet": Fake("npnet", losses=[1.0])}
    found = compare(Case("plain", PROBLEM), sides, SHORT, Bar())
    assert [(row.peer, row.theirs) for row in found.rows] == [(None, [])]
    assert found.failures == []


def test_a_case_for_some_peers_asks_no_others():
    sides, found, _ = answer([9.0], peers=("jax",))
    assert [row.peer for row in found.rows] == [None]
    assert sides["torch"].loaded == []


def test_inference_is_held_to_its_probabilities():
    ours, theirs = np.array([[0.25, 0.75]]), np.array([[0.26, 0.74]])
    for shown, failures in ((ours, 0), (theirs, 1)):
        sides = {
            "npnet": Fake("npnet", probabilities=ours),
            "onnx": Fake("onnx", probabilities=shown),
        }
        found = compare(Case("forward", PROBLEM, work="inference"), sides, SHORT, Bar())
        assert len(found.failures) == failures
        assert sides["onnx"].loaded == [(PROBLEM, "inference")]
    assert "the probabilities of npnet and onnx differ by 3.8e-02 relative" in found.failures[0]


@pytest.mark.torch
@pytest.mark.parametrize("change", [{"lr": 0.1001}, {"momentum": 0.901}, {"penalty": 0.0101}])
def test_a_torch_that_trains_otherwise_is_found_out(beside, change):
    sides = beside("torch")
    sides["torch"] = Changed(sides["torch"], change)
    problem = random_problem(4, (5, 6, 3), lr=0.1, momentum=0.9, penalty=0.01)
    assert len(compare(Case("plain", problem), sides, SHORT, Bar()).failures) == 1

"""The question `digits`: the split, the batches, and what fails."""

import numpy as np
import pytest

from benchmarks.questions.digits import BATCH, QUESTION, digits_problem, failures, split, train
from benchmarks.statistics import Comparison, Difference, difference
from tests.support.benchmarks import SHORT


def test_the_split_is_fixed_and_whole():
    (x, y), (x_test, y_test) = split()
    assert (x.shape, y.shape, x_test.shape) == ((1437, 64), (1437,), (360, 64))
    assert (x.dtype, float(x.max())) == (np.float32, 1.0)
    rows = {row.tobytes() for row in np.concatenate([x, x_test])}
    assert len(rows) == 1797
    again = split()
    assert np.array_equal(again[0][0], x)
    assert np.array_equal(again[1][1], y_test)


def test_every_epoch_passes_over_all_samples_in_another_order():
    (x, y), _ = split()
    problem = digits_problem(x, y, epochs=2)
    steps = len(problem.batches) // 2
    assert [len(bx) for bx, _ in problem.batches[:steps]] == [BATCH] * 44 + [29]
    first, second = (
        np.concatenate([bx for bx, _ in problem.batches[i : i + steps]]) for i in (0, steps)
    )
    assert not np.array_equal(first, second)
    assert sorted(map(bytes, first)) == sorted(map(bytes, second)) == sorted(map(bytes, x))
    assert problem.penalty > 0


def test_npnet_learns_in_two_epochs(beside):
    training, test = split()
    processes = beside()
    curves = train(processes, digits_problem(*training, epochs=2), epochs=2)
    accuracy = processes["npnet"].call("accuracy", *test)
    assert len(curves["npnet"]) == 90
    assert accuracy > 0.85


def test_npnet_alone_answers_with_one_row_that_holds(beside):
    found = QUESTION.answer(beside(), SHORT)
    assert found.failures == []
    (alone,) = found.rows
    assert alone.accuracy >= 0.97
    assert (alone.peer, alone.differs, alone.theirs, len(alone.ours)) == (None, None, [], 2)


@pytest.mark.torch
def test_torch_trains_to_the_same_losses(beside):
    training, test = split()
    processes = beside("torch")
    curves = train(processes, digits_problem(*training, epochs=1), epochs=1)
    accuracies = {process.call("accuracy", *test) for process in processes.values()}
    assert len(curves["torch"]) == 45
    assert difference(curves["npnet"], curves["torch"]).absolute < 2e-6
    assert len(accuracies) == 1


def row(absolute):
    """Return a comparison whose curves are so far apart."""
    return Comparison("digits", "64-64-10", 32, [1.0], "torch", differs=Difference(absolute, 0.0))


def test_good_training_does_not_fail():
    assert failures({"npnet": 0.97, "torch": 0.98}, [row(1e-4)]) == []


@pytest.mark.parametrize("share", [0.9699, float("nan")])
def test_low_accuracy_fails_by_name(share):
    (found,) = failures({"npnet": 0.98, "torch": share}, [row(0.0)])
    assert found.startswith("digits: torch reached")


@pytest.mark.parametrize("absolute", [1.01e-4, float("inf"), float("nan")])
def test_curves_that_part_fail(absolute):
    (found,) = failures({"npnet": 0.98}, [row(absolute)])
    assert found.startswith("digits: the loss curves of npnet and torch are")

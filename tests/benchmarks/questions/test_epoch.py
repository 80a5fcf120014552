"""The question `epoch`: its data, and that all sides must learn as much."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.question import Effort
from benchmarks.questions import epoch
from benchmarks.questions.epoch import (
    FEW,
    GOALS,
    MNIST_FILES,
    QUESTION,
    RUNS,
    Run,
    data,
    failures,
    images,
)
from tests.support.benchmarks import SHORT, Fake
from tests.support.idx import idx, write

SMALL = Run("images", 8, 16, 3, 0.05, 0.9)


def test_images_have_mnists_size_and_come_from_their_seed():
    (x, y), (again, _), (other, _) = images(50, 1), images(50, 1), images(50, 2)
    assert (x.shape, x.dtype, y.shape) == ((50, 784), np.float32, (50,))
    assert np.array_equal(x, again)
    assert not np.array_equal(x, other)
    # Standard normal noise over patterns that are the same for every seed.
    assert 0.95 < x.std() < 1.1
    (many, labels), (more, others) = images(2000, 1), images(2000, 2)
    for digit in range(10):
        middle = [a[b == digit].mean(axis=0) for a, b in ((many, labels), (more, others))]
        assert np.corrcoef(*middle)[0, 1] > 0.75


def test_a_full_run_has_mnists_number_of_samples(monkeypatch):
    asked = []
    monkeypatch.setattr(epoch, "images", lambda *a: asked.append(a))
    data("images", Effort())
    data("images", SHORT)
    assert asked == [(60_000, 1), (10_000, 2), (6_000, 1), (1_000, 2)]


def test_mnists_own_digits_are_read_and_split(tmp_path, monkeypatch):
    monkeypatch.setattr(epoch, "MNIST_TRAINING", 3)
    pixels = np.arange(5 * 28 * 28, dtype=np.uint8).reshape(5, 28, 28)
    for name, array in zip(MNIST_FILES, (pixels, np.arange(5, dtype=np.uint8)), strict=True):
        write(tmp_path / name, idx(array))
    (x, y), (x_test, y_test) = data("mnist", Effort(mnist=tmp_path))
    assert (x.shape, x.dtype, x_test.shape) == ((3, 784), np.float32, (2, 784))
    assert (y.tolist(), y_test.tolist()) == ([0, 1, 2], [3, 4])
    assert x[0, :256].tolist() == (np.arange(256) / 255).astype(np.float32).tolist()


@pytest.mark.usefixtures("small")
def test_what_has_no_penalties_takes_no_part_in_mnist(tmp_path, monkeypatch):
    monkeypatch.setattr(epoch, "data", lambda *_: (images(50, 1), images(50, 2)))
    names = ("npnet", "torch", "sklearn")
    sides = {name: Fake(name, losses=[1.0], accuracy=0.97) for name in names}
    found = QUESTION.answer(sides, replace(SHORT, mnist=tmp_path))
    assert [row.peer for row in found.rows if row.run == "mnist, loader"] == ["torch"]
    assert [row.peer for row in found.rows if row.run == "images, loader"] == ["torch", "sklearn"]


def test_runs_on_both_data_with_both_batches():
    assert [(run.data, run.batch) for run in RUNS] == [
        (name, batch) for name in ("digits", "images") for batch in (32, 256)
    ]
    assert [(run.data, run.batch) for run in FEW] == [("digits", 32), ("images", 256)]
    assert GOALS == {("digits", 32, "loader"): {"torch": 10.0}}


def test_equal_accuracies_do_not_fail():
    assert failures("x", {"npnet": 0.96, "torch": 0.965}, 0.95) == {}


@pytest.mark.parametrize(
    ("shares", "who", "why"),
    [
        ({"npnet": 0.96, "torch": 0.94}, "torch", "less than 95 %"),
        ({"npnet": 0.96, "torch": float("nan")}, "torch", "less than 95 %"),
        ({"npnet": 0.945, "torch": 0.951}, "npnet", "less than 95 %"),
        ({"npnet": 0.96, "torch": 0.98}, "torch", "npnet 96.00 %"),
    ],
)
def test_what_learns_less_or_otherwise_fails_by_name(shares, who, why):
    found = failures("digits, loader", shares, 0.95)
    assert list(found) == [who]
    assert why in found[who]


@pytest.fixture
def small(monkeypatch):
    """Make all runs one small one, on few samples that are easy to tell apart."""
    monkeypatch.setattr(epoch, "FEW", (SMALL,))
    monkeypatch.setattr(epoch, "CONTRAST", 2.0)
    monkeypatch.setattr(epoch, "SAMPLES", 5000)
    monkeypatch.setattr(epoch, "TEST_SAMPLES", 2000)


@pytest.mark.usefixtures("small")
def test_npnet_learns_with_both_feedings(worker):
    found = QUESTION.answer({"npnet": worker("npnet")}, SHORT)
    assert found.failures == []
    assert [row.run for row in found.rows] == ["images, loader", "images, slices"]
    assert all(row.accuracy > 0.9 and row.ours for row in found.rows)
    assert [len(run["seconds"]) for run in found.extra["whole_runs"]] == [1] * 2


@pytest.mark.usefixtures("small")
def test_jax_has_no_loader_and_learns_the_same_from_slices(beside):
    found = QUESTION.answer(beside("jax"), SHORT)
    assert found.failures == []
    assert [row.peer for row in found.rows] == [None, "jax"]
    assert found.rows[1].accuracy == found.rows[1].peer_accuracy


@pytest.mark.torch
@pytest.mark.usefixtures("small")
def test_torch_learns_the_same_from_its_loader(beside):
    found = QUESTION.answer(beside("torch"), SHORT)
    assert found.failures == []
    # Both loaders shuffle alike.
    assert all(abs(row.accuracy - row.peer_accuracy) < 0.003 for row in found.rows)
    assert all(row.ratios for row in found.rows)


@pytest.mark.usefixtures("small")
def test_a_side_that_learns_less_is_a_failure_and_not_timed():
    sides = {
        "npnet": Fake("npnet", losses=[1.0], accuracy=0.95),
        "torch": Fake("torch", losses=[1.0], accuracy=0.85),
    }
    found = QUESTION.answer(sides, SHORT)
    assert len(found.failures) == 2
    assert all(row.ours and not row.theirs for row in found.rows)


@pytest.mark.usefixtures("small")
def test_where_npnet_learns_less_nothing_is_timed():
    sides = {"npnet": Fake("npnet", losses=[1.0], accuracy=0.5)}
    found = QUESTION.answer(sides, SHORT)
    assert len(found.failures) == 2
    assert [row.ours for row in found.rows] == [[]] * 2
    assert sides["npnet"].timed == 2

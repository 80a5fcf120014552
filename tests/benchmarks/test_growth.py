"""Costs that grow: lines through exact times, and what they are compared by."""

import pytest

from benchmarks.growth import Fit, Growth, fits
from benchmarks.problem import random_problem
from benchmarks.question import Effort
from benchmarks.statistics import Comparison
from tests.support.benchmarks import SHORT, Fake


def problem(rows):
    """Return a problem of so many rows."""
    return random_problem(rows, (3, 4, 3))


def sides(**peers):
    """Return processes whose steps cost fixed + slope * rows."""
    return {
        name: Fake(name, lambda p, f=fixed, s=slope: f + s * p.batch, losses=[1.0])
        for name, (fixed, slope) in {"npnet": (1e-2, 1e-3), **peers}.items()
    }


GROWTH = Growth("batch", "row", (1, 2, 4, 8), (1, 4), problem, {"torch": 5.0})


@pytest.mark.parametrize(("slope", "reached"), [(6e-3, True), (4e-3, False)])
def test_the_line_and_the_goal_of_its_slope(slope, reached):
    found = GROWTH(sides(torch=(2e-2, slope)), SHORT)
    assert [row.run for row in found.rows] == ["batch 1", "batch 4"]
    fit = found.extra["fits"]["torch"]
    for line in (fit["best"], fit["median"]):
        assert line["fixed"] == pytest.approx(2e-2)
        assert line["slope"] == pytest.approx(slope)
        assert line["off"] == pytest.approx(0, abs=1e-9)
    (table,) = found.tables
    ours, theirs = table.rows
    assert ours[:3] == ["npnet", "10000", "1000.0"]
    assert ours[4:] == ["-"] * 4
    ratio = f"{slope / 1e-3:.2f}"
    assert theirs[4:] == [ratio, ratio, "5", "yes" if reached else "no"]


def test_a_full_effort_takes_all_sizes_with_a_third_of_the_rounds():
    found = GROWTH(sides(), Effort(rounds=18, limit=9.0))
    assert found.extra["sizes"] == [1, 2, 4, 8]
    assert {len(row.ours) for row in found.rows} == {6}
    assert [row.peer for row in found.rows] == [None] * 4


def test_a_peer_that_was_not_timed_at_every_size_has_no_line():
    rows = [
        Comparison("batch 1", "3-4-3", 1, [1.0], "torch", [2.0]),
        Comparison("batch 1", "3-4-3", 1, [1.0], "jax", [3.0]),
        Comparison("batch 2", "3-4-3", 2, [2.0], "torch", [4.0]),
        Comparison("batch 2", "3-4-3", 2, [2.0], "jax", []),
    ]
    found = fits([1, 2], rows)
    assert list(found) == ["npnet", "torch"]
    assert found["torch"].seconds == [2.0, 4.0]
    assert found["torch"].over(found["npnet"]) == (pytest.approx(2.0), pytest.approx(2.0))


def test_what_costs_nothing_is_not_compared():

    falling = Fit.through([1, 2], [[2.0], [1.0]])
    rising = Fit.through([1, 2], [[1.0], [2.0]])
    assert rising.over(falling) == falling.over(rising) == ()

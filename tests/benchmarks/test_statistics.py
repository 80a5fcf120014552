"""Curves, rounds and lines, by hand-computed values."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.statistics import (
    Comparison,
    Difference,
    difference,
    fit_line,
    ratios,
    reached,
    spread,
)


def test_difference_is_the_largest_at_any_step():
    found = difference([1.0, 2.0, 0.5], [1.0, 2.5, 0.25])
    assert found == Difference(absolute=0.5, relative=1.0)


def test_equal_curves_are_not_apart():
    assert difference([0.0, 3.0], [0.0, 3.0]) == Difference(0.0, 0.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_is_infinitely_far(bad):
    assert difference([1.0, bad], [1.0, bad]) == Difference(math.inf, math.inf)


@pytest.mark.parametrize(("ours", "theirs"), [([1.0], [1.0, 2.0]), ([], [])])
def test_curves_must_be_of_one_length(ours, theirs):
    with pytest.raises(ValueError, match="two curves of one length"):
        difference(ours, theirs)


def test_ratios_of_best_rounds_and_median_of_pairs():
    # pairs: 4, 2, 3; best rounds 1 and 3
    assert ratios([1.0, 2.0, 1.0], [4.0, 4.0, 3.0]) == (3.0, 3.0)
    assert ratios([1.0, 2.0, 4.0], [6.0, 4.0, 4.0]) == (4.0, 2.0)


def test_spread_is_the_distance_of_quartiles_over_the_median():
    assert spread([1.0] * 5, [1.0, 2.0, 4.0, 5.0, 9.0]) == pytest.approx(0.75)
    assert spread([2.0, 1.0], [6.0, 3.0]) == 0.0


@pytest.mark.parametrize(
    ("found", "goal", "expected"),
    [
        ((2.0, 1.5), 1.5, True),
        ((2.0, 1.49), 1.5, False),
        ((1.49, 2.0), 1.5, False),
        ((2.0, 2.0), None, None),
        ((), 1.5, None),
    ],
)
def test_a_goal_is_reached_by_both_ratios(found, goal, expected):
    assert reached(found, goal) is expected


def test_a_line_through_three_times_by_hand():
    # Relative misses of t = (1, 2, 4) at x = (0, 1, 2); the normal equations of
    # (a + b x) / t = 1 are 21/16 a + 3/8 b = 7/4 and 3/8 a + 1/2 b = 1, so a = 32/33, b = 14/11.
    line = fit_line([0, 1, 2], [1.0, 2.0, 4.0])
    assert (line.fixed, line.slope) == (pytest.approx(32 / 33), pytest.approx(14 / 11))
    # misses: 1/33, 4/33, 4/33
    assert line.off == pytest.approx(4 / 33)


@given(
    fixed=st.floats(1e-6, 1e-2),
    slope=st.floats(1e-8, 1e-4),
    sizes=st.lists(st.integers(1, 8192), min_size=2, max_size=9, unique=True),
)
def test_times_on_a_line_give_the_line(fixed, slope, sizes):
    line = fit_line(sizes, [fixed + slope * size for size in sizes])
    times = [line.fixed + line.slope * size for size in sizes]
    assert times == pytest.approx([fixed + slope * size for size in sizes], rel=1e-9)
    assert line.off < 1e-9


def test_a_record_holds_rounds_in_microseconds_and_what_follows_from_them():
    row = Comparison("step", "2-3-2", 4, [2e-6, 1e-6], "torch", [6e-6, 2e-6], goal=1.5)
    record = json.loads(json.dumps(row.record()))
    assert record["ours_us"] == [2.0, 1.0]
    assert (record["ours_best_us"], record["theirs_best_us"]) == (1.0, 2.0)
    assert record["ratio_best"] == pytest.approx(2.0)
    assert record["ratio_median"] == pytest.approx(2.5)
    assert record["ratio_spread"] == pytest.approx(0.2)
    assert (record["goal"], record["reached"]) == (1.5, True)


def test_a_record_without_a_peer_has_no_ratio():
    record = Comparison("step", "2-3-2", 4, [1e-6]).record()
    assert not [key for key in record if key.startswith(("ratio", "theirs"))]
    assert record["reached"] is None

"""Tables as a reader sees them."""

import pytest

from benchmarks.statistics import Comparison, Difference
from benchmarks.table import Table, comparisons, micros, number

WIDEST = Comparison(
    "digits",
    "784-1024-10",
    2048,
    [36789.4e-6],
    "torch",
    [39100.2e-6],
    accuracy=0.98056,
    peer_accuracy=1.0,
    differs=Difference(2.34e-5, 1e-4),
    goal=1.15,
)
ALONE = Comparison("plain", "16-32-4", 1, [28.04e-6])


def cells(line):
    """Return the cells of a Markdown table's line."""
    assert line.startswith("| ")
    assert line.endswith(" |")
    return [cell.strip() for cell in line[2:-2].split(" | ")]


def test_a_row_with_everything():
    head, rule, row = comparisons([WIDEST]).markdown().splitlines()
    assert dict(zip(cells(head), cells(row), strict=True)) == {
        "run": "digits",
        "batch": "2048",
        "network": "784-1024-10",
        "peer": "torch",
        "accuracy %: npnet": "98.06",
        "accuracy %: peer": "100.00",
        "apart": "1e-04",
        "µs a step: npnet": "36789",
        "µs a step: peer": "39100",
        "peer / npnet: best": "1.06",
        "median": "1.06",
        "spread": "0 %",
        "goal": "1.15",
        "reached": "no",
    }
    assert [cell.endswith(":") for cell in cells(rule)] == [
        *(False, True, False, False),
        *([True] * 9),
        False,
    ]


def test_npnet_alone_shows_no_column_that_is_empty():
    head, _, row = comparisons([ALONE], "pass").markdown().splitlines()
    assert cells(head) == ["run", "batch", "network", "µs a pass: npnet"]
    assert cells(row) == ["plain", "1", "16-32-4", "28.0"]


def test_columns_line_up_and_an_empty_cell_is_a_dash():
    lines = comparisons([WIDEST, ALONE]).markdown().splitlines()
    assert len({len(line) for line in lines}) == 1
    bars = [[i for i, letter in enumerate(line) if letter == "|"] for line in lines]
    assert bars == [bars[0]] * 4
    assert cells(lines[3])[3:7] == ["-"] * 4


def test_another_side_that_is_the_only_one_needs_no_column():
    row = Comparison("plain", "16-32-4", 1, [2e-6], "limit", [1e-6])
    head, _, body = comparisons([row], peer="limit").markdown().splitlines()
    assert cells(head)[3:6] == ["µs a step: npnet", "µs a step: limit", "limit / npnet: best"]
    assert cells(body)[3:6] == ["2.00", "1.00", "0.50"]


def test_large_ratios_keep_three_digits_and_a_wild_spread_stays_narrow():
    row = Comparison("plain", "16-32-4", 1, [1e-6, 1e-6], "torch", [12.34e-6, 1234e-6])
    shown = cells(comparisons([row]).markdown().splitlines()[2])
    assert shown[-3:] == ["12.3", "623", "98 %"]
    row = Comparison("plain", "16-32-4", 1, [1e-6] * 4, "torch", [1e-6, 1e-6, 1e-6, 1.0])
    assert cells(comparisons([row]).markdown().splitlines()[2])[-1] == "999 %"


def test_a_title_stands_above():
    assert Table(["a"], [["b"]], "What:").markdown() == "What:\n\n| a    |\n| ---- |\n| b    |\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (1.234e-6, "1.23"), (-2e-6, "-2.00"), (28.04e-6, "28.0"), (36789.4e-6, "36789")],
)
def test_times_in_microseconds(seconds, text):
    assert micros(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(1.234, "1.23"), (-12.34, "-12.3"), (1234.5, "1234")])
def test_numbers_have_three_digits(value, text):
    assert number(value) == text

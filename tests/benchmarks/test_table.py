"""The table as a reader sees it."""

from benchmarks.statistics import Comparison, Difference
from benchmarks.table import HEADS, cells, markdown, text

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
ALONE = Comparison("step", "16-32-4", 1, [28.04e-6])


def test_cells_of_a_row_with_everything():
    assert cells(WIDEST) == (
        "digits",
        "2048 x 784-1024-10",
        "torch",
        "98.06",
        "100.00",
        "2e-05",
        "36789",
        "39100",
        "1.06",
        "1.06",
        "0 %",
        "1.15",
    )


def test_cells_of_npnet_alone():
    row = cells(ALONE)
    assert row[:2] == ("step", "   1 x 16-32-4")
    assert row[6] == "28.0"
    assert set(row[2:6] + row[7:]) == {"-"}


def test_text_fits_a_hundred_columns_and_is_aligned():
    lines = text([WIDEST, ALONE]).splitlines()
    assert len(lines) == 5
    assert max(map(len, lines)) <= 100
    assert lines[2] == "-" * max(map(len, lines))
    for group, below in (("accuracy %", "npnet"), ("µs a step", "npnet"), ("peer / npnet", "best")):
        place = lines[0].index(group)
        assert below in lines[1][place : place + 7]
    assert lines[3].endswith("1.15")
    assert lines[4].endswith("-")


def test_large_ratios_keep_three_digits():
    row = Comparison("step", "16-32-4", 1, [1e-6, 1e-6], "torch", [12.34e-6, 1234e-6])
    assert cells(row)[8:11] == ("12.3", "623", "98 %")


def test_a_wild_spread_stays_narrow():
    row = Comparison("step", "16-32-4", 1, [1e-6] * 4, "torch", [1e-6, 1e-6, 1e-6, 1.0])
    assert cells(row)[10] == "999 %"


def test_markdown_has_one_cell_a_column_in_every_line():
    lines = markdown([WIDEST, ALONE]).splitlines()
    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {len(HEADS) + 1}
    assert "| accuracy %: npnet | accuracy %: peer |" in lines[0]
    assert "| digits | 2048 x 784-1024-10 | torch | 98.06 |" in lines[2]

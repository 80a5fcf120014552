import xml.etree.ElementTree as ElementTree

import pytest

from npnet.inspect.columns import (
    broken,
    html_table,
    latex_table,
    markdown_table,
    shown_width,
    terminal_width,
    text_table,
)
from npnet.inspect.expressions import Equation, Symbol

X, Y = Symbol("x", ()), Symbol("y_1", ())
EQUATION = Equation(Y, X / 2)


def test_columns_are_as_wide_as_their_cells():
    assert text_table(["a", "bc"], [[["1", "2"], ["333", ""]]], 80).splitlines() == [
        "a    bc",
        "---  --",
        "1    2",
        "333",
    ]


def test_columns_come_closer_before_cells_are_wrapped():
    lines = text_table(["a", "b"], [[["12345", "123456"]]], 12).splitlines()
    assert lines[-1] == "12345 123456"


@pytest.mark.parametrize("width", range(6, 30))
def test_no_line_is_longer_than_asked_where_cells_can_be_broken(width):
    lines = text_table(["a", "b"], [[["x = y + z", "1, 2, 3"]]], width).splitlines()
    assert max(map(len, lines)) <= max(width, 6)
    assert " ".join(" ".join(lines[2:]).split()).replace(" ", "") != ""


def test_cells_are_broken_at_operators_and_commas_but_not_in_shapes():
    lines = text_table(["a"], [[["max(0, x) = (16, 784) −1 to 2"]]], 9).splitlines()
    assert [line.strip() for line in lines[2:]] == ["max(0, x)", "= (16, 784)", "−1 to 2"]


def test_cells_are_broken_between_words_where_all_else_is_too_wide():
    cells = ["h = x weight + bias", "(16, 784) −1 to 2"]
    lines = text_table(["a", "b"], [[cells]], 16).splitlines()
    assert lines[2:] == ["h = x  (16, 784)", "weight −1 to 2", "+ bias"]
    assert "(16, 784)" in text_table(["a", "b"], [[cells]], 12)


def test_the_widest_column_is_narrowed():
    lines = text_table(["a", "b"], [[["1, 2", "x, y, z, w, v"]]], 14).splitlines()
    assert lines[2:] == ["1, 2 x, y, z,", "     w, v"]


def test_what_cannot_be_broken_stays_whole():
    assert text_table(["a"], [[["x" * 50]]], 10).splitlines()[-1] == "x" * 50


def test_marks_over_letters_take_no_room():
    assert shown_width("x\u0302") == 1 and shown_width("ẑ") == 1
    lines = text_table(["a", "b"], [[["x\u0302", "1"], ["xx", "2"]]], 80).splitlines()
    assert [line.index("1" if "1" in line else "2") for line in lines[2:]] == [5, 4]


def test_markdown_has_a_row_a_block_and_no_bars_in_cells():
    table = markdown_table(["a", "b"], [[[EQUATION, "|x|"], ["", "2"]], [["", ""]]])
    assert table.splitlines() == [
        "| a | b |",
        "| --- | --- |",
        r"| $y_{1} = \frac{x}{2}$ | \|x\|<br>2 |",
        "|  |  |",
    ]


def test_a_line_is_broken_behind_commas_and_words_before_shapes_are():
    line = "    dW = dyᵀ x = (28, 28) min 0, mean 3, max 7; 1, 2 …"
    assert broken(line, 100) == [line]
    lines = broken(line, 30)
    assert lines[0].startswith("    dW") and all(part.startswith("      ") for part in lines[1:])
    assert all(shown_width(part) <= 30 for part in lines)
    assert " ".join(part.strip() for part in lines) == line.strip()
    assert any("(28, 28)" in part for part in lines)
    assert broken("x" * 50, 10) == ["x" * 50]


def test_the_width_is_the_terminals_within_reason(monkeypatch):
    for columns, width in (("20", 80), ("95", 95), ("500", 120)):
        monkeypatch.setenv("COLUMNS", columns)
        assert terminal_width() == width


def test_latex_has_a_line_a_line():
    table = latex_table(["a & b", "c"], [[[EQUATION, "50%"], ["", "2"]]])
    assert table.splitlines()[2:-2] == [
        r"\text{a \& b} & \text{c} \\ \hline",
        r"y_{1} = \frac{x}{2} & \text{50\%} \\",
        r" & \text{2} \\",
    ]


def test_html_is_well_formed_and_escaped():
    table = html_table(["<a>", "b"], [[[EQUATION, "1 < 2"]], [["", ""]]], "R & B")
    root = ElementTree.fromstring(table)
    assert root.find("caption").text == "R & B"
    assert [cell.text for cell in root.iter("th")] == ["<a>", "b"]
    assert len(root.findall("tbody")) == 2
    assert [cell.text for cell in root.iter("td")][1] == "1 < 2"

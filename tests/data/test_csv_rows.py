"""Rows of a CSV file with the lines they begin in; read_csv has the tests of all else."""

import io

import pytest

from npnet.data.csv_rows import CsvFile

FILE = CsvFile("a.csv", ",", "utf-8")


def rows(text):
    """Return all rows of a text."""
    return list(FILE.rows(io.StringIO(text, newline="")))


def test_rows_have_the_line_they_begin_in():
    assert rows('a, b\n\n"1\n2",3\n4 ,"5 "\n') == [
        (1, ["a", "b"]),
        (3, ["1\n2", "3"]),
        (5, ["4", "5"]),
    ]
    assert rows("a\r\n\r\nb") == [(1, ["a"]), (3, ["b"])]


@pytest.mark.parametrize(
    ("header", "names", "first"),
    [(True, ["a", "column 2"], 2), (False, ["0", "1"], 1), (["x", "y"], ["x", "y"], 1)],
)
def test_columns_have_names(header, names, first):
    found, rest = FILE.header(iter(rows("a,\n1,2\n")), header)
    assert found == names and next(line for line, _ in rest) == first


def test_errors_name_the_file():
    assert str(FILE.error("is odd")) == "read_csv: a.csv: is odd"
    with pytest.raises(ValueError, match=r"^read_csv: a\.csv: line 2 is no CSV: unexpected end"):
        rows('a\n"\n')

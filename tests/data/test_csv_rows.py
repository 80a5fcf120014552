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


@pytest.mark.parametrize("header", ["ab", None, 0])
def test_a_header_that_is_no_list_of_names_is_refused(header):
    with pytest.raises(ValueError, match="expected header as True, False or a list of names, got"):
        FILE.header(iter(rows("a,b\n1,2\n")), header)


@pytest.mark.parametrize("delimiter", [";;", "", None])
def test_a_delimiter_is_one_character(delimiter):
    with pytest.raises(ValueError, match=r"a\.csv: expected delimiter as one character, got"):
        list(CsvFile("a.csv", delimiter, "utf-8").rows(io.StringIO("a")))


@pytest.mark.parametrize(("written", "named"), [("utf-16", "utf-16"), ("latin-1", "latin-1")])
def test_a_text_in_another_encoding_is_told_which(tmp_path, written, named):
    path = tmp_path / "a.csv"
    path.write_bytes("größe\n1\n".encode(written))
    with path.open(encoding="utf-8") as file, pytest.raises(ValueError, match=f"as '{named}'"):
        list(FILE.rows(file))

"""CSV files as arrays: what columns become, and what is said about those that do not."""

import csv
import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet.data import DataLoader, read_csv

HOUSES = """size,heating,rooms,price
80,gas,3,200.5
95,oil,4,310
60,gas,2,150
"""


def write(folder, text, encoding="utf-8"):
    """Write a CSV file; return its path."""
    path = folder / "a.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.fixture
def read(tmp_path):
    """Return what reads a text as a CSV file."""
    return lambda text, *names, **options: read_csv(write(tmp_path, text), *names, **options)


# ---------------------------------------------------------------------- what columns become


def test_numbers_and_categories_by_hand(read):
    table = read(HOUSES, "price")
    assert table.inputs.tolist() == [[80, 0, 3], [95, 1, 4], [60, 0, 2]]
    assert table.inputs.dtype == table.targets.dtype == np.float32
    assert table.targets.tolist() == [200.5, 310, 150]
    assert table.columns == table.names == ("size", "heating", "rooms")
    assert table.categories == {"heating": ("gas", "oil")} and table.missing == ()
    assert table.lines.tolist() == [2, 3, 4] and len(table) == 3
    assert table.fills == {"size": pytest.approx(235 / 3), "heating": "gas", "rooms": 3}
    assert str(table).split("\n") == [
        "Table: 3 rows, 3 columns of float32",
        "inputs: size, heating, rooms",
        "categories of heating (index): 0 gas, 1 oil",
        "missing: 0 cells",
    ]
    inputs, _ = next(iter(DataLoader(table.inputs, table.targets, batch_size=2)))
    assert inputs.shape == (2, 3)


def test_one_hot_columns_by_hand(read):
    hot = read(HOUSES, "price", one_hot=True, dtype=np.float64)
    assert hot.columns == ("size", "heating=gas", "heating=oil", "rooms")
    assert hot.inputs.tolist() == [[80, 1, 0, 3], [95, 0, 1, 4], [60, 1, 0, 2]]
    assert hot.one_hot == {"heating"} and hot.inputs.dtype == np.float64
    chosen = read(
        HOUSES, "price", one_hot=["rooms"], categories=["rooms"], inputs=["rooms", "heating"]
    )
    assert chosen.columns == ("rooms=2", "rooms=3", "rooms=4", "heating")
    assert chosen.inputs.tolist() == [[0, 1, 0, 0], [0, 0, 1, 1], [1, 0, 0, 0]]


def test_targets_of_classes_and_of_several_numbers(read):
    classes = read(HOUSES, "heating")
    assert classes.targets.tolist() == [0, 1, 0] and classes.targets.dtype == np.int64
    assert classes.categories == {"heating": ("gas", "oil")} and "heating" not in classes.columns
    # Numbers that are names are in the order of numbers.
    numbered = read("x,y\n0,10\n0,9\n0,-1\n0,9\n", "y", categories=["y"])
    assert numbered.categories == {"y": ("-1", "9", "10")} and numbered.targets.tolist() == [
        2,
        1,
        0,
        1,
    ]
    assert read(HOUSES, "rooms").targets.dtype == np.float32
    two = read(HOUSES, ["price", "size"])
    assert two.targets.tolist() == [[200.5, 80], [310, 95], [150, 60]]
    assert two.columns == ("heating", "rooms")
    assert read(HOUSES, ["price"]).targets.shape == (3, 1)
    assert read(HOUSES).targets is None and len(read(HOUSES).columns) == 4
    assert read(HOUSES, "price", inputs=[]).inputs.shape == (3, 0)


def test_what_files_look_like(read, tmp_path):
    expected = [[1, 2], [3, 4]]
    for text, options in (
        ("\ufeffa,b\r\n1,2\r\n3,4\r\n", {}),
        ("a;b\n1;2\n3;4", {"delimiter": ";"}),
        ("a\tb\n1\t2\n3\t4\n", {"delimiter": "\t"}),
        ("\n a , b \n\n 1, 2 \n3,4\n   \n\n", {}),
        ("1,2\n3,4\n", {"header": False}),
        ("1,2\n3,4\n", {"header": ["a", "b"]}),
        ('"a","b"\n"1","2"\n"3",4\n', {}),
        ("a,b\n1e0,+2\n3.,.4e1\n", {}),
    ):
        table = read(text, **options)
        assert table.inputs.tolist() == expected
        assert table.columns == (("0", "1") if options.get("header") is False else ("a", "b"))
    # Quoted cells may have the delimiter, quotes and line ends in them.
    table = read('a,b\n"x,\n""y""",1\nz,2\n')
    assert table.categories["a"] == ('x,\n"y"', "z") and table.lines.tolist() == [2, 4]
    assert read(",b\n0,1\n").columns == ("column 1", "b")
    umlaut = read_csv(write(tmp_path, "ä\nö\n", "latin-1"), encoding="latin-1")
    assert umlaut.categories == {"ä": ("ö",)}
    assert read_csv(str(write(tmp_path, HOUSES))).inputs.shape == (3, 4)


def test_many_rows_are_read_in_parts(read):
    count = 10_000
    rows = [
        f"{number},{'ab'[number % 2]},{'' if number == 9000 else number / 8}"
        for number in range(count)
    ]
    table = read("\n".join(["n,letter,eighth", *rows]), missing="drop", dtype=np.float64)
    kept = np.delete(np.arange(count), 9000)
    np.testing.assert_array_equal(table.inputs, np.stack([kept, kept % 2, kept / 8], axis=1))
    assert table.missing == ((9002, "eighth"),)
    assert table.lines[[0, 8999, 9000]].tolist() == [2, 9001, 9003]
    # What is missing for a long while tells nothing.
    late = ["x,y", *["NA,0"] * 5000, "1.5,0", "NA,0"]
    assert read("\n".join(late), missing="drop").inputs.tolist() == [[1.5, 0]]
    late[5001] = "red,0"
    assert read("\n".join(late), missing="drop").categories == {"x": ("red",)}


CELLS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr), st.integers(-999, 999).map(str)
)
NAMES = (
    st.text(st.sampled_from("ab ,;\"'\nß=%é0"), min_size=1, max_size=4).map(str.strip).filter(bool)
)


@given(
    st.lists(st.tuples(CELLS, st.sampled_from(["red", "a,b", 'x"y', "grün"])), min_size=1),
    st.lists(NAMES, min_size=2, max_size=2, unique=True),
)
def test_what_the_csv_module_writes_comes_back(tmp_path_factory, rows, names):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])
    table = read_csv(path, names[1], dtype=np.float64)
    assert table.inputs[:, 0].tolist() == [float(number) for number, _ in rows]
    assert [table.categories[names[1]][place] for place in table.targets] == [
        word for _, word in rows
    ]
    hot = read_csv(path, one_hot=True, dtype=np.float64).inputs[:, 1:]
    assert (hot.sum(axis=1) == 1).all() and (hot.argmax(axis=1) == table.targets).all()


# ---------------------------------------------------------------------- what is missing

GAPS = """age,color,y
10,red,1
,blue,2
30,NA,
40,red,4
"""


def test_missing_values_are_an_error_that_names_them(read):
    with pytest.raises(ValueError, match=r"a\.csv: values are missing: ") as caught:
        read(GAPS, "y")
    assert str(caught.value).endswith(
        "column 'age' in line 3, column 'color' in line 4, column 'y' in line 4; missing='drop' "
        "leaves such rows out, missing='fill' fills inputs, missing={column: value} both"
    )
    many = "x\n" + "NA\n" * 9
    with pytest.raises(ValueError, match="'x' in line 6 and 4 more; missing="):
        read(many)
    # A column that is not read may lack what it will.
    assert read(GAPS, inputs=["color"], missing={"color": "red"}).inputs.tolist() == [
        [1],
        [0],
        [1],
        [1],
    ]


def test_rows_that_lack_a_value_are_dropped_and_reported(read):
    table = read(GAPS, "y", missing="drop", one_hot=True)
    assert table.inputs.tolist() == [[10, 1], [40, 1]] and table.targets.tolist() == [1, 4]
    assert table.columns == ("age", "color=red") and table.lines.tolist() == [2, 5]
    assert table.missing == ((3, "age"), (4, "color"), (4, "y"))
    assert "missing: 3 cells (line 3 age, line 4 color, line 4 y)" in str(table)


def test_missing_inputs_are_filled_but_targets_are_not(read):
    text = GAPS.replace("NA,\n", "NA,3\n")
    table = read(text, "y", missing="fill")
    assert table.inputs.tolist() == [[10, 1], [np.float32(80 / 3), 0], [30, 1], [40, 1]]
    assert table.fills == {"age": pytest.approx(80 / 3), "color": "red"}
    assert table.missing == ((3, "age"), (4, "color"))
    with pytest.raises(ValueError, match="values are missing: column 'y' in line 4; missing="):
        read(GAPS, "y", missing="fill")
    # Of several most frequent ones the first.
    assert read("c\nb\na\nNA\nb\na\n", missing="fill").inputs[2] == 0


def test_columns_are_filled_by_ones_own_values(read):
    table = read(GAPS, "y", missing={"age": 20, "color": "unknown", "y": 9.5})
    assert table.inputs.tolist() == [[10, 1], [20, 0], [30, 2], [40, 1]]
    assert table.categories == {"color": ("blue", "red", "unknown")}
    assert table.targets.tolist() == [1, 2, 9.5, 4]
    with pytest.raises(
        ValueError, match="values are missing: column 'color' in line 4, column 'y'"
    ):
        read(GAPS, "y", missing={"age": 20})


def test_cells_that_stand_for_nothing(read):
    assert read("x,y\n?,1\n2,3\n", na=["?"], missing="drop").inputs.tolist() == [[2, 3]]
    for cell in ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "-nan", "NAN"):
        assert read(f"x,y\n{cell},1\n2,3\n", missing="drop").missing == ((2, "x"),)
        assert read(f"x,y\na,1\n{cell},3\n", missing="drop").missing == ((3, "x"),)
    # In a table of one column a quoted nothing is a cell, an empty line is none.
    assert read('x\n1\n""\n\n2\n', missing="drop").missing == ((3, "x"),)


# ---------------------------------------------------------------------- as another table


def test_a_test_table_is_encoded_as_the_training_table(read):
    train = read(HOUSES, "heating", one_hot=True)
    test = read("heating,price,extra,rooms,size\noil,1,x,2,3\n", "heating", like=train)
    assert test.inputs.tolist() == [[3, 2, 1]] and test.columns == train.columns
    assert test.targets.tolist() == [1] and test.categories == train.categories
    train = read(HOUSES, "price", one_hot=True, missing="fill")
    test = read("size,heating,rooms\n,,\n1,oil,1\n", like=train, missing="fill")
    assert test.inputs.tolist() == [[np.float32(235 / 3), 1, 0, 3], [1, 0, 1, 1]]
    assert test.targets is None and test.fills == train.fills and test.one_hot == train.one_hot
    assert read(HOUSES, inputs=["heating"], like=train).columns == ("heating=gas", "heating=oil")


def test_what_the_training_table_did_not_have_is_refused(read):
    train = read(HOUSES, "price")
    with pytest.raises(ValueError, match="no categories: 'wood' in line 3; there are 'gas', 'oil'"):
        read("size,heating,rooms\n1,gas,1\n2,wood,2\n", like=train)
    with pytest.raises(ValueError, match="column 'rooms' has numbers, but 'two' in line 2"):
        read("size,heating,rooms\n1,gas,two\n", like=train)
    with pytest.raises(
        ValueError, match="has no input column 'rooms'; there are 'size', 'heating'"
    ):
        read("size,heating\n1,gas\n", like=train)


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "is empty"),
        ("\n\n", {}, "is empty"),
        ("a,b\n", {}, "has no rows beside its header"),
        ("a,b,a\n1,2,3\n", {}, "has several columns called 'a'"),
        ("a,b\n1,2\n3\n4,5,6\n", {}, "2 fields in each line, got 1 in line 3, 3 in line 4"),
        ("a,b\n" + "1\n" * 9, {}, "1 in line 6 and 4 more"),
        (HOUSES, {"target": "prize"}, r"has no target column 'prize'; there are 'size', 'heating', "
         r"'rooms', 'price'; do you mean 'price'\?"),
        (HOUSES, {"target": "zzz"}, "there are 'size', 'heating', 'rooms', 'price'$"),
        ("a;b\n1;2\n", {"target": "b"}, "'a;b'; if these are several, give their delimiter=';'$"),
        ("ab;ac\n1;2\n", {"target": "ab"}, r"several, give their delimiter=';'$"),
        ("ab\tac\n1\t2\n", {"target": "ab"}, r"several, give their delimiter='\\t'$"),
        ("ab|ac\n1|2\n", {"target": "ab"}, r"several, give their delimiter='\|'$"),
        ("ab,ac\n1,2\n", {"target": "ab", "delimiter": ";"}, "give their delimiter=','$"),
        ('"ab,ac"\n1\n', {"target": "ab,ad"}, "do you mean 'ab,ac'"),
        ("price\n1\n", {"target": "prize"}, r"'price'; do you mean 'price'\?$"),
        ("a b\n1 2\n", {"target": "zz"}, "'a b'; if these are several, give their delimiter$"),
        (HOUSES, {"inputs": ["colour"]}, "has no input column 'colour'"),
        (HOUSES, {"categories": ["colour"]}, "has no category column 'colour'"),
        (HOUSES, {"target": "size", "inputs": ["size"]}, "columns asked for twice: 'size'"),
        (HOUSES, {"one_hot": ["size"]}, r"one_hot names \['size'\]; columns of categories are"),
        (HOUSES, {"target": ["heating", "size"]}, "targets in a list must be numbers"),
        ("x\n1\n2\nthree\n", {}, "column 'x' has numbers, but 'three' in line 4; put it into na"),
        ("x\n1\n1_000\n", {}, "column 'x' has numbers, but '1_000' in line 3"),
        ("x\nA1\n12\n", {}, "column 'x' has names, but the number 12 in line 3; put 'x' into cat"),
        ("x,y\n1,0\ninf,0\n-inf,1\n", {}, "what is not finite in float32: inf in line 3, -inf in"),
        ("x\n1\n1e39\n", {}, r"column 'x' has what is not finite in float32: 1e\+39 in line 3"),
        ("x,y\n1,0\n2,inf\n", {"target": "y"}, "column 'y' has what is not finite in float32: inf"),
        ('x\n"1\n2\n', {}, "line 2 is no CSV: unexpected end of data"),
        ('x\n"1"2\n', {}, "line 2 is no CSV: ',' expected after '\"'"),
        ("x\nNA\nNA\n", {"missing": "drop"}, "no row is left: each lacks a value"),
        ("x,y\n,1\n2,\n", {"missing": "drop"}, "no row is left: each lacks a value"),
        ("x\nNA\nNA\n", {"missing": "fill"}, "values are missing: column 'x' in line 2, column"),
        (HOUSES, {"missing": "ignore"}, "missing to be 'raise', 'drop', 'fill' or a dict, got 'ig"),
        (HOUSES, {"missing": {"colour": 1}}, r"columns that are not read: \['colour'\]"),
        ("x,y\n1,2\n,3\n", {"missing": {"x": "one"}}, "has numbers; it cannot be filled by 'one'"),
        ("x,y\n1,2\n,3\n", {"missing": {"x": math.nan}}, "it cannot be filled by nan"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_line_and_column(tmp_path, text, options, message):
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=rf"^read_csv: {path}: .*{message}"):
        read_csv(path, **options)


def test_other_texts_dtypes_and_paths(tmp_path):
    with pytest.raises(
        ValueError, match=r"is no utf-8-sig text: .*; give its encoding, as 'latin-1'"
    ):
        read_csv(write(tmp_path, "ä\n1\n", "latin-1"))
    with pytest.raises(TypeError, match="read_csv: dtype must be floating, got int64; use np"):
        read_csv(write(tmp_path, HOUSES), dtype=np.int64)
    with pytest.raises(FileNotFoundError):
        read_csv(tmp_path / "none.csv")
    names = "\n".join(f"n{number}" for number in range(2050))
    with pytest.raises(ValueError, match="column 'x': float16 cannot number its categories"):
        read_csv(write(tmp_path, f"x\n{names}\n"), dtype=np.float16)


@given(st.text(st.sampled_from('a1,"\n\r ;-.é\0'), max_size=30))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = write(tmp_path_factory.mktemp("csv"), text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            table = read_csv(path, missing="drop")
        except ValueError as error:
            assert str(error).startswith(f"read_csv: {path}: ")
        else:
            assert len(table.inputs) == len(table.lines) > 0 and np.isfinite(table.inputs).all()

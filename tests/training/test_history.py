import builtins
import json
import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet.training.history import History

NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.sampled_from([-0.0, 1e-320, math.inf, -math.inf]),
)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=5).filter(str.isprintable)
RECORDS = st.lists(st.dictionaries(NAMES, NUMBERS, max_size=4), max_size=5)


def history_of(*records):
    """Return a history of records."""
    history = History()
    for record in records:
        history.append(record)
    return history


def bits(records):
    """Return records with their numbers told apart to the last bit."""
    return [{name: repr(value) for name, value in record.items()} for record in records]


def test_the_table_is_aligned():
    history = history_of(
        {"epoch": 1, "loss": 2.30259, "accuracy": 0.1, "lr": 1e-5},
        {"epoch": 10, "loss": 0.5, "lr": 0.5e-5, "val_loss": math.nan},
        {"epoch": 100, "loss": math.inf, "accuracy": 1.0, "lr": 0.0, "val_loss": 12.25},
    )
    assert str(history).split("\n") == [
        "epoch    loss  accuracy          lr  val_loss",
        "    1  2.3026    0.1000  1.0000e-05",
        "   10  0.5000            5.0000e-06       nan",
        "  100     inf    1.0000  0.0000e+00   12.2500",
    ]
    assert repr(history) == "History(3 epochs: epoch, loss, accuracy, lr, val_loss)"
    assert str(History()) == "History: no epochs" and str(history_of({})) == "History: no epochs"


def test_a_column_has_nan_where_an_epoch_lacks_it():
    history = history_of({"a": 1}, {"b": 2.5}, {"a": 3, "b": 4})
    np.testing.assert_array_equal(history["a"], [1, math.nan, 3])
    assert history["b"].dtype == np.float64 and history.names == ["a", "b"]
    assert len(history) == 3 and list(history) == history.records
    with pytest.raises(KeyError, match="History: no column 'c'; there are 'a', 'b'"):
        history["c"]


@pytest.mark.parametrize(
    "value", [np.float32(0.1), np.array(0.1, np.float32), np.float64(0.1), 0.1, np.uint8(3), True]
)
def test_numbers_of_every_kind_become_pythons(value):
    ((found,),) = (record.values() for record in history_of({"x": value}).records)
    assert found == value and type(found) in (int, float)
    assert type(found) is (int if np.asarray(value).dtype.kind in "ub" else float)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"x": "1"}, "expected a number for 'x', got '1'"),
        ({"x": None}, "expected a number for 'x', got None"),
        ({"x": 1j}, "expected a number for 'x', got 1j"),
        ({"x": 2**70}, "expected a number for 'x', got 1180591620717411303424"),
        ({"x": np.zeros((2, 2))}, r"expected a number for 'x', got an array of shape \(2, 2\)"),
        ({1: 1}, "expected names as strings, got 1"),
        ({"": 1}, "expected names as strings, got ''"),
    ],
)
def test_what_is_no_record_is_refused_whole(record, message):
    history = history_of({"a": 1})
    with pytest.raises(TypeError, match=f"^History: {message}"):
        history.append({"fine": 1, **record})
    assert history.records == [{"a": 1}]


@given(RECORDS)
def test_files_and_states_give_back_every_bit(tmp_path_factory, records):
    history, folder = history_of(*records), tmp_path_factory.mktemp("history")
    with pytest.MonkeyPatch.context() as patch:
        # Waiting for the disk is tested elsewhere.
        patch.setattr("os.fsync", lambda _: None)
        history.to_jsonl(folder / "h.jsonl")
        history.to_csv(folder / "h.csv")
    assert bits(History.from_jsonl(folder / "h.jsonl").records) == bits(records)
    found = History.from_csv(folder / "h.csv").records
    # A table does not tell in which order an epoch had its numbers.
    assert [sorted(r.items()) for r in bits(found)] == [sorted(r.items()) for r in bits(records)]
    other = history_of({"old": 1})
    other.load_state_dict(history.state_dict())
    assert bits(other.records) == bits(records)


def test_files_are_what_other_programs_read(tmp_path):
    history = history_of(
        {"epoch": 1, "loss": 0.1}, {"epoch": 2, "loss": math.nan, "f, 1": -math.inf}
    )
    history.to_csv(tmp_path / "h.csv")
    assert (tmp_path / "h.csv").read_bytes() == (b'epoch,loss,"f, 1"\n1,0.1,\n2,nan,-inf\n')
    history.to_jsonl(tmp_path / "h.jsonl")
    lines = (tmp_path / "h.jsonl").read_text().splitlines()

    def strict(text):
        raise AssertionError(text)

    assert [json.loads(line, parse_constant=strict) for line in lines] == [
        {"epoch": 1, "loss": 0.1},
        {"epoch": 2, "loss": "NaN", "f, 1": "-Infinity"},
    ]


def test_states_are_copies_and_a_bad_one_changes_nothing():
    history = history_of({"a": 1})
    state = history.state_dict()
    state["records"][0]["a"] = 2
    assert history.records == [{"a": 1}]
    history.load_state_dict(state)
    state["records"][0]["a"] = 3
    assert history.records == [{"a": 2}]
    for bad, error in (({}, KeyError), ({"records": [{"a": 5}, {"a": "x"}]}, TypeError)):
        with pytest.raises(error):
            history.load_state_dict(bad)
        assert history.records == [{"a": 2}]


def test_names_print_on_a_line_that_tables_and_files_keep(tmp_path):
    for name in ("a\nb", "a\r", "\0", "\x85", "\ud800"):
        with pytest.raises(ValueError, match="History: expected names that print on a line, got"):
            history_of({name: 1})
    history_of({"a,b": 1, '"é" c ': 2}).to_csv(tmp_path / "h.csv")
    assert History.from_csv(tmp_path / "h.csv").names == ["a,b", '"é" c ']


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n1\n", "line 3: expected 2 fields, got 1"),
        ("a,b\n1,x\n", "line 2: could not convert string to float: 'x'"),
        ("a,a\n1,2\n", "line 1: a name comes twice"),
        ("a,\n1,2\n", "line 2: History: expected names as strings, got ''"),
        ('a,b\n1,"2\n', "line 2: unexpected end of data"),
    ],
)
def test_a_csv_file_that_is_no_history(tmp_path, text, message):
    (tmp_path / "h.csv").write_text(text)
    with pytest.raises(ValueError, match=rf"^History: .*h\.csv is no table of numbers: {message}"):
        History.from_csv(tmp_path / "h.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}\n{"a"\n', "line 2: Expecting ':' delimiter"),
        ("[1]\n", r"line 1: expected an object, got \[1\]"),
        ('{"a": "inf"}\n', "line 1: History: expected a number for 'a', got 'inf'"),
    ],
)
def test_a_jsonl_file_that_is_no_history(tmp_path, text, message):
    (tmp_path / "h.jsonl").write_text(text)
    with pytest.raises(ValueError, match=rf"^History: .*h\.jsonl is no list of records: {message}"):
        History.from_jsonl(tmp_path / "h.jsonl")


def test_saving_replaces_a_file_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "h.csv"
    path.write_text("before")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        history_of({"a": 1}).to_csv(path)
    assert path.read_text() == "before" and [p.name for p in tmp_path.iterdir()] == ["h.csv"]


def test_without_matplotlib_all_but_pictures_works(monkeypatch):
    real = builtins.__import__

    def refuse(name, *rest):
        if name.split(".")[0] == "matplotlib":
            raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    history = history_of({"loss": 1.0})
    assert "1.0000" in str(history)
    with pytest.raises(
        ModuleNotFoundError, match=r"pictures need matplotlib; pip install 'npnet\[pl"
    ):
        history.plot()


def test_seconds_are_written_without_an_exponent():
    for times, printed in (
        ((1.3e-3, 3.7e-4), ["0.001300", "0.000370"]),
        ((0.25, 3.5), ["0.2500", "3.5000"]),
        ((2e6, 0.0), ["2000000.0000", "0.0000"]),
    ):
        history = History()
        for epoch, seconds in enumerate(times, 1):
            history.append({"epoch": epoch, "lr": 1e-7, "seconds": seconds})
        rows = [line.split() for line in str(history).splitlines()[1:]]
        assert [row[2] for row in rows] == printed
        assert [row[1] for row in rows] == ["1.0000e-07"] * 2

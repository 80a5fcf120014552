"""Efforts and answers."""

import pytest

from benchmarks.question import Answer, Effort
from benchmarks.statistics import Comparison
from benchmarks.table import Table


def test_a_part_of_an_effort_has_fewer_rounds_and_less_time_but_never_under_five():
    assert Effort(90, 15.0).part(1 / 3) == Effort(30, 5.0)
    assert Effort(6, 3.0, short=True).part(0.5) == Effort(5, 1.5, short=True)


def test_only_a_short_effort_takes_the_few_cases():
    assert Effort().pick("abc", "a") == "abc"
    assert Effort.quick().pick("abc", "a") == "a"


def test_an_answer_takes_over_rows_and_failures():
    whole = Answer(failures=["one"])
    whole.add(Answer([Comparison("plain", "3-4-3", 2, [1e-6])], ["two"]))
    assert (len(whole.rows), whole.failures) == (1, ["one", "two"])


def test_an_answer_shows_its_rows_and_then_its_tables():
    rows = [Comparison("plain", "3-4-3", 2, [1e-6], "torch", [2e-6])]
    shown = Answer(rows, tables=[Table(["a"], [["b"]], "More:")], unit="epoch").markdown()
    assert shown.index("µs an epoch: npnet") < shown.index("More:\n\n| a")
    assert Answer(tables=[Table(["a"], [["b"]])]).markdown().startswith("| a ")


@pytest.mark.parametrize(("theirs", "drawn"), [([], False), ([2e-6], True)])
def test_ratios_are_drawn_where_there_are_any(theirs, drawn):
    answer = Answer([Comparison("plain", "3-4-3", 2, [1e-6], "torch", theirs)])
    assert (answer.draw_ratios("Title").draw is not None) == drawn

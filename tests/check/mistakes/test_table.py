from collections import Counter

import pytest

from npnet.check.mistakes.table import MISTAKES, NAMED, RIGHT, Outcome, examine, summary

#: The layers that mistakes were asked for.
FAMILIES = {
    "Linear",
    "ReLU",
    "Sigmoid",
    "Softmax-CE",
    "MSE",
    "BCE",
    "BatchNorm",
    "Regularization",
}


def test_there_are_enough_of_each_family_and_form():
    assert len(MISTAKES) >= 40
    counted = Counter(mistake.family for mistake in MISTAKES)
    assert set(counted) == FAMILIES and min(counted.values()) >= 5
    assert Counter(mistake.form for mistake in MISTAKES)["layer"] >= 20
    assert {right.family for right in RIGHT} == FAMILIES


def outcomes(caught, named):
    """Return outcomes of ten mistakes."""
    return [Outcome(MISTAKES[i], i < caught, i < named, "words") for i in range(10)]


@pytest.mark.parametrize(
    "caught, named, ok", [(10, 10, True), (10, 8, True), (10, 7, False), (9, 10, False)]
)
def test_the_bar_is_all_caught_and_four_fifths_named(caught, named, ok):
    text, found = summary(outcomes(caught, named))
    assert found is ok and NAMED == 0.8
    assert f"10 mistakes: {caught} caught, {named} named ({named * 10}%)" in text


@pytest.mark.parametrize("width", [72, 90, 120, 300])
def test_the_table_is_no_wider_than_asked_and_cuts_nothing(width):
    few = examine(MISTAKES[:3])
    text, ok = summary(few, width)
    *table, empty, _ = text.splitlines()
    assert ok and not empty and all(len(line) <= width for line in table)
    assert [sum(o.mistake.what in line for line in table) for o in few] == [1] * 3
    words = " ".join(text.split())
    if width == 300:
        assert len(table) == 2 + len(few) and all(o.said in text for o in few)
    elif width == 72:  # below the line, at its beginning
        assert all(" ".join(o.said.split()) in words for o in few)
    assert all(word in words for o in few for word in o.said.split())


def test_named_is_what_the_first_cause_says():
    (other,) = examine([MISTAKES[0]._replace(words="no such words")])
    assert other.caught and not other.named

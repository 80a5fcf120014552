from collections import OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest

from npnet import Parameter
from npnet.hooks.nested import Place, leaves, mapped, matched
from npnet.tape import Constant

Pair = namedtuple("Pair", "left right")
A, B, C = (Parameter([float(number)]) for number in range(3))


def test_leaves_come_in_order_from_any_depth():
    value = (A, [None, {"b": B, "n": 3}], Pair(C, A), np.ones(2), "text")
    found = leaves(value)
    assert [leaf is other for leaf, other in zip(found, (A, B, C, A), strict=True)] == [True] * 4
    assert leaves(Constant(np.ones(2))) == leaves(5) == []


@pytest.mark.parametrize(
    "value",
    [
        (A, B),
        [A, (B,)],
        Pair(A, B),
        {"a": A, "b": [B]},
        OrderedDict(a=A, b=B),
        defaultdict(list, a=A, b=B),
        (1, A, "x", B, None),
    ],
)
def test_mapped_keeps_the_kind_of_everything(value):
    names = {id(A): "first", id(B): "second"}
    result = mapped(value, lambda leaf: names[id(leaf)])
    assert type(result) is type(value)
    assert repr(result).count("'first'") == repr(result).count("'second'") == 1
    assert leaves(value)[0] is A


def test_constants_are_leaves_and_no_tuples():
    constant = Constant(np.ones(2))
    assert mapped([constant], lambda leaf: leaf.array.tolist()) == [[1, 1]]


def test_matched_finds_what_stands_at_the_places():
    template = (Place(2), [Place(0), {"k": Place(1)}], 5, "x")
    assert matched(template, ("c", ["a", {"k": "b"}], 5, "x")) == {0: "a", 1: "b", 2: "c"}
    assert matched((Place(0), Place(1)), ["a", "b"]) == {0: "a", 1: "b"}
    held = np.ones(2)
    assert matched([held, Constant(held)], [held, held]) == {}


@pytest.mark.parametrize(
    ("template", "value", "message"),
    [
        ((Place(0),), (1, 2), "expected a tuple of 1, got a tuple of 2"),
        ([Place(0)], 7, "expected a list of 1, got 7"),
        ([Place(0)], np.ones((2, 3)), r"expected a list of 1, got an array of shape \(2, 3\)"),
        ({"a": Place(0)}, {"b": 1}, r"expected a dict with keys \['a'\], got keys \['b'\]"),
        ((Place(0), 3), (1, 4), "expected 3 as it was, got 4"),
        ((Place(0), True), (1, 1), "expected True as it was, got 1"),
        ((Place(0), np.ones(2)), (1, np.ones(2)), r"expected array.* got an array of shape \(2,\)"),
    ],
)
def test_what_is_built_otherwise_is_refused(template, value, message):
    with pytest.raises(ValueError, match=message):
        matched(template, value)

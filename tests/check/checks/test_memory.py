import numpy as np
import pytest

from npnet import Tanh, memory
from npnet.check.case import Case
from npnet.check.checks.memory import (
    Spoiler,
    check_allocations,
    check_plans,
    check_repeats,
    check_stale_memory,
    check_untouched,
    filled_memory,
    halved,
    replaced,
)
from npnet.check.comparing import Disagreement, Skipped
from npnet.check.draws import Draw
from npnet.check.function import Function
from tests.support import broken

ROWS = (Draw(("B", 3)),)


def case(make):
    return Case("case", make, ROWS)


def function(call):
    return Case("function", lambda: Function(call), ROWS, dtype=np.float64, is_function=True)


class WritesGradient(broken.Sine):
    """Uses the array of the output gradient for its own."""

    def backward_kernel(self, dy, x, y, *, dx, scratch):
        dy *= np.cos(x)
        dx[...] = dy


def writes_input(x):
    x += 1
    return x * 1, lambda dy: dy


def half_empty(x):
    def backward(dy):
        dx = np.empty_like(x)
        dx[1:] = dy[1:]
        return dx

    return x * 1, backward


class Remembers:
    """A function whose results share memory with what it keeps."""

    def __init__(self):
        self.y = np.zeros((5, 3))

    def __call__(self, x):
        y = self.y[: len(x)]
        y[...] = x
        return y, lambda dy: dy * 1


def backward_counts(x):
    calls = []

    def backward(dy):
        calls.append(1)
        return dy * len(calls)

    return x * 1, backward


def test_what_is_given_is_read_only():
    check_untouched(case(Tanh))
    check_untouched(function(lambda x: (x * 2, lambda dy: dy * 2)))
    for wrong, words in (
        (case(broken.ModifiesInput), "the array passed as x has changed"),
        (case(WritesGradient), "the gradient kept of an output has changed"),
        (function(writes_input), "x has changed"),
    ):
        with pytest.raises((Disagreement, ValueError), match=words) as raised:
            check_untouched(wrong)
        assert "written to" in raised.value.cause


def test_nothing_unwritten_is_read():
    check_stale_memory(case(Tanh))
    check_stale_memory(function(lambda x: (x * 2, lambda dy: dy * 2)))
    for wrong in (case(broken.LeavesUnwritten), case(broken.Accumulates), function(half_empty)):
        with pytest.raises(Disagreement, match="NaN from memory") as raised:
            check_stale_memory(wrong)
        assert raised.value.cause.startswith("stale buffer")


@pytest.mark.parametrize(
    "wrong, words",
    [
        (case(broken.KeepsOnSelf), "something is kept from one call to the next"),
        (case(broken.Accumulates), "something is kept from one call to the next"),
        (function(backward_counts), "backward changes what it remembers"),
        (function(Remembers()), "shares memory with what a later call writes to"),
    ],
)
def test_nothing_is_left_from_earlier_calls(wrong, words):
    with pytest.raises(Disagreement) as raised:
        check_repeats(wrong)
    assert words in raised.value.cause


def test_a_right_one_gives_the_same_again():
    check_repeats(case(Tanh))
    check_repeats(function(lambda x: (x * 2, lambda dy: dy * 2)))


def test_a_step_allocates_nothing_large():
    check_allocations(case(Tanh))
    with pytest.raises(Disagreement, match=r"allocates \d+ bytes for"):
        check_allocations(case(broken.Promotes))
    with pytest.raises(Skipped):
        check_allocations(Case("", Tanh, (Draw((3,)),)))


def test_what_is_declared_holds_between_neighbours():
    check_plans(case(Tanh))
    for make in (broken.UndeclaredInPlace, broken.ReadsUnkept):
        with pytest.raises(Disagreement, match="plan with keep="):
            check_plans(case(make))


def test_spoiler_doubles_and_spoils():
    assert Spoiler()(np.array([1.5], np.float32)).tolist() == [3.0]
    assert halved(np.array([3.0], np.float32)).dtype == np.float32


def test_what_is_replaced_comes_back_whatever_happens():
    before = memory._aligned
    with pytest.raises(KeyError), replaced(memory, "_aligned", None):
        raise KeyError
    assert memory._aligned is before
    with filled_memory(255):
        assert np.isnan(memory._aligned(8).view(np.float64)).all()
    assert memory._aligned is before

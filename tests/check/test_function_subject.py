import numpy as np
import pytest

from npnet.check.function import Function
from npnet.check.function_subject import FunctionSubject, empty_memory, written_to

X = np.random.default_rng(0).normal(size=(4, 3))


def subject(function, *inputs):
    return FunctionSubject(Function(function), inputs or (X,), None, np.random.default_rng(0))


def square(x):
    return x * x, lambda dy: 2 * x * dy


def test_runs_in_float64_on_copies():
    given = X.astype(np.float32)
    found = subject(square, given)
    assert found.inputs[0].dtype == np.float64 and found.input_names() == ["x"]
    seeds = found.draw_seeds()
    np.testing.assert_allclose(found.gradients(seeds)[0], 2 * given * seeds[0], rtol=1e-6)
    assert found.misbehaviour() == []


def test_numbers_are_the_operands_of_one_number():
    found = subject(lambda x, s: (s * np.sum(x), lambda dy: (s * dy + 0 * x, None)), X, 0.5)
    assert dict(found.numbers()) == {"s": 0.5}
    assert found.misbehaviour() == []
    assert [operand.name for operand in found.operands] == ["x"]


class Counts:
    """Gives one more at every call."""

    calls = 0

    def __call__(self, x):
        Counts.calls += 1
        return x + Counts.calls, lambda dy: dy


def from_empty(x):
    y = np.empty_like(x)
    y[1:] = x[1:]
    return y, lambda dy: dy


def modifies_input(x):
    x += 1
    return x * 1, lambda dy: dy


def modifies_input_later(x):
    def backward(dy):
        x[...] = 0
        return dy

    return x * 1, backward


def modifies_gradient(x):
    def backward(dy):
        dy *= 2
        return dy / 2

    return x * 1, backward


def modifies_output(x):
    y = x * 1

    def backward(dy):
        y[...] = 0
        return dy

    return y, backward


def raises(x):
    def backward(dy):
        raise ValueError("no way back")

    return x * 1, backward


@pytest.mark.parametrize(
    "function, who, words",
    [
        (Counts(), "forward", "other numbers when called again"),
        (from_empty, "forward", "stale buffer"),
        (modifies_input, "x", "forward writes to it"),
        (modifies_input_later, "x", "backward writes to it"),
        (modifies_gradient, "dy", "the output gradient is written to"),
        (modifies_output, "y", "the caller's"),
        (raises, "backward", "raises ValueError: no way back"),
        (lambda x: (x * 1, lambda dy: dy[0]), "x", "the gradient of x has shape"),
    ],
)
def test_tells_what_is_wrong_with_forward_and_backward_themselves(function, who, words):
    found = subject(function).misbehaviour()
    assert found[0][0] == who and words in found[0][1]


def test_refuses_outputs_that_are_not_finite():
    with pytest.raises(ValueError, match="<lambda>: expected finite outputs, got inf"):
        subject(lambda x: (x * np.inf, lambda dy: dy), np.array([1.0])).misbehaviour()


def test_written_to_names_nothing_where_nothing_changes():
    assert written_to(Function(square), [X], [np.ones_like(X)]) == []


def test_memory_is_full_of_one_number_for_a_while():
    before = np.empty, np.empty_like
    with pytest.raises(KeyError), empty_memory(7.0):
        assert np.empty((2, 2)).tolist() == [[7.0, 7.0], [7.0, 7.0]]
        assert np.empty_like(X)[0, 0] == 7.0
        assert np.empty(2, int).dtype == int
        raise KeyError
    assert (np.empty, np.empty_like) == before

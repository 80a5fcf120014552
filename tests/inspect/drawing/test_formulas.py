"""Expressions as words of a drawing."""

import pytest

from npnet.inspect import expressions as e
from npnet.inspect.drawing.formulas import formula, name_words
from npnet.inspect.drawing.lettering import Run, plain

w, x = e.Symbol("w", ()), e.Symbol("x", ())


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (e.Equation(e.Symbol("p", ()), w * x), "p = w·x"),
        ((x + 1) ** 2, "(x + 1)2"),
        (e.call("exp", -w * x), "e−w·x"),
        (e.call("ln", x), "ln(x)"),
        (e.call("sqrt", x), "√x"),
        (e.Norm(e.Symbol("W", (3, 2))) ** 2 * 0.1, "0.1·‖W‖2"),
    ],
)
def test_expressions_without_their_styles(expression, words):
    assert plain(formula(expression)) == words


def test_exponents_stand_above_and_indices_below():
    assert formula(x**2) == (Run("x", "math"), Run("2", "", 1))
    assert formula(e.Symbol("w", (3, 2)).T) == (Run("w", "math"), Run("⊤", "", 1))
    assert formula(e.Symbol("x1", ())) == (Run("x", "math"), Run("1", "", -1))


def test_an_exponent_within_an_exponent_stays_above():
    levels = {run.level for run in formula(e.call("exp", x**2))}
    assert levels == {0, 1}


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("x", (Run("x", "math"),)),
        ("lambda", (Run("λ", "math"),)),
        ("fc1.bias", (Run("fc1.bias"),)),
        ("y_hat", (Run("y\u0302", "math"),)),
        ("W_in", (Run("W", "math"), Run("in", "", -1))),
    ],
)
def test_names(name, runs):
    assert name_words(name) == runs

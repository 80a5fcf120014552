import pytest
from hypothesis import assume, given

from npnet.inspect import expressions as e
from npnet.inspect.rendering import text
from tests.support.formulas import formulas, number_of, read_text

X, Y = e.Symbol("x", ()), e.Symbol("y", ())
A, B = e.Symbol("A", (2, 3)), e.Symbol("B", (2, 3))


@given(formulas)
def test_what_is_written_is_read_as_it_was(formula):
    try:
        wanted = number_of(formula)
    except ZeroDivisionError:
        assume(False)
    assert read_text(text(formula)) == wanted


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        (X * Y, "x·y"),
        (A * B, "A ⊙ B"),
        (2 * X * A * B, "2·x·A ⊙ B"),
        (A * X, "A·x"),
        (A @ B.T, "A Bᵀ"),
        ((A + B) @ B, "(A + B) B"),
        (A @ B + X, "A B + x"),
        (X - (Y - 1), "x − (y − 1)"),
        (-(X + Y), "−(x + y)"),
        (X * -2.0, "−2·x"),
        (X**-1, "x⁻¹"),
        (X**0.5, "x^0.5"),
        (X ** (Y + 1), "x^(y + 1)"),
        ((X * Y) ** 12, "(x·y)¹²"),
        (-(X**2), "−x²"),
        (X / (Y * 2), "x/(2·y)"),
        (e.call("exp", -X), "e^(−x)"),
        (e.call("exp", X), "e^x"),
        (e.call("sqrt", X + 1), "√(x + 1)"),
        (e.call("max", 0, X), "max(0, x)"),
        (e.Abs(X - Y), "|x − y|"),
        (0.1 * e.Norm(A) ** 2, "0.1·‖A‖²"),
        (e.Reduction("sum", A), "sum(A)"),
        (e.Reduction("mean", A * B, (0, 1)), "mean(A ⊙ B, axes 0, 1)"),
        (e.Indexed(A, Y), "A[y]"),
        (e.Indexed(A + B, Y), "(A + B)[y]"),
        (e.Condition(X, ">=", e.Number(0)), "[x ≥ 0]"),
        (e.Cases(e.Condition(X, ">", Y), X, 2 * X), "x if x > y else 2·x"),
        (Y * e.Cases(e.Condition(X, ">", Y), X, Y), "y·(x if x > y else y)"),
        (e.Gradient(e.Symbol("fc.weight")), "d(fc.weight)"),
        (e.Partial(Y, X), "∂y/∂x"),
        (e.Equation(Y, e.Gradient(X)), "y = dx"),
        (e.call("reshape", X, e.Words("(2, 3)")), "reshape(x, (2, 3))"),
        (e.Number(1e-5) + X, "1e-05 + x"),
    ],
)
def test_each_kind_in_unicode(expression, written):
    assert text(expression) == written

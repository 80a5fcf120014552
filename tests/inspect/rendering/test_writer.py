import pytest

from npnet.inspect import expressions as e
from npnet.inspect.rendering.as_text import TextWriter
from npnet.inspect.rendering.writer import Name, Writer, number_text

A, B = e.Symbol("A"), e.Symbol("b", ())


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("x", ("x", "", False)),
        ("W2", ("W", "2", False)),
        ("h_12", ("h", "12", False)),
        ("w_in", ("w", "in", False)),
        ("alpha", ("α", "", False)),
        ("beta1", ("β", "1", False)),
        ("y_hat", ("y", "", True)),
        ("ŷ", ("y", "", True)),
        ("x\u0302", ("x", "", True)),
        ("μ", ("μ", "", False)),
        ("fc1.weight", ("fc1.weight", "", False)),
        ("weight", ("weight", "", False)),
        ("x_", ("x_", "", False)),
        ("_hat", ("_hat", "", False)),
    ],
)
def test_names_are_read_as_mathematics(name, parts):
    found = Name(name)
    assert (found.stem, found.index, found.hat) == parts
    assert found.is_word == (len(parts[0]) > 1)


def test_numbers_have_six_digits_or_as_many_as_asked():
    assert [number_text(n) for n in (2.0, -0.5, 1 / 3, 1e-5, 123456789)] == [
        "2",
        "-0.5",
        "0.333333",
        "1e-05",
        "1.23457e+08",
    ]
    assert number_text(1 / 3, 2) == "0.33"


def test_signs_are_told_from_terms_in_sums_of_sums_too():
    terms = (e.Neg(A), e.Sum((B, e.Neg(A))), e.Number(-2))
    assert Writer.signed(terms) == [(True, A), (False, B), (True, A), (True, e.Number(2))]
    assert Writer.signed((e.Neg(e.Sum((A, B))),)) == [(True, e.Sum((A, B)))]


def test_products_of_arrays_are_told_from_those_with_numbers():
    assert Writer.elementwise((B, A, B, A)) == [False, False, True]


def test_nested_cases_are_branches():
    low, high = e.Condition(B, "<", e.Number(0)), e.Condition(B, ">", e.Number(1))
    cases = e.Cases(low, e.Number(0), e.Cases(high, e.Number(1), B))
    assert Writer.branches(cases) == ([(e.Number(0), low), (e.Number(1), high)], B)


def test_every_kind_of_expression_has_a_method_in_every_notation():
    kinds = {kind.__name__.lower() for kind in e.Expr.__subclasses__()}
    for writer in Writer.__subclasses__():
        assert [kind for kind in sorted(kinds) if not hasattr(writer, kind)] == []
    assert TextWriter in Writer.__subclasses__()

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import assume, given

from npnet.inspect import expressions as e
from npnet.inspect.rendering import mathml
from tests.inspect.rendering.test_as_latex import equations
from tests.support.formulas import formulas, number_of, read_mathml

X, Y = e.Symbol("x", ()), e.Symbol("y_hat", ())
A = e.Symbol("A", (2, 3))
#: How many elements each of these must have.
CHILDREN = {"mfrac": 2, "msup": 2, "msub": 2, "mover": 2, "munder": 2, "msqrt": 1}


@given(formulas)
def test_what_is_written_is_read_as_it_was(formula):
    try:
        wanted = number_of(formula)
    except ZeroDivisionError:
        assume(False)
    assert read_mathml(mathml(formula)) == wanted


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        (X, "<mi>x</mi>"),
        (Y, "<mover><mi>y</mi><mo>^</mo></mover>"),
        (e.Symbol("h1"), "<msub><mi>h</mi><mn>1</mn></msub>"),
        (e.Symbol("w_in"), "<msub><mi>w</mi><mi>in</mi></msub>"),
        (e.Symbol("a<b"), "<mi>a&lt;b</mi>"),
        (X / 2, "<mfrac><mi>x</mi><mn>2</mn></mfrac>"),
        (e.call("exp", X), "<msup><mi>e</mi><mi>x</mi></msup>"),
        (e.call("sqrt", X), "<msqrt><mi>x</mi></msqrt>"),
        (A.T, "<msup><mi>A</mi><mo>⊤</mo></msup>"),
        (e.Number(1e-5), "<msup><mn>10</mn><mrow><mo>−</mo><mn>5</mn></mrow></msup>"),
        (e.Words("a & b"), "<mtext>a &amp; b</mtext>"),
    ],
)
def test_each_kind_in_mathml(expression, written):
    assert mathml(expression) == f"<math>{written}</math>"


def test_a_formula_of_its_own_says_so():
    assert mathml(X, display=True).startswith('<math display="block">')


def test_equations_are_well_formed():
    for equation in equations():
        for element in ElementTree.fromstring(mathml(equation).replace("&#x", "&#x")).iter():
            wanted = CHILDREN.get(element.tag)
            assert wanted is None or len(element) == wanted, mathml(equation)

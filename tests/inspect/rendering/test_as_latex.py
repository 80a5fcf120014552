import pytest
from hypothesis import assume, given

from npnet.inspect import expressions as e
from npnet.inspect.equations.rules import rule_of
from npnet.inspect.rendering import latex, markdown
from npnet.inspect.rendering.as_latex import latex_words
from tests.layers.cases import CASES
from tests.support.formulas import formulas, number_of, read_latex

X, Y = e.Symbol("x", ()), e.Symbol("y_hat", ())
A, B = e.Symbol("A", (2, 3)), e.Symbol("B1", (2, 3))


@given(formulas)
def test_what_is_written_is_read_as_it_was(formula):
    try:
        wanted = number_of(formula)
    except ZeroDivisionError:
        assume(False)
    assert read_latex(latex(formula)) == wanted


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        (X * Y, r"x \cdot \hat{y}"),
        (A * B, r"A \odot B_{1}"),
        (A @ B.T, r"A \, B_{1}^{\top}"),
        ((X / 2) ** 2, r"\left(\frac{x}{2}\right)^{2}"),
        (e.call("exp", -X), r"e^{-x}"),
        (e.call("sqrt", X + 1), r"\sqrt{x + 1}"),
        (e.call("σ", X), r"\sigma\left(x\right)"),
        (e.call("tanh", X), r"\tanh\left(x\right)"),
        (e.call("one_hot", X), r"\operatorname{one\_hot}\left(x\right)"),
        (e.Norm(A) ** 2, r"\left\lVert A\right\rVert^{2}"),
        (e.Reduction("sum", A, (0,)), r"\sum_{\text{axis 0}}\left(A\right)"),
        (e.Reduction("mean", A), r"\operatorname{mean}\left(A\right)"),
        (e.Indexed(A, X), r"A\left[x\right]"),
        (e.Condition(X, "!=", e.Number(0)), r"\left[x \ne 0\right]"),
        (
            e.Cases(e.Condition(X, ">", e.Number(0)), X, e.Number(0)),
            r"\begin{cases}x & \text{if } x > 0 \\ 0 & \text{otherwise}\end{cases}",
        ),
        (e.Gradient(e.Symbol("fc_1.weight")), r"\mathrm{d}\mathrm{fc\_1.weight}"),
        (e.Partial(Y, X), r"\frac{\partial \hat{y}}{\partial x}"),
        (e.Symbol("alpha_2"), r"\alpha_{2}"),
        (e.Number(1e-5), r"10^{-5}"),
        (e.Number(2.5e20), r"2.5 \cdot 10^{20}"),
        (e.Number(float("inf")), r"\infty"),
        (e.Words("50%"), r"\text{50\%}"),
    ],
)
def test_each_kind_in_latex(expression, written):
    assert latex(expression) == written


def test_markdown_puts_dollars_around():
    assert markdown(X) == "$x$"


def test_a_bar_in_a_name_ends_no_cell_of_a_markdown_table():
    assert markdown(e.Symbol("a|b")) == r"$\mathrm{a\vert{}b}$"


def test_words_are_escaped():
    assert latex_words("−1 → 2 …") == r"$-$1 $\to$ 2 \ldots{}"
    assert latex_words("a_b ~ \\ {x}^2 $ # &") == (
        r"a\_b \textasciitilde{} \textbackslash{} \{x\}\textasciicircum{}2 \$ \# \&"
    )


def equations():
    """Yield all equations of all layers, with long names."""
    for case in CASES:
        layer = case.make()
        names = [n for n in layer.operand_names if getattr(layer, n, 0) is not None]
        operands = {name: e.Symbol(f"part.{name}") for name in names}
        rule = rule_of(layer, operands, [e.Symbol(f"h{i}") for i in range(layer.output_count)])
        yield from (*rule.forward, *rule.where, *rule.backward.values())


def test_braces_and_fences_match():
    for equation in equations():
        written = latex(equation)
        assert written.count("{") == written.count("}")
        assert written.count(r"\left") == written.count(r"\right")
        assert written.count(r"\begin") == written.count(r"\end")
        assert written.isascii(), written
        # A bar would end a cell of a Markdown table.
        assert "|" not in written

"""LaTeX: expressions for a formula, and Markdown, which sets LaTeX between dollars."""

from __future__ import annotations

from npnet.inspect import expressions as e
from npnet.inspect.rendering.writer import Name, Writer, number_text

__all__ = ["latex", "latex_words", "markdown"]

_GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "varepsilon",
    "η": "eta",
    "θ": "theta",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "mu",
    "ν": "nu",
    "ξ": "xi",
    "π": "pi",
    "ρ": "rho",
    "σ": "sigma",
    "τ": "tau",
    "φ": "varphi",
    "χ": "chi",
    "ψ": "psi",
    "ω": "omega",
    "Φ": "Phi",
}
_KNOWN = frozenset({"ln", "log", "tanh", "max", "min", "sin", "cos", "exp"})
_RELATIONS = {">=": r"\ge", "<=": r"\le", "!=": r"\ne", "==": "="}
_ESCAPED = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "→": r"$\to$",
    "…": r"\ldots{}",
}


def latex(expression: e.Expr) -> str:
    r"""Write an expression as LaTeX, without dollars; it needs amsmath.

    Examples
    --------
    >>> w, x = e.Symbol("w", ()), e.Symbol("x1", ())
    >>> print(latex(e.Equation(e.Symbol("f"), (w * x + 1) ** 2 / (w - 2))))
    f = \frac{\left(w \cdot x_{1} + 1\right)^{2}}{w - 2}
    >>> W, h = e.Symbol("fc1.weight", (3, 2)), e.Symbol("h", (5, 2))
    >>> print(latex(e.Equation(e.Gradient(W), e.Gradient(e.Symbol("a")).T @ h)))
    \mathrm{d}\mathrm{fc1.weight} = \mathrm{d}a^{\top} \, h
    """
    return _WRITER.write(expression)


def markdown(expression: e.Expr) -> str:
    r"""Write an expression as Markdown: LaTeX between dollars, which may stand in a table.

    Examples
    --------
    >>> print(markdown(e.Abs(e.Symbol("x"))))
    $\left\lvert x\right\rvert$
    """
    # A bar, which only a name can have, would end the cell.
    return f"${latex(expression)}$".replace("|", r"\vert{}")


def latex_words(words: str) -> str:
    r"""Return words with LaTeX's own characters escaped.

    >>> print(latex_words("w_1 & 50%"))
    w\_1 \& 50\%
    """
    return "".join(_ESCAPED.get(character, character) for character in words)


class LatexWriter(Writer):
    """Writes LaTeX."""

    # A fraction, written above each other, holds together.
    binding = {kind: b for kind, b in Writer.binding.items() if kind is not e.Quotient}  # noqa: RUF012

    def parenthesized(self, written: str) -> str:
        """Put parentheses around."""
        return rf"\left({written}\right)"

    def symbol(self, x: e.Symbol) -> str:
        """Write a letter, with its index, or a word upright."""
        name = Name(x.name)
        if name.is_word:
            stem = rf"\mathrm{{{latex_words(name.stem)}}}"
        else:
            stem = f"\\{_GREEK[name.stem]}" if name.stem in _GREEK else latex_words(name.stem)
        index = f"_{{{latex_words(name.index)}}}" if name.index else ""
        return (rf"\hat{{{stem}}}" if name.hat else stem) + index

    def number(self, x: e.Number) -> str:
        """Write six digits; a power of ten as one."""
        mantissa, _, exponent = number_text(x.value).partition("e")
        if not exponent:
            return mantissa.replace("inf", r"\infty")
        power = rf"10^{{{int(exponent)}}}"
        return power if mantissa == "1" else rf"{mantissa} \cdot {power}"

    def words(self, x: e.Words) -> str:
        """Write words upright."""
        return rf"\text{{{latex_words(x.text)}}}"

    def gradient(self, x: e.Gradient) -> str:
        """Write dx."""
        return rf"\mathrm{{d}}{self.symbol(x.of)}"

    def partial(self, x: e.Partial) -> str:
        """Write ∂y/∂x."""
        return rf"\frac{{\partial {self.write(x.y)}}}{{\partial {self.write(x.x)}}}"

    def sum(self, x: e.Sum) -> str:
        """Write terms with their signs."""
        (minus, first), *rest = self.signed(x.terms)
        written = "-" * minus + self.write(first, 3)
        for minus, term in rest:
            written += (" - " if minus else " + ") + self.write(term, 3)
        return written

    def neg(self, x: e.Neg) -> str:
        """Write -x."""
        return "-" + self.write(x.operand, 3)

    def product(self, x: e.Product) -> str:
        """Write a · b, of arrays a ⊙ b."""
        written = self.write(x.factors[0], 3)
        for factor, both in zip(x.factors[1:], self.elementwise(x.factors), strict=True):
            written += (r" \odot " if both else r" \cdot ") + self.write(factor, 4)
        return written

    def matproduct(self, x: e.MatProduct) -> str:
        """Write a b."""
        return r" \, ".join(self.write(factor, 4) for factor in x.factors)

    def quotient(self, x: e.Quotient) -> str:
        """Write a fraction."""
        return rf"\frac{{{self.write(x.over)}}}{{{self.write(x.under)}}}"

    def power(self, x: e.Power) -> str:
        """Write a power; a fraction below it in parentheses."""
        written = self.write(x.base, 7)
        base = self.parenthesized(written) if isinstance(x.base, e.Quotient) else written
        return f"{base}^{{{self.write(x.exponent)}}}"

    def transpose(self, x: e.Transpose) -> str:
        """Write the transpose."""
        return self.write(x.operand, 7) + r"^{\top}"

    def abs(self, x: e.Abs) -> str:
        """Write |x|, without the bar that ends a cell of a Markdown table."""
        return rf"\left\lvert {self.write(x.operand)}\right\rvert"

    def norm(self, x: e.Norm) -> str:
        """Write ‖x‖."""
        return rf"\left\lVert {self.write(x.operand)}\right\rVert"

    def call(self, x: e.Call) -> str:
        """Write f(x); e^x and roots."""
        if x.function == "exp":
            return f"e^{{{self.write(x.arguments[0])}}}"
        if x.function == "sqrt":
            return rf"\sqrt{{{self.write(x.arguments[0])}}}"
        arguments = ", ".join(self.write(argument) for argument in x.arguments)
        return f"{self._function(x.function)}{self.parenthesized(arguments)}"

    def reduction(self, x: e.Reduction) -> str:
        """Write a sum, a mean, a maximum."""
        name = r"\sum" if x.kind == "sum" else rf"\operatorname{{{x.kind}}}"
        axes = self.axes_words(x)
        below = rf"_{{\text{{{axes}}}}}" if axes else ""
        return f"{name}{below}{self.parenthesized(self.write(x.operand))}"

    def indexed(self, x: e.Indexed) -> str:
        """Write x with the index below, in brackets where it may have one already."""
        return rf"{self.write(x.operand, 7)}\left[{self.write(x.index)}\right]"

    def condition(self, x: e.Condition) -> str:
        """Write [a > b]."""
        return rf"\left[{self._comparison(x)}\right]"

    def cases(self, x: e.Cases) -> str:
        """Write a brace with a line a case."""
        found, rest = self.branches(x)
        lines = [rf"{self.write(v)} & \text{{if }} {self._comparison(c)}" for v, c in found]
        lines.append(rf"{self.write(rest)} & \text{{otherwise}}")
        return r"\begin{cases}" + r" \\ ".join(lines) + r"\end{cases}"

    def equation(self, x: e.Equation) -> str:
        """Write a = b."""
        return f"{self.write(x.left)} = {self.write(x.right)}"

    def _comparison(self, x: e.Condition) -> str:
        """Write a > b."""
        relation = _RELATIONS.get(x.relation, x.relation)
        return f"{self.write(x.left, 2)} {relation} {self.write(x.right, 2)}"

    def _function(self, name: str) -> str:
        """Write the name of a function."""
        if name in _GREEK:
            return f"\\{_GREEK[name]}"
        return f"\\{name}" if name in _KNOWN else rf"\operatorname{{{latex_words(name)}}}"


_WRITER = LatexWriter()

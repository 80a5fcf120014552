"""Text: expressions in Unicode, for a terminal."""

from __future__ import annotations

from npnet.inspect import expressions as e
from npnet.inspect.rendering.writer import Writer, number_text

__all__ = ["text"]

_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_RELATIONS = {">=": "≥", "<=": "≤", "!=": "≠", "==": "="}


def text(expression: e.Expr) -> str:
    """Write an expression as plain text.

    Examples
    --------
    >>> w, x = e.Symbol("w", ()), e.Symbol("x", ())
    >>> text(e.Equation(e.Symbol("f"), (w * x + 1) ** 2 / (w - 2)))
    'f = (w·x + 1)²/(w − 2)'
    >>> text(w * e.call("exp", -w * x) + e.call("ln", x))
    'w·e^(−w·x) + ln(x)'
    >>> W, h = e.Symbol("fc1.weight", (3, 2)), e.Symbol("h", (5, 2))
    >>> text(e.Equation(e.Gradient(W), e.Gradient(e.Symbol("a")).T @ h))
    'd(fc1.weight) = daᵀ h'
    """
    return _WRITER.write(expression)


class TextWriter(Writer):
    """Writes Unicode in one line."""

    def parenthesized(self, written: str) -> str:
        """Put parentheses around."""
        return f"({written})"

    def symbol(self, x: e.Symbol) -> str:
        """Write a name as it is."""
        return x.name

    def number(self, x: e.Number) -> str:
        """Write six digits."""
        written = number_text(x.value)
        return "−" + written[1:] if written.startswith("-") else written

    def words(self, x: e.Words) -> str:
        """Write words as they are."""
        return x.text

    def gradient(self, x: e.Gradient) -> str:
        """Write dx."""
        return f"d{x.of.name}" if x.of.name.isidentifier() else f"d({x.of.name})"

    def partial(self, x: e.Partial) -> str:
        """Write ∂y/∂x."""
        return f"∂{self.write(x.y)}/∂{self.write(x.x)}"

    def sum(self, x: e.Sum) -> str:
        """Write terms with their signs."""
        (minus, first), *rest = self.signed(x.terms)
        written = "−" * minus + self.write(first, 3)
        for minus, term in rest:
            written += (" − " if minus else " + ") + self.write(term, 3)
        return written

    def neg(self, x: e.Neg) -> str:
        """Write -x."""
        return "−" + self.write(x.operand, 3)

    def product(self, x: e.Product) -> str:
        """Write a·b, of arrays a ⊙ b."""
        written = self.write(x.factors[0], 3)
        for factor, both in zip(x.factors[1:], self.elementwise(x.factors), strict=True):
            written += (" ⊙ " if both else "·") + self.write(factor, 4)
        return written

    def matproduct(self, x: e.MatProduct) -> str:
        """Write a b."""
        return " ".join(self.write(factor, 4) for factor in x.factors)

    def quotient(self, x: e.Quotient) -> str:
        """Write a/b."""
        return f"{self.write(x.over, 3)}/{self.write(x.under, 6)}"

    def power(self, x: e.Power) -> str:
        """Write x² or x^(…)."""
        base = self.write(x.base, 7)
        exponent = x.exponent
        if isinstance(exponent, e.Number) and exponent.value == int(exponent.value):
            return base + str(int(exponent.value)).translate(_RAISED)
        return f"{base}^{self.write(exponent, 7)}"

    def transpose(self, x: e.Transpose) -> str:
        """Write xᵀ."""
        return self.write(x.operand, 7) + "ᵀ"

    def abs(self, x: e.Abs) -> str:
        """Write |x|."""
        return f"|{self.write(x.operand)}|"

    def norm(self, x: e.Norm) -> str:
        """Write ‖x‖."""
        return f"‖{self.write(x.operand)}‖"

    def call(self, x: e.Call) -> str:
        """Write f(x); e^x and √x."""
        if x.function == "exp":
            return f"e^{self.write(x.arguments[0], 7)}"
        if x.function == "sqrt":
            return f"√{self.write(x.arguments[0], 7)}"
        return f"{x.function}({', '.join(self.write(a, 1) for a in x.arguments)})"

    def reduction(self, x: e.Reduction) -> str:
        """Write sum(x), with axes where it is not over all."""
        axes = self.axes_words(x)
        return f"{x.kind}({self.write(x.operand, 1)}{', ' * bool(axes)}{axes})"

    def indexed(self, x: e.Indexed) -> str:
        """Write x[i]."""
        return f"{self.write(x.operand, 7)}[{self.write(x.index)}]"

    def condition(self, x: e.Condition) -> str:
        """Write [a > b]."""
        return f"[{self._comparison(x)}]"

    def cases(self, x: e.Cases) -> str:
        """Write a if c else b."""
        then, otherwise = self.write(x.then, 1), self.write(x.otherwise, 0)
        return f"{then} if {self._comparison(x.condition)} else {otherwise}"

    def equation(self, x: e.Equation) -> str:
        """Write a = b."""
        return f"{self.write(x.left)} = {self.write(x.right)}"

    def _comparison(self, x: e.Condition) -> str:
        """Write a > b."""
        relation = _RELATIONS.get(x.relation, x.relation)
        return f"{self.write(x.left, 2)} {relation} {self.write(x.right, 2)}"


_WRITER = TextWriter()

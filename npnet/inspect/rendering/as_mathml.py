"""MathML: expressions for a page, which browsers set and screen readers read."""

from __future__ import annotations

from html import escape
from typing import ClassVar

from npnet.inspect import expressions as e
from npnet.inspect.rendering.writer import Name, Writer, number_text

__all__ = ["mathml"]

#: What is higher than a line of text.
_HIGH = ("<mfrac>", "<mtable>", "<munder>", "<mover>")
_RELATIONS = {">=": "≥", "<=": "≤", "!=": "≠", "==": "="}


def mathml(expression: e.Expr, display: bool = False) -> str:
    """Write an expression as a <math> element.

    Parameters
    ----------
    expression : Expr
    display : bool, default False
        Set it as a formula of its own instead of in a line.

    Examples
    --------
    >>> w, x = e.Symbol("w", ()), e.Symbol("x1", ())
    >>> mathml(w * x)
    '<math><mrow><mi>w</mi><mo>·</mo><msub><mi>x</mi><mn>1</mn></msub></mrow></math>'
    """
    attribute = ' display="block"' if display else ""
    return f"<math{attribute}>{_WRITER.write(expression)}</math>"


def _row(*parts: str) -> str:
    """Hold parts together as one."""
    return f"<mrow>{''.join(parts)}</mrow>"


def _operator(sign: str) -> str:
    """Write an operator or a fence."""
    return f"<mo>{escape(sign)}</mo>"


def _fenced(left: str, inner: str, right: str) -> str:
    """Put fences around; what is no higher than a line of text gets fences that are not either."""
    flat = "" if any(tag in inner for tag in _HIGH) else ' stretchy="false"'
    return _row(f"<mo{flat}>{escape(left)}</mo>", inner, f"<mo{flat}>{escape(right)}</mo>")


class MathmlWriter(Writer):
    """Writes MathML; every method returns one element."""

    binding: ClassVar[dict[type[e.Expr], int]] = {
        kind: b for kind, b in Writer.binding.items() if kind is not e.Quotient
    }

    def parenthesized(self, written: str) -> str:
        """Put parentheses around."""
        return _fenced("(", written, ")")

    def symbol(self, x: e.Symbol) -> str:
        """Write a letter with its index, or a word."""
        name = Name(x.name)
        stem = f"<mi>{escape(name.stem)}</mi>"
        if name.hat:
            stem = f"<mover>{stem}<mo>^</mo></mover>"
        if not name.index:
            return stem
        kind = "mn" if name.index.isdigit() else "mi"
        return f"<msub>{stem}<{kind}>{escape(name.index)}</{kind}></msub>"

    def number(self, x: e.Number) -> str:
        """Write six digits; a power of ten as one."""
        mantissa, _, exponent = number_text(abs(x.value)).partition("e")
        written = f"<mn>{mantissa.replace('inf', '∞')}</mn>"
        if exponent:
            power = f"<msup><mn>10</mn>{self.number(e.Number(int(exponent)))}</msup>"
            written = power if mantissa == "1" else _row(written, _operator("·"), power)
        return _row(_operator("−"), written) if x.value < 0 else written

    def words(self, x: e.Words) -> str:
        """Write words."""
        return f"<mtext>{escape(x.text)}</mtext>"

    def gradient(self, x: e.Gradient) -> str:
        """Write dx."""
        return _row('<mi mathvariant="normal">d</mi>', self.symbol(x.of))

    def partial(self, x: e.Partial) -> str:
        """Write ∂y/∂x."""
        over, under = (_row("<mo>∂</mo>", self.write(part)) for part in (x.y, x.x))
        return f"<mfrac>{over}{under}</mfrac>"

    def sum(self, x: e.Sum) -> str:
        """Write terms with their signs."""
        (minus, first), *rest = self.signed(x.terms)
        written = [_operator("−")] * minus + [self.write(first, 3)]
        for minus, term in rest:
            written += [_operator("−" if minus else "+"), self.write(term, 3)]
        return _row(*written)

    def neg(self, x: e.Neg) -> str:
        """Write -x."""
        return _row(_operator("−"), self.write(x.operand, 3))

    def product(self, x: e.Product) -> str:
        """Write a·b, of arrays a ⊙ b."""
        written = [self.write(x.factors[0], 3)]
        for factor, both in zip(x.factors[1:], self.elementwise(x.factors), strict=True):
            written += [_operator("⊙" if both else "·"), self.write(factor, 4)]
        return _row(*written)

    def matproduct(self, x: e.MatProduct) -> str:
        """Write a b, with the invisible sign for times between."""
        times = '<mo>&#x2062;</mo><mspace width="0.2em"/>'
        return _row(times.join(self.write(factor, 4) for factor in x.factors))

    def quotient(self, x: e.Quotient) -> str:
        """Write a fraction."""
        return f"<mfrac>{self.write(x.over)}{self.write(x.under)}</mfrac>"

    def power(self, x: e.Power) -> str:
        """Write a power; a fraction below it in parentheses."""
        written = self.write(x.base, 7)
        base = self.parenthesized(written) if isinstance(x.base, e.Quotient) else written
        return f"<msup>{base}{self.write(x.exponent)}</msup>"

    def transpose(self, x: e.Transpose) -> str:
        """Write the transpose."""
        return f"<msup>{self.write(x.operand, 7)}<mo>⊤</mo></msup>"

    def abs(self, x: e.Abs) -> str:
        """Write |x|."""
        return _fenced("|", self.write(x.operand), "|")

    def norm(self, x: e.Norm) -> str:
        """Write ‖x‖."""
        return _fenced("‖", self.write(x.operand), "‖")

    def call(self, x: e.Call) -> str:
        """Write f(x); e^x and roots."""
        if x.function == "exp":
            return f"<msup><mi>e</mi>{self.write(x.arguments[0])}</msup>"
        if x.function == "sqrt":
            return f"<msqrt>{self.write(x.arguments[0])}</msqrt>"
        arguments = _operator(",").join(self.write(argument) for argument in x.arguments)
        name = f"<mi>{escape(x.function)}</mi>"
        return _row(name, "<mo>&#x2061;</mo>", self.parenthesized(_row(arguments)))

    def reduction(self, x: e.Reduction) -> str:
        """Write a sum, a mean, a maximum, with the axes below."""
        name = "<mo>∑</mo>" if x.kind == "sum" else f"<mi>{x.kind}</mi>"
        axes = self.axes_words(x)
        if axes:
            name = f"<munder>{name}<mtext>{axes}</mtext></munder>"
        return _row(name, self.parenthesized(self.write(x.operand)))

    def indexed(self, x: e.Indexed) -> str:
        """Write x[i]."""
        return _row(self.write(x.operand, 7), _fenced("[", self.write(x.index), "]"))

    def condition(self, x: e.Condition) -> str:
        """Write [a > b]."""
        return _fenced("[", self._comparison(x), "]")

    def cases(self, x: e.Cases) -> str:
        """Write a brace with a line a case."""
        found, rest = self.branches(x)
        lines = [(v, f"<mtext>if&#xa0;</mtext>{self._comparison(c)}") for v, c in found]
        lines.append((rest, "<mtext>otherwise</mtext>"))
        rows = "".join(
            f"<mtr><mtd>{self.write(value)}</mtd><mtd>{_row(when)}</mtd></mtr>"
            for value, when in lines
        )
        return _row(_operator("{"), f"<mtable>{rows}</mtable>")

    def equation(self, x: e.Equation) -> str:
        """Write a = b."""
        return _row(self.write(x.left), _operator("="), self.write(x.right))

    def _comparison(self, x: e.Condition) -> str:
        """Write a > b."""
        relation = _RELATIONS.get(x.relation, x.relation)
        return _row(self.write(x.left, 2), _operator(relation), self.write(x.right, 2))


_WRITER = MathmlWriter()

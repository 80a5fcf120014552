"""Random formulas (Hypothesis), and reading what was written of one back into a number."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from npnet.inspect import expressions as e

__all__ = ["formulas", "number_of", "read_latex", "read_mathml", "read_text"]

VALUES = {"a": Fraction(2), "b": Fraction(3, 2), "c": Fraction(-5)}
_LEAVES = st.sampled_from([*(e.Symbol(n, ()) for n in VALUES), e.Number(2), e.Number(-3)])


def _larger(parts: Any) -> Any:
    """Draw an expression of these parts, as a rule may build it or as it may be put together."""
    pairs = st.tuples(parts, parts)
    return st.one_of(
        pairs.map(e.Sum),
        pairs.map(e.Product),
        st.tuples(parts, parts, parts).map(e.Sum),
        pairs.map(lambda p: e.Quotient(*p)),
        pairs.map(lambda p: p[0] - p[1]),
        pairs.map(lambda p: p[0] * p[1]),
        parts.map(e.Neg),
        parts.map(lambda p: e.Power(p, e.Number(2))),
        parts.map(lambda p: e.Power(p, e.Sum((e.Number(1), e.Number(2))))),
    )


formulas = st.recursive(_LEAVES, _larger, max_leaves=8)


def number_of(x: e.Expr) -> Fraction:
    """Return the value of a formula."""
    match x:
        case e.Symbol():
            return VALUES[x.name]
        case e.Number():
            return Fraction(x.value)
        case e.Sum():
            return sum(map(number_of, x.terms), Fraction(0))
        case e.Product():
            result = Fraction(1)
            for factor in x.factors:
                result *= number_of(factor)
            return result
        case e.Quotient():
            return number_of(x.over) / number_of(x.under)
        case e.Neg():
            return -number_of(x.operand)
        case e.Power():
            return number_of(x.base) ** int(number_of(x.exponent))
    raise AssertionError(x)


def _value(python: str) -> Fraction:
    """Return the value of what is Python but for its integers, which are fractions."""
    exact = re.sub(r"(?<![\w*])(\d+)(?![\w])", r"F(\1)", python)
    found: Fraction = eval(exact, {"F": Fraction, **VALUES})
    return found


def read_text(written: str) -> Fraction:
    """Return the value of a formula as text."""
    python = written.replace("−", "-").replace("·", "*").replace("^", "**")
    return _value(re.sub("[²³]", lambda m: f"**{2 if m[0] == '²' else 3}", python))


def read_latex(written: str) -> Fraction:
    """Return the value of a formula as LaTeX."""
    python = written.replace(r"\left(", "(").replace(r"\right)", ")").replace(r"\cdot", "*")
    while r"\frac" in python:
        python = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"[[\1]/[\2]]", python)
        python = re.sub(r"\^\{([^{}]*)\}", r"**[\1]", python)
    python = re.sub(r"\^\{([^{}]*)\}", r"**[\1]", python)
    return _value(python.replace("[", "(").replace("]", ")"))


def read_mathml(written: str) -> Fraction:
    """Return the value of a formula as MathML; what holds parts together shows no parentheses."""
    return _value(_read(ElementTree.fromstring(written)))


def _read(element: Any) -> str:
    """Return an element as Python."""
    parts = [_read(part) for part in element]
    match element.tag:
        case "mfrac":
            return f"(({parts[0]})/({parts[1]}))"
        case "msup":
            return f"{parts[0]}**({parts[1]})"
        case "mo" | "mi" | "mn":
            return {"−": "-", "·": "*"}.get(element.text, element.text)
    return "".join(parts)

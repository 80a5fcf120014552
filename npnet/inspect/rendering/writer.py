"""Writer: walks an expression and sets the parentheses; its heirs know a notation."""

from __future__ import annotations

import re
import unicodedata
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from npnet.inspect import expressions as e

__all__ = ["Name", "Writer", "number_text"]

_GREEK = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ε",
    "eta": "η",
    "theta": "θ",
    "kappa": "κ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "xi": "ξ",
    "pi": "π",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "phi": "φ",
    "chi": "χ",
    "psi": "ψ",
    "omega": "ω",
}
_HAT = "\u0302"


class Name:
    """A name as mathematics has it: h1 is h with an index, alpha a Greek letter, y_hat has a hat.

    Attributes
    ----------
    stem : str
        One letter, or a word.
    index : str
        What stands below; "" for none.
    hat : bool

    Examples
    --------
    >>> [(n.stem, n.index, n.hat) for n in map(Name, ("h12", "w_in", "lambda", "x_hat"))]
    [('h', '12', False), ('w', 'in', False), ('λ', '', False), ('x', '', True)]
    >>> Name("fc1.bias").stem, Name("ŷ").stem, Name("ŷ").hat
    ('fc1.bias', 'y', True)
    """

    def __init__(self, name: str) -> None:
        stem, index = name, ""
        letters = unicodedata.normalize("NFD", name)
        self.hat = (name.endswith("_hat") and len(name) > 4) or letters[1:] == _HAT
        if self.hat:
            stem = letters[0] if letters[1:] == _HAT else name.removesuffix("_hat")
        found = re.fullmatch(r"([^\W\d_]|[a-z]+)_?(\d+)", stem)
        if found and (len(found[1]) == 1 or found[1] in _GREEK):
            stem, index = found[1], found[2]
        elif len(stem) > 2 and stem[1] == "_":
            stem, index = stem[0], stem[2:]
        self.stem, self.index = _GREEK.get(stem, stem), index

    @property
    def is_word(self) -> bool:
        """Whether it is more than a letter, and so set upright."""
        return len(self.stem) > 1


def number_text(value: Any, digits: int = 6) -> str:
    """Return a number in so many digits.

    >>> number_text(2.0), number_text(1 / 3), number_text(1e-9)
    ('2', '0.333333', '1e-09')
    """
    return f"{value:.{digits}g}"


class Writer(ABC):
    """Writes expressions; parentheses where a part binds less than where it stands.

    A heir has a method for every kind of expression, named as its class in small letters.
    """

    #: How tightly each kind binds; what is not named needs no parentheses.
    binding: ClassVar[dict[type[e.Expr], int]] = {
        e.Equation: 0,
        e.Cases: 0,
        e.Sum: 2,
        e.Neg: 2,
        e.Quotient: 3,
        e.Product: 3,
        e.MatProduct: 4,
        e.Power: 6,
        e.Transpose: 6,
    }

    def write(self, expression: e.Expr, level: int = 0) -> str:
        """Write an expression where at least this binding is wanted."""
        written: str = getattr(self, type(expression).__name__.lower())(expression)
        return written if self.bound(expression) >= level else self.parenthesized(written)

    def bound(self, expression: e.Expr) -> int:
        """Return how tightly an expression binds, once written."""
        if isinstance(expression, e.Number) and expression.value < 0:
            return self.binding[e.Neg]
        return self.binding.get(type(expression), 9)

    @abstractmethod
    def parenthesized(self, written: str) -> str:
        """Put parentheses around."""

    @staticmethod
    def signed(terms: tuple[e.Expr, ...]) -> list[tuple[bool, e.Expr]]:
        """Return terms without their sign, and whether it is minus; those of a sum in a sum too."""
        found: list[tuple[bool, e.Expr]] = []
        for term in terms:
            if isinstance(term, e.Sum):
                found += Writer.signed(term.terms)
            elif isinstance(term, e.Neg):
                found.append((True, term.operand))
            elif isinstance(term, e.Number) and term.value < 0:
                found.append((True, -term))
            else:
                found.append((False, term))
        return found

    @staticmethod
    def elementwise(factors: tuple[e.Expr, ...]) -> list[bool]:
        """Return for every factor but the first whether it multiplies an array with an array."""
        return [
            factor.array and any(before.array for before in factors[:place])
            for place, factor in enumerate(factors)
        ][1:]

    @staticmethod
    def branches(cases: e.Cases) -> tuple[list[tuple[e.Expr, e.Condition]], e.Expr]:
        """Return the values of cases with their conditions, and what is left; nested ones too."""
        found, rest = [], cases
        while True:
            found.append((rest.then, rest.condition))
            if not isinstance(rest.otherwise, e.Cases):
                return found, rest.otherwise
            rest = rest.otherwise

    @staticmethod
    def axes_words(reduction: e.Reduction) -> str:
        """Return the axes of a reduction in words; "" for all."""
        axes = reduction.axes
        if axes is None:
            return ""
        return ("axis " if len(axes) == 1 else "axes ") + ", ".join(map(str, axes))

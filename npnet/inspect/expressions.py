"""Expressions: mathematics as a small tree, to be written as text, LaTeX or MathML."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

__all__ = [
    "Abs",
    "Call",
    "Cases",
    "Condition",
    "Equation",
    "Expr",
    "Gradient",
    "Indexed",
    "MatProduct",
    "Neg",
    "Norm",
    "Number",
    "Partial",
    "Power",
    "Product",
    "Quotient",
    "Reduction",
    "Sum",
    "Symbol",
    "Transpose",
    "Words",
    "as_expr",
    "call",
]


@dataclass(frozen=True)
class Expr:
    """Base of all: operators build the tree, and leave out what adds or multiplies nothing.

    Examples
    --------
    >>> x = Symbol("x", ())
    >>> x * 1 + 0 == x, -(-x) == x, x ** 1 == x
    (True, True, True)
    >>> x + x * 2
    Sum(terms=(Symbol('x'), Product(factors=(Number(2), Symbol('x')))))
    """

    @property
    def array(self) -> bool:
        """Whether it stands for an array, so that products of it are taken element by element."""
        return any(part.array for part in self.parts())

    def parts(self) -> tuple[Expr, ...]:
        """Return the expressions it is made of."""
        values = (getattr(self, field.name) for field in fields(self))
        return tuple(part for value in values for part in _inside(value))

    def size(self) -> int:
        """Return the number of symbols, numbers and operations."""
        return 1 + sum(part.size() for part in self.parts())

    @property
    def T(self) -> Expr:
        """The transpose; that of a number is itself."""
        return Transpose(self) if self.array else self

    def __add__(self, other: Any) -> Expr:
        """Return the sum."""
        return _sum(self, as_expr(other))

    def __radd__(self, other: Any) -> Expr:
        """Return the sum."""
        return _sum(as_expr(other), self)

    def __sub__(self, other: Any) -> Expr:
        """Return the difference."""
        return _sum(self, -as_expr(other))

    def __rsub__(self, other: Any) -> Expr:
        """Return the difference."""
        return _sum(as_expr(other), -self)

    def __mul__(self, other: Any) -> Expr:
        """Return the product, of arrays element by element."""
        return _product(self, as_expr(other))

    def __rmul__(self, other: Any) -> Expr:
        """Return the product, of arrays element by element."""
        return _product(as_expr(other), self)

    def __matmul__(self, other: Expr) -> Expr:
        """Return the matrix product."""
        return MatProduct((self, other))

    def __truediv__(self, other: Any) -> Expr:
        """Return the quotient."""
        divisor = as_expr(other)
        if divisor == Number(1) or self == Number(0):
            return self
        return (
            -Quotient(self.operand, divisor) if isinstance(self, Neg) else Quotient(self, divisor)
        )

    def __rtruediv__(self, other: Any) -> Expr:
        """Return the quotient."""
        return as_expr(other) / self

    def __pow__(self, other: Any) -> Expr:
        """Return the power."""
        exponent = as_expr(other)
        if exponent == Number(0):
            return Number(1)
        return self if exponent == Number(1) else Power(self, exponent)

    def __neg__(self) -> Expr:
        """Return minus it."""
        if isinstance(self, Number):
            return Number(-self.value)
        return self.operand if isinstance(self, Neg) else Neg(self)


@dataclass(frozen=True)
class Number(Expr):
    """A number."""

    value: float

    def __repr__(self) -> str:
        """Short."""
        return f"Number({self.value:.6g})"


@dataclass(frozen=True)
class Symbol(Expr):
    """A name for a value; without a shape it stands for an array of any."""

    name: str
    shape: tuple[int, ...] | None = None

    @property
    def array(self) -> bool:
        """Whether it has axes, or may have."""
        return self.shape != ()

    def __repr__(self) -> str:
        """Short."""
        return f"Symbol({self.name!r})"


@dataclass(frozen=True)
class Words(Expr):
    """Words where a value would be: a shape, the name of a mode."""

    text: str

    @property
    def array(self) -> bool:
        """No."""
        return False


@dataclass(frozen=True)
class Gradient(Expr):
    """dJ/dx, written dx."""

    of: Symbol


@dataclass(frozen=True)
class Partial(Expr):
    """The local derivative of y by x, written with round d's."""

    y: Symbol
    x: Symbol


@dataclass(frozen=True)
class Sum(Expr):
    """Two or more terms; what is subtracted is a Neg."""

    terms: tuple[Expr, ...]


@dataclass(frozen=True)
class Neg(Expr):
    """Minus x."""

    operand: Expr


@dataclass(frozen=True)
class Product(Expr):
    """Two or more factors; arrays are multiplied element by element."""

    factors: tuple[Expr, ...]


@dataclass(frozen=True)
class MatProduct(Expr):
    """Two matrices."""

    factors: tuple[Expr, ...]


@dataclass(frozen=True)
class Quotient(Expr):
    """a over b, element by element."""

    over: Expr
    under: Expr


@dataclass(frozen=True)
class Power(Expr):
    """a to the power of b."""

    base: Expr
    exponent: Expr


@dataclass(frozen=True)
class Transpose(Expr):
    """A matrix with its last two axes exchanged."""

    operand: Expr


@dataclass(frozen=True)
class Abs(Expr):
    """|x|."""

    operand: Expr


@dataclass(frozen=True)
class Norm(Expr):
    """The square root of the sum of all squares."""

    operand: Expr

    @property
    def array(self) -> bool:
        """No."""
        return False


@dataclass(frozen=True)
class Call(Expr):
    """A function of some values: "exp", "σ", "max"."""

    function: str
    arguments: tuple[Expr, ...]

    @property
    def array(self) -> bool:
        """Whether it is one: a function of numbers is a number, but for the rows it may make."""
        return self.function in ("one_hot", "row", "column") or super().array


@dataclass(frozen=True)
class Reduction(Expr):
    """The "sum", "mean" or "max" over axes, all of them for None.

    `keeps` says that the axes stay, each 1 long. `shape` is that of the result, where it is put
    into another.
    """

    kind: str
    operand: Expr
    axes: tuple[int, ...] | None = None
    keeps: bool = False
    shape: tuple[int, ...] | None = None

    @property
    def array(self) -> bool:
        """Whether axes are left."""
        return self.axes is not None and self.operand.array


@dataclass(frozen=True)
class Indexed(Expr):
    """What stands in an array at an index, such as x of y."""

    operand: Expr
    index: Expr


@dataclass(frozen=True)
class Condition(Expr):
    """A comparison: 1 where it holds, else 0."""

    left: Expr
    relation: str
    right: Expr


@dataclass(frozen=True)
class Cases(Expr):
    """One value where a condition holds, another where it does not."""

    condition: Condition
    then: Expr
    otherwise: Expr


@dataclass(frozen=True)
class Equation(Expr):
    """left = right."""

    left: Expr
    right: Expr


def as_expr(value: Any) -> Expr:
    """Return an expression; a number becomes a Number."""
    return value if isinstance(value, Expr) else Number(value)


def call(function: str, *arguments: Any) -> Call:
    """Return a function of values."""
    return Call(function, tuple(as_expr(argument) for argument in arguments))


def _inside(value: Any) -> tuple[Expr, ...]:
    """Return the expressions in a field."""
    if isinstance(value, Expr):
        return (value,)
    return tuple(p for p in value if isinstance(p, Expr)) if isinstance(value, tuple) else ()


def _sum(left: Expr, right: Expr) -> Expr:
    """Return a sum without zeros."""
    sides = (side.terms if isinstance(side, Sum) else (side,) for side in (left, right))
    terms = tuple(term for side in sides for term in side if term != Number(0))
    if not terms:
        return Number(0)
    if all(isinstance(term, Number) for term in terms):
        return Number(sum(term.value for term in terms if isinstance(term, Number)))
    return terms[0] if len(terms) == 1 else Sum(terms)


def _product(left: Expr, right: Expr) -> Expr:
    """Return a product without ones, its numbers first, its sign outside."""
    if isinstance(left, Neg):
        return -_product(left.operand, right)
    if isinstance(right, Neg):
        return -_product(left, right.operand)
    sides = (left, right)
    factors = [
        f for side in sides for f in (side.factors if isinstance(side, Product) else (side,))
    ]
    if any(isinstance(factor, Quotient) for factor in factors):
        return _quotient_of(factors)
    number = 1.0
    rest = []
    for factor in factors:
        if isinstance(factor, Number):
            number *= factor.value
        else:
            rest.append(factor)
    if not number or not rest:
        return Number(number)
    if number < 0:
        return -_product(Number(-number), _product_of(rest))
    return _product_of(rest if number == 1 else [Number(number), *rest])


def _quotient_of(factors: list[Expr]) -> Expr:
    """Return the product of factors some of which are quotients, as one."""
    over, under = as_expr(1), as_expr(1)
    for factor in factors:
        over = over * (factor.over if isinstance(factor, Quotient) else factor)
        under = under * (factor.under if isinstance(factor, Quotient) else Number(1))
    return over / under


def _product_of(factors: list[Expr]) -> Expr:
    """Return the product of one factor or more."""
    return factors[0] if len(factors) == 1 else Product(tuple(factors))

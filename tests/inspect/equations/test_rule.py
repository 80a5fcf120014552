import numpy as np

from npnet.inspect.equations.rule import Formula, Operands, count_of, gathered, ndim_of
from npnet.inspect.expressions import Equation, Gradient, Number, Partial, Reduction, Symbol

X, Y = Symbol("x", (5, 3)), Symbol("y", (5, 3))
DY = Gradient(Y)


def test_a_formula_becomes_equations_in_the_operands_names():
    formula = Formula([X * 2], {"a": DY * 2}, {"a": Number(2)}, [Equation(Symbol("m"), X)])
    rule = formula.rule(Operands({"a": X}), [Y])
    assert rule.forward == (Equation(Y, X * 2),) and rule.where == (Equation(Symbol("m"), X),)
    assert rule.local == {"a": (Equation(Partial(Y, X), Number(2)),)}
    assert rule.backward == {"a": Equation(Gradient(X), DY * 2)}


def test_a_number_has_no_gradient():
    rule = Formula([X], {"a": DY, "b": DY}).rule(Operands({"a": X, "b": Number(2)}), [Y])
    assert [*rule.backward] == ["a"] and rule.local == {"a": (None,)}


def test_of_several_outputs_each_has_a_local_derivative_or_none():
    loss = Symbol("L", ())
    formula = Formula([X, X], {"a": DY}, {"a": (X, None)})
    rule = formula.rule(Operands({"a": X}), [loss, Y])
    assert rule.local["a"] == (Equation(Partial(loss, X), X), None)


def test_operands_are_attributes_and_absent_ones_none():
    operands = Operands({"x": X}, {"x": np.ones(2)}, [True])
    assert operands.x is X and operands.bias is None
    assert operands.known["x"].shape == (2,) and operands.arrives == [True]


def test_gradients_are_summed_over_what_was_broadcast():
    y = Symbol("y", (4, 5, 3))
    dy = Gradient(y)
    assert gathered(dy, y, y) is dy
    assert gathered(dy, Symbol("a", ()), y) == Reduction("sum", dy)
    assert gathered(dy, Symbol("a", (3,)), y) == Reduction("sum", dy, (0, 1), shape=(3,))
    assert gathered(dy, Symbol("a", (5, 1)), y) == Reduction("sum", dy, (0, 2), shape=(5, 1))
    assert gathered(dy, Symbol("a"), y) is dy and gathered(dy, Number(1), y) is dy
    assert gathered(dy, Symbol("a", (1, 5, 3)), Symbol("y", (1, 5, 3))) is dy


def test_sizes_are_numbers_where_they_are_known():
    assert count_of(X) == Number(15) and count_of(X, (1,)) == Number(3)
    assert count_of(Symbol("x")) == Symbol("N", ()) and count_of(Number(3)) == Number(1)
    assert (ndim_of(X), ndim_of(Symbol("x")), ndim_of(Number(1))) == (2, 2, 0)

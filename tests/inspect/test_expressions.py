import pytest

from npnet.inspect.expressions import (
    Call,
    MatProduct,
    Neg,
    Number,
    Power,
    Product,
    Quotient,
    Reduction,
    Sum,
    Symbol,
    Transpose,
    as_expr,
    call,
)

X, Y = Symbol("x", ()), Symbol("y", ())
A, B = Symbol("A", (2, 3)), Symbol("B")


def test_operators_build_the_tree():
    assert Sum((X, Y)) == X + Y and Sum((X, Neg(Y))) == X - Y
    assert Product((X, Y)) == X * Y and Quotient(X, Y) == X / Y
    assert Power(X, Y) == X**Y and MatProduct((A, B)) == A @ B
    assert Transpose(A) == A.T and X.T == X
    assert Sum((Number(1), X)) == 1 + X and Quotient(Number(1), X) == 1 / X
    assert call("f", X, 2) == Call("f", (X, Number(2)))


def test_what_changes_nothing_is_left_out():
    assert X + 0 == X and 0 + X == X and X - 0 == X
    assert X * 1 == X and 1 * X == X and X / 1 == X
    assert X**1 == X and Number(1) == X**0
    minus = -X
    assert -minus == X and -Number(2) == Number(-2)
    assert Number(0) == X * 0 and Number(0) == 0 / X


def test_numbers_are_computed_and_stand_first():
    assert Number(2) + 3 == Number(5) and Product((Number(6), X)) == 2 * (3 * X)
    assert Product((Number(2), X)) == X * 2
    assert Neg(Product((Number(2), X))) == X * -2


def test_signs_go_outside():
    assert Neg(X * Y) == -X * Y and Neg(X * Y) == X * -Y and -X * -Y == X * Y
    assert Neg(X / Y) == -X / Y


def test_sums_and_products_of_the_same_kind_are_one():
    assert Sum((X, Y, Number(1))) == X + Y + 1
    assert Product((X, Y, X)) == X * Y * X


def test_a_product_of_quotients_is_a_quotient():
    assert Quotient(X * Y, Number(2)) == X * (Y / 2)
    assert Quotient(X * Y, Number(6)) == (X / 3) * (Y / 2)


def test_arrays_are_told_from_numbers():
    assert A.array and B.array and not X.array and not Number(1).array
    assert (A * X).array and not (X * Y).array
    assert not Reduction("sum", A).array and Reduction("sum", A, (0,)).array
    assert call("one_hot", X).array and not call("exp", X).array


def test_size_counts_symbols_and_operations():
    assert X.size() == 1 and (X + Y).size() == 3 and call("f", X * Y).size() == 4


@pytest.mark.parametrize("value", [2, 0.5, True])
def test_numbers_become_expressions(value):
    assert as_expr(value) == Number(value) and as_expr(X) is X

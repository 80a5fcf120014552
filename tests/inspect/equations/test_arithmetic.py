"""What a student reads; that it is right is held in test_rules.py."""

import npnet
from npnet.inspect.equations import rule_of
from npnet.inspect.expressions import Number, Symbol
from npnet.inspect.rendering import text
from tests.support.written import written


def test_a_product_has_the_other_factor_as_its_slope():
    assert written(npnet.Multiply(), [()], a=(), b=()) == [
        "y = a·b",
        "∂y/∂a = b",
        "∂y/∂b = a",
        "da = dy·b",
        "db = dy·a",
    ]


def test_what_broadcasts_is_summed_back():
    assert written(npnet.Add(), a=(5, 3), b=(3,))[-2:] == ["da = dy", "db = sum(dy, axis 0)"]
    assert written(npnet.Multiply(), a=(5, 3), b=())[-1] == "db = sum(dy ⊙ a)"


def test_a_constant_is_a_number_without_a_gradient():
    x, y = Symbol("x", ()), Symbol("y", ())
    rule = rule_of(npnet.Power(), {"a": x, "b": Number(3)}, [y])
    assert text(rule.forward[0]) == "y = x³" and text(rule.local["a"][0]) == "∂y/∂x = 3·x²"
    assert [*rule.backward] == ["a"]


def test_a_matrix_product_transposes_the_other_factor():
    assert written(npnet.MatMul(), a=(5, 4), b=(4, 3)) == ["y = a b", "da = dy bᵀ", "db = aᵀ dy"]
    assert written(npnet.MatMul(), [(2, 5, 3)], a=(2, 5, 4), b=(4, 3))[-1] == (
        "db = sum(aᵀ dy, axis 0)"
    )


def test_two_vectors_make_a_number():
    assert written(npnet.MatMul(), [()], a=(4,), b=(4,))[1:3] == ["∂y/∂a = b", "∂y/∂b = a"]


def test_sums_and_means():
    assert written(npnet.Sum(), [()], terms0=(), terms1=())[0] == "y = terms0 + terms1"
    assert written(npnet.Sum(axis=1), [(5,)], terms0=(5, 3)) == [
        "y = sum(terms0, axis 1)",
        "dterms0 = repeat(dy, axis 1)",
    ]
    assert written(npnet.Mean(), [()], x=(5, 3)) == [
        "y = mean(x)",
        "∂y/∂x = 1/15",
        "dx = repeat(dy)/15",
    ]


def test_a_penalty_has_the_squared_norm_or_absolute_values():
    assert written(npnet.Regularization(0.1), [()], w=(3, 2)) == [
        "y = 0.1·‖w‖²",
        "∂y/∂w = 0.2·w",
        "dw = 0.2·dy·w",
    ]
    assert written(npnet.Regularization(0.1, p=1), [()], w=(3,))[0] == "y = 0.1·sum(|w|)"
    assert written(npnet.Regularization(2.0), [()], w=())[0] == "y = 2·w²"


def test_who_wins_gets_the_gradient():
    assert written(npnet.Maximum(), a=(5, 3), b=(3,)) == [
        "y = max(a, b)",
        "∂y/∂a = [a > b] + [a = b]/2",
        "∂y/∂b = [b > a] + [b = a]/2",
        "da = dy ⊙ ([a > b] + [a = b]/2)",
        "db = sum(dy ⊙ ([b > a] + [b = a]/2), axis 0)",
    ]
    assert written(npnet.Minimum(), a=(5, 3), b=())[:2] == [
        "y = min(a, b)",
        "∂y/∂a = [a < b] + [a = b]/2",
    ]

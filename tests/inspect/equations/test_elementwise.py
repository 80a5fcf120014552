"""What a student reads; that it is right is held in test_rules.py."""

import pytest

import npnet
from tests.support.written import written

X = {"x": (5, 3)}


@pytest.mark.parametrize(
    ("layer", "lines"),
    [
        (npnet.Sigmoid(), ["y = σ(x)", "∂y/∂x = y ⊙ (1 − y)", "dx = dy ⊙ y ⊙ (1 − y)"]),
        (npnet.Tanh(), ["y = tanh(x)", "∂y/∂x = 1 − y²", "dx = dy ⊙ (1 − y²)"]),
        (npnet.ReLU(), ["y = max(0, x)", "∂y/∂x = [x > 0]", "dx = dy ⊙ [x > 0]"]),
        (npnet.Exp(), ["y = e^x", "∂y/∂x = y", "dx = dy ⊙ y"]),
        (npnet.Log(), ["y = ln(x)", "∂y/∂x = 1/x", "dx = dy/x"]),
        (npnet.Square(), ["y = x²", "∂y/∂x = 2·x", "dx = 2·dy ⊙ x"]),
        (npnet.Scale(-3.0), ["y = −3·x", "∂y/∂x = −3", "dx = −3·dy"]),
        (npnet.Identity(), ["y = x", "∂y/∂x = 1", "dx = dy"]),
        (
            npnet.LeakyReLU(0.1),
            [
                "y = x if x > 0 else 0.1·x",
                "∂y/∂x = 1 if x > 0 else 0.1",
                "dx = dy ⊙ (1 if x > 0 else 0.1)",
            ],
        ),
        (
            npnet.Hardtanh(-1, float("inf")),
            ["y = max(x, −1)", "∂y/∂x = [−1 < x]", "dx = dy ⊙ [−1 < x]"],
        ),
        (npnet.Dropout(0.5).eval(), ["y = x", "∂y/∂x = 1", "dx = dy"]),
        (npnet.Dropout(1.0), ["y = 0", "∂y/∂x = 0", "dx = 0"]),
        (
            npnet.Dropout(0.2),
            ["y = x ⊙ m/0.8", "m = bernoulli(0.8)", "∂y/∂x = m/0.8", "dx = dy ⊙ m/0.8"],
        ),
        (npnet.RandLike(), ["y = u", "u = uniform(0, 1)", "∂y/∂x = 0", "dx = 0"]),
        (npnet.RandnLike(), ["y = ε", "ε = normal(0, 1)", "∂y/∂x = 0", "dx = 0"]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, npnet.Layer) else "",
)
def test_an_activation_in_words(layer, lines):
    assert written(layer, **X) == lines


def test_of_numbers_there_is_no_product_of_elements():
    assert written(npnet.Sigmoid(), [()], x=()) == [
        "y = σ(x)",
        "∂y/∂x = y·(1 − y)",
        "dx = dy·y·(1 − y)",
    ]


def test_a_slope_a_channel_is_summed_over_the_rest():
    layer = npnet.PReLU(3)
    assert written(layer, [(5, 3, 2)], x=(5, 3, 2), weight=(3,))[-1] == (
        "dweight = sum(dy ⊙ min(x, 0), axes 0, 2)"
    )
    assert written(npnet.PReLU(), **X, weight=(1,))[-1] == "dweight = sum(dy ⊙ min(x, 0))"


def test_between_bounds_and_at_them():
    assert written(npnet.Clamp(-1, 2), x=(5, 3)) == [
        "y = min(max(x, −1), 2)",
        "∂y/∂x = [−1 ≤ x] ⊙ [x ≤ 2]",
        "dx = dy ⊙ [−1 ≤ x] ⊙ [x ≤ 2]",
    ]
    assert written(npnet.Clamp(min=0), x=(5, 3))[:2] == ["y = max(x, 0)", "∂y/∂x = [0 ≤ x]"]
    assert written(npnet.Clamp(max=1), x=(5, 3))[:2] == ["y = min(x, 1)", "∂y/∂x = [x ≤ 1]"]

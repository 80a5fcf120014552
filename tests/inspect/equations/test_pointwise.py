"""What a student reads; that it is right is held in test_rules.py."""

import npnet
from npnet.functional.weighted import Weighted
from tests.support.written import written

BOTH = {"x": (5, 3), "target": (5, 3)}


def test_a_mean_divides_by_the_count():
    assert written(npnet.MSELoss(), [()], **BOTH) == [
        "y = mean((x − target)²)",
        "∂y/∂x = 2·(x − target)/15",
        "∂y/∂target = −2·(x − target)/15",
        "dx = 2·dy·(x − target)/15",
        "dtarget = −2·dy·(x − target)/15",
    ]


def test_other_reductions():
    assert written(npnet.MSELoss(reduction="sum"), [()], **BOTH)[0] == "y = sum((x − target)²)"
    assert written(npnet.MSELoss(reduction="none"), **BOTH)[0] == "y = (x − target)²"
    assert written(npnet.MSELoss(), [()], x=(), target=())[:2] == [
        "y = (x − target)²",
        "∂y/∂x = 2·(x − target)",
    ]
    assert written(npnet.KLDivLoss(reduction="batchmean"), [()], **BOTH)[0] == (
        "y = sum(target ⊙ (ln(target) − x))/5"
    )


def test_without_shapes_the_count_is_n():
    assert written(npnet.MSELoss(), [()], x=None, target=None)[1] == "∂y/∂x = 2·(x − target)/N"


def test_binary_cross_entropy_as_the_books_have_it():
    lines = written(npnet.BCELoss(reduction="none"), **BOTH)
    assert lines[:2] == [
        "y = −(target ⊙ ln(x) + (1 − target) ⊙ ln(1 − x))",
        "∂y/∂x = (x − target)/(x ⊙ (1 − x))",
    ]
    assert written(npnet.BCEWithLogitsLoss(reduction="none"), **BOTH)[1] == "∂y/∂x = σ(x) − target"


def test_weights_are_factors():
    assert written(npnet.BCEWithLogitsLoss([2.0, 1.0, 1.0], reduction="none"), **BOTH)[1] == (
        "∂y/∂x = weight ⊙ (σ(x) − target)"
    )
    shapes = {"losses": (5,), "weight": (5,)}
    assert written(Weighted(), [()], **shapes)[0] == "y = sum(weight ⊙ losses)/sum(weight)"
    assert written(Weighted(by_weight=False), [()], **shapes)[0] == "y = mean(weight ⊙ losses)"


def test_kinks_are_cases():
    assert written(npnet.HuberLoss(reduction="none"), **BOTH)[0] == (
        "y = (x − target)²/2 if |x − target| ≤ 1 else |x − target| − 1/2"
    )
    assert written(npnet.SmoothL1Loss(reduction="none", beta=0.0), **BOTH)[0] == "y = |x − target|"

"""Losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
    SoftmaxCrossEntropy,
)
from npnet.functional.weighted import Weighted
from tests.layers.cases.draws import (
    CUBE,
    ROWS,
    SCALAR,
    away,
    distributions,
    fractions,
    labels,
    large,
    positive,
)
from tests.support.case import Case, Draw


def near(random: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Draw numbers so near 0 that those drawn `away` from it differ from them."""
    return random.uniform(-0.05, 0.05, shape)


REDUCTIONS = ("mean", "sum", "none")
POINTWISE = [
    Case(
        f"{make.__name__} {r} {a.shape} {name}",
        lambda m=make, r=r, o=options: m(reduction=r, **o),
        (a, Draw(a.shape, target)),
        rows_interact=r != "none",
        empty_is_nan=r == "mean",
    )
    for make, a, target, options, name in (
        (MSELoss, ROWS, Draw(()).sample, {}, ""),
        (MSELoss, Draw(("B",)), Draw(()).sample, {}, ""),
        (BCELoss, Draw(("B", 4), fractions), fractions, {}, ""),
        (BCELoss, Draw(("B", 4), fractions), fractions, {"weight": [1.0, 2.0, 0.5, 3.0]}, "weight"),
        (BCEWithLogitsLoss, Draw(("B", 4), away), fractions, {}, ""),
        (BCEWithLogitsLoss, Draw(("B", 4), large), fractions, {}, "large"),
        (
            BCEWithLogitsLoss,
            ROWS,
            fractions,
            {"weight": [1.0, 2.0, 0.5, 3.0], "pos_weight": [2.0, 0.5, 1.0, 3.0]},
            "weights",
        ),
        *(
            (make, Draw(("B", 3), away), near, options, name)
            for make, options, name in (
                (L1Loss, {}, ""),
                (SmoothL1Loss, {}, ""),
                (SmoothL1Loss, {"beta": 0.5}, "beta 0.5"),
                (SmoothL1Loss, {"beta": 0.0}, "beta 0"),
                (HuberLoss, {}, ""),
                (HuberLoss, {"delta": 0.5}, "delta 0.5"),
            )
        ),
        (KLDivLoss, ROWS, positive, {}, ""),
        (KLDivLoss, CUBE, Draw(()).sample, {"log_target": True}, "log_target"),
    )
    for r in REDUCTIONS
] + [
    *(Case(f"{make.__name__} of scalars", make, (SCALAR, SCALAR)) for make in (MSELoss, HuberLoss)),
    *(
        Case(
            f"KLDivLoss batchmean {a.shape}",
            lambda: KLDivLoss("batchmean"),
            (a, Draw(a.shape, positive)),
            rows_interact=True,
            empty_is_nan=True,
        )
        for a in (ROWS, Draw(("B",)))
    ),
    *(
        Case(
            f"Weighted {r} {by_weight}",
            lambda r=r, b=by_weight: Weighted(r, b),
            (ROWS, Draw(("B", 4), positive)),
            rows_interact=r != "none",
            empty_is_nan=r == "mean",
        )
        for r in REDUCTIONS
        for by_weight in (True, False)
    ),
]

WEIGHT = [0.5, 2.0, 1.0, 0.25]
CROSS_ENTROPY = [
    Case(
        f"CrossEntropyLoss {r} {name}",
        lambda r=r, o=options: CrossEntropyLoss(reduction=r, **o),
        operands,
        rows_interact=r != "none",
        empty_is_nan=r == "mean",
    )
    for name, operands, options in (
        ("", (ROWS, Draw(("B",), labels(4))), {}),
        ("large", (Draw(("B", 4), large), Draw(("B",), labels(4))), {}),
        ("int32", (ROWS, Draw(("B",), labels(4, np.int32))), {}),
        ("uint8", (ROWS, Draw(("B",), labels(4, np.uint8))), {}),
        ("ignored", (ROWS, Draw(("B",), labels(4, ignored=-100))), {}),
        ("ignored 2", (ROWS, Draw(("B",), labels(4))), {"ignore_index": 2}),
        ("weight", (ROWS, Draw(("B",), labels(4))), {"weight": WEIGHT}),
        ("smoothing", (ROWS, Draw(("B",), labels(4))), {"label_smoothing": 0.2}),
        (
            "smoothing weight ignored",
            (ROWS, Draw(("B",), labels(4, ignored=-100))),
            {"label_smoothing": 0.2, "weight": WEIGHT},
        ),
        ("pixels", (Draw(("B", 4, 2, 3)), Draw(("B", 2, 3), labels(4))), {"weight": WEIGHT}),
        ("pixels plain", (Draw(("B", 4, 2, 3)), Draw(("B", 2, 3), labels(4))), {}),
        ("probabilities", (ROWS, Draw(("B", 4), distributions)), {}),
        (
            "probabilities weight",
            (ROWS, Draw(("B", 4), distributions)),
            {"weight": WEIGHT, "label_smoothing": 0.1},
        ),
        ("probabilities of pixels", (CUBE, Draw(("B", 3, 4), distributions)), {}),
    )
    for r in REDUCTIONS
] + [
    Case("CrossEntropyLoss of a vector", CrossEntropyLoss, (Draw((4,)), Draw((), labels(4)))),
]

SOFTMAX_CROSS_ENTROPY = [
    Case(
        f"SoftmaxCrossEntropy {r} {name}",
        lambda r=r: SoftmaxCrossEntropy(r),
        operands,
        rows_interact=r != "none",
        empty_is_nan=r == "mean",
    )
    for name, operands in (
        ("", (ROWS, Draw(("B",), labels(4)))),
        ("large", (Draw(("B", 4), large), Draw(("B",), labels(4)))),
        ("pixels", (Draw(("B", 4, 2, 3)), Draw(("B", 2, 3), labels(4)))),
        ("probabilities", (ROWS, Draw(("B", 4), distributions))),
    )
    for r in REDUCTIONS
]

NLL = [
    Case(
        f"NLLLoss {r} {name}",
        lambda r=r, o=options: NLLLoss(reduction=r, **o),
        operands,
        rows_interact=r != "none",
        empty_is_nan=r == "mean",
    )
    for name, operands, options in (
        ("", (ROWS, Draw(("B",), labels(4))), {}),
        ("int32", (ROWS, Draw(("B",), labels(4, np.int32))), {}),
        ("ignored", (ROWS, Draw(("B",), labels(4, ignored=-100))), {"weight": WEIGHT}),
        ("ignored 2", (ROWS, Draw(("B",), labels(4))), {"ignore_index": 2}),
        ("pixels", (Draw(("B", 4, 2, 3)), Draw(("B", 2, 3), labels(4))), {"weight": WEIGHT}),
        ("pixels plain", (Draw(("B", 4, 2, 3)), Draw(("B", 2, 3), labels(4))), {}),
    )
    for r in REDUCTIONS
] + [
    Case("NLLLoss of a vector", NLLLoss, (Draw((4,)), Draw((), labels(4)))),
    Case("NLLLoss of a vector and (1,)", NLLLoss, (Draw((4,)), Draw((1,), labels(4)))),
]

CASES: list[Case] = [*POINTWISE, *CROSS_ENTROPY, *SOFTMAX_CROSS_ENTROPY, *NLL]

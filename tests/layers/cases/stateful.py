"""Layers that draw, follow the batches or look up, and their sisters."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet import (
    BatchNorm1d,
    Bilinear,
    Dropout,
    Embedding,
    LayerNorm,
    RandLike,
    RandnLike,
    RMSNorm,
    Unflatten,
)
from npnet.random import Generator
from tests.layers.cases.draws import CUBE, ROWS, SCALAR, away, labels
from tests.support.case import BATCH, Case, Draw


def text(options: dict[str, Any]) -> str:
    """Return options as they are written in a call."""
    return ", ".join(f"{name}={value}" for name, value in options.items())


def varied(make: Any) -> Any:
    """Return what makes a layer whose parameters and buffers are random, the same each time."""

    def made() -> Any:
        layer, random = make(), np.random.default_rng(5)
        for array in (*(p.data for p in layer.parameters()), *layer.buffers()):
            if array.dtype.kind == "f":
                array[...] = random.uniform(0.3, 1.5, array.shape)
        return layer

    return made


DROPOUT = [
    Case(
        f"Dropout {p} {draw.shape}",
        lambda p=p: Dropout(p, generator=Generator(3)),
        (draw,),
        rows_interact=p == 0.5,
        draws=p == 0.5,
        modes_differ=p > 0,
    )
    for p in (0.0, 0.5, 1.0)
    for draw in (ROWS, CUBE, Draw(("B",)))
] + [
    Case(
        "Dropout of a scalar",
        lambda: Dropout(0.5, generator=Generator(3)),
        (SCALAR,),
        draws=True,
        modes_differ=True,
    ),
    Case("Dropout in evaluation", lambda: Dropout(0.0).eval(), (CUBE,)),
]

DRAWING = [
    Case(
        f"{make.__name__} {draw.shape}",
        lambda m=make: m(generator=Generator(3)),
        (draw,),
        rows_interact=True,
        draws=True,
    )
    for make in (RandLike, RandnLike)
    for draw in (ROWS, CUBE, SCALAR)
]

#: While training a batch of two axes needs more than one row.
BATCH_NORM = [
    Case(
        f"BatchNorm1d({text(options)}) {mode} {draw.shape}",
        varied(lambda o=options, m=mode: BatchNorm1d(3, **o).train(m == "training")),
        (draw,),
        rows_interact=mode == "training" or not options.get("track_running_stats", True),
        modes_differ=options.get("track_running_stats", True),
    )
    for mode in ("training", "evaluation")
    for options in (
        {},
        {"affine": False},
        {"bias": False, "momentum": None},
        {"track_running_stats": False, "eps": 0.1},
    )
    for draw in (
        Draw((BATCH, 3)),
        Draw(("B", 3, 4)),
        *((Draw(("B", 3)),) if mode == "evaluation" and "eps" not in options else ()),
    )
]

ROW_NORM = [
    Case(
        f"{make.__name__}({shape}, {text(options)}) {draw.shape}",
        varied(lambda m=make, s=shape, o=options: m(s, **o)),
        (draw,),
    )
    for make, extra in (
        (LayerNorm, [{"bias": False}]),
        (RMSNorm, [{"eps": 0.1}]),
    )
    for options in ({}, {"elementwise_affine": False}, *extra)
    for shape, draw in ((4, ROWS), (4, CUBE), ((3, 4), CUBE), ((3, 4), Draw((3, 4))))
    if shape == 4 or not options
] + [Case("LayerNorm of a wide row", varied(lambda: LayerNorm(300)), (Draw(("B", 300)),))]

#: No index of the row without gradient, and no norm too large: neither is what differences see.
EMBEDDING = [
    Case(
        f"Embedding({text(options)}) {draw.shape} {dtype.__name__}",
        lambda o=options: Embedding(7, 6, generator=Generator(3), **o),
        (draw._replace(sample=labels(6, dtype)),),
    )
    for options, dtype in (
        ({}, np.int64),
        ({}, np.int32),
        ({}, np.uint8),
        ({"padding_idx": -1}, np.int64),
    )
    for draw in (Draw(("B",)), Draw(("B", 3)), Draw(()))
] + [
    Case("Embedding wide", lambda: Embedding(9, 12), (Draw(("B", 2), labels(9)),)),
    Case("Embedding of one column", lambda: Embedding(9, 1), (Draw(("B", 2), labels(9)),)),
]

BILINEAR = [
    Case(
        f"Bilinear {bias} {lead}",
        lambda b=bias: Bilinear(3, 4, 2, bias=b, generator=Generator(3)),
        (Draw((*lead, 3), away), Draw((*lead, 4), away)),
    )
    for bias in (True, False)
    for lead in (("B",), ("B", 2), ())
] + [Case("Bilinear of one feature", lambda: Bilinear(1, 1, 1), (Draw(("B", 1)), Draw(("B", 1))))]

SHAPE = [
    Case("Unflatten", lambda: Unflatten(1, (2, -1)), (ROWS,)),
    Case("Unflatten of the last axis", lambda: Unflatten(-1, [2, 2, 1]), (CUBE,)),
    Case("Unflatten to itself", lambda: Unflatten(0, (-1,)), (Draw(("B",)),), rows_interact=True),
]

CASES: list[Case] = [
    *DROPOUT,
    *DRAWING,
    *BATCH_NORM,
    *ROW_NORM,
    *EMBEDDING,
    *BILINEAR,
    *SHAPE,
]

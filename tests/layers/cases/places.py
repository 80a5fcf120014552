"""Layers of axes and places: what is exchanged, inserted, picked out and held between bounds."""

from __future__ import annotations

import numpy as np

from npnet import (
    Clamp,
    Index,
    Maximum,
    Minimum,
    Permute,
    Squeeze,
    Transpose,
    Unflatten,
    Unsqueeze,
)
from tests.layers.cases.draws import CUBE, ROWS, SCALAR, away
from tests.support.case import Case, Draw

PAIR = Draw(("B", 1, 3, 1))

AXES = [
    Case(f"{name} {draw.shape}", make, (draw,), rows_interact=moved)
    for name, make, draw, moved in (
        ("Transpose(1, 2)", lambda: Transpose(1, 2), CUBE, False),
        ("Transpose(0, 1)", lambda: Transpose(0, 1), ROWS, True),
        ("Transpose(-1, 0)", lambda: Transpose(-1, 0), CUBE, True),
        ("Transpose(0, 0)", lambda: Transpose(0, 0), SCALAR, False),
        ("Permute(0, 2, 1)", lambda: Permute(0, 2, 1), CUBE, False),
        ("Permute(2, 0, 1)", lambda: Permute((2, 0, -2)), CUBE, True),
        ("Permute(1, 0)", lambda: Permute(1, 0), ROWS, True),
        ("Permute()", Permute, SCALAR, False),
        ("Squeeze()", Squeeze, Draw((1, 4, 1)), False),
        ("Squeeze(1)", lambda: Squeeze(1), PAIR, False),
        ("Squeeze(-1, 2)", lambda: Squeeze((-1, 2)), PAIR, False),
        ("Unsqueeze(1)", lambda: Unsqueeze(1), ROWS, False),
        ("Unsqueeze(-1)", lambda: Unsqueeze(-1), CUBE, False),
        ("Unsqueeze(0)", lambda: Unsqueeze(0), SCALAR, False),
        ("Unflatten", lambda: Unflatten(1, (2, -1)), ROWS, False),
    )
]

INDEX = [
    Case(f"{name} {draw.shape}", lambda i=index: Index(i), (draw,), rows_interact=moved)
    for name, index, draw, moved in (
        ("Index :, 1", (slice(None), 1), ROWS, False),
        ("Index ..., -2", (..., -2), CUBE, False),
        ("Index :, 1:", (slice(None), slice(1, None)), ROWS, False),
        ("Index :, ::-2", (slice(None), slice(None, None, -2)), ROWS, False),
        ("Index :, None, 0:2, None", (slice(None), None, slice(0, 2), None), CUBE, False),
        ("Index ...", ..., CUBE, False),
        ("Index ()", (), SCALAR, False),
        ("Index None", None, SCALAR, False),
        ("Index of nothing", (slice(None), slice(3, 1)), ROWS, False),
        ("Index :, twice", (slice(None), [1, 0, 1]), ROWS, False),
        ("Index of a matrix", (slice(None), np.array([[0, -1], [2, 2]])), CUBE, False),
        ("Index of pairs", (slice(None), [0, 0, 2], [1, 1, 3]), CUBE, False),
        ("Index of no places", (slice(None), []), ROWS, False),
        ("Index of numbers", (1, 2), Draw((3, 4)), False),
        ("Index of rows", ([2, 0, 2],), Draw((3, 4)), False),
    )
]

BOUNDS = [
    Case(f"{name} {draw.shape}", make, (draw,))
    for name, make in (
        ("Clamp", lambda: Clamp(-0.05, 0.8)),
        ("Clamp from below", lambda: Clamp(min=0)),
        ("Clamp from above", lambda: Clamp(max=0.5)),
        ("Clamp to one number", lambda: Clamp(1, -1)),
    )
    for draw in (Draw(("B", 4), away), SCALAR)
]

EXTREMES = [
    Case(
        f"{make.__name__} {a} {b}",
        make,
        (Draw(a), Draw(b)),
        rows_interact="B" not in a or ("B" in b and len(a) != len(b)),
    )
    for make in (Maximum, Minimum)
    for a, b in (
        (("B", 4), ("B", 4)),
        (("B", 4), (4,)),
        (("B", 4), ()),
        ((4,), ("B", 3, 4)),
        (("B", 1), ("B", 4)),
        ((2, 1), (1, 3)),
        ((), ()),
    )
]

CASES: list[Case] = [*AXES, *INDEX, *BOUNDS, *EXTREMES]

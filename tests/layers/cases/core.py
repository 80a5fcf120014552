"""The layers of the brief."""

from __future__ import annotations

from typing import Any

from npnet import (
    Abs,
    Add,
    Concatenate,
    Divide,
    Exp,
    Flatten,
    Identity,
    Linear,
    Log,
    LogSoftmax,
    MatMul,
    Mean,
    Multiply,
    Negate,
    Power,
    Regularization,
    ReLU,
    Reshape,
    Scale,
    Sigmoid,
    Softmax,
    Sqrt,
    Square,
    Subtract,
    Sum,
    Tanh,
)
from npnet.random import Generator
from tests.layers.cases.draws import (
    CUBE,
    ROWS,
    SCALAR,
    away,
    large,
    positive,
)
from tests.support.case import Case, Draw


def linear(*sizes: int, **options: Any) -> Any:
    """Return what makes a Linear, the same each time."""
    return lambda: Linear(*sizes, generator=Generator(3), **options)


ELEMENTWISE = [
    Case(f"{make.__name__} {draw.shape}", make, (draw,))
    for make, sample in (
        (Identity, None),
        (ReLU, away),
        (Sigmoid, None),
        (Tanh, None),
        (Negate, None),
        (Exp, None),
        (Log, positive),
        (Square, None),
        (Sqrt, positive),
        (Abs, away),
    )
    for shape in (("B", 4), ("B", 2, 3), ("B",), ())
    for draw in [Draw(shape, sample) if sample else Draw(shape)]
] + [
    Case("ReLU of a large array", ReLU, (Draw(("B", 7000), away),)),
    Case("Scale", lambda: Scale(-2.5), (ROWS,)),
    Case("Scale by 0", lambda: Scale(0.0), (ROWS,)),
    Case("Scale of a scalar", lambda: Scale(3), (SCALAR,)),
]

LINEAR = [
    Case("Linear", linear(4, 3), (ROWS,)),
    Case("Linear without bias", linear(4, 3, bias=False), (ROWS,)),
    Case("Linear of one output", linear(4, 1), (ROWS,)),
    Case("Linear of one input", linear(1, 3), (Draw(("B", 1)),)),
    Case("Linear of three axes", linear(4, 3), (CUBE,)),
    Case("Linear of four axes", linear(4, 2), (Draw(("B", 2, 3, 4)),)),
    Case("Linear of a vector", linear(4, 3), (Draw((4,)),)),
    Case("Linear wide", linear(33, 17), (Draw(("B", 33)),)),
]

BINARY = [
    Case(
        f"{make.__name__} {a} {b}",
        make,
        (Draw(a, left), Draw(b, right)),
        rows_interact="B" not in a or ("B" in b and len(a) != len(b)),
    )
    for make, left, right in (
        (Add, away, away),
        (Subtract, away, away),
        (Multiply, away, away),
        (Divide, away, away),
        (Power, positive, away),
    )
    for a, b in (
        (("B", 4), ("B", 4)),
        (("B", 4), (4,)),
        (("B", 4), ("B", 1)),
        (("B", 4), ()),
        ((), ("B", 4)),
        ((4,), ("B", 3, 4)),
        (("B", 1), ("B", 4)),
        ((2, 1), (1, 3)),
        ((), ()),
    )
]

MATMUL = [
    Case("MatMul of a matrix", MatMul, (ROWS, Draw((4, 3)))),
    Case("MatMul of a vector", MatMul, (ROWS, Draw((4,)))),
    Case("MatMul of a row", MatMul, (Draw((4,)), Draw((4, 3)))),
    Case("MatMul of two vectors", MatMul, (Draw((4,)), Draw((4,)))),
    Case("MatMul of batches", MatMul, (CUBE, Draw(("B", 4, 2)))),
    Case("MatMul with one matrix", MatMul, (CUBE, Draw((4, 2)))),
    Case("MatMul of one matrix", MatMul, (Draw((2, 3)), Draw(("B", 3, 4))), rows_interact=True),
    Case("MatMul of stacks", MatMul, (Draw(("B", 1, 2, 3)), Draw((4, 3, 2)))),
    Case("MatMul of a row and batches", MatMul, (Draw((3,)), CUBE), rows_interact=True),
    Case("MatMul of batches and a column", MatMul, (CUBE, Draw((4,)))),
]

SOFTMAX = [
    Case(f"{make.__name__} {dim} {draw.shape} {name}", lambda m=make, d=dim: m(d), (draw,))
    for make in (Softmax, LogSoftmax)
    for dim, draw, name in (
        (1, ROWS, ""),
        (-1, CUBE, ""),
        (1, CUBE, ""),
        (0, Draw((4,)), ""),
        (0, SCALAR, ""),
        (1, Draw(("B", 4), large), "large"),
        (1, Draw(("B", 1)), ""),
    )
]

REDUCTION = [
    Case(
        f"{make.__name__}({', '.join(f'{k}={v}' for k, v in options.items())}) {draw.shape}",
        lambda m=make, o=options: m(**o),
        (draw,),
        rows_interact="B" not in draw.shape or 0 in axes,
        empty_is_nan=make is Mean and 0 in axes,
    )
    for make in (Sum, Mean)
    for options, draw, axes in (
        ({}, ROWS, (0, 1)),
        ({"axis": 0}, ROWS, (0,)),
        ({"axis": 1}, ROWS, (1,)),
        ({"axis": -1, "keepdims": True}, CUBE, (2,)),
        ({"axis": (0, 2)}, CUBE, (0, 2)),
        ({"axis": (-1, 1)}, CUBE, (1, 2)),
        ({"keepdims": True}, ROWS, (0, 1)),
        ({}, SCALAR, ()),
    )
] + [
    Case("Sum of three scalars", Sum, (SCALAR, SCALAR, SCALAR)),
    Case("Sum of two arrays", Sum, (ROWS, CUBE), rows_interact=True),
    Case("Sum over one axis of two", lambda: Sum(axis=1), (ROWS, Draw(("B", 2)))),
]

REGULARIZATION = [
    Case("Regularization", lambda: Regularization(0.3), (ROWS,), rows_interact=True),
    Case("Regularization of 0", lambda: Regularization(0), (ROWS,), rows_interact=True),
    Case("Regularization of a scalar", lambda: Regularization(0.3), (SCALAR,)),
    Case(
        "Regularization with p=1",
        lambda: Regularization(0.3, p=1),
        (Draw(("B", 4), away),),
        rows_interact=True,
    ),
]

SHAPE = [
    Case("Reshape", lambda: Reshape(-1, 2, 2), (ROWS,)),
    Case("Reshape of a scalar", lambda: Reshape(1, 1), (SCALAR,)),
    Case("Reshape to a vector", lambda: Reshape(-1), (ROWS,), rows_interact=True),
    Case("Flatten", Flatten, (CUBE,)),
    Case("Flatten in the middle", lambda: Flatten(1, 2), (Draw(("B", 2, 3, 2)),)),
    Case("Flatten from axis 0", lambda: Flatten(0), (CUBE,), rows_interact=True),
    Case("Concatenate", Concatenate, (ROWS, ROWS), rows_interact=True),
    Case("Concatenate columns", lambda: Concatenate(1), (ROWS, Draw(("B", 1)), Draw(("B", 2)))),
    Case("Concatenate the last axis", lambda: Concatenate(-1), (CUBE, CUBE)),
    Case("Concatenate one", lambda: Concatenate(1), (ROWS,)),
    Case("Concatenate nothing too", lambda: Concatenate(-1), (Draw((0,)), CUBE, Draw((0,)))),
]

CASES: list[Case] = [
    *ELEMENTWISE,
    *LINEAR,
    *BINARY,
    *MATMUL,
    *SOFTMAX,
    *REDUCTION,
    *REGULARIZATION,
    *SHAPE,
]

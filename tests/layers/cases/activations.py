"""Activations beyond those of the brief."""

from __future__ import annotations

from npnet import (
    ELU,
    GELU,
    SELU,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    Mish,
    PReLU,
    ReLU6,
    SiLU,
    Softplus,
    Softsign,
)
from tests.layers.cases.draws import CUBE, ROWS, SCALAR, large
from tests.support.case import Case, Draw

WIDE = Draw(("B", 4), large)

#: Each kind in its default form, on arrays of every rank; numbers come to both sides of a kink.
KINDS = [
    Case(f"{make.__name__} {draw.shape}", make, (draw,))
    for make in (
        LeakyReLU,
        PReLU,
        ELU,
        SELU,
        Hardtanh,
        ReLU6,
        GELU,
        SiLU,
        Mish,
        Hardswish,
        Softplus,
        LogSigmoid,
        Softsign,
    )
    for draw in (ROWS, Draw(("B", 2, 3)), Draw(("B",)), SCALAR)
]

FORMS = [
    Case(name, make, (draw,))
    for name, make, draw in (
        ("LeakyReLU of a negative slope", lambda: LeakyReLU(-0.5), ROWS),
        ("LeakyReLU of a steep slope", lambda: LeakyReLU(3), ROWS),
        ("LeakyReLU in place", lambda: LeakyReLU(inplace=True), ROWS),
        ("PReLU of channels", lambda: PReLU(4), ROWS),
        ("PReLU of channels of three axes", lambda: PReLU(3, init=-0.5), CUBE),
        ("PReLU of channels of four axes", lambda: PReLU(2), Draw(("B", 2, 3, 2))),
        ("PReLU of one channel", lambda: PReLU(1), Draw(("B", 1, 3))),
        ("ELU of alpha", lambda: ELU(1.5), ROWS),
        ("ELU of a negative alpha", lambda: ELU(-0.5), ROWS),
        ("Hardtanh of bounds", lambda: Hardtanh(-0.25, 0.75), ROWS),
        ("Hardtanh of one bound", lambda: Hardtanh(0, float("inf")), ROWS),
        ("ReLU6 on both sides", ReLU6, WIDE),
        ("GELU tanh", lambda: GELU("tanh"), ROWS),
        ("GELU tanh large", lambda: GELU("tanh"), WIDE),
        ("GELU large", GELU, WIDE),
        ("SiLU large", SiLU, WIDE),
        ("Mish large", Mish, WIDE),
        ("Hardswish large", Hardswish, WIDE),
        ("Softplus large", Softplus, WIDE),
        ("Softplus of beta", lambda: Softplus(beta=3, threshold=2), ROWS),
        ("Softplus of a negative beta", lambda: Softplus(-2.0, 50.0), ROWS),
        ("LogSigmoid large", LogSigmoid, WIDE),
        ("Softsign large", Softsign, WIDE),
    )
]

CASES: list[Case] = [*KINDS, *FORMS]

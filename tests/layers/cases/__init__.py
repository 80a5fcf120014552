"""Every layer in the forms that matter, with operands for each: a table a family."""

from __future__ import annotations

from tests.layers.cases import activations, core, losses, places, stateful
from tests.support.case import Case

__all__ = ["CASES"]

CASES: list[Case] = [
    *core.CASES,
    *activations.CASES,
    *losses.CASES,
    *places.CASES,
    *stateful.CASES,
]

"""What is said of plain functions that are wrong."""

from __future__ import annotations

from typing import Any

from npnet.check import check_gradients

__all__ = ["cause_of"]


def cause_of(function: Any, *operands: Any) -> str:
    """Return the likely mistake in a function's gradients; it must be caught."""
    report = check_gradients(function, *operands, checks="gradients", raise_exception=False)
    assert not report
    cause: str = report.cause
    return cause

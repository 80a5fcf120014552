"""Table: every seeded mistake, whether it is caught, and whether it is named."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from npnet.check.checking import check_gradients, check_layer
from npnet.check.mistakes import (
    activation,
    batch_norm,
    cross_entropy,
    linear,
    loss,
    regularization,
)
from npnet.check.mistakes.mistake import Mistake, Right
from npnet.check.report import Report

__all__ = ["MISTAKES", "NAMED", "RIGHT", "Outcome", "examine", "reported", "summary"]

_FAMILIES = (linear, activation, cross_entropy, loss, batch_norm, regularization)
MISTAKES: tuple[Mistake, ...] = tuple(m for family in _FAMILIES for m in family.MISTAKES)
RIGHT: tuple[Right, ...] = tuple(r for family in _FAMILIES for r in family.RIGHT)

#: The share of all mistakes whose likely cause must be the right one.
NAMED = 0.8
#: With fewer characters left for them, the last column's words go below their line.
_LEAST = 36


class Outcome(NamedTuple):
    """What became of one mistake: caught, named by the words that name it, and what was said."""

    mistake: Mistake
    caught: bool
    named: bool
    said: str


def reported(mistake: Mistake) -> Report:
    """Check what is wrong and return the report."""
    if mistake.layer:
        return check_layer(mistake.layer, *mistake.operands, raise_exception=False)
    return check_gradients(mistake.function, *mistake.operands, raise_exception=False)


def examine(mistakes: Sequence[Mistake] = MISTAKES) -> list[Outcome]:
    """Check every mistake. Named is what the first likely cause of the report names."""
    outcomes = []
    for mistake in mistakes:
        report = reported(mistake)
        outcomes.append(
            Outcome(mistake, not report.ok, mistake.words in report.cause, report.cause)
        )
    return outcomes


def summary(outcomes: Sequence[Outcome], width: int = 100) -> tuple[str, bool]:
    """Return the table as text, and whether all are caught and enough are named.

    The last column is wrapped to `width`, and below its line where there is no room beside it.
    """
    head = ("layer", "mistake", "as", "caught", "named", "likely mistake, in the report's words")
    rows = [
        (
            o.mistake.family,
            o.mistake.what,
            o.mistake.form,
            "yes" if o.caught else "NO",
            "yes" if o.named else "no",
            o.said or "-",
        )
        for o in outcomes
    ]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(5)]
    lines = []
    room = width - sum(widths) - 2 * len(widths)
    dashes = tuple("-" * w for w in (*widths, 5 if room >= _LEAST else 0))
    for row in [head, dashes, *rows]:
        fixed = "  ".join(text.ljust(w) for text, w in zip(row, widths, strict=False))
        if room >= _LEAST:
            first, *rest = textwrap.wrap(row[5], room, break_on_hyphens=False)
            lines += [f"{fixed}  {first}", *(f"{'':{len(fixed)}}  {part}" for part in rest)]
        else:
            below = textwrap.wrap(row[5], max(width - 4, _LEAST), break_on_hyphens=False)
            lines += [fixed.rstrip(), *(f"    {part}" for part in below)]
    caught, named = sum(o.caught for o in outcomes), sum(o.named for o in outcomes)
    count = len(outcomes)
    share = named / max(count, 1)
    lines.append("")
    lines.append(
        f"{count} mistakes: {caught} caught, {named} named ({share:.0%}); all are to be caught and "
        f"{NAMED:.0%} named"
    )
    return "\n".join(lines), caught == count and share >= NAMED

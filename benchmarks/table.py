"""The table: one row a comparison, as text of at most 100 columns and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.statistics import Comparison, ratios, spread

__all__ = ["HEADS", "cells", "markdown", "text"]

HEADS = (
    ("run", "", "<"),
    ("batch x network", "", "<"),
    ("peer", "", "<"),
    ("accuracy %", "npnet", ">"),
    ("", "peer", ">"),
    ("loss", "apart", ">"),
    ("µs a step", "npnet", ">"),
    ("", "peer", ">"),
    ("peer / npnet", "best", ">"),
    ("", "median", ">"),
    ("", "spread", ">"),
    ("", "goal", ">"),
)
NONE = "-"


def micros(seconds: Sequence[float]) -> str:
    """Return the best round in microseconds."""
    if not seconds:
        return NONE
    best = 1e6 * min(seconds)
    return f"{best:.0f}" if best >= 1000 else f"{best:.1f}"


def times(ratio: float) -> str:
    """Return a ratio with three digits."""
    return f"{ratio:.{2 if ratio < 10 else 1 if ratio < 100 else 0}f}"


def percent(share: float | None) -> str:
    """Return a share in per cent."""
    return NONE if share is None else f"{100 * share:.2f}"


def cells(row: Comparison) -> tuple[str, ...]:
    """Return what a row shows, one text a column."""
    best = median = wide = NONE
    if row.ours and row.theirs:
        best, median = map(times, ratios(row.ours, row.theirs))
        wide = f"{min(999.0, 100 * spread(row.ours, row.theirs)):.0f} %"
    return (
        row.question,
        f"{row.batch:>4} x {row.network}",
        row.peer or NONE,
        percent(row.accuracy),
        percent(row.peer_accuracy),
        NONE if row.differs is None else f"{row.differs.absolute:.0e}",
        micros(row.ours),
        micros(row.theirs),
        best,
        median,
        wide,
        NONE if row.goal is None else f"{row.goal:g}",
    )


def text(rows: Iterable[Comparison]) -> str:
    """Return the table with two lines of heads, a head above the columns that it spans."""
    body = [cells(row) for row in rows]
    lower = [below or above for above, below, _ in HEADS]
    widths = [max(map(len, column)) for column in zip(lower, *body, strict=True)]
    lines = [_spanning(widths)]
    for line in (lower, *body):
        parts = [f"{c:{h[2]}{w}}" for c, h, w in zip(line, HEADS, widths, strict=True)]
        lines.append("  ".join(parts).rstrip())
    lines.insert(2, "-" * max(map(len, lines)))
    return "\n".join(lines)


def _spanning(widths: Sequence[int]) -> str:
    """Return the upper line of heads: a group's name begins where its first column begins."""
    line, place = "", 0
    for (above, below, _), width in zip(HEADS, widths, strict=True):
        if above and below:
            line = f"{line:<{place}}{above}"
        place += width + 2
    return line


def markdown(rows: Iterable[Comparison]) -> str:
    """Return the table in Markdown, with a group's name before each of its columns."""
    heads, group = [], ""
    for above, below, _ in HEADS:
        group = above or group
        heads.append(f"{group}: {below}" if below else above)
    rule = ["---:" if side == ">" else "---" for *_, side in HEADS]
    lines = [heads, rule, *([c.strip() for c in cells(row)] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"

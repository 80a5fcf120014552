"""Tables in Markdown, in columns that also line up on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.statistics import Comparison, spread

__all__ = ["NONE", "Table", "comparisons", "micros", "number", "percent", "times", "yes_no"]

NONE = "-"


@dataclass(frozen=True)
class Table:
    """Heads and rows of text.

    A column whose head begins with ">" is set to the right; one that is empty in every row is left
    out.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""

    def without(self, head: str) -> Table:
        """Return the table without a column."""
        place = self.heads.index(head)
        lines = [[*line[:place], *line[place + 1 :]] for line in (self.heads, *self.rows)]
        return Table(lines[0], lines[1:], self.title)

    def markdown(self) -> str:
        """Return title and table, one line a row, with a newline at the end."""
        kept = [c for c in range(len(self.heads)) if any(row[c] != NONE for row in self.rows)]
        right = [self.heads[c].startswith(">") for c in kept]
        lines = [[self.heads[c].removeprefix(">") for c in kept]]
        lines += [[row[c] for c in kept] for row in self.rows]
        # "---:" is the narrowest rule
        widths = [max(4, *map(len, column)) for column in zip(*lines, strict=True)]
        text = [_line(line, widths, right) for line in lines]
        rule = ["-" * (w - 1) + ":" if r else "-" * w for w, r in zip(widths, right, strict=True)]
        text.insert(1, _line(rule, widths, right))
        return f"{self.title}\n\n" * bool(self.title) + "\n".join(text) + "\n"


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    """Return one line of a Markdown table."""
    padded = [
        cell.rjust(w) if r else cell.ljust(w)
        for cell, w, r in zip(cells, widths, right, strict=True)
    ]
    return f"| {' | '.join(padded)} |"


def number(value: float | None) -> str:
    """Return a number with three digits or those before the point."""
    if value is None:
        return NONE
    size = abs(value)
    return f"{value:.{2 if size < 10 else 1 if size < 100 else 0}f}"


def micros(seconds: float | None) -> str:
    """Return a time in microseconds."""
    if seconds is None:
        return NONE
    value = 1e6 * seconds
    return number(value) if abs(value) < 10 else f"{value:.{1 if abs(value) < 1000 else 0}f}"


def percent(share: float | None) -> str:
    """Return a share in per cent."""
    return NONE if share is None else f"{100 * share:.2f}"


def yes_no(value: bool | None) -> str:
    """Return whether a goal is reached."""
    return NONE if value is None else "yes" if value else "no"


def times(found: Sequence[float], goal: float | None, reached: bool | None) -> list[str]:
    """Return the cells of two ratios (best, median), their goal, and whether it is reached."""
    best, median = map(number, found or (None, None))
    return [best, median, NONE if goal is None else f"{goal:g}", yes_no(reached)]


def comparisons(rows: Iterable[Comparison], unit: str = "step", peer: str = "peer") -> Table:
    """Return one row a comparison, its times those of a `unit`.

    Where the other side is not called "peer" there is only one, and no column to name it.
    """
    one = f"{'an' if unit[0] in 'aeiou' else 'a'} {unit}"
    heads = ["run", ">batch", "network", peer, ">accuracy %: npnet", f">accuracy %: {peer}"]
    heads += [">apart", f">µs {one}: npnet", f">µs {one}: {peer}", f">{peer} / npnet: best"]
    heads += [">median", ">spread", ">goal", "reached"]
    table = Table(heads, [_cells(row) for row in rows])
    return table if peer == "peer" else table.without(peer)


def _cells(row: Comparison) -> list[str]:
    """Return what a row shows, one text a column."""
    best, median, goal, reached = times(row.ratios, row.goal, row.reached)
    wide = min(999.0, 100 * spread(row.ours, row.theirs)) if row.ratios else None
    return [
        row.run,
        str(row.batch),
        row.network,
        row.peer or NONE,
        percent(row.accuracy),
        percent(row.peer_accuracy),
        NONE if row.differs is None else f"{row.differs.relative:.0e}",
        micros(min(row.ours, default=None)),
        micros(min(row.theirs, default=None)),
        best,
        median,
        NONE if wide is None else f"{wide:.0f} %",
        goal,
        reached,
    ]

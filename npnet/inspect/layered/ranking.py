"""Ranking: the column of every vertex."""

from __future__ import annotations

from collections.abc import Sequence

from npnet.inspect.layered.model import Arc, Vertex

__all__ = ["ranked"]


def ranked(vertices: Sequence[Vertex], arcs: Sequence[Arc]) -> list[int]:
    """Return the column of every vertex: 0 at the left, and every arc leads to a later column.

    A vertex has as many columns before it as the longest way to it, but for what is `late`: where
    a way begins, a late vertex stands right before the first that it leads to, and late ones that
    it leads to follow it.

    Errors
    ------
    ValueError
        For a circle of arcs.

    Examples
    --------
    x -> a -> b -> c, and p, which is late, -> c:

    >>> x, step, p = Vertex(1, 1), Vertex(1, 1), Vertex(1, 1, late=True)
    >>> ranked([x, step, step, step, p], [Arc(0, 1), Arc(1, 2), Arc(2, 3), Arc(4, 3)])
    [0, 1, 2, 3, 2]
    """
    count = len(vertices)
    after: list[list[int]] = [[] for _ in range(count)]
    before: list[list[int]] = [[] for _ in range(count)]
    for arc in arcs:
        after[arc.tail].append(arc.head)
        before[arc.head].append(arc.tail)
    order = _in_order(after, before)
    early = [0] * count
    for v in order:
        early[v] = max((early[u] + 1 for u in before[v]), default=0)
    latest = list(early)
    end = max(early, default=0)
    for v in reversed(order):
        if vertices[v].late:
            latest[v] = min((latest[w] - 1 for w in after[v]), default=end)
    ranks = [0] * count
    for v in order:
        begins = latest[v] if after[v] else 0
        ranks[v] = max((ranks[u] + 1 for u in before[v]), default=begins)
    first = min(ranks, default=0)
    return [rank - first for rank in ranks]


def _in_order(after: Sequence[Sequence[int]], before: Sequence[Sequence[int]]) -> list[int]:
    """Return the vertices so that every arc leads to a later one."""
    waiting = [len(sources) for sources in before]
    order = [v for v, number in enumerate(waiting) if not number]
    for v in order:
        for w in after[v]:
            waiting[w] -= 1
            if not waiting[w]:
                order.append(w)
    if len(order) < len(after):
        raise ValueError("arrange: the arcs lead round in a circle; a layered graph has none")
    return order

"""Ordering: who stands above whom in a column, so that few lines cross."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

from npnet.inspect.layered.chains import Chained

__all__ = ["crossings", "order"]

#: So many sweeps through all columns, or fewer where the last ones have mended nothing.
SWEEPS, PATIENCE = 24, 4


def order(graph: Chained) -> int:
    """Order the columns of a graph; return how many lines cross.

    Sweeps forth and back: each column is sorted by the median of the places that its lines lead
    to, then neighbours change places where that mends something. The best order found is kept.

    Source: Gansner, Koutsofios, North, Vo, "A technique for drawing directed graphs", 1993.
    """
    best, kept = crossings(graph), [list(layer) for layer in graph.layers]
    patience = PATIENCE
    for sweep in range(SWEEPS):
        if not best or not patience:
            break
        _sweep(graph, forth=sweep % 2 == 0)
        _exchange(graph)
        found = crossings(graph)
        patience = PATIENCE if found < best else patience - 1
        if found < best:
            best, kept = found, [list(layer) for layer in graph.layers]
    graph.layers[:] = kept
    return best


def crossings(graph: Chained) -> int:
    """Return how many links cross.

    Examples
    --------
    >>> from npnet.inspect.layered.chains import Link
    >>> cross = [Link(0, 3, 0, None, False), Link(1, 2, 0, None, False)]
    >>> crossings(Chained(4, [[0, 1], [2, 3]], [], [[cross[0]], [cross[1]], [], []]))
    1
    """
    total = 0
    for left, right in zip(graph.layers, graph.layers[1:], strict=False):
        place = {spot: number for number, spot in enumerate(right)}
        passed: list[int] = []
        for spot in left:
            heads = sorted(place[link.head] for link in graph.outs[spot])
            total += sum(len(passed) - bisect_right(passed, head) for head in heads)
            for head in heads:
                insort(passed, head)
    return total


def _sweep(graph: Chained, forth: bool) -> None:
    """Sort each column by the one before it, or back by the one after it."""
    layers = graph.layers
    numbers = range(1, len(layers)) if forth else range(len(layers) - 2, -1, -1)
    for number in numbers:
        fixed = layers[number - 1 if forth else number + 1]
        place = {spot: position for position, spot in enumerate(fixed)}
        layers[number] = _sorted(layers[number], graph, place, forth)


def _sorted(layer: Sequence[int], graph: Chained, place: dict[int, int], forth: bool) -> list[int]:
    """Return a column sorted by medians; what has no line in this direction keeps its place."""
    keys: dict[int, float] = {}
    for spot in layer:
        links = graph.ins[spot] if forth else graph.outs[spot]
        if links:
            places = sorted(place[link.tail if forth else link.head] for link in links)
            keys[spot] = _median(places)
    moving = iter(sorted((spot for spot in layer if spot in keys), key=keys.__getitem__))
    return [next(moving) if spot in keys else spot for spot in layer]


def _median(places: Sequence[int]) -> float:
    """Return the middle of sorted places, nearer to where more of them are."""
    half = len(places) // 2
    if len(places) % 2:
        return places[half]
    low, high = places[half - 1], places[half]
    if len(places) == 2:
        return (low + high) / 2
    left, right = low - places[0], places[-1] - high
    return (low * right + high * left) / (left + right) if left + right else (low + high) / 2


def _exchange(graph: Chained) -> None:
    """Exchange neighbours in all columns as long as fewer lines cross, but not for ever."""
    for number, layer in enumerate(graph.layers):
        sides = []
        for step, links, end in ((-1, graph.ins, "tail"), (1, graph.outs, "head")):
            if 0 <= number + step < len(graph.layers):
                beside = graph.layers[number + step]
                place = {spot: position for position, spot in enumerate(beside)}
                ends = {s: sorted(place[getattr(k, end)] for k in links[s]) for s in layer}
                sides.append(ends)
        for _ in range(3):
            gains = [_exchanged(layer, i, sides) for i in range(len(layer) - 1)]
            if not any(gains):
                break


def _exchanged(layer: list[int], first: int, sides: Sequence[dict[int, list[int]]]) -> bool:
    """Exchange a spot and the next one if fewer lines cross then; return whether."""
    upper, lower = layer[first], layer[first + 1]
    now = sum(_crossing(ends[upper], ends[lower]) for ends in sides)
    if not now or sum(_crossing(ends[lower], ends[upper]) for ends in sides) >= now:
        return False
    layer[first], layer[first + 1] = lower, upper
    return True


def _crossing(upper: Sequence[int], lower: Sequence[int]) -> int:
    """Return how many lines of two neighbours cross, whose other ends are at these places."""
    return sum(len(upper) - bisect_right(upper, place) for place in lower)

"""Alignment: the height of every spot, so that lines are straight."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from npnet.inspect.layered.chains import Chained, Link
from npnet.inspect.layered.ports import Ports

__all__ = ["heights"]

#: The least distance of two spots' rooms in a column, and that of two bends.
GAP, CLOSE = 14.0, 4.0


class _Side(NamedTuple):
    """A graph as it is seen from one of its four corners."""

    layers: list[list[int]]
    #: The neighbours of a spot in the layer before, with heights of the link's ends there and here.
    before: Callable[[int], list[tuple[int, float, float]]]
    up: Sequence[float]
    down: Sequence[float]
    vertices: int

    def distance(self, u: int, v: int) -> float:
        """Return the least distance of two spots, one right below the other."""
        both_bend = u >= self.vertices and v >= self.vertices
        return self.down[u] + (CLOSE if both_bend else GAP) + self.up[v]


def heights(graph: Chained, ports: Ports) -> list[float]:
    """Return the height of every spot: no two rooms of a column overlap, bends are in line.

    Spots are put in line with the middle one of their neighbours, seen from each of the four
    corners; the height is the mean of the middle two of the four found.

    Source: Brandes and Koepf, "Fast and simple horizontal coordinate assignment", 2001; with
    heights of ports as Ruegg, Schulze, Carstens, von Hanxleden, "Size- and port-aware horizontal
    node coordinate assignment", 2015.
    """
    if not graph.layers:
        return []
    wanted = _straight(graph)
    found = []
    for backward in (False, True):
        for upward in (False, True):
            side = _seen(graph, ports, wanted, backward, upward)
            ys = _compacted(side, *_blocks(side, len(graph.ins)))
            found.append([-y for y in ys] if upward else ys)
    return _balanced(found, ports)


def _straight(graph: Chained) -> set[int]:
    """Return the ids of the links that may be straight.

    Not those that cross one between two bends, nor those that end where one does that matters
    more.
    """
    wanted = set()
    for left, right in zip(graph.layers, graph.layers[1:], strict=False):
        place = {spot: position for position, spot in enumerate(right)}
        inner = [
            (i, place[link.head])
            for i, spot in enumerate(left)
            for link in graph.outs[spot]
            if _between_bends(graph, link)
        ]
        places = [i for i, _ in inner]
        highest = [-1, *accumulate((head for _, head in inner), max)]
        backward = [head for _, head in reversed(inner)]
        lowest = [*reversed([*accumulate(backward, min)]), len(right)]
        for i, spot in enumerate(left):
            after, before = highest[bisect_left(places, i)], lowest[bisect_right(places, i)]
            for link in graph.outs[spot]:
                rivals = (*graph.ins[link.head], *graph.outs[spot])
                most = max(_weight(graph, rival) for rival in rivals)
                free = after <= place[link.head] <= before or _between_bends(graph, link)
                if free and _weight(graph, link) == most:
                    wanted.add(id(link))
    return wanted


def _between_bends(graph: Chained, link: Link) -> bool:
    """Whether a link joins two bends."""
    return link.tail >= graph.vertices and link.head >= graph.vertices


def _weight(graph: Chained, link: Link) -> int:
    """Return how much it matters that a link is straight."""
    return 2 if _between_bends(graph, link) else int(link.main)


def _seen(graph: Chained, ports: Ports, wanted: set[int], backward: bool, upward: bool) -> _Side:
    """Return the graph from a corner: columns from the right, spots from the bottom."""
    sign = -1.0 if upward else 1.0

    def before(spot: int) -> list[tuple[int, float, float]]:
        found = []
        for link in (graph.outs if backward else graph.ins)[spot]:
            if id(link) in wanted:
                tail, head = sign * ports.tail(link), sign * ports.head(link)
                ends = (link.head, head, tail) if backward else (link.tail, tail, head)
                found.append(ends)
        return found

    layers = [layer[::-1] if upward else list(layer) for layer in graph.layers]
    up, down = (ports.down, ports.up) if upward else (ports.up, ports.down)
    return _Side(layers[::-1] if backward else layers, before, up, down, graph.vertices)


def _blocks(side: _Side, count: int) -> tuple[list[int], list[float]]:
    """Put spots in line with neighbours in the layer before.

    Return for each spot the first of its line, and how far below that one's height it stands.
    """
    root, shift = list(range(count)), [0.0] * count
    place: dict[int, int] = {}
    for layer in side.layers:
        taken = -1
        for spot in layer:
            neighbours = sorted(side.before(spot), key=lambda n: (place[n[0]], n[1]))
            middle = neighbours[(len(neighbours) - 1) // 2 : len(neighbours) // 2 + 1]
            for other, there, here in middle:
                if taken < place[other]:
                    root[spot] = root[other]
                    shift[spot] = shift[other] + there - here
                    taken = place[other]
                    break
        place = {spot: position for position, spot in enumerate(layer)}
    return root, shift


def _compacted(side: _Side, root: Sequence[int], shift: Sequence[float]) -> list[float]:
    """Return heights: every line of spots as high as those above it let it, then near to the next.

    Source: the two passes over the blocks of the layout library dagre.
    """
    below: dict[int, dict[int, float]] = {r: {} for r in root}
    above = dict.fromkeys(below, 0)
    height = dict.fromkeys(below, 0.0)
    for layer in side.layers:
        for spot in layer:
            r = root[spot]
            height[r] = max(height[r], side.up[spot] - shift[spot])
        for u, v in pairwise(layer):
            needed = side.distance(u, v) + shift[u] - shift[v]
            targets = below[root[u]]
            above[root[v]] += root[v] not in targets
            targets[root[v]] = max(targets.get(root[v], needed), needed)
    order = [r for r in below if not above[r]]
    for r in order:
        for other, needed in below[r].items():
            height[other] = max(height[other], height[r] + needed)
            above[other] -= 1
            if not above[other]:
                order.append(other)
    for r in reversed(order):
        if below[r]:
            room = min(height[other] - needed for other, needed in below[r].items())
            height[r] = max(height[r], room)
    return [height[r] + shift[spot] for spot, r in enumerate(root)]


def _balanced(found: Sequence[Sequence[float]], ports: Ports) -> list[float]:
    """Return the mean of the middle two of four heights, once all four fit the least high one."""
    spans = []
    for ys in found:
        top = min(y - up for y, up in zip(ys, ports.up, strict=True))
        end = max(y + down for y, down in zip(ys, ports.down, strict=True))
        spans.append((top, end))
    least = min(spans, key=lambda span: span[1] - span[0])
    fitted = []
    for number, (ys, (top, end)) in enumerate(zip(found, spans, strict=True)):
        move = least[1] - end if number % 2 else least[0] - top
        fitted.append([y + move for y in ys])
    mean = [sum(sorted(four)[1:3]) / 2 for four in zip(*fitted, strict=True)]
    top = min(y - up for y, up in zip(mean, ports.up, strict=True))
    return [y - top for y in mean]

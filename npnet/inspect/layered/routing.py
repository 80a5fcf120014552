"""Routing: the columns' places from left to right, and the ways of the lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from npnet.inspect.layered.chains import Chained, Link
from npnet.inspect.layered.model import Arc, Layout, Line, Placed, Vertex
from npnet.inspect.layered.ports import Ports

__all__ = ["routed"]

#: A level piece before a vertex, with room for an arrow's head; one where lines bend towards it.
HEAD, TURN = 9.0, 20.0
#: Least and greatest room between columns, where lines cross, and its part of how far they rise.
NEAR, FAR, PART = 26.0, 72.0, 0.16


@dataclass(frozen=True)
class Column:
    """Where one column's parts begin, from left to right.

    From `words` to `turn` there is room for words before lines end, from `turn` to `left` lines
    bend towards vertices, which stand from `left` to `right`; lines then bend apart until `apart`,
    and have room for words until `end`.
    """

    words: float
    turn: float
    left: float
    right: float
    apart: float
    end: float


def _columns(
    graph: Chained,
    vertices: Sequence[Vertex],
    arcs: Sequence[Arc],
    ports: Ports,
    ys: Sequence[float],
) -> list[Column]:
    """Return the places of the columns."""
    found: list[Column] = []
    x = 0.0
    for layer in graph.layers:
        spots = [spot for spot in layer if spot < graph.vertices]
        ends = [link.arc for spot in spots for link in graph.ins[spot] if link.arc is not None]
        outlets = [room for spot in spots for room in vertices[spot].outlets]
        turn = x + max((arcs[arc].room.width for arc in ends), default=0.0)
        together = [(ports.inlets[arc], ports.in_reach[arc]) for arc in ends]
        left = turn + ((_turn(together) or HEAD) if ends else 0.0)
        right = left + max((vertices[spot].breadth for spot in spots), default=0.0)
        heights = ((ports.outlets[spot], ports.out_reach[spot]) for spot in spots)
        apart = right + _turn([pair for both in heights for pair in zip(*both, strict=True)])
        end = apart + max((room.width for room in outlets), default=0.0)
        found.append(Column(x, turn, left, right, apart, end))
        x = end + _between(layer, graph, ports, ys)
    return found


def routed(
    graph: Chained,
    vertices: Sequence[Vertex],
    arcs: Sequence[Arc],
    ports: Ports,
    ys: Sequence[float],
    crossings: int,
) -> Layout:
    """Return where everything stands."""
    places = _columns(graph, vertices, arcs, ports, ys)
    ranks = {spot: rank for rank, layer in enumerate(graph.layers) for spot in layer}
    placed = []
    for spot, vertex in enumerate(vertices):
        column = places[ranks[spot]]
        free = column.right - column.left - vertex.breadth
        x = column.left + vertex.breadth / 2 + vertex.side * free
        placed.append(Placed(x, ys[spot], vertex.width, vertex.height, ranks[spot]))
    way = _Way(places, ranks, ports, ys, vertices, placed)
    lines = tuple(way.line(path) for path in graph.paths)
    outlets = tuple(
        tuple(way.outlet(spot, number) for number in range(len(vertices[spot].outlets)))
        for spot in range(len(vertices))
    )
    height = max((y + down for y, down in zip(ys, ports.down, strict=True)), default=0.0)
    width = places[-1].end if places else 0.0
    return Layout(width, height, tuple(placed), lines, outlets, graph.bends, crossings)


@dataclass(frozen=True)
class _Way:
    """Finds the ways of lines through the columns."""

    places: Sequence[Column]
    ranks: dict[int, int]
    ports: Ports
    ys: Sequence[float]
    vertices: Sequence[Vertex]
    placed: Sequence[Placed]

    def line(self, path: Sequence[Link]) -> Line:
        """Return the way of one arc."""
        points = self._leaving(path[0])
        start = len(points) // 2 - 1
        for link in path[:-1]:
            column, y = self.places[self.ranks[link.head]], self.ys[link.head]
            points += [(column.words, y), (column.end, y)]
        end = len(points) // 2
        points += self._arriving(path[-1])
        return Line(tuple(points), start, end)

    def outlet(self, spot: int, number: int) -> tuple[float, float, float]:
        """Return left end, right end and height of the piece of line with an outlet's words."""
        placed, vertex = self.placed[spot], self.vertices[spot]
        column, heights = self.places[placed.rank], self.ports.outlets[spot]
        straight = self.ports.out_reach[spot] == heights
        left = placed.x + vertex.breadth / 2 if straight else column.apart
        return left, column.end, placed.y + heights[number]

    def _leaving(self, link: Link) -> list[tuple[float, float]]:
        """Return the points from a vertex to the end of its column."""
        placed = self.placed[link.tail]
        reached = self.ports.out_reach[link.tail][link.outlet]
        left, right, y = self.outlet(link.tail, link.outlet)
        x, low = placed.right - _rounding(self.vertices[link.tail], reached), placed.y + reached
        if low == y:
            return [(x, y), (right, y)]
        return [(x, low), (self.places[placed.rank].right, low), (left, y), (right, y)]

    def _arriving(self, link: Link) -> list[tuple[float, float]]:
        """Return the points from the begin of its column to a vertex."""
        assert link.arc is not None
        placed, reached = self.placed[link.head], self.ports.in_reach[link.arc]
        column, y = self.places[placed.rank], placed.y + self.ports.inlets[link.arc]
        x, low = placed.left + _rounding(self.vertices[link.head], reached), placed.y + reached
        if low == y:
            return [(column.words, y), (x, y)]
        return [(column.words, y), (column.turn, y), (column.left - HEAD / 2, low), (x, low)]


def _turn(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the room in which lines come together, from one height each to another."""
    rise = max((abs(high - low) for high, low in pairs), default=0.0)
    return min(TURN + PART * rise, FAR) if rise else 0.0


def _rounding(vertex: Vertex, height: float) -> float:
    """Return how far within its width a vertex ends at a height."""
    if not vertex.round:
        return 0.0
    radius = vertex.height / 2
    return radius - math.sqrt(max(0.0, radius**2 - height**2))


def _between(layer: Sequence[int], graph: Chained, ports: Ports, ys: Sequence[float]) -> float:
    """Return the room after a column: more where lines rise or fall far."""
    links = [link for spot in layer for link in graph.outs[spot]]
    if not links:
        return 0.0
    rise = max(abs(ys[k.tail] + ports.tail(k) - ys[k.head] - ports.head(k)) for k in links)
    return min(max(NEAR, PART * rise), FAR)

"""Ports: at which height lines leave and reach a vertex, and how much room that takes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from npnet.inspect.layered.chains import Chained, Link
from npnet.inspect.layered.model import Arc, Room, Vertex

__all__ = ["Ports", "ports"]

#: Half the least distance between two lines, and the least between words of two.
LINE, BETWEEN = 6.0, 3.0


@dataclass
class Ports:
    """Heights, from the middle of a vertex, and the room that each spot takes up and down.

    Attributes
    ----------
    outlets : for each vertex the height of each outlet
    inlets : for each arc the height at which it comes to its head
    out_reach, in_reach : the same at the vertex itself, which may be less high than they are apart
    up, down : for each spot
    """

    outlets: list[list[float]]
    inlets: list[float]
    out_reach: list[list[float]]
    in_reach: list[float]
    up: list[float]
    down: list[float]

    def tail(self, link: Link) -> float:
        """Height at which a link leaves."""
        return self.outlets[link.tail][link.outlet] if link.tail < len(self.outlets) else 0.0

    def head(self, link: Link) -> float:
        """Height at which a link arrives."""
        return 0.0 if link.arc is None else self.inlets[link.arc]


def ports(graph: Chained, vertices: Sequence[Vertex], arcs: Sequence[Arc]) -> Ports:
    """Return the heights for a graph whose columns are ordered.

    Lines reach a vertex in the order in which they come, the main one in its middle where the
    others still reach it.
    """
    place = {spot: i for layer in graph.layers for i, spot in enumerate(layer)}
    count = len(graph.ins)
    zeros = [[0.0] * len(arcs) for _ in range(2)]
    found = Ports([], zeros[0], [], zeros[1], [LINE] * count, [LINE] * count)
    for spot, vertex in enumerate(vertices):
        order = _outlet_order(graph.outs[spot], len(vertex.outlets), place)
        rooms = [vertex.outlets[i] for i in order]
        heights = _stacked(rooms, vertex.height, order.index(0) if order else None)
        reached = _reached(vertex, heights)
        found.outlets.append([heights[order.index(i)] for i in range(len(order))])
        found.out_reach.append([reached[order.index(i)] for i in range(len(order))])
        _extend(found, spot, vertex, heights, rooms)
    for spot, vertex in enumerate(vertices):
        links = sorted(graph.ins[spot], key=lambda link: (place[link.tail], found.tail(link)))
        rooms = [arcs[link.arc].room for link in links if link.arc is not None]
        middle = next((i for i, link in enumerate(links) if link.main), None)
        heights = _stacked(rooms, vertex.height, middle)
        for link, height, low in zip(links, heights, _reached(vertex, heights), strict=True):
            assert link.arc is not None
            found.inlets[link.arc], found.in_reach[link.arc] = height, low
        _extend(found, spot, vertex, heights, rooms)
    return found


def _outlet_order(links: Sequence[Link], count: int, place: dict[int, int]) -> list[int]:
    """Return the outlets from top to bottom: as what they lead to stands."""
    heads: list[list[int]] = [[] for _ in range(count)]
    for link in links:
        heads[link.outlet].append(place[link.head])
    return sorted(range(count), key=lambda i: sum(heads[i]) / max(1, len(heads[i])))


def _stacked(rooms: Sequence[Room], height: float, middle: int | None) -> list[float]:
    """Return heights of lines below each other, with room for the words of each."""
    heights = [0.0] if rooms else []
    for upper, lower in itertools.pairwise(rooms):
        distance = max(LINE, upper.below) + max(LINE, lower.above) + BETWEEN
        heights.append(heights[-1] + distance)
    if not heights:
        return []
    half = heights[-1] / 2
    most = height / 2 - 4
    if middle is not None and max(heights[middle], heights[-1] - heights[middle]) <= most:
        half = heights[middle]
    return [y - half for y in heights]


def _reached(vertex: Vertex, heights: Sequence[float]) -> list[float]:
    """Return heights drawn together so that lines reach the vertex."""
    farthest = max((abs(height) for height in heights), default=0.0)
    most = max(0.0, vertex.height / 2 - 4)
    return [height * min(1.0, most / farthest) if farthest else 0.0 for height in heights]


def _extend(
    found: Ports, spot: int, vertex: Vertex, heights: Sequence[float], rooms: Sequence[Room]
) -> None:
    """Take room for a vertex and for lines with their words."""
    tops = [max(LINE, room.above) - y for y, room in zip(heights, rooms, strict=True)]
    ends = [max(LINE, room.below) + y for y, room in zip(heights, rooms, strict=True)]
    half = vertex.height / 2
    found.up[spot] = max(found.up[spot], half, *tops)
    found.down[spot] = max(found.down[spot], half + vertex.caption[1], *ends)

"""Chains: a graph whose lines pass columns, as one whose lines lead from column to column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from npnet.inspect.layered.model import Arc

__all__ = ["Chained", "Link", "chained"]


@dataclass(frozen=True)
class Link:
    """A piece of line from one column to the next.

    Attributes
    ----------
    tail, head : int
        Spots.
    outlet : int
        Of the vertex where it begins.
    arc : int or None
        The arc that ends with it.
    main : bool
    """

    tail: int
    head: int
    outlet: int
    arc: int | None
    main: bool


@dataclass
class Chained:
    """Vertices and bends, which are spots alike, in columns, with the links between them.

    Attributes
    ----------
    vertices : int
        So many spots are vertices, with their numbers; the later ones are bends.
    layers : list of lists of spots
        Each column from top to bottom.
    ins, outs : lists of Links by spot
    paths : for each arc its Links
    """

    vertices: int
    layers: list[list[int]]
    ins: list[list[Link]] = field(default_factory=list)
    outs: list[list[Link]] = field(default_factory=list)
    paths: list[list[Link]] = field(default_factory=list)

    @property
    def bends(self) -> int:
        """How many spots are bends."""
        return len(self.ins) - self.vertices


def chained(ranks: Sequence[int], arcs: Sequence[Arc]) -> Chained:
    """Return the graph with a bend in every column that a line passes, and a first order.

    The lines of one outlet share their bends.
    """
    graph = Chained(len(ranks), [[] for _ in range(max(ranks, default=-1) + 1)])
    graph.ins = [[] for _ in ranks]
    graph.outs = [[] for _ in ranks]
    trunks: dict[tuple[int, int], list[Link]] = {}
    columns = list(ranks)
    for number, arc in enumerate(arcs):
        trunk = trunks.setdefault((arc.tail, arc.outlet), [])
        while len(trunk) < ranks[arc.head] - ranks[arc.tail] - 1:
            before = trunk[-1].head if trunk else arc.tail
            columns.append(columns[before] + 1)
            graph.ins.append([])
            graph.outs.append([])
            trunk.append(_linked(graph, Link(before, len(columns) - 1, arc.outlet, None, True)))
        way = trunk[: ranks[arc.head] - ranks[arc.tail] - 1]
        last = way[-1].head if way else arc.tail
        graph.paths.append(
            [*way, _linked(graph, Link(last, arc.head, arc.outlet, number, arc.main))]
        )
    _fill(graph, columns)
    return graph


def _linked(graph: Chained, link: Link) -> Link:
    """Enter a link at both ends."""
    graph.outs[link.tail].append(link)
    graph.ins[link.head].append(link)
    return link


def _fill(graph: Chained, columns: Sequence[int]) -> None:
    """Put every spot into its column, in the order in which one meets them from the ends back.

    What leads to a spot is met so that the main line comes in the middle, further ones above and
    below in turn.
    """
    seen = [False] * len(columns)
    for end in (spot for spot, links in enumerate(graph.outs) if not links):
        stack = [(end, False)]
        while stack:
            spot, met = stack.pop()
            if met:
                graph.layers[columns[spot]].append(spot)
            elif not seen[spot]:
                seen[spot] = True
                stack.append((spot, True))
                stack.extend((link.tail, False) for link in reversed(_around(graph.ins[spot])))


def _around(links: Sequence[Link]) -> list[Link]:
    """Return links with the main one in the middle, the first of the others below it."""
    main = next((link for link in links if link.main), None)
    others = [link for link in links if link is not main]
    middle = [] if main is None else [main]
    return [*reversed(others[1::2]), *middle, *others[0::2]]

"""Arranging: from a graph to the places of all it is made of."""

from __future__ import annotations

from collections.abc import Sequence

from npnet.inspect.layered.alignment import heights
from npnet.inspect.layered.chains import chained
from npnet.inspect.layered.model import Arc, Layout, Vertex
from npnet.inspect.layered.ordering import order
from npnet.inspect.layered.ports import ports
from npnet.inspect.layered.ranking import ranked
from npnet.inspect.layered.routing import routed

__all__ = ["arrange"]


def arrange(vertices: Sequence[Vertex], arcs: Sequence[Arc]) -> Layout:
    """Lay a graph out in columns, left to right.

    No vertex, no room for words and no line that passes overlaps another: in a column each has
    its own height, and lines bend between columns only. The same graph always gives the same
    layout.

    Parameters
    ----------
    vertices : Vertices
    arcs : Arcs between them, without circles

    Errors
    ------
    ValueError
        For a circle of arcs.

    Source: Sugiyama, Tagawa, Toda, "Methods for visual understanding of hierarchical system
    structures", 1981: columns by longest ways, few crossings by sweeps, then straight lines.

    Examples
    --------
    >>> from npnet.inspect.layered.model import Room
    >>> box = Vertex(40, 20, (Room(),))
    >>> layout = arrange([box, box, box], [Arc(0, 1), Arc(1, 2), Arc(0, 2)])
    >>> [placed.rank for placed in layout.vertices], layout.bends, layout.crossings
    ([0, 1, 2], 1, 0)
    """
    graph = chained(ranked(vertices, arcs), arcs)
    crossings = order(graph)
    found = ports(graph, vertices, arcs)
    return routed(graph, vertices, arcs, found, heights(graph, found), crossings)

"""Heights: nobody overlaps, and lines that pass columns are straight there."""

import itertools

from hypothesis import given

from npnet.inspect.layered import Arc, Room, Vertex
from npnet.inspect.layered.alignment import CLOSE, GAP, heights
from npnet.inspect.layered.chains import chained
from npnet.inspect.layered.ordering import order
from npnet.inspect.layered.ports import ports
from npnet.inspect.layered.ranking import ranked
from tests.support.layered import graphs

BOX = Vertex(20, 20, (Room(),))


def placed(vertices, arcs):
    """Return a graph in columns, its ports, heights, and how many lines cross."""
    graph = chained(ranked(vertices, arcs), arcs)
    crossing = order(graph)
    room = ports(graph, vertices, arcs)
    return graph, room, heights(graph, room), crossing


@given(graphs())
def test_rooms_in_a_column_keep_their_distance(drawn):
    graph, room, ys, _ = placed(*drawn)
    for layer in graph.layers:
        for u, v in itertools.pairwise(layer):
            bends = min(u, v) >= graph.vertices
            distance = (ys[v] - room.up[v]) - (ys[u] + room.down[u])
            assert distance >= (CLOSE if bends else GAP) - 1e-9
    assert min(y - up for y, up in zip(ys, room.up, strict=True)) > -1e-9


@given(graphs())
def test_a_line_is_straight_from_bend_to_bend_unless_it_crosses_another_such(drawn):
    graph, _, ys, _ = placed(*drawn)
    for layer in graph.layers:
        links = [link for spot in layer for link in graph.outs[spot] if passes(graph, link)]
        for link in links:
            if not any(crosses(graph, link, other) for other in links):
                assert abs(ys[link.tail] - ys[link.head]) < 1e-9


def passes(graph, link):
    """Return whether a link leads from a bend to a bend."""
    return min(link.tail, link.head) >= graph.vertices


def crosses(graph, one, other):
    """Return whether two links between the same columns cross."""
    place = {spot: i for layer in graph.layers for i, spot in enumerate(layer)}
    return (place[one.tail] - place[other.tail]) * (place[one.head] - place[other.head]) < 0


def test_nothing_has_no_heights():
    empty = chained([], [])
    assert heights(empty, ports(empty, [], [])) == []


def test_a_long_line_is_straight_where_a_short_one_crosses_it():
    # 0 leads past two columns to 3; 1 stands above its bend, 2, to which it leads, below.
    arcs = [Arc(0, 3), Arc(1, 2, main=True)]
    graph = chained([0, 1, 2, 3], arcs)
    graph.layers[:] = [[0], [1, 4], [5, 2], [3]]
    ys = heights(graph, ports(graph, [BOX] * 4, arcs))
    assert ys[4] == ys[5]
    assert ys[1] < ys[2]

"""Heights at which lines leave and reach a vertex."""

import itertools

from hypothesis import given

from npnet.inspect.layered import Arc, Room, Vertex
from npnet.inspect.layered.chains import chained
from npnet.inspect.layered.ordering import order
from npnet.inspect.layered.ports import LINE, ports
from npnet.inspect.layered.ranking import ranked
from tests.support.layered import graphs


def found(vertices, arcs):
    """Return a graph in columns, ordered, and its ports."""
    graph = chained(ranked(vertices, arcs), arcs)
    order(graph)
    return graph, ports(graph, vertices, arcs)


@given(graphs())
def test_lines_reach_a_vertex_with_room_for_their_words(drawn):
    vertices, arcs = drawn
    graph, heights = found(vertices, arcs)
    for spot, vertex in enumerate(vertices):
        ends = sorted((heights.inlets[k.arc], arcs[k.arc].room) for k in graph.ins[spot])
        for (y, upper), (low, lower) in itertools.pairwise(ends):
            assert low - y > max(LINE, upper.below) + max(LINE, lower.above)
        half = vertex.height / 2
        assert all(abs(heights.in_reach[k.arc]) <= half for k in graph.ins[spot])
        assert all(abs(y) <= half for y in heights.out_reach[spot])
        assert heights.up[spot] >= half
        assert heights.down[spot] >= half + vertex.caption[1]


@given(graphs())
def test_lines_reach_a_vertex_in_the_order_in_which_they_come(drawn):
    vertices, arcs = drawn
    graph, heights = found(vertices, arcs)
    place = {spot: i for layer in graph.layers for i, spot in enumerate(layer)}
    for spot in range(len(vertices)):
        links = sorted(graph.ins[spot], key=lambda link: heights.inlets[link.arc])
        places = [(place[link.tail], heights.tail(link)) for link in links]
        assert places == sorted(places)


def test_the_main_line_reaches_the_middle_where_the_others_fit():
    arcs = [Arc(0, 3), Arc(1, 3, main=True), Arc(2, 3)]
    _, heights = found([Vertex(9, 9, (Room(),))] * 3 + [Vertex(50, 60)], arcs)
    assert heights.inlets[1] == 0
    assert sorted(heights.inlets) == [-2 * LINE - 3, 0, 2 * LINE + 3]


def test_lines_are_drawn_together_to_reach_a_low_vertex():
    arcs = [Arc(i, 4) for i in range(4)]
    _, heights = found([Vertex(9, 9, (Room(),))] * 4 + [Vertex(20, 20)], arcs)
    assert max(heights.in_reach) == 6
    assert len(set(heights.in_reach)) == 4
    assert max(heights.inlets) > 6

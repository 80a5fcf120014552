"""A layout keeps its laws, whatever the graph."""

from dataclasses import replace

import pytest
from hypothesis import given

from npnet.inspect.layered import Arc, Room, Vertex, arrange
from tests.support.layered import check_layout, crossed, graphs, overlap

BOX = Vertex(40, 20, (Room(),))


@given(graphs())
def test_every_layout_keeps_the_laws(graph):
    check_layout(*graph, arrange(*graph))


@given(graphs())
def test_the_same_graph_has_the_same_layout(graph):
    assert arrange(*graph) == arrange(*graph)


def test_nothing_at_all():
    layout = arrange([], [])
    assert (layout.width, layout.height, layout.vertices) == (0.0, 0.0, ())


def test_a_chain_is_straight():
    layout = arrange([BOX] * 5, [Arc(i, i + 1) for i in range(4)])
    assert len({placed.y for placed in layout.vertices}) == 1
    assert all(len({y for _, y in line.points}) == 1 for line in layout.lines)


def test_the_main_line_is_straight_between_others_above_and_below():
    arcs = [Arc(0, 3, main=True), Arc(1, 3), Arc(2, 3)]
    layout = arrange([BOX, BOX, BOX, Vertex(40, 40)], arcs)
    main, first, second = layout.vertices[:3]
    assert main.y == layout.vertices[3].y
    assert {first.y < main.y, second.y < main.y} == {True, False}


def test_lines_of_one_value_are_one_line_until_they_divide():
    arcs = [Arc(0, 1), Arc(1, 2), Arc(2, 3), Arc(0, 2), Arc(0, 3)]
    layout = arrange([BOX] * 4, arcs)
    assert layout.bends == 2
    near, far = layout.lines[3].points, layout.lines[4].points
    assert near[:4] == far[:4]


def test_a_circle_is_refused():
    with pytest.raises(ValueError, match=r"^arrange: the arcs lead round in a circle"):
        arrange([BOX, BOX], [Arc(0, 1), Arc(1, 0)])


def test_boxes_overlap_inside_only():
    one, other = (0, 0, 10, 10), (10, 0, 20, 10)
    assert not overlap(one, other)
    assert overlap(one, (9, 9, 20, 20))
    assert crossed((-5, 5, 25, 5), one)
    assert not crossed((-5, 10, 25, 10), one)


@pytest.mark.parametrize(
    ("number", "change"),
    [
        (0, {"x": 90.0}),  # its line no longer begins on it
        (1, {"rank": 0}),
        (2, {"y": 10.0, "x": 40.0}),  # on a line, and on another vertex
        (2, {"y": -40.0}),  # outside
    ],
)
def test_a_layout_that_breaks_a_law_is_found_out(number, change):
    vertices, arcs = [BOX, BOX, BOX], [Arc(0, 1)]
    layout = arrange(vertices, arcs)
    check_layout(vertices, arcs, layout)
    places = list(layout.vertices)
    places[number] = replace(places[number], **change)
    with pytest.raises(AssertionError):
        check_layout(vertices, arcs, replace(layout, vertices=tuple(places)))

"""The columns' places, and lines that turn where there is room."""

import itertools

import pytest

from npnet.inspect.layered import Arc, Room, Vertex, arrange
from npnet.inspect.layered.routing import FAR, HEAD, NEAR, TURN


def test_columns_have_room_for_what_stands_in_them():
    words, more = Room(30, 10, 10), Room(50, 10, 0)
    vertices = [Vertex(40, 20, (words,)), Vertex(60, 20)]
    layout = arrange(vertices, [Arc(0, 1, room=more, main=True)])
    first, second = layout.vertices
    assert first.left == 0
    assert layout.outlets[0][0][:2] == (40, 70)
    assert second.left == 70 + NEAR + 50 + HEAD
    assert layout.width == second.right
    assert layout.lines[0].piece(layout.lines[0].end) == (70 + NEAR, second.left, first.y)


@pytest.mark.parametrize(("side", "left"), [(0.0, 0), (0.5, 30), (1.0, 60)])
def test_a_narrow_vertex_stands_at_its_side_of_the_column(side, left):
    narrow, wide = Vertex(40, 20, side=side), Vertex(100, 20)
    assert arrange([narrow, wide], []).vertices[0].left == left


def test_lines_end_on_a_circle():
    vertices = [Vertex(9, 9, (Room(),))] * 2 + [Vertex(30, 30, round=True)]
    layout = arrange(vertices, [Arc(0, 2), Arc(1, 2)])
    circle = layout.vertices[2]
    for line in layout.lines:
        x, y = line.points[-1]
        assert (x - circle.x) ** 2 + (y - circle.y) ** 2 == pytest.approx(15**2)


def test_many_lines_come_together_before_a_circle():
    vertices = [Vertex(9, 9, (Room(),))] * 12 + [Vertex(30, 30, round=True)]
    layout = arrange(vertices, [Arc(i, 12) for i in range(12)])
    assert all(len(line.points) == 6 for line in layout.lines)
    ends = sorted(line.points[-1][1] for line in layout.lines)
    assert all(upper < lower for upper, lower in itertools.pairwise(ends))
    column = min(line.points[2][0] for line in layout.lines)
    assert TURN < layout.vertices[12].left - column <= FAR

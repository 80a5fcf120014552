"""Where a placed vertex ends, and the pieces of a line."""

from npnet.inspect.layered import Line, Placed, Vertex


def test_edges_of_a_vertex():
    placed = Placed(50, 20, 30, 10, 2)
    assert (placed.left, placed.right, placed.top, placed.bottom) == (35, 65, 15, 25)


def test_breadth_has_room_for_the_caption():
    assert Vertex(30, 10).breadth == 30
    assert Vertex(30, 10, caption=(44, 12)).breadth == 44


def test_pieces_of_a_line():
    line = Line(((0, 5), (10, 5), (30, 9), (40, 9)), 0, 1)
    assert line.piece(line.start) == (0, 10, 5)
    assert line.piece(line.end) == (30, 40, 9)

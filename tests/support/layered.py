"""Random graphs to lay out, and the laws that every layout keeps."""

import math
from itertools import combinations

from hypothesis import strategies as st

from npnet.inspect.layered import Arc, Room, Vertex

SLACK = 1e-6


@st.composite
def rooms(draw):
    """Return no room for words, or some."""
    if draw(st.booleans()):
        return Room()
    sizes = st.integers(0, 40)
    return Room(draw(sizes), draw(sizes), draw(sizes))


@st.composite
def graphs(draw, most=12):
    """Return vertices and arcs, of all kinds there are, without circles."""
    count = draw(st.integers(1, most))
    vertices, arcs = [], []
    for number in range(count):
        outlets = tuple(draw(st.lists(rooms(), min_size=1, max_size=3)))
        begins = [] if number == 0 else draw(st.lists(st.integers(0, number - 1), max_size=4))
        for tail in begins:
            outlet = draw(st.integers(0, len(vertices[tail].outlets) - 1))
            arcs.append(Arc(tail, number, outlet, draw(rooms()), tail == begins[0]))
        size = draw(st.tuples(st.integers(10, 90), st.integers(10, 90)))
        round_ends = draw(st.booleans())
        size = (max(size), min(size)) if round_ends else size
        late, side = draw(st.booleans()), draw(st.sampled_from([0.0, 0.5, 1.0]))
        caption = draw(st.sampled_from([(0.0, 0.0), (60.0, 14.0)]))
        vertices.append(Vertex(*size, outlets, round_ends, late, side, caption))
    return vertices, arcs


def bodies(vertices, layout):
    """Return the boxes of all vertices, and below them of their captions, by number."""
    found = []
    for number, (vertex, placed) in enumerate(zip(vertices, layout.vertices, strict=True)):
        found.append((number, (placed.left, placed.top, placed.right, placed.bottom)))
        wide, high = vertex.caption
        if high:
            box = placed.x - wide / 2, placed.bottom, placed.x + wide / 2, placed.bottom + high
            found.append((number, box))
    return found


def words(vertices, arcs, layout):
    """Return the boxes of all room for words, each with who may be there: ("tail", outlet)."""
    found = []
    for number, vertex in enumerate(vertices):
        for outlet, room in enumerate(vertex.outlets):
            left, right, y = layout.outlets[number][outlet]
            assert right - left >= room.width - SLACK
            if room.width:
                box = left, y - room.above, left + room.width, y + room.below
                found.append(((number, outlet), box))
    for arc, line in zip(arcs, layout.lines, strict=True):
        if arc.room.width:
            left, right, y = line.piece(line.end)
            assert right - left >= arc.room.width - SLACK
            box = left, y - arc.room.above, left + arc.room.width, y + arc.room.below
            found.append((arc, box))
    return found


def overlap(one, other):
    """Return whether two boxes have an inside in common."""
    return all(
        one[axis] < other[axis + 2] - SLACK and other[axis] < one[axis + 2] - SLACK
        for axis in (0, 1)
    )


def pieces(line):
    """Return the boxes that the pieces of a line keep within, level ones and curves."""
    boxes = []
    for (x, y), (far, low) in zip(line.points, line.points[1:], strict=False):
        assert far >= x - SLACK, "a line never goes back"
        boxes.append((x, min(y, low), far, max(y, low)))
    return boxes


def crossed(piece, box):
    """Return whether a piece of line passes the inside of a box; a level piece has no height."""
    left, top, right, bottom = piece
    return (
        left < box[2] - SLACK
        and box[0] < right - SLACK
        and top < box[3] - SLACK
        and box[1] < bottom - SLACK
    )


def on_outline(vertex, placed, point, at_right):
    """Return whether a point is on the left or right outline of a vertex."""
    x, y = point
    height = y - placed.y
    if abs(height) > placed.height / 2:
        return False
    inside = 0.0
    if vertex.round:
        radius = placed.height / 2
        inside = radius - math.sqrt(radius**2 - height**2)
    edge = placed.right - inside if at_right else placed.left + inside
    return abs(x - edge) < SLACK


def check_layout(vertices, arcs, layout):
    """Hold a layout to its laws."""
    ranks = [placed.rank for placed in layout.vertices]
    assert all(ranks[arc.tail] < ranks[arc.head] for arc in arcs)
    assert min(ranks) == 0
    blocks = bodies(vertices, layout)
    for (one, box), (other, another) in combinations(blocks, 2):
        assert one == other or not overlap(box, another), (one, other)
    for _, box in blocks:
        assert min(box) > -SLACK
        assert box[2] < layout.width + SLACK
        assert box[3] < layout.height + SLACK
    for arc, line in zip(arcs, layout.lines, strict=True):
        assert on_outline(vertices[arc.tail], layout.vertices[arc.tail], line.points[0], True)
        assert on_outline(vertices[arc.head], layout.vertices[arc.head], line.points[-1], False)
        for piece in pieces(line):
            passed = {number for number, box in blocks if crossed(piece, box)}
            # A line ends within the box around a vertex that has round ends.
            assert passed <= {v for v in (arc.tail, arc.head) if vertices[v].round}, passed
    check_words(vertices, arcs, layout, blocks)


def check_words(vertices, arcs, layout, blocks):
    """No room for words overlaps another, a vertex, or a line of others."""
    rooms_ = words(vertices, arcs, layout)
    for (_, box), (_, another) in combinations(rooms_, 2):
        assert not overlap(box, another)
    for who, box in rooms_:
        assert not any(overlap(box, another) for _, another in blocks), who
        for arc, line in zip(arcs, layout.lines, strict=True):
            if (arc.tail, arc.outlet) != (
                who if isinstance(who, tuple) else (who.tail, who.outlet)
            ):
                assert not any(crossed(piece, box) for piece in pieces(line)), (who, arc)

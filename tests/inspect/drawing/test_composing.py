"""A picture: every label has the recording's number, and nothing overlaps."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings

from npnet import Graph, Sum
from npnet.inspect import draw, record
from npnet.inspect.drawing.blocks import block_of
from npnet.inspect.drawing.composing import NAME, composed
from npnet.inspect.drawing.lettering import plain, width
from npnet.inspect.drawing.scene import scene_of_recording
from tests.support.figures import deep, expression, two_paths
from tests.support.layered import crossed, overlap, pieces
from tests.support.programs import ProgramModule, cases


def texts(picture, kind):
    """Return slot and rows of all labels of a kind."""
    return [(label.slot, label.block.rows) for label in picture.labels if label.kind == kind]


def check_picture(picture):
    """Labels overlap no other label, no shape, and no line; all that are there at one time."""
    boxes = [
        (label.x, label.y, label.x + label.width, label.y + label.height)
        for label in picture.labels
    ]
    labels = [*zip(picture.labels, boxes, strict=True)]
    for (one, box), (other, another) in combinations(labels, 2):
        stages = one.slot == other.slot and one.kind == other.kind and one.step == other.step
        stages = stages and one.position == other.position and one.event != other.event
        assert stages or not overlap(box, another), (one, other)
    for label, box in labels:
        assert box[0] >= 0
        assert box[1] >= 0
        assert box[2] <= picture.layout.width
        assert box[3] <= picture.layout.height
        for placed in picture.layout.vertices:
            body = placed.left, placed.top, placed.right, placed.bottom
            assert not overlap(box, body), label
        for line in picture.layout.lines:
            assert not any(crossed(piece, box) for piece in pieces(line)), label
    for shape, placed in zip(picture.shapes, picture.layout.vertices, strict=True):
        assert max(line.width for line in shape.lines) <= placed.width
        assert sum(line.height for line in shape.lines) <= placed.height


PICTURES = {
    "two paths": lambda: draw(*two_paths()[:1], values=True, gradients=True).picture,
    "expression": lambda: draw(expression(), values=True, gradients=True).picture,
    "deep": lambda: draw(deep(30), values=True, gradients=True).picture,
    "plain": lambda: draw(deep(30)).picture,
}


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_overlaps(name):
    check_picture(PICTURES[name]())


@settings(max_examples=25)
@given(cases())
def test_nothing_overlaps_in_pictures_of_random_programs(case):
    module = ProgramModule(case)
    recording = record(module, *case.leaves[:2], gradients=(*case.seeds,))
    check_picture(composed(scene_of_recording(recording), True, True, stages=True))


@settings(max_examples=25)
@given(cases())
def test_labels_are_the_recording(case):
    recording = record(ProgramModule(case), *case.leaves[:2], gradients=(*case.seeds,))
    picture = draw(recording, values=True, gradients=True).picture
    numbered = [slot for slot in recording.slots if slot.kind != "constant"]
    values = {slot.number: block_of(slot.value).rows for slot in numbered}
    assert dict(texts(picture, "value")) == values
    gradients = {
        slot.number: block_of(slot.gradient).rows
        for slot in recording.slots
        if slot.gradient is not None
    }
    assert dict(texts(picture, "gradient")) == gradients
    given_ = [c for event in recording.backward for c in event.contributions if c.of > 1]
    wanted = [(c.slot.number, block_of(c.value).rows) for c in given_ if c.operand is not None]
    # One value may be several outputs: it starts with the sum.
    starts = {c.slot.number: block_of(c.total).rows for c in given_ if c.operand is None}
    assert sorted(texts(picture, "contribution")) == sorted([*wanted, *starts.items()])


def test_numbers_of_the_textbook_figure():
    graph, names = two_paths()
    picture = draw(graph, values=True, gradients=True, names=names).picture
    slots = {value.number: value.name for value in picture.scene.values}
    values = {slots[slot]: rows for slot, rows in texts(picture, "value")}
    assert values["h"] == (("0", "1.5"),)
    assert values["J"] == (("3.013",),)
    assert values["M"] == (("1", "2"), ("−1", "0.667"), ("3", "−0.667"))
    gradients = {slots[slot]: rows for slot, rows in texts(picture, "gradient")}
    assert gradients["W"] == (("0.2", "−0.2"), ("−1.233", "−2.467"))
    assert gradients["x"] == (("−0.667", "−1.333"),)
    assert "o" not in gradients
    added = [rows for slot, rows in texts(picture, "contribution") if slots[slot] == "W"]
    assert sorted(added) == [(("0", "0"), ("−1.333", "−2.667")), (("0.2", "−0.2"), ("0.1", "0.2"))]


def test_without_numbers_there_are_names_only():
    graph, names = two_paths()
    picture = draw(graph, names=names).picture
    assert {label.kind for label in picture.labels} == {"name"}
    assert sorted(plain(label.words) for label in picture.labels) == sorted(
        ["a", "h", "z", "L", "RW", "RM", "R"]
    )
    assert not picture.numbered
    assert all(label.width == width(label.words, NAME) for label in picture.labels)


def test_values_only_and_gradients_only():
    recording = expression()
    assert {label.kind for label in draw(recording, values=True).picture.labels} == {
        "name",
        "value",
    }
    found = {label.kind for label in draw(recording, gradients=True).picture.labels}
    assert found == {"name", "gradient", "contribution"}


def test_stages_follow_each_other():
    picture = composed(scene_of_recording(expression()), True, True, stages=True)
    sums = [label for label in picture.labels if label.kind == "gradient" and label.slot == 0]
    assert [label.block.rows for label in sums] == [(("0.25",),), (("1.75",),)]
    assert sums[0].until == sums[1].event
    assert sums[1].until is None
    assert (sums[0].x, sums[0].y) == (sums[1].x, sums[1].y)


def test_columns_lead_from_inputs_to_the_output():
    graph, names = two_paths()
    picture = draw(graph, names=names).picture
    rank = {
        shape.words.partition(":")[0] if shape.id.startswith("slot") else shape.id: placed.rank
        for shape, placed in zip(picture.shapes, picture.layout.vertices, strict=True)
    }
    assert [rank[name] for name in ("x", "W", "b")] == [0, 0, 0]
    assert rank["step0"] == rank["step4"] == 1  # Linear, and the penalty of W
    assert rank["M"] == rank["c"] == rank["step2"] - 1
    assert rank["step5"] == rank["M"] + 1
    assert rank["y"] == rank["step3"] - 1
    assert rank["J"] == max(rank.values())
    for edge in picture.edges:
        ends = picture.layout.vertices[edge.tail], picture.layout.vertices[edge.head]
        assert ends[0].rank < ends[1].rank
    assert picture.layout.crossings == 0


def test_the_way_from_the_input_to_the_loss_is_straight():
    graph, names = two_paths()
    picture = draw(graph, names=names).picture
    heights = {
        shape.id: placed.y
        for shape, placed in zip(picture.shapes, picture.layout.vertices, strict=True)
    }
    assert heights["slot0"] == heights["step0"] == heights["step1"] == heights["step2"]


def test_an_operand_that_is_read_twice_by_a_step_has_two_lines():
    g = Graph(dtype=np.float64)
    x = g.input("x", requires_grad=True)
    g.output(x * x)
    picture = draw(g, 3.0, values=True, gradients=True).picture
    assert [(edge.step, edge.position) for edge in picture.edges] == [(0, 0), (0, 1), (None, None)]
    assert len({line.points[-1] for line in picture.layout.lines[:2]}) == 2
    assert sorted(texts(picture, "contribution")) == [(0, (("3",),)), (0, (("3",),))]
    check_picture(picture)


def test_an_input_that_is_returned_and_one_that_nothing_reads():
    g = Graph(dtype=np.float64)
    x = g.input("x", requires_grad=True)
    g.output(x)
    picture = draw(g, 3.0, values=True, gradients=True).picture
    assert [shape.kind for shape in picture.shapes] == ["input", "output"]
    unread = Graph()
    a, _ = unread.input("a"), unread.input("b")
    unread.output(-a)
    kinds = [shape.kind for shape in draw(unread).picture.shapes]
    assert kinds == ["operator", "input", "input", "output"]


def test_a_graph_without_inputs_leads_from_its_parameters():
    g = Graph(dtype=np.float64)
    p = g.parameter("p", [1.0, 2.0])
    g.output(Sum()(p * p))
    assert g() == 5
    picture = draw(g, values=True).picture
    assert [placed.rank for placed in picture.layout.vertices] == [1, 2, 0, 3]
    check_picture(picture)

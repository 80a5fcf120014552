"""The markup of a picture: valid, whole, and findable."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from npnet import Graph
from npnet.inspect import draw
from npnet.inspect.drawing.svg import described, styles
from tests.support.figures import deep, expression, two_paths

SVG = "{http://www.w3.org/2000/svg}"


def parsed(drawing):
    """Return the markup as a tree."""
    return ElementTree.fromstring(drawing.svg())


def found(root, kind):
    """Return all groups of a class."""
    return [g for g in root.iter() if kind in g.get("class", "").split()]


@pytest.fixture
def figure():
    graph, names = two_paths()
    return draw(graph, values=True, gradients=True, names=names)


def test_it_is_valid_and_the_same_every_time(figure):
    root = parsed(figure)
    assert root.tag == f"{SVG}svg"
    assert figure.svg() == figure.svg()
    graph, names = two_paths()
    assert draw(graph, values=True, gradients=True, names=names).svg() == figure.svg()


def test_size_and_room(figure):
    root = parsed(figure)
    width, height = float(root.get("width")), float(root.get("height"))
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    layout = figure.picture.layout
    assert width > layout.width
    assert height > layout.height


def test_title_and_description_for_those_who_hear_it(figure):
    root = parsed(figure)
    assert root.get("role") == "img"
    assert root[0].tag == f"{SVG}title"
    assert root[0].text == "Graph: a graph of 8 steps"
    assert root[1].tag == f"{SVG}desc"
    assert root[1].text == described(figure.picture)
    assert "inputs: x, y. parameters: W, b, M, c." in root[1].text
    assert "Step 1, ReLU: h = max(0, a)." in root[1].text
    assert root[1].text.endswith("outputs: J.")


def test_every_shape_edge_and_label_is_found_by_its_step_or_slot(figure):
    root, picture = parsed(figure), figure.picture
    nodes = found(root, "node")
    assert [node.get("data-id") for node in nodes] == [shape.id for shape in picture.shapes]
    assert [node[0].text for node in nodes] == [shape.words for shape in picture.shapes]
    edges = [(e.get("data-slot"), e.get("data-step")) for e in found(root, "edge")]
    assert edges == [
        (f"slot{e.slot}", None if e.step is None else f"step{e.step}") for e in picture.edges
    ]
    labels = found(root, "label")
    assert [label.get("data-slot") for label in labels] == [f"slot{x.slot}" for x in picture.labels]
    for element, label in zip(labels, picture.labels, strict=True):
        written = ["".join(text.itertext()) for text in element.iter(f"{SVG}text")]
        if label.block is None:
            assert "".join(written) == "".join(run.text for run in label.words)
        else:
            columns = zip(*label.block.rows, strict=True)
            assert written == [cell for column in columns for cell in column]


def test_lines_begin_and_end_where_the_layout_says(figure):
    lines = [g.find(f"{SVG}path") for g in found(parsed(figure), "edge")]
    for path, line in zip(lines, figure.picture.layout.lines, strict=True):
        numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*", path.get("d"))]
        assert numbers[:2] == pytest.approx(line.points[0], abs=0.06)
        assert numbers[-1] == pytest.approx(line.points[-1][0] - 7, abs=0.06)


def test_a_line_that_divides_has_a_dot_where_it_does():
    root = parsed(draw(expression()))
    assert sorted(dot.get("data-slot") for dot in found(root, "fork")) == [
        "slot0",
        "slot1",
        "slot2",
    ]
    assert found(parsed(draw(deep(8, regularized=False))), "fork") == []


def test_the_legend_says_what_the_numbers_are(figure):
    words = "".join("".join(g.itertext()) for g in found(parsed(figure), "legend"))
    assert words == (
        "above a line: its valuebelow: the gradient of J by itbefore a reader: what it adds to that"
    )
    assert found(parsed(draw(expression())), "legend") == []


def test_names_are_escaped():
    g = Graph()
    x, y = g.input("<b>&amp;"), g.input('"quote"')
    g.output(x * y)
    root = parsed(draw(g))
    assert "<b>&amp;: input" in [node[0].text for node in found(root, "node")]
    assert '"quote"' in root[1].text


def test_it_needs_nothing_from_elsewhere(figure):
    markup = figure.svg()
    assert re.findall(r"(?:href|src|url|@import)", markup) == []
    assert re.findall(r"https?://[^\"]*", markup) == ["http://www.w3.org/2000/svg"]
    assert " id=" not in markup  # so that two drawings may stand in one page


def test_styles_are_for_drawings_only_and_for_dark_pages():
    plain, _, dark = styles().partition("@media (prefers-color-scheme: dark)")
    assert dark
    rules = [line for line in (plain + dark).splitlines() if "{" in line and line.strip() != "{"]
    selectors = [
        part for rule in rules for part in rule.partition("{")[0].split(",") if part.strip()
    ]
    assert all(part.strip().startswith(".npnet-drawing") for part in selectors)


def luminance(colour):
    """Return the relative luminance of a colour (WCAG 2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("kind", ["text", ".soft", ".value text", ".gradient text"])
def test_words_are_readable_on_paper_and_on_every_box(kind, dark):
    sheet = styles().partition("@media")[2 if dark else 0]
    rules = [rule.partition("{") for rule in re.findall(r"\.npnet[^{]*\{[^}]*\}", sheet)]
    fills = {}
    for selectors, _, body in rules:
        fill = re.search(r"fill: (#\w{6})", body)
        for selector in selectors.split(",") if fill else ():
            fills[selector.strip().removeprefix(".npnet-drawing ")] = fill[1]
    boxes = (
        {".paper"}
        if "text" in kind and kind != "text"
        else {".paper", ".layer .body", ".parameter .body", ".input .body", ".output .body"}
    )
    for box in boxes:
        one, other = sorted((luminance(fills[kind]), luminance(fills[box])))
        assert (other + 0.05) / (one + 0.05) >= 4.5, (kind, box)

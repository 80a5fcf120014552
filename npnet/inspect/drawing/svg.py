"""SVG: a picture as markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from importlib.resources import files

from npnet.inspect.drawing.blocks import BRACKET, COLUMN, LINE
from npnet.inspect.drawing.composing import NAME, NUMBER, Edge, Label, Picture
from npnet.inspect.drawing.lettering import Run, Words, width
from npnet.inspect.drawing.scene import Value
from npnet.inspect.drawing.shapes import BODY, Shape, Text
from npnet.inspect.layered import Line, Placed
from npnet.inspect.rendering import text

__all__ = ["described", "styles", "svg"]

#: Room around the whole, and for the line below it that says what the numbers are.
MARGIN, LEGEND = 12.0, 22.0
#: Length and half the width of an arrow's head, and the radius of a dot where a line divides.
_HEAD, _HALF, _DOT = 8.0, 3.5, 2.6
_CORNER = {"layer": 7.0, "input": 4.0, "parameter": 4.0, "frozen": 4.0}


def svg(picture: Picture) -> str:
    """Return a picture as an SVG element, which may stand in a file of its own or in a page."""
    layout = picture.layout
    legend = LEGEND if picture.numbered else 0.0
    wide = max(layout.width, _legend_width(picture) if legend else 0.0) + 2 * MARGIN
    high = layout.height + 2 * MARGIN + legend
    lines = [*zip(picture.edges, layout.lines, strict=True)]
    scene, shapes = picture.scene, _timed(picture)
    parts = [
        f'<svg class="npnet-drawing" xmlns="http://www.w3.org/2000/svg" role="img" '
        f'width="{_n(wide)}" height="{_n(high)}" viewBox="0 0 {_n(wide)} {_n(high)}">',
        f"<title>{escape(_title(picture))}</title>",
        f"<desc>{escape(described(picture))}</desc>",
        f"<style>{styles()}</style>",
        f'<rect class="paper" width="{_n(wide)}" height="{_n(high)}" rx="6"/>',
        f'<g transform="translate({_n(MARGIN)} {_n(MARGIN)})">',
        *(_edge(edge, line, _since(scene.values[edge.slot])) for edge, line in lines),
        *(_fork(slot, point, _since(scene.values[slot])) for slot, point in _forks(lines)),
        *(_node(shape, place, since) for (shape, place), since in shapes),
        *map(_label, picture.labels),
        *([_legend(picture, layout.height + LEGEND - 4)] if legend else ()),
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


@cache
def styles() -> str:
    """Return the style sheet of drawings."""
    sheet = files("npnet.inspect.drawing").joinpath("drawing.css")
    return sheet.read_text(encoding="utf-8")


def described(picture: Picture) -> str:
    """Return the picture in words: what goes in, every step, and what comes out."""
    scene = picture.scene
    names = {
        kind: ", ".join(value.name for value in scene.values if value.kind == kind)
        for kind in ("input", "parameter")
    }
    parts = [f"{kind}s: {found}." for kind, found in names.items() if found]
    parts += [
        f"Step {operation.number}, {operation.kind}: {', '.join(map(text, operation.equations))}."
        for operation in scene.operations
    ]
    outputs = ", ".join(value.name for value in scene.values if value.is_output)
    return " ".join([*parts, f"outputs: {outputs}."])


def _title(picture: Picture) -> str:
    """Return what the picture is."""
    count = len(picture.scene.operations)
    return f"{picture.scene.title}: a graph of {count} step{'' if count == 1 else 's'}"


def _n(value: float) -> str:
    """Return a number of pixels, short."""
    return f"{value:.1f}".removesuffix(".0").replace("-0", "0" if value > -0.05 else "-0")


# ---------------------------------------------------------------------- lines


def _since(value: Value) -> str:
    """Return an attribute that says from which event on a value is there."""
    return "" if value.value is None else f' data-from="{value.value.event}"'


def _timed(picture: Picture) -> list[tuple[tuple[Shape, Placed], str]]:
    """Return the shapes with their places, and from which event on each is there."""
    values = picture.scene.values
    slots = [operation.outputs[0] for operation in picture.scene.operations]
    slots += [int(shape.id.removeprefix("slot")) for shape in picture.shapes[len(slots) :]]
    pairs = zip(picture.shapes, picture.layout.vertices, strict=True)
    return [*zip(pairs, (_since(values[slot]) for slot in slots), strict=True)]


def _edge(edge: Edge, line: Line, since: str) -> str:
    """Return a line with its arrow's head."""
    (x, y), points = line.points[-1], line.points
    path = f"M{_n(points[0][0])} {_n(points[0][1])}"
    for number in range(0, len(points), 2):
        if number:
            path += _curve(points[number - 1], points[number])
        last = number + 2 == len(points)
        path += f"H{_n(points[number + 1][0] - (_HEAD - 1) * last)}"
    head = f"M{_n(x)} {_n(y)}l{_n(-_HEAD)} {_n(-_HALF)}v{_n(2 * _HALF)}z"
    about = f'class="edge" data-slot="slot{edge.slot}"{since}'
    if edge.step is not None:
        about += f' data-step="step{edge.step}" data-position="{edge.position}"'
    return f'<g {about}><path class="line" d="{path}"/><path class="head" d="{head}"/></g>'


def _curve(begin: tuple[float, float], end: tuple[float, float]) -> str:
    """Return a curve that is level at both ends."""
    (x, y), (far, low) = begin, end
    if abs(y - low) < 0.05:
        return f"H{_n(far)}"
    middle = (x + far) / 2
    return f"C{_n(middle)} {_n(y)} {_n(middle)} {_n(low)} {_n(far)} {_n(low)}"


def _forks(lines: Iterable[tuple[Edge, Line]]) -> list[tuple[int, tuple[float, float]]]:
    """Return slot and place of every point where the line of a value divides."""
    ways: dict[tuple[int, tuple[float, float]], set[tuple[float, float]]] = {}
    for edge, line in lines:
        for number in range(1, len(line.points) - 1, 2):
            ways.setdefault((edge.slot, line.points[number]), set()).add(line.points[number + 1])
    return [place for place, nexts in ways.items() if len(nexts) > 1]


def _fork(slot: int, point: tuple[float, float], since: str) -> str:
    """Return the dot where a line divides."""
    x, y = point
    about = f'class="fork" data-slot="slot{slot}"{since}'
    return f'<circle {about} cx="{_n(x)}" cy="{_n(y)}" r="{_DOT}"/>'


# ---------------------------------------------------------------------- shapes


def _node(shape: Shape, place: Placed, since: str) -> str:
    """Return a shape with what stands in it and below it."""
    kind = f"parameter {shape.kind}" if shape.kind == "frozen" else shape.kind
    corner = _CORNER.get(shape.kind, place.height / 2)
    y = place.y - sum(line.height for line in shape.lines) / 2
    lines = []
    for line in shape.lines:
        lines.append(_middle(line, place.x, y))
        y += line.height
    if shape.caption is not None:
        lines.append(_middle(shape.caption, place.x, place.bottom + 2))
    return (
        f'<g class="node {kind}" data-id="{shape.id}"{since}><title>{escape(shape.words)}</title>'
        f'<rect class="body" x="{_n(place.left)}" y="{_n(place.top)}" width="{_n(place.width)}" '
        f'height="{_n(place.height)}" rx="{_n(corner)}"/>{"".join(lines)}</g>'
    )


def _middle(line: Text, x: float, top: float) -> str:
    """Return a line of text around a place."""
    return _text(line.words, x, top + line.height / 2 + 0.36 * line.size, line.size, "middle")


# ---------------------------------------------------------------------- words


def _text(words: Words, x: float, y: float, size: float, anchor: str = "start") -> str:
    """Return words as a text element, its letters standing on y."""
    where = f'x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}"'
    if anchor != "start":
        where += f' text-anchor="{anchor}"'
    if len(words) == 1 and not words[0].level:
        style = f' class="{words[0].style}"' if words[0].style else ""
        return f"<text {where}{style}>{escape(words[0].text)}</text>"
    raised, spans = 0.0, []
    for run in words:
        wanted = -0.36 * size * run.level if run.level > 0 else -0.22 * size * run.level
        attributes = f' class="{run.style}"' if run.style else ""
        if wanted != raised:
            attributes += f' dy="{_n(wanted - raised)}"'
        if run.level:
            attributes += f' font-size="{_n(0.75 * size)}"'
        spans.append(f"<tspan{attributes}>{escape(run.text)}</tspan>")
        raised = wanted
    return f"<text {where}>{''.join(spans)}</text>"


def _label(label: Label) -> str:
    """Return words beside a line."""
    attributes = f'class="label {label.kind}" data-slot="slot{label.slot}"'
    if label.step is not None:
        attributes += f' data-step="step{label.step}" data-position="{label.position}"'
    if label.event is not None:
        attributes += f' data-from="{label.event}"'
    if label.until is not None:
        attributes += f' data-until="{label.until}"'
    return f"<g {attributes}>{''.join(_inside(label))}</g>"


def _inside(label: Label) -> Sequence[str]:
    """Return the text of a label: a name, or numbers in rows and columns, with brackets."""
    block, x, top = label.block, label.x, label.y
    if block is None:
        return [_text(label.words, x, top + LINE / 2 + 0.33 * NAME, NAME)]
    parts = []
    edge = x + (BRACKET if block.bracketed else 0.0)
    for column, wide in zip(zip(*block.rows, strict=True), block.widths(NUMBER), strict=True):
        for number, cell in enumerate(column):
            y = top + LINE * number + LINE / 2 + 0.36 * NUMBER
            parts.append(_text((Run(cell),), edge + wide, y, NUMBER, "end"))
        edge += wide + COLUMN
    if block.bracketed:
        right = x + block.width(NUMBER)
        low = top + block.height
        parts.append(
            f'<path class="bracket" d="M{_n(x + 3)} {_n(top)}h-3V{_n(low)}h3'
            f'M{_n(right - 3)} {_n(top)}h3V{_n(low)}h-3"/>'
        )
    return parts


def _legend_words(picture: Picture) -> list[tuple[str, str]]:
    """Return what the numbers are, with the kind of label that each sentence is on."""
    kinds = {label.kind for label in picture.labels}
    outputs = ", ".join(value.name for value in picture.scene.values if value.is_output)
    said = {
        "value": "above a line: its value",
        "gradient": f"below: the gradient of {outputs} by it",
        "contribution": "before a reader: what it adds to that",
    }
    return [(kind, words) for kind, words in said.items() if kind in kinds]


def _legend_width(picture: Picture) -> float:
    """Return how wide the line gets that says what the numbers are."""
    words = (words for _, words in _legend_words(picture))
    return sum(width([Run(sentence)], BODY) + 22 for sentence in words)


def _legend(picture: Picture, y: float) -> str:
    """Return the line that says what the numbers are."""
    x, parts = 0.0, []
    for kind, words in _legend_words(picture):
        parts.append(f'<g class="{kind}">{_text((Run(words),), x, y, BODY)}</g>')
        x += width([Run(words)], BODY) + 22
    return f'<g class="legend">{"".join(parts)}</g>'

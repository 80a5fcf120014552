"""DOT: a scene as text for graphviz."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from npnet.inspect.drawing.composing import Label, Picture
from npnet.inspect.drawing.lettering import plain
from npnet.inspect.drawing.shapes import Shape

__all__ = ["dot"]

_LOOKS = {
    "layer": "shape=box, style=rounded",
    "operator": "shape=circle",
    "input": "shape=box",
    "parameter": 'shape=box, style=filled, fillcolor="#fdf1d8"',
    "frozen": 'shape=box, style="filled,dashed", fillcolor="#fdf1d8"',
    "constant": "shape=plaintext",
    "output": 'shape=box, style="rounded,bold"',
    "end": "shape=plaintext",
}


def dot(picture: Picture) -> str:
    """Return a picture as text for graphviz, which lays it out once more.

    The numbers that stand beside its lines are written beside them there too.
    """
    lines = ["digraph npnet {", "  rankdir=LR;"]
    for number, shape in enumerate(picture.shapes):
        look = _LOOKS[shape.kind]
        lines.append(
            f"  n{number} [label={_quoted(_words(shape))}, {look}, tooltip={_quoted(shape.words)}];"
        )
    values = {label.slot: label for label in picture.labels if label.kind == "value"}
    last = {label.slot: label for label in picture.labels if label.kind == "gradient"}
    added = {
        (label.slot, label.step, label.position): label
        for label in picture.labels
        if label.kind == "contribution"
    }
    for edge in picture.edges:
        value = picture.scene.values[edge.slot]
        words = [value.name] if value.kind == "value" and edge.step is not None else []
        words += _numbers(values, edge.slot)
        words += [f"d {text}" for text in _numbers(last, edge.slot)]
        words += [f"+ {text}" for text in _numbers(added, (edge.slot, edge.step, edge.position))]
        label = _quoted("\n".join(words))
        lines.append(f"  n{edge.tail} -> n{edge.head} [label={label}];")
    return "\n".join([*lines, "}"]) + "\n"


def _words(shape: Shape) -> str:
    """Return what stands in a shape and below it."""
    lines = [plain(line.words) for line in shape.lines]
    return "\n".join(lines + ([plain(shape.caption.words)] if shape.caption else []))


def _numbers(labels: Mapping[Any, Label], key: Any) -> list[str]:
    """Return the numbers of a label as one text, if there is one."""
    label = labels.get(key)
    if label is None or label.block is None:
        return []
    return ["; ".join(" ".join(row) for row in label.block.rows)]


def _quoted(text: str) -> str:
    """Return a text as DOT's quoted string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'

"""Shapes: what stands for a step or a value in a drawing, and how large it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from npnet.inspect.drawing.formulas import formula, name_words
from npnet.inspect.drawing.lettering import Run, Words, width
from npnet.inspect.drawing.scene import Operation, Scene, Value
from npnet.inspect.expressions import Equation
from npnet.inspect.numbers import shape_text
from npnet.inspect.rendering import text

__all__ = ["Shape", "Text", "ending", "operation_shape", "source_shape"]

#: Sizes of letters: of what something is called, of equations, of a shape.
NAME, BODY, SMALL = 14.0, 12.0, 10.5
#: An equation wider than this is left to the words that a pointer brings up.
WIDEST = 190.0
_RADIUS = 17.0

#: What stands in the circle of an operator.
_SIGNS = {
    "Add": "+",
    "Subtract": "−",
    "Multiply": "\u00d7",
    "Divide": "÷",
    "MatMul": "@",
    "Negate": "−",
    "Exp": "exp",
    "Log": "ln",
    "Sqrt": "√",
    "Square": "x²",
    "Power": "xʸ",
    "Abs": "|x|",
}


@dataclass(frozen=True)
class Text:
    """One line of text in a shape: its words, their size, and the height it takes."""

    words: Words
    size: float
    height: float

    @property
    def width(self) -> float:
        """How wide it gets."""
        return width(self.words, self.size)


@dataclass(frozen=True)
class Shape:
    """What stands for a step or a value.

    Attributes
    ----------
    kind : str
        "layer", "operator", "input", "parameter", "frozen", "constant", "output" or "end".
    id : str
        Of the step or the slot: step3, slot3.
    lines : tuple of Text
        Inside.
    caption : Text or None
        Below.
    words : str
        What it is, in a sentence.
    """

    kind: str
    id: str
    lines: tuple[Text, ...]
    caption: Text | None
    words: str

    @property
    def round(self) -> bool:
        """Whether it ends in half circles."""
        return self.kind == "operator"

    @property
    def width(self) -> float:
        """How wide it is."""
        inside = max((line.width for line in self.lines), default=0.0)
        if self.kind == "operator":
            return max(2 * _RADIUS, inside + 16)
        return inside + (6 if self.kind in ("constant", "end") else 18)

    @property
    def height(self) -> float:
        """How high it is."""
        if self.kind == "operator":
            return 2 * _RADIUS
        inside = sum(line.height for line in self.lines)
        return inside + (4 if self.kind in ("constant", "end") else 12)


def operation_shape(operation: Operation, scene: Scene) -> Shape:
    """Return what stands for a step: a circle for an operator, a box for another layer."""
    equations = operation.equations
    words = f"{operation.kind}: {', '.join(map(text, equations))}"
    sign = _sign(operation)
    if sign:
        line = Text((Run(sign),), NAME + 2 if len(sign) == 1 else BODY, 20)
        caption = _equation(equations[0], whole=True)
        return Shape("operator", operation.id, (line,), caption, words)
    lines = [Text((Run(part, "bold"),), BODY, 16) for part in _title(operation.kind)]
    place = operation.path.rpartition(".")[2]
    if place and not re.fullmatch(rf"{operation.kind.lower()}\d*|\d+", place):
        lines.append(Text((Run(operation.path, "soft"),), SMALL, 14))
    found = [_equation(equation, len(equations) > 1) for equation in equations]
    lines += [line for line in found if line is not None]
    sizes = _sizes(operation, scene)
    if sizes:
        lines.append(Text((Run(sizes, "soft"),), SMALL, 14))
    return Shape("layer", operation.id, tuple(lines), None, words)


def source_shape(value: Value) -> Shape:
    """Return what stands for an input, a parameter or a constant."""
    kind = value.kind
    if kind == "parameter" and not value.trained:
        kind = "frozen"
    words = {"frozen": "parameter that is not trained"}.get(kind, kind)
    lines = [Text(name_words(value.name), BODY if kind == "constant" else NAME, 18)]
    if value.shape:
        lines.append(Text((Run(shape_text(value.shape), "soft"),), SMALL, 13))
        words += f" of shape {shape_text(value.shape)}"
    return Shape(kind, value.id, tuple(lines), None, f"{value.name}: {words}")


def ending(value: Value) -> Shape:
    """Return what stands where a value leaves the graph, or is read by nobody."""
    kind = "output" if value.is_output else "end"
    words = "output" if value.is_output else "read by nobody"
    line = Text(name_words(value.name), NAME, 18)
    return Shape(kind, value.id, (line,), None, f"{value.name}: {words}")


def _sign(operation: Operation) -> str:
    """Return what stands in an operator's circle; "" for what is none."""
    if operation.kind == "Sum":
        return "+" if len(operation.operands) > 1 else "Σ"
    if operation.kind == "Scale":
        return f"\u00d7{operation.layer.factor:.4g}".replace("-", "−")
    return _SIGNS.get(operation.kind, "")


def _title(kind: str) -> list[str]:
    """Return the name of a class, a long one in two lines.

    >>> _title("Linear"), _title("SoftmaxCrossEntropy")
    (['Linear'], ['Softmax', 'CrossEntropy'])
    """
    words = re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[^A-Z]+", kind)
    if len(kind) <= 14 or len(words) < 2:
        return [kind]
    cut = min(range(1, len(words)), key=lambda i: abs(len("".join(words[:i])) - len(kind) / 2))
    return ["".join(words[:cut]), "".join(words[cut:])]


def _equation(equation: Equation, whole: bool) -> Text | None:
    """Return an equation, or its right side; None where it is too wide."""
    line = Text(formula(equation if whole else equation.right), BODY, 16)
    return line if line.width <= WIDEST else None


def _sizes(operation: Operation, scene: Scene) -> str:
    """Return the shapes that go in and come out, as (1, 2) → (1, 3); "" where they are numbers."""
    before = next((scene.values[slot].shape for _, slot in operation.operands), None)
    after = [scene.values[slot].shape for slot in operation.outputs]
    if before is None or None in after or not (before or any(after)):
        return ""
    shapes = ", ".join(shape_text(shape) for shape in after if shape is not None)
    return f"{shape_text(before)} → {shapes}"

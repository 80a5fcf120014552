"""Composing: a scene laid out, with all words in their places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from npnet.inspect.drawing.blocks import LINE, Block, block_of
from npnet.inspect.drawing.formulas import name_words
from npnet.inspect.drawing.lettering import Words, width
from npnet.inspect.drawing.scene import Moment, Operation, Scene, Value
from npnet.inspect.drawing.shapes import Shape, ending, operation_shape, source_shape
from npnet.inspect.layered import Arc, Layout, Room, Vertex, arrange

__all__ = ["NAME", "NUMBER", "Edge", "Label", "Picture", "composed"]

#: Sizes of letters: of a name beside a line, and of numbers there.
NAME, NUMBER = 14.0, 11.0
#: Room between a line and its words, and around words along the line.
OFF, BESIDE, APART = 4.0, 5.0, 6.0


@dataclass(frozen=True)
class Label:
    """Words beside a line.

    Attributes
    ----------
    kind : str
        "name", "value", "gradient" (the sum of all contributions so far), or "contribution".
    slot : int
    step, position : int or None
        Where the contribution comes from; None for what an output starts with.
    x, y : float
        Left end, and upper edge.
    words : Words of a name
    block : Block of numbers
    event, until : int or None
        It is there from this event on, and before that one.
    """

    kind: str
    slot: int
    x: float
    y: float
    words: Words = ()
    block: Block | None = None
    event: int | None = None
    until: int | None = None
    step: int | None = None
    position: int | None = None

    @property
    def width(self) -> float:
        """How wide it gets."""
        return width(self.words, NAME) if self.block is None else self.block.width(NUMBER)

    @property
    def height(self) -> float:
        """How high it is."""
        return LINE if self.block is None else self.block.height


@dataclass(frozen=True)
class Edge:
    """A line from what computes a slot to what reads it.

    Attributes
    ----------
    slot : int
    tail, head : int
        Numbers of shapes.
    step, position : int or None
        Who reads it as which operand; None where the line ends with the value's name.
    """

    slot: int
    tail: int
    head: int
    outlet: int
    step: int | None = None
    position: int | None = None


@dataclass(frozen=True)
class Picture:
    """A scene laid out.

    Attributes
    ----------
    scene : Scene
    shapes : tuple of Shape
    edges : tuple of Edge
    layout : Layout
        Vertices as shapes, lines as edges.
    labels : tuple of Label
    numbered : bool
        Whether there are labels with numbers.
    """

    scene: Scene
    shapes: tuple[Shape, ...]
    edges: tuple[Edge, ...]
    layout: Layout
    labels: tuple[Label, ...]

    @property
    def numbered(self) -> bool:
        """Whether there are labels with numbers."""
        return any(label.block is not None for label in self.labels)


def composed(
    scene: Scene, values: bool = False, gradients: bool = False, stages: bool = False
) -> Picture:
    """Return a scene laid out.

    Parameters
    ----------
    scene : Scene
    values, gradients : bool
        Whether numbers stand above and below the lines.
    stages : bool
        Whether a gradient has a label for each sum on the way to it, instead of the last only.
    """
    return _Composer(scene, values, gradients, stages).picture()


class _Composer:
    """Puts a picture together."""

    def __init__(self, scene: Scene, values: bool, gradients: bool, stages: bool) -> None:
        self.scene, self.with_values, self.with_gradients = scene, values, gradients
        self.stages = stages
        self.shapes = [operation_shape(operation, scene) for operation in scene.operations]
        self.tails: dict[int, tuple[int, int]] = {}
        self.outlets: list[list[int]] = []
        for number, operation in enumerate(scene.operations):
            self.outlets.append(list(operation.outputs))
            self.tails.update((slot, (number, i)) for i, slot in enumerate(operation.outputs))
        for value in scene.values:
            if value.kind != "value":
                self.tails[value.number] = (self._shape(source_shape(value)), 0)
                self.outlets.append([value.number])
        self.edges = [*self._operand_edges(), *self._endings()]

    def picture(self) -> Picture:
        """Return the picture."""
        main = self._main()
        floating = _floating(self.scene)
        operations = len(self.scene.operations)
        vertices = []
        for number, shape in enumerate(self.shapes):
            outlets = tuple(map(self._outlet_room, self.outlets[number]))
            caption = (0.0, 0.0)
            if shape.caption is not None:
                caption = (shape.caption.width, shape.caption.height + 2)
            late = number >= operations or number in floating
            side = 0.5 if number < operations else 1.0 if outlets else 0.0
            box = shape.width, shape.height
            vertices.append(Vertex(*box, outlets, shape.round, late, side, caption))
        arcs = [
            Arc(e.tail, e.head, e.outlet, self._inlet_room(e), i in main)
            for i, e in enumerate(self.edges)
        ]
        layout = arrange(vertices, arcs)
        labels = (*self._outlet_labels(layout), *self._inlet_labels(layout))
        return Picture(self.scene, tuple(self.shapes), tuple(self.edges), layout, labels)

    # ------------------------------------------------------------------ shapes and edges

    def _shape(self, shape: Shape) -> int:
        """Add a shape; return its number."""
        self.shapes.append(shape)
        return len(self.shapes) - 1

    def _operand_edges(self) -> list[Edge]:
        """Return an edge for every operand of every step."""
        return [
            Edge(slot, self.tails[slot][0], number, self.tails[slot][1], number, position)
            for number, operation in enumerate(self.scene.operations)
            for position, slot in operation.operands
        ]

    def _endings(self) -> list[Edge]:
        """Return an edge for every output, and for what is computed and not read."""
        edges = []
        for value in self.scene.values:
            if value.is_output or (value.kind == "value" and not value.readers):
                tail, outlet = self.tails[value.number]
                edges.append(Edge(value.number, tail, self._shape(ending(value)), outlet))
                self.outlets.append([])
        return edges

    def _main(self) -> set[int]:
        """Return the edges that should be straight: to each step the longest way from an input."""
        depth = dict.fromkeys((value.number for value in self.scene.values), 0)
        floating = _floating(self.scene)
        for operation in self.scene.operations:
            longest = max((depth[slot] for _, slot in operation.operands), default=0)
            depth.update(dict.fromkeys(operation.outputs, longest + 1))
        best: dict[int, tuple[tuple[bool, bool, int, int], int]] = {}
        for i, edge in enumerate(self.edges):
            value = self.scene.values[edge.slot]
            fed = edge.tail not in floating if value.kind == "value" else value.kind == "input"
            key = (fed, value.kind == "value", depth[edge.slot], -i)
            if edge.head not in best or best[edge.head][0] < key:
                best[edge.head] = (key, i)
        return {i for _, i in best.values()}

    # ------------------------------------------------------------------ labels

    def _named(self, value: Value) -> Words:
        """Return the name that stands beside a value's line: none where it stands at an end."""
        return name_words(value.name) if value.kind == "value" and value.readers else ()

    def _value_block(self, value: Value) -> Block | None:
        """Return the number above a value's line."""
        shown = self.with_values and value.value is not None and value.kind != "constant"
        return block_of(value.value.array) if shown and value.value is not None else None

    def _in_turn(self, moments: Sequence[Moment]) -> Sequence[tuple[Moment, int | None]]:
        """Return the moments that are shown, each with the event at which the next takes over."""
        if not self.with_gradients:
            return ()
        if not self.stages:
            return [(moment, None) for moment in moments[-1:]]
        ends = [*(moment.event for moment in moments[1:]), None]
        pairs = zip(moments, ends, strict=False)
        return [(moment, until) for moment, until in pairs if moment.event != until]

    def _sums(self, value: Value) -> Sequence[tuple[Moment, int | None]]:
        """Return the gradients that stand below a value's line, in turn."""
        return self._in_turn(value.gradients)

    def _added(self, edge: Edge) -> Sequence[tuple[Moment, int | None]]:
        """Return what comes back along an edge, in turn, where more than that is added up."""
        if edge.step is None or edge.position is None:
            return self._in_turn(self.scene.values[edge.slot].started)
        moment = self.scene.operations[edge.step].added.get(edge.position)
        return self._in_turn(() if moment is None else (moment,))

    def _outlet_room(self, slot: int) -> Room:
        """Return the room for what stands beside a value's line."""
        value = self.scene.values[slot]
        name, block = width(self._named(value), NAME), self._value_block(value)
        sums = [block_of(moment.array) for moment, _ in self._sums(value)]
        above = max(LINE if name else 0.0, block.height if block else 0.0)
        below = max((b.height for b in sums), default=0.0)
        numbers = block.width(NUMBER) if block else 0.0
        wide = max(
            name + APART * bool(name and block) + numbers, *(b.width(NUMBER) for b in sums), 0
        )
        return Room(wide + 2 * BESIDE if wide else 0.0, _off(above), _off(below))

    def _inlet_room(self, edge: Edge) -> Room:
        """Return the room for what comes back along an edge."""
        blocks = [block_of(moment.array) for moment, _ in self._added(edge)]
        wide = max((block.width(NUMBER) for block in blocks), default=-2 * BESIDE)
        high = max((block.height for block in blocks), default=0.0)
        return Room(wide + 2 * BESIDE, 0.0, _off(high))

    def _outlet_labels(self, layout: Layout) -> list[Label]:
        """Return names, values and gradients, where values leave what computes them."""
        labels = []
        for slots, pieces in zip(self.outlets, layout.outlets, strict=True):
            for slot, (left, _, y) in zip(slots, pieces, strict=True):
                value = self.scene.values[slot]
                x, name, block = left + BESIDE, self._named(value), self._value_block(value)
                if name:
                    high = max(LINE, block.height if block else 0.0)
                    top, since = y - OFF - (high + LINE) / 2, value.value
                    event = None if since is None else since.event
                    labels.append(Label("name", slot, x, top, name, event=event))
                    x += width(name, NAME) + APART
                if block is not None and value.value is not None:
                    top, event = y - OFF - block.height, value.value.event
                    labels.append(Label("value", slot, x, top, block=block, event=event))
                labels += self._sum_labels(value, left + BESIDE, y + OFF)
        return labels

    def _sum_labels(self, value: Value, x: float, y: float) -> list[Label]:
        """Return the gradients of a value, each until the next one."""
        return [
            Label("gradient", value.number, x, y, (), block_of(m.array), m.event, until)
            for m, until in self._sums(value)
        ]

    def _inlet_labels(self, layout: Layout) -> list[Label]:
        """Return contributions, where values reach what reads them."""
        labels = []
        for edge, line in zip(self.edges, layout.lines, strict=True):
            left, _, y = line.piece(line.end)
            place, at = (edge.slot, left + BESIDE, y + OFF), (edge.step, edge.position)
            for m, until in self._added(edge):
                block = block_of(m.array)
                labels.append(Label("contribution", *place, (), block, m.event, until, *at))
        return labels


def _off(height: float) -> float:
    """Return the room that words of a height need beside a line."""
    return height + OFF + 1 if height else 0.0


def _floating(scene: Scene) -> set[int]:
    """Return the steps that depend on no input; none where there is no input at all."""
    fed = {value.number for value in scene.values if value.kind == "input"}
    if not fed:
        return set()
    found = set()
    for operation in scene.operations:
        if _reads(operation, fed):
            fed.update(operation.outputs)
        else:
            found.add(operation.number)
    return found


def _reads(operation: Operation, slots: set[int]) -> bool:
    """Whether a step reads any of these slots."""
    return any(slot in slots for _, slot in operation.operands)

"""Drawing: a graph as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from npnet.expression import Expression
from npnet.graph import Graph
from npnet.inspect.drawing.composing import Picture, composed
from npnet.inspect.drawing.dot import dot
from npnet.inspect.drawing.outline import outline
from npnet.inspect.drawing.scene import Scene, scene_of_recording
from npnet.inspect.drawing.svg import svg
from npnet.inspect.recording import Recording, recorded
from npnet.inspect.tracing import last_run, traced
from npnet.kernel import Spec
from npnet.listing import inferred
from npnet.module import Module
from npnet.naming import paths_of, slot_names
from npnet.tape import Tape

__all__ = ["Drawing", "draw"]


class Drawing:
    """A picture of a graph; shows itself in a notebook.

    Attributes
    ----------
    picture : Picture
        Its shapes, edges and labels, and where each of them stands.
    """

    def __init__(self, picture: Picture) -> None:
        self.picture = picture

    def svg(self) -> str:
        """Return it as SVG, for a file or a page."""
        return svg(self.picture)

    def dot(self) -> str:
        """Return it as text for graphviz."""
        return dot(self.picture)

    def save(self, path: str | Path) -> Path:
        """Write it to a file, as its name ends: .svg, or .dot or .gv for graphviz.

        Errors
        ------
        ValueError
            For another ending.
        """
        place = Path(path)
        ending = place.suffix.lower()
        if ending not in (".svg", ".dot", ".gv"):
            raise ValueError(
                f"Drawing: expected a path that ends in .svg, .dot or .gv, got {str(path)!r}"
            )
        text = self.svg() if ending == ".svg" else self.dot()
        place.write_text(text, encoding="utf-8", newline="\n")
        return place

    def _repr_svg_(self) -> str:
        """Show it in a notebook."""
        return self.svg()

    def _repr_html_(self) -> str:
        """Show it in a notebook, a wide one with a bar to move it by."""
        return f'<div style="overflow-x: auto">{self.svg()}</div>'

    def __repr__(self) -> str:
        """Say what it is, in a line."""
        scene = self.picture.scene
        return f"<Drawing of {scene.title}: {len(scene.operations)} steps>"


def draw(
    graph: Module | Recording,
    /,
    *inputs: Any,
    values: bool = False,
    gradients: Any = False,
    names: Mapping[Expression | str, str] | None = None,
    **named: Any,
) -> Drawing:
    """Draw a graph: inputs and parameters, steps, and the values between them, left to right.

    Operators are circles, other layers boxes with what they compute. Without numbers a Graph
    needs not have run.

    Parameters
    ----------
    graph : Graph, any Module, or a Recording
    *inputs, **named : array_like
        As it is called with; without any, those of its last call.
    values : bool, default False
        Write every value above its line.
    gradients : bool, array_like or tuple of them, default False
        Write the gradients below the lines, and where a value is read more than once what each
        reader adds. For anything but True they are those of outputs, as `record` takes them.
    names : mapping, optional
        Names for Nodes and Parameters, or for what has another name.

    Errors
    ------
    TypeError
        For what is no Module.
    RuntimeError
        Without inputs, where numbers or a Module's shapes are asked for and it has not run.
    ValueError
        For a Graph without outputs, where gradients are asked for and no output is differentiated,
        and as `record`.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> g = npnet.Graph(dtype=np.float64)
    >>> w, x = g.input("w", requires_grad=True), g.input("x")
    >>> g.output(w * x + w)
    >>> draw(g)
    <Drawing of Graph: 2 steps>
    >>> _ = g(w=3.0, x=2.0)
    >>> labels = draw(g, values=True, gradients=True).picture.labels
    >>> [label.block.rows[0][0] for label in labels if label.kind == "contribution"]
    ['2', '1']
    """
    given = gradients is not False
    if values or given or isinstance(graph, Recording):
        asked = None if gradients is True or not given else gradients
        found = recorded(graph, inputs, named, asked, names, "draw")
        if given and not found.backward:
            raise ValueError(
                f"draw: no output of {found.title} is differentiated by itself, as the first one "
                "is not a single number; say where to start: gradients=dy"
            )
        return Drawing(composed(scene_of_recording(found), bool(values), given))
    if not isinstance(graph, Module):
        raise TypeError(f"draw: expected a Graph or another Module, got {type(graph).__name__}")
    return Drawing(composed(_outlined(graph, inputs, named, names)))


def _outlined(
    module: Module,
    inputs: tuple[Any, ...],
    named: dict[str, Any],
    names: Mapping[Expression | str, str] | None,
) -> Scene:
    """Return the scene of a module without its numbers."""
    specs: Any
    if inputs or named:
        run = traced(module, module.positional(inputs, named) if named else inputs)
        tape, specs = run.tape, run.specs
    elif isinstance(module, Graph):
        tape, specs = _of_graph(module)
    else:
        run = last_run(module, "draw")
        tape, specs = run.tape, run.specs
    paths = paths_of(module.named_parameters(), module.named_buffers())
    layers = {id(layer): path for path, layer in module.named_modules()}
    return outline(type(module).__name__, tape, slot_names(tape, paths, names), specs, layers)


def _of_graph(graph: Graph) -> tuple[Tape, list[Spec] | None]:
    """Return a graph's tape, finished or not, with specs where it has run."""
    if not graph._outputs:
        raise ValueError("draw: Graph has no output; say what is asked for with g.output(node)")
    tape, plan = Tape(graph._outputs, graph._inputs), graph.execution.ran
    fits = plan is not None and len(plan.inputs) == len(tape.inputs)
    specs = inferred(tape, plan.inputs, graph.computing_dtype()) if plan and fits else None
    return tape, specs

"""Graph: a tape built by hand, with every value and gradient open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from npnet.expression import Expression
from npnet.grad_mode import enable_grad, is_grad_enabled, no_grad
from npnet.hooks import has_hooks
from npnet.kernel import Kernel, Spec
from npnet.layers.base import recordable
from npnet.listing import inferred, listing
from npnet.module import Module
from npnet.naming import paths_of, slot_names
from npnet.parameter import Parameter, native
from npnet.plan import Plan, own
from npnet.tape import Call, Input, Key, Node, Tape, calls_behind, key_of, record

__all__ = ["Graph"]


class Graph(Module):
    """A tape built by hand: inputs, expressions of them, outputs.

    `input` makes a place to feed, Modules and operators called on it record what is to be
    computed, `output` says what is asked for. Then the Graph is called like any Module (by
    position in the order of its inputs, or by name), `backward` runs the same steps in reverse,
    and `value` and `grad` show every node. A Graph called on Nodes records its steps on theirs.

    Parameters
    ----------
    dtype : dtype, optional
        Of all floating numbers on the tape; without it that of the parameters, then of the first
        floating array fed, then float32.

    Examples
    --------
    >>> import numpy as np
    >>> g = Graph(dtype=np.float64)
    >>> w, x = g.input("w", requires_grad=True), g.input("x")
    >>> y = w * x
    >>> g.output(y + w)
    >>> float(g(w=3.0, x=2.0))
    9.0
    >>> g.backward()
    >>> float(g.value(y)), float(g.grad(w))
    (6.0, 3.0)
    """

    retains_values = True

    def __init__(self, dtype: Any = None) -> None:
        super().__init__()
        self.dtype = None if dtype is None else native(dtype)
        if self.dtype is not None and self.dtype.kind != "f":
            raise TypeError(f"Graph: dtype must be floating, got {self.dtype}; use np.float64")
        self._inputs: list[Node] = []
        self._outputs: list[Node | Parameter] = []
        self._tape: Tape | None = None
        self._tape_signature: tuple[Any, ...] = ()

    # ------------------------------------------------------------------ building

    def input(self, name: str, requires_grad: bool = False) -> Node:
        """Return a Node for what callers feed under this name.

        Parameters
        ----------
        name : str
        requires_grad : bool, default False
            Whether backward differentiates by it; `grad` shows the result.

        Errors
        ------
        ValueError
            For a name that is taken.
        """
        if not isinstance(name, str) or not name:
            raise ValueError(f"Graph: expected a name for the input, got {name!r}")
        if name in self._input_names():
            raise ValueError(
                f"Graph: input {name!r} is there already; every input has its own name"
            )
        node = Node(Input(name, requires_grad))
        self._inputs.append(node)
        self._changed()
        return node

    def parameter(self, name: str, data: Any, requires_grad: bool = True) -> Parameter:
        """Return a new Parameter of this Graph, in the Graph's dtype."""
        parameter = Parameter(data, requires_grad, dtype=self.dtype)
        self.register_parameter(name, parameter)
        self._changed()
        return parameter

    def output(self, *nodes: Node | Parameter) -> None:
        """Ask for these values, after those asked for before.

        Errors
        ------
        TypeError
            For what is no Node.
        ValueError
            For a Node that depends on an input of another Graph.
        """
        for node in nodes:
            if not isinstance(node, (Node, Parameter)):
                raise TypeError(
                    f"Graph: expected Nodes as outputs, got {type(node).__name__}; call the layers "
                    "on what g.input returns"
                )
        tape = Tape([*self._outputs, *nodes], self._inputs)
        self._adopt(tape)
        self._outputs.extend(nodes)
        self._changed()

    # ------------------------------------------------------------------ looking

    def value(self, node: Expression) -> Any:
        """Return what the last call computed for a node; the array is the caller's own.

        For a Parameter these are its numbers as they are now.
        """
        plan = self._ran("value")
        slot = self._slot(plan, node)
        return own(node.data if isinstance(node, Parameter) else plan.value(slot))

    def grad(self, node: Expression) -> Any:
        """Return the gradient the last backward computed for a node; the array is the caller's own.

        For a Parameter this is its `grad`, which adds up over passes.

        Errors
        ------
        RuntimeError
            Before backward.
        ValueError
            For a node that is not differentiated: no gradient reaches it, or it is an input
            without ``requires_grad=True``.
        """
        plan = self._ran("grad")
        slot = self._slot(plan, node)
        if plan.swept is None:
            raise RuntimeError("Graph: grad before backward; call g.backward() first")
        if isinstance(node, Parameter):
            return None if node.grad is None else own(node.grad)
        if slot not in plan.swept.gradients:
            name = self._describe(node)
            raise ValueError(
                f"Graph: no gradient reaches {name}; it leads to no differentiated output, "
                "or it is an input made without requires_grad=True"
            )
        return own(plan.swept.gradients[slot])

    @property
    def tape(self) -> Tape:
        """The steps, checked to be complete.

        Errors
        ------
        ValueError
            Without an output, and for an input or a parameter that reaches none.
        """
        signature = self.signature()
        if self._tape is not None and self._tape_signature == signature:
            return self._tape
        if not self._outputs:
            raise ValueError("Graph: has no output; say what is asked for with g.output(node)")
        tape = Tape(self._outputs, self._inputs)
        unused = [f"input {name!r}" for name in tape.unused_inputs]
        unused += [
            f"parameter {name!r}"
            for name, parameter in self._parameters.items()
            if parameter is not None and tape.slot(parameter) is None
        ]
        if unused:
            raise ValueError(
                f"Graph: {', '.join(unused)} reaches no output; leave it away, or use it in "
                "what is given to g.output"
            )
        held = {id(parameter) for parameter in self.parameters()}
        for parameter in tape.parameters.values():
            if id(parameter) not in held:
                raise ValueError(
                    f"Graph: parameter {parameter.name!r} is on the tape, but no layer has it any "
                    "more; record the steps that read it again"
                )
        # Set past __setattr__: found, not changed, so no plan has to look again.
        self.__dict__.update(_tape=tape, _tape_signature=signature)
        return tape

    # ------------------------------------------------------------------ running

    def forward(self, *operands: Any) -> Any:
        """Record this Graph's steps on other Nodes."""
        names = self._input_names()
        if len(operands) != len(names):
            raise TypeError(
                f"Graph: expected {len(names)} inputs ({', '.join(names)}), got {len(operands)}"
            )
        return self._again({}, [recordable(operand, "Graph") for operand in operands])

    def _again(self, known: dict[Key, Any], operands: Sequence[Any]) -> Any:
        """Record this Graph's steps once more, with hooks; `known` gets the new Node for each."""
        known.update(zip(map(key_of, self._inputs), operands, strict=True))
        for call in self.tape.calls:
            given = [known.get(key_of(g), g) for g in call.given]
            result = _recorded(call.layer, given, call.detached)
            nodes = result if isinstance(result, tuple) else (result,)
            known.update(zip(call.keys, nodes, strict=True))
        outputs = tuple(known.get(key_of(output), output) for output in self._outputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def positional(self, operands: tuple[Any, ...], named: Any) -> tuple[Any, ...]:
        """Return the operands in the order of the inputs."""
        names = self._input_names()
        given = names[: len(operands)]
        problems = [f"unknown input {name!r}" for name in named if name not in names]
        problems += [f"input {name!r} given twice" for name in named if name in given]
        missing = [name for name in names[len(operands) :] if name not in named]
        problems += [f"missing input {name!r}" for name in missing]
        if len(operands) > len(names):
            problems.append(f"{len(operands)} operands")
        if problems:
            raise TypeError(f"Graph: {', '.join(problems)}; its inputs are {', '.join(names)}")
        return (*operands, *(named[name] for name in names[len(operands) :]))

    def trace(self, inputs: Sequence[Any]) -> Tape:
        """Return its own tape."""
        tape = self.tape
        for name, spec in zip(self._input_names(), inputs, strict=False):
            if not isinstance(spec, Spec):
                raise TypeError(f"Graph: expected an array as input {name!r}, got {spec!r}")
        if len(inputs) != len(tape.inputs):
            names = self._input_names()
            raise TypeError(
                f"Graph: expected {len(names)} inputs ({', '.join(names)}), got {len(inputs)}"
            )
        if not any(has_hooks(module) for module in self.modules()):
            return tape
        known: dict[Key, Any] = {}
        nodes = [
            Node(Input(slot.source.name, slot.source.requires_grad), spec=spec)
            for slot, spec in zip((tape.slots[i] for i in tape.inputs), inputs, strict=True)
        ]
        hooked = self.taped(nodes, lambda *operands: self._again(known, operands))
        # Who looks at a node finds what took its place.
        known.update(zip(map(key_of, self._inputs), nodes, strict=True))
        hooked.index.update((old, hooked.index[key_of(new)]) for old, new in known.items())
        return hooked

    def computing_dtype(self) -> np.dtype[Any] | None:
        """Return the dtype given, else that of the parameters, else None."""
        return self.dtype if self.dtype is not None else super().computing_dtype()

    def _cast(self, dtype: np.dtype[Any]) -> None:
        """Compute in this dtype, where one was given."""
        if self.dtype is not None:
            self.dtype = dtype

    def __repr__(self) -> str:
        """Print the tape, a line a step."""
        return self._listed(Tape(self._outputs, self._inputs), None)

    def __str__(self) -> str:
        """Print the tape, with shapes where the Graph has run in this thread."""
        tape, plan = Tape(self._outputs, self._inputs), self.execution.ran
        fits = plan is not None and len(plan.inputs) == len(tape.inputs)
        specs = inferred(tape, plan.inputs, self.computing_dtype()) if plan and fits else None
        return self._listed(tape, specs)

    def _listed(self, tape: Tape, specs: Sequence[Spec] | None) -> str:
        """Return the lines of a tape."""
        paths = paths_of(self.named_parameters(), self.named_buffers())
        return listing(type(self).__name__, tape, slot_names(tape, paths), specs)

    # ------------------------------------------------------------------ being copied

    def __getstate__(self) -> dict[str, Any]:
        """Write the expressions down as a list, each step after those it reads."""
        state = super().__getstate__()
        calls = calls_behind(self._outputs)
        place: dict[Key, Any] = {key_of(node): number for number, node in enumerate(self._inputs)}
        for number, call in enumerate(calls):
            place.update((key, (number, index)) for index, key in enumerate(call.keys))
        state["_tape"] = None
        state["_inputs"] = [(n.source.name, n.source.requires_grad) for n in self._inputs]  # type: ignore[union-attr]
        state["_calls"] = [
            (c.layer, [_placed(g, place) for g in c.given], c.detached) for c in calls
        ]
        state["_outputs"] = [_placed(output, place) for output in self._outputs]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make the Nodes anew, which are this Graph's own."""
        inputs = [Node(Input(name, wanted)) for name, wanted in state["_inputs"]]
        calls: list[tuple[Node, ...]] = []

        def found(known: bool, place: Any) -> Any:
            if not known:
                return place
            return inputs[place] if isinstance(place, int) else calls[place[0]][place[1]]

        for layer, given, detached in state["_calls"]:
            with no_grad() if detached else enable_grad():
                result = record(layer, [found(*reference) for reference in given])
            calls.append(result if isinstance(result, tuple) else (result,))
        outputs = [found(*reference) for reference in state["_outputs"]]
        rest = {key: value for key, value in state.items() if key != "_calls"}
        super().__setstate__({**rest, "_inputs": inputs, "_outputs": outputs})

    # ------------------------------------------------------------------ inside

    def _changed(self) -> None:
        """Forget the tape and what was planned for it."""
        self._tape = None

    def _input_names(self) -> list[str]:
        """Names of the inputs in order."""
        return [node.source.name for node in self._inputs if isinstance(node.source, Input)]

    def _adopt(self, tape: Tape) -> None:
        """Hold the tape's layers and parameters, numbered by kind, so that they can be trained."""
        held = {id(part) for part in (*self._modules.values(), *self._parameters.values())}
        in_layers: set[int] = set()
        for step in tape.steps:
            layer: Any = step.layer
            if not isinstance(layer, Module):
                continue
            in_layers.update(id(parameter) for parameter in layer.parameters())
            if id(layer) not in held:
                held.add(id(layer))
                self.add_module(self._free_name(type(layer).__name__.lower()), layer)
        for parameter in tape.parameters.values():
            if id(parameter) not in held and id(parameter) not in in_layers:
                self.register_parameter(self._free_name(parameter.name or "parameter"), parameter)

    def _free_name(self, kind: str) -> str:
        """Return kind1, kind2 ... whichever is free."""
        number, kind = 1, kind.replace(".", "_")
        while hasattr(self, f"{kind}{number}"):
            number += 1
        return f"{kind}{number}"

    def _ran(self, what: str) -> Plan:
        """Return the plan of this thread's last call."""
        plan = self.execution.ran
        if plan is None:
            raise RuntimeError(f"Graph: {what} before forward; call the graph on its inputs first")
        return plan

    def _slot(self, plan: Plan, node: Expression) -> int:
        """Return the slot of a node on the tape that ran."""
        slot = plan.tape.slot(node)
        if slot is None:
            name = self._describe(node)
            raise ValueError(
                f"Graph: {name} is not on this tape; it is of another graph, reaches no output "
                "or was made after the last call"
            )
        return slot

    def _describe(self, node: Expression) -> str:
        """Name a node in a message."""
        source = node.source if isinstance(node, Node) else None
        if isinstance(source, Call):
            return f"the output of {type(source.layer).__name__}"
        if isinstance(source, Input):
            return f"input {source.name!r}"
        return f"parameter {node.name!r}" if isinstance(node, Parameter) else repr(node)


def _placed(operand: Any, place: Mapping[Key, Any]) -> tuple[bool, Any]:
    """Return whether an operand has a place, and the place; or else the operand itself."""
    key = key_of(operand)
    return (True, place[key]) if key in place else (False, operand)


def _recorded(layer: Kernel, given: Sequence[Any], detached: bool) -> Any:
    """Record a layer with its hooks, as a step that a gradient goes through or not."""
    step = partial(_step, layer)
    with no_grad() if detached or not is_grad_enabled() else enable_grad():
        return layer.record(given, step) if isinstance(layer, Module) else step(*given)


def _step(layer: Kernel, *given: Any) -> Any:
    """Record a layer, as a forward of its own."""
    return record(layer, given)

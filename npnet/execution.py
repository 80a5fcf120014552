"""Execution: how a Module meets arrays, through a tape and a plan for their shapes."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from types import NoneType
from typing import Any, Protocol
from weakref import ref

import numpy as np

from npnet.clock import effects
from npnet.grad_mode import is_grad_enabled
from npnet.kernel import Spec
from npnet.parameter import Array, native, structure
from npnet.plan import Plan, own
from npnet.sweep import ONE, Sweep
from npnet.tape import Tape

__all__ = ["Execution", "Traceable", "real_array"]

_PLANS = 16  # a plan a set of input shapes: training, evaluation and their short last batches
#: What forward may be called with beside arrays; every value of these has a tape of its own.
_OPTIONS = (NoneType, bool, str)


class Traceable(Protocol):
    """What an Execution needs of a Module."""

    retains_values: bool

    def trace(self, inputs: Sequence[Any]) -> Tape:
        """Return the tape for inputs of these specs, and options as they are."""

    def signature(self) -> tuple[Any, ...]:
        """Return a value that changes whenever the tape may."""

    def computing_dtype(self) -> np.dtype[Any] | None:
        """Return the floating dtype it computes in, None to follow the inputs."""

    def buffers(self) -> Iterable[Array]:
        """Return the arrays that it holds and does not train."""

    def modules(self) -> Iterable[Any]:
        """Return it and the Modules in it."""


def real_array(value: Any, who: str, what: str = "arrays") -> Array:
    """Return `value` as an array of real numbers, or say that it is none."""
    if value is None:
        raise TypeError(f"{who}: expected {what} of real numbers, got None; leave it out")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise TypeError(f"{who}: expected {what} of real numbers; {error}") from None
    if array.dtype.kind not in "fiub":
        named = isinstance(value, np.ndarray) or array.dtype.kind != "O"
        given = f"dtype {array.dtype}" if named else type(value).__name__
        raise TypeError(f"{who}: expected {what} of real numbers, got {given}")
    return array


class Execution:
    """One thread's plans for one Module, and what its last forward left for backward.

    Every thread has an Execution of its own, so two threads never see each other's numbers.
    """

    def __init__(self, owner: Traceable) -> None:
        self._owned_by = ref(owner)
        self._plans: OrderedDict[Any, Plan] = OrderedDict()
        self._latest: Plan | None = None
        self._seen: object = None
        self._signature: tuple[Any, ...] = ()
        self._keeps = False
        #: Whether forward draws or writes, whatever a single trace of it shows.
        self._acts = False
        self.ran: Plan | None = None

    def forward(self, operands: Sequence[Any]) -> Any:
        """Compute the outputs for arrays, numbers or nested lists of them."""
        plan = self._latest
        if plan is None or structure.now is not self._seen or not _fits(operands, plan.inputs):
            plan, operands = self._find(operands)
        self.ran = None
        outputs = plan.forward(operands)
        self.ran = plan
        return outputs

    def backward(self, gradients: Sequence[Any], inputs: tuple[int, ...] | None) -> tuple[Any, ...]:
        """Run the last forward's tape backward; return the gradients of the inputs asked for.

        `inputs` are positions; None asks for every floating input. What has none reads None.
        """
        plan = self.ran
        if plan is None or not plan.keep:
            plan = self._ran()
        plan.refresh()
        several = len(gradients) > 1
        key = (inputs, tuple(g is None for g in gradients) if several else len(gradients))
        ready = plan.ready.get(key)
        if ready is None:
            ready = plan.ready[key] = self._prepare(plan, gradients, inputs)
        sweep, returned = ready
        if not gradients:
            plan.run(sweep, ONE)
        elif not several and _fits(gradients, plan.outputs):
            plan.run(sweep, gradients)
        else:
            seeds = self._seeds(plan, gradients)
            plan.run(sweep, [seed for seed in seeds if seed is not None])
        return tuple([None if array is None else own(array) for array in returned])

    def _prepare(
        self, plan: Plan, gradients: Sequence[Any], inputs: tuple[int, ...] | None
    ) -> tuple[Sweep, tuple[Array | None, ...]]:
        """Return the backward pass for these gradients, and the arrays of the inputs asked for."""
        seeded = tuple(seed is not None for seed in self._seeds(plan, gradients))
        places = plan.places
        asked = places if inputs is None else tuple(places[i] for i in inputs if i < len(places))
        slots = frozenset(slot for slot in asked if slot is not None)
        sweep = plan.sweep(seeded, slots | self._differentiated(plan))
        found = sweep.gradients
        return sweep, tuple(None if slot is None else found.get(slot) for slot in asked)

    def _ran(self) -> Plan:
        """Return the plan of the last forward, run again if it kept nothing for backward."""
        plan = self.ran
        if plan is None:
            raise RuntimeError(
                f"{self._who}: backward before forward; call it on arrays first (the last call "
                "in this thread is what backward differentiates)"
            )
        if plan.keep:
            return plan
        if plan.forward_only:
            raise RuntimeError(
                f"{self._who}: backward after a call within no_grad, which keeps nothing for it; "
                "make the call outside of the block, or in enable_grad()"
            )
        # Evaluation keeps nothing. Who does go backward in it pays for one more forward now, and
        # keeps the values from the next call on.
        self._keeps, self._latest = True, None
        self.ran = plan.keeping()
        return self.ran

    def _differentiated(self, plan: Plan) -> frozenset[int]:
        """Return the inputs that were made with requires_grad."""
        tape = plan.tape
        return frozenset(i for i in tape.inputs if tape.slots[i].source.requires_grad)

    def _seeds(self, plan: Plan, gradients: Sequence[Any]) -> list[Any]:
        """Return one gradient an output, checked; without any, 1 for a scalar first output."""
        specs = [plan.specs[index] for index in plan.tape.outputs]
        if not gradients:
            if plan.value(plan.tape.outputs[0]).size != 1:
                raise ValueError(
                    f"{self._who}: backward() starts from 1 and needs a scalar, the output has "
                    f"shape {specs[0].shape}; give its gradient: backward(g)"
                )
            return [1.0] + [None] * (len(specs) - 1)
        if len(gradients) != len(specs):
            raise ValueError(
                f"{self._who}: expected {len(specs)} output gradients, got {len(gradients)}; "
                "one an output, None for none"
            )
        seeds = [None if g is None else real_array(g, self._who, "gradients") for g in gradients]
        for seed, spec in zip(seeds, specs, strict=True):
            if seed is not None and seed.shape != spec.shape:
                raise ValueError(
                    f"{self._who}: expected an output gradient of shape {spec.shape}, got "
                    f"{seed.shape}; it has the shape of what forward returned"
                )
        if all(seed is None for seed in seeds):
            raise ValueError(f"{self._who}: backward needs a gradient for at least one output")
        return seeds

    def _find(self, operands: Sequence[Any]) -> tuple[Plan, list[Array]]:
        """Return the plan for these operands, and them as the arrays it takes."""
        # Where this fails the last plan must not be taken for one that has been looked at.
        self._latest = None
        self._look()
        fed = [operand for operand in operands if not isinstance(operand, _OPTIONS)]
        given = [real_array(operand, self._who, "inputs") for operand in fed]
        dtype = self._owner.computing_dtype() or _floating_dtype(fed)
        specs = iter([Spec(a.shape, dtype if a.dtype.kind == "f" else a.dtype) for a in given])
        inputs = [o if isinstance(o, _OPTIONS) else next(specs) for o in operands]
        plan = self._plans.get(self._key(inputs, dtype))
        lasts = True
        if plan is None:
            plan, lasts = self._traced(inputs, dtype)
        if lasts:
            self._keep(self._key(inputs, dtype), plan)
        plan.refresh()
        # Arrays alone do not tell whether a call has the same options.
        self._latest = plan if lasts and len(fed) == len(operands) else None
        pairs = zip(given, plan.inputs, strict=True)
        return plan, [np.asarray(array, spec.dtype, order="C") for array, spec in pairs]

    def _keep(self, key: Any, plan: Plan) -> None:
        """Keep a plan as the one used last, and so many of those before it."""
        self._plans[key] = plan
        self._plans.move_to_end(key)
        while len(self._plans) > _PLANS:
            self._plans.popitem(last=False)

    def _traced(self, inputs: Sequence[Any], dtype: np.dtype[Any]) -> tuple[Plan, bool]:
        """Return a new plan, and whether it lasts.

        Where forward draws random numbers, reads or writes those of Parameters, writes into
        buffers, or assigns attributes, a plan is for one call: the next call does so again.
        """
        signature, before = self._owner.signature(), self._deeds()
        plan = self._make(inputs, dtype)
        acts, same = self._deeds() != before, self._owner.signature() == signature
        self._look()
        if acts:
            # It may write what stands there already, as in the last call with these shapes.
            self._acts = True
            self._plans.clear()
        return plan, same and not self._acts

    def _deeds(self) -> tuple[Any, ...]:
        """Return what is another value after a forward that draws, or writes numbers."""
        buffers = [buffer.tobytes() for buffer in self._owner.buffers()]
        return effects.count, buffers, _streams(self._owner.modules())

    def _look(self) -> None:
        """Look at the Module again if anything changed anywhere."""
        now = structure.now
        if now is not self._seen:
            # The clock is read first: what changes meanwhile is then looked at once more.
            signature = self._owner.signature()
            if [version for version, _ in signature] != [v for v, _ in self._signature]:
                self._plans.clear()  # no version comes again
                self._acts = False
            self._signature, self._seen = signature, now

    def _key(self, inputs: Sequence[Any], dtype: np.dtype[Any]) -> tuple[Any, ...]:
        """Return what a plan is found by."""
        given = tuple([(type(one), one) for one in inputs])  # a word may equal one of an Enum's
        return self._signature, self._keeps, is_grad_enabled(), dtype, given

    def _make(self, inputs: Sequence[Any], dtype: np.dtype[Any]) -> Plan:
        """Trace and plan."""
        owner = self._owner
        tape = owner.trace(inputs)
        training = any(mode for _, mode in self._signature) or self._keeps
        plan = Plan(
            tape,
            tape.fed([spec for spec in inputs if isinstance(spec, Spec)], dtype),
            dtype,
            keep=training,
            retain=owner.retains_values,
            forward_only=not is_grad_enabled(),
        )
        slots = iter(tape.inputs)
        plan.places = tuple(next(slots) if isinstance(spec, Spec) else None for spec in inputs)
        return plan

    @property
    def _owner(self) -> Traceable:
        """The Module, which holds its Execution: a pair would live on until the next collection."""
        owner = self._owned_by()
        assert owner is not None
        return owner

    @property
    def _who(self) -> str:
        """Name for messages."""
        return type(self._owner).__name__


def _streams(modules: Iterable[Any]) -> list[Any]:
    """Return the states of the streams of Python and NumPy: the common ones, and attributes."""
    held = [value for module in modules for value in vars(module).values()]
    python, numpy = sys.modules.get("random"), sys.modules.get("numpy.random")
    found: list[Any] = []
    if python is not None:
        streams = (python, *(value for value in held if isinstance(value, python.Random)))
        found += [stream.getstate() for stream in streams]
    if numpy is not None:
        old = (numpy, *(value for value in held if isinstance(value, numpy.RandomState)))
        new = (value for value in held if isinstance(value, numpy.Generator))
        states = [stream.get_state(legacy=False) for stream in old]
        states += [stream.bit_generator.state for stream in new]
        found += map(_comparable, states)
    return found


def _comparable(state: dict[str, Any]) -> tuple[str, bytes]:
    """Return a generator's state as what can be compared; the words of MT19937 are many."""
    rest = dict(state["state"])
    words = rest.pop("key", np.empty(0))
    return repr(state | {"state": rest}), words.tobytes()


def _fits(operands: Sequence[Any], specs: Sequence[Spec]) -> bool:
    """Whether the operands are arrays that a plan for `specs` can read where they are."""
    if len(operands) != len(specs):
        return False
    # To say strict=True here, in a plan and in a sweep costs a step 0.4 µs.
    for operand, (shape, dtype) in zip(operands, specs):  # noqa: B905
        if (
            type(operand) is not np.ndarray
            or (operand.dtype is not dtype and operand.dtype != dtype)
            or operand.shape != shape
            or not operand.flags.c_contiguous
        ):
            return False
    return True


def _floating_dtype(operands: Sequence[Any]) -> np.dtype[Any]:
    """Return the dtype of the first floating array, float32 without any."""
    for operand in operands:
        if isinstance(operand, (np.ndarray, np.generic)) and operand.dtype.kind == "f":
            return native(operand.dtype)
    return np.dtype(np.float32)

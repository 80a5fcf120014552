"""Optimizer: groups of parameters, packed into flat vectors that a rule steps."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from numbers import Real
from operator import itemgetter
from os import PathLike
from typing import Any, ClassVar, TypeAlias

import numpy as np

from npnet.optim.groups import (
    Group,
    check_members,
    given_groups,
    listed,
    plain,
    read_group,
    without_execution,
)
from npnet.optim.packing import Block
from npnet.parameter import Array, Parameter, structure
from npnet.spelling import unexpected

__all__ = ["Optimizer"]

States: TypeAlias = dict[int, dict[str, Array]]
Options: TypeAlias = tuple[float | bool | tuple[float, ...] | None, ...]

_members = itemgetter("params")

#: From here on a count of steps, a float in torch's files, is not exact.
_MOST_STEPS = 2**53

#: The attributes that stay behind when an optimizer is copied or pickled.
_PACKED = ("_blocks", "_listed", "_seen")


class Optimizer(ABC):
    """Base of all optimizers: steps every parameter that has a gradient by one rule.

    The parameters of a group are packed into one vector per dtype, in the order given; each keeps
    its shape and its order in memory. A rule is a few NumPy calls on such vectors, whatever the
    number of parameters. A parameter without a gradient is skipped, and so is its state.

    A rule is a subclass that gives `options`, `update` and, where it keeps state, `state_names`.
    It must work element by element: a vector may hold one parameter, many, or a part of them.
    Between two parameters in it there are zeros (see `spans_gaps`).

    Parameters
    ----------
    params : iterable
        Of Parameters, of ``(name, Parameter)`` pairs, or of dicts: a parameter group each, its
        Parameters or pairs as "params" and any options of its own.
    defaults : dict
        The options of groups that do not give their own.
    execution : dict, default {}
        What else a rule was called with: "foreach", "fused", "capturable" and "differentiable" say
        how torch shall carry out a step. They may be None or False, and are dropped.

    Attributes
    ----------
    param_groups : list of dict
        The groups with all their options, which may be changed between steps.
    steps : int
        How many steps were taken.

    Errors
    ------
    TypeError
        For a bare array or Parameter, a set, and what is no Parameter.
    ValueError
        For no parameters at all, a parameter given twice, names for some parameters only, and
        options out of range.

    Source: torch.optim.Optimizer.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> weight, bias = Parameter([1.0, 2.0]), Parameter([3.0])
    >>> optimizer = SGD([{"params": weight, "lr": 0.5}, {"params": bias}], lr=0.25)
    >>> optimizer.param_groups[1]["lr"] = 1.0
    >>> weight.grad, bias.grad = [2.0, 4.0], [1.0]
    >>> optimizer.step()
    >>> weight.data.tolist(), bias.data.tolist(), optimizer.learning_rates
    ([0.0, 0.0], [2.0], [0.5, 1.0])
    """

    #: Every kind of state the rule may keep for a parameter, by torch's names.
    state_kinds: ClassVar[tuple[str, ...]] = ()
    #: Whether the rule needs to know how many steps a parameter has taken.
    counts_steps: ClassVar[bool] = False
    #: How many vectors of scratch an update needs.
    scratches: ClassVar[int] = 1

    def __init__(
        self, params: Iterable[Any], defaults: Group, execution: Group | None = None
    ) -> None:
        unknown = without_execution(self._who, execution or {})
        for name in unknown:
            raise unexpected(type(self), name)
        self.check(defaults)
        self.defaults = {name: plain(value) for name, value in defaults.items()}
        groups: list[Group] = []
        for given in given_groups(self._who, params):
            groups.append(self._new_group(given, groups))
        self.param_groups = groups
        self.steps = 0
        #: `steps` when the first learning-rate schedule was made, None before.
        self.scheduled_from: int | None = None
        self._pack()

    @abstractmethod
    def options(self, group: Group) -> Options:
        """Return what `update` needs to know.

        It gets the floats as 0-d arrays of its dtype, and tuples of floats as they are, for what
        changes from step to step and is computed in double precision.
        """

    @abstractmethod
    def update(
        self,
        options: tuple[Any, ...],
        age: int,
        data: Array,
        grad: Array,
        state: tuple[Array, ...],
        scratch: tuple[Array, ...],
    ) -> None:
        """Step the vector `data` in place, and `state` with it; `grad` must stay as it is.

        `age` is how many updates of `state` there were, or 1 for any number in a rule that does
        not count steps. The first finds zeros, or what `initial_state` says. All vectors have one
        length.
        """

    def state_names(self, options: tuple[Any, ...]) -> tuple[str, ...]:
        """Return which of `state_kinds` the rule keeps under what `options` returned."""
        return self.state_kinds

    def initial_state(self) -> dict[str, float]:
        """Return the kinds of state that are there before the first step, filled with a number."""
        return {}

    def spans_gaps(self, options: tuple[Any, ...]) -> bool:
        """Return whether an update leaves `data` zero where all its vectors are.

        If so, one update serves parameters with gaps between them; else each gets its own.
        """
        return True

    def check(self, options: Group) -> None:
        """Raise where options are out of range; a rule adds its own."""
        self.check_number(options, "lr")

    def check_number(
        self, options: Group, name: str, least: float = 0.0, below: float = math.inf
    ) -> None:
        """Raise unless an option is a finite number, at least `least` and below `below`."""
        value = plain(options[name])
        if not isinstance(value, Real):
            raise TypeError(f"{self._who}: expected a number as {name}, got {type(value).__name__}")
        if not (math.isfinite(value) and least <= float(value) < below):
            rule = "finite" if least == -math.inf else f"finite and at least {least:g}"
            rule = rule if below == math.inf else f"at least {least:g} and below {below:g}"
            raise ValueError(f"{self._who}: {name} must be {rule}, got {value}")

    @property
    def _who(self) -> str:
        """The name for messages."""
        return type(self).__name__

    @property
    def learning_rates(self) -> list[float]:
        """The learning rate of each group."""
        return [float(group["lr"]) for group in self.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or set to zero those that are there."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.zero_grad(set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Step every parameter that has a gradient.

        Parameters
        ----------
        closure : callable, optional
            Called first, to compute the loss and the gradients anew; what it returns is returned.
        """
        loss = None if closure is None else closure()
        self._refresh()
        # All options are read before the first parameter changes: a wrong one changes nothing.
        options = []
        for group in self.param_groups:
            options.append(self.options(group))  # noqa: PERF401 - a comprehension costs a call
        for index, block in self._blocks:
            for run in block.ready(options[index], self):
                age = run.age or 0
                for piece in run.pieces:
                    self.update(block.options, age, *piece)
                if block.names and (self.counts_steps or run.age is None):
                    block.grow(run)
        self.steps += 1
        return loss

    def add_param_group(self, param_group: Group) -> None:
        """Add a group: a dict with "params" and any options of its own.

        Errors
        ------
        TypeError, ValueError
            As for the groups given to the constructor; nothing is added then.
        """
        self._refresh()
        group = self._new_group(param_group, self.param_groups)
        self.param_groups.append(group)
        self._pack(len(self.param_groups) - 1)

    def state_dict(self) -> dict[str, Any]:
        """Return the state in torch's form, in arrays of the caller's own.

        ``{"state": {index: {name: array}}, "param_groups": [{option: value, "params": [index]}]}``
        where index counts the parameters of all groups through.
        """
        self._refresh()
        states = self._states()
        state: dict[int, dict[str, Array]] = {}
        groups, count = [], 0
        for group in self.param_groups:
            indices = range(count, count + len(group["params"]))
            count = indices.stop
            options = {name: value for name, value in group.items() if name != "params"}
            groups.append({**copy.deepcopy(options), "params": list(indices)})
            for index, parameter in zip(indices, group["params"], strict=True):
                if id(parameter) in states:
                    state[index] = states[id(parameter)]
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state in the form of `state_dict`, torch's own with arrays for tensors too.

        Everything is copied, in the dtype of the parameters. An option that is not in it stays.

        Errors
        ------
        TypeError
            For a state that is not of dicts, lists and real numbers.
        ValueError
            For groups of other sizes, arrays of other shapes, state of another rule and options
            out of range; nothing is loaded then.
        """
        self._refresh()
        groups, states = self._matching(state_dict)
        for group, saved in zip(self.param_groups, groups, strict=True):
            group.update({name: value for name, value in saved.items() if name != "params"})
        self._restore(states)

    def __repr__(self) -> str:
        """Torch's form."""
        text = f"{self._who} ("
        for index, group in enumerate(self.param_groups):
            names = [name for name in sorted(group) if name != "params"]
            text += f"\nParameter Group {index}\n"
            text += "".join(f"    {name}: {group[name]}\n" for name in names)
        return text + ")"

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the flat vectors: a copy packs its own parameters."""
        kept = {name: value for name, value in vars(self).items() if name not in _PACKED}
        return {"attributes": kept, "state": self.state_dict()["state"]}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        """Pack the parameters, which were copied along."""
        vars(self).update(saved["attributes"])
        self._pack()
        parameters = enumerate(p for group in self.param_groups for p in group["params"])
        state = saved["state"]
        self._restore({id(p): state[index] for index, p in parameters if index in state})

    def _new_group(self, given: Any, others: list[Group]) -> Group:
        """Return a checked group with all options, made of what the caller gave."""
        group = read_group(self._who, given, self.defaults)
        self.check(group)
        check_members(self._who, [*others, group])
        return group

    def _matching(self, state_dict: Any) -> tuple[list[Group], States]:
        """Return saved groups, and state by the id of the parameter, checked against this one's."""
        try:
            groups = [dict(group) for group in state_dict["param_groups"]]
            saved = [list(group["params"]) for group in groups]
            known = {index for indices in saved for index in indices}
            state = {index: dict(values) for index, values in state_dict["state"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            form = '{"state": {0: {...}}, "param_groups": [{"params": [0], ...}]}'
            mend = ", got a path; read the file: npnet.load(path)"
            mend = mend if isinstance(state_dict, str | PathLike) else ""
            raise TypeError(
                f"{self._who}: expected a state_dict of the form {form}{mend}"
            ) from error
        sizes, own = [*map(len, saved)], [len(group["params"]) for group in self.param_groups]
        if sizes != own:
            raise ValueError(f"{self._who}: expected a state of groups of sizes {own}, got {sizes}")
        groups = [{k: plain(copy.deepcopy(v)) for k, v in group.items()} for group in groups]
        for group, new in zip(self.param_groups, groups, strict=True):
            self.check({**group, **new})
        pairs = zip(saved, map(_members, self.param_groups), strict=True)
        parameters = {i: p for pair in pairs for i, p in zip(*pair, strict=True)}
        if not state.keys() <= known:
            strangers = [*state.keys() - known]
            raise ValueError(f"{self._who}: state has {strangers}, which are in no param_groups")
        found = {id(parameters[i]): self._fitting(parameters[i], i, state[i]) for i in state}
        return groups, found

    def _fitting(self, parameter: Parameter, index: Any, state: Group) -> dict[str, Array]:
        """Return the saved state of one parameter, or say why it does not fit."""
        arrays = {name: np.asarray(v) for name, v in state.items() if v is not None}
        shapes = dict.fromkeys(self.state_kinds, parameter.shape)
        if self.counts_steps:
            shapes["step"] = ()
        if not arrays.keys() <= shapes.keys() or (arrays and "step" in {*shapes} - {*arrays}):
            raise ValueError(
                f"{self._who}: expected {[*shapes]} in state[{index}], got {[*state]}; is it the "
                "state of another optimizer?"
            )
        for name, array in arrays.items():
            what = f"state[{index}][{name!r}]"
            if array.dtype.kind not in "fiub":
                raise TypeError(f"{self._who}: expected real numbers as {what}, got {array.dtype}")
            if array.shape != shapes[name]:
                raise ValueError(
                    f"{self._who}: expected {what} of shape {shapes[name]}, got {array.shape}"
                )
            if name == "step" and not (0 <= array < _MOST_STEPS and array % 1 == 0):
                raise ValueError(f"{self._who}: expected a count as {what}, got {array}")
        return arrays

    def _pack(self, first: int = 0) -> None:
        """Pack the parameters of the groups from `first` on, in one block for each dtype."""
        if first == 0:
            self._blocks: list[tuple[int, Block]] = []
        for index, group in enumerate(self.param_groups[first:], first):
            members: dict[np.dtype[Any], list[Parameter]] = {}
            for parameter in group["params"]:
                members.setdefault(parameter.dtype, []).append(parameter)
            for parameters in members.values():
                block = Block(parameters, self.scratches, self.initial_state())
                self._blocks.append((index, block))
        self._listed = [list(group["params"]) for group in self.param_groups]
        self._seen = structure.now

    def _refresh(self) -> None:
        """Follow parameters that were moved or cast, and groups whose parameters were changed."""
        cast = False
        if structure.now is not self._seen:
            now = structure.now
            cast = any(block.is_cast() for _, block in self._blocks)
            if not cast:
                for _, block in self._blocks:
                    block.follow()
            self._seen = now
        if cast or [*map(_members, self.param_groups)] != self._listed:
            for group in self.param_groups:
                group["params"] = listed(self._who, group["params"], 'a group\'s "params"')
            check_members(self._who, self.param_groups)
            states = self._states()
            self._pack()
            self._restore(states)

    def _states(self) -> States:
        """Return copies of all state by the id of the parameter."""
        found: States = {}
        for _, block in self._blocks:
            found.update(block.states(self.counts_steps))
        return found

    def _restore(self, states: States) -> None:
        """Replace all state."""
        for _, block in self._blocks:
            block.restore(states)

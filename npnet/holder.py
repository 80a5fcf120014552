"""Holder: what has Parameters, buffers and parts of its own kind."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from npnet.expression import Expression
from npnet.parameter import Array, Parameter, structure
from npnet.state import LoadResult, entries, load

__all__ = ["Holder", "LoadResult"]

Self = TypeVar("Self", bound="Holder")
_TABLES = ("_parameters", "_buffers", "_modules")


class Holder:
    """The half of a Module that holds: registration, traversal, state and printing.

    Names, order and texts are torch.nn.Module's.
    """

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Array | None]
    _modules: dict[str, Any]
    _transient: set[str]
    _version: int

    def __init__(self) -> None:
        self.__dict__.update(_parameters={}, _buffers={}, _modules={}, _transient=set())
        self.__dict__.update(_version=0)
        self.training = True

    # ------------------------------------------------------------------ holding parts

    @property
    def _who(self) -> str:
        """Name for messages."""
        return type(self).__name__

    def __setattr__(self, name: str, value: Any) -> None:
        """Register Parameters and Modules under their attribute's name."""
        attributes = self.__dict__
        if isinstance(value, (Parameter, Holder)):
            self._check_name(name)
            if isinstance(value, Parameter):
                self._hold_parameter(name, value)
            else:
                self._hold_module(name, value)
            return
        if name in attributes.get("_buffers", ()):
            self.register_buffer(name, value, name not in self._transient)
            return
        for table, kind in (("_parameters", "parameter"), ("_modules", "child module")):
            if name in attributes.get(table, ()):
                if value is not None:
                    raise TypeError(
                        f"{self._who}: cannot assign {type(value).__name__} as {kind} {name!r}; "
                        f"assign a {kind.split()[-1].title()} or None"
                        + (f", or copy numbers with .{name}.data = array" * (kind == "parameter"))
                    )
                attributes[table][name] = None
        attributes[name] = value
        if name != "training":
            attributes["_version"] = attributes.get("_version", 0) + 1
        structure.tick()

    def __delattr__(self, name: str) -> None:
        """Forget a part."""
        object.__delattr__(self, name)
        for table in _TABLES:
            self.__dict__[table].pop(name, None)
        self._transient.discard(name)
        self.__dict__["_version"] += 1
        structure.tick()

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Hold a Parameter; None keeps its place without one."""
        self._check_name(name)
        self._check_free(name, "_parameters")
        self._hold_parameter(name, param)

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """Hold an array that is no parameter; `persistent` ones are part of the state_dict."""
        self._check_name(name)
        self._check_free(name, "_buffers")
        self._register("_buffers", name, self._buffer(name, tensor))
        (self._transient.discard if persistent else self._transient.add)(name)

    def add_module(self, name: str, module: Any) -> None:
        """Hold a Module as the child `name`."""
        self._check_name(name)
        self._check_free(name, "_modules")
        self._hold_module(name, module)

    def register_module(self, name: str, module: Any) -> None:
        """Hold a Module as the child `name`, as `add_module`."""
        self.add_module(name, module)

    def _hold_parameter(self, name: str, parameter: Parameter | None) -> None:
        """Check and enter a Parameter."""
        old = self._parameters.get(name)
        if parameter is not None and not isinstance(parameter, Parameter):
            raise TypeError(
                f"{self._who}: expected a Parameter as {name!r}, got {type(parameter).__name__}"
            )
        if old is not None and parameter is not None and old.shape != parameter.shape:
            raise ValueError(
                f"{self._who}: expected a Parameter of shape {old.shape} as {name!r}, got "
                f"{parameter.shape}; a parameter is replaced by one of its shape"
            )
        if parameter is not None and not parameter.name:
            parameter.name = name
        self._register("_parameters", name, parameter)

    def _hold_module(self, name: str, module: Any) -> None:
        """Check and enter a Module."""
        if module is not None and not isinstance(module, Holder):
            raise TypeError(
                f"{self._who}: expected a Module as {name!r}, got {type(module).__name__}"
            )
        self._register("_modules", name, module)

    def _buffer(self, name: str, value: Any) -> Array | None:
        """Return an array of a buffer's own; None stays None."""
        recorded = isinstance(value, Expression) and not isinstance(value, Parameter)
        array = None if value is None or recorded else np.array(value)
        if recorded or (array is not None and array.dtype.hasobject):
            raise TypeError(
                f"{self._who}: expected an array as buffer {name!r}, got {type(value).__name__}; "
                "running statistics are computed from arrays: after the call, in a forward hook, "
                "or, in place, in the kernel of a Layer"
            )
        return array

    def _register(self, table: str, name: str, value: Any) -> None:
        """Enter a part in its table and as an attribute."""
        if value is not None and self.__dict__[table].get(name) is value:
            return  # as by ``module.weight -= step``
        if table != "_buffers":
            self._transient.discard(name)
        for other in _TABLES:
            if other != table:
                self.__dict__[other].pop(name, None)
        self.__dict__[table][name] = value
        self.__dict__[name] = value
        self.__dict__["_version"] += 1
        structure.tick()

    def _check_name(self, name: str) -> None:
        """Refuse names that a state_dict could not tell apart."""
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"{self._who}: cannot assign {name!r} before super().__init__()")
        if not isinstance(name, str):
            raise TypeError(f"{self._who}: expected a string as name, got {name!r}")
        if not name or "." in name:
            raise KeyError(f"{self._who}: expected a name without dots and not empty, got {name!r}")
        if not self._is_registered(name) and hasattr(type(self), name):
            raise KeyError(f"{self._who}: attribute {name!r} already exists")

    def _check_free(self, name: str, table: str) -> None:
        """Refuse the name of what is in no table, or another; assigning replaces it on purpose."""
        if name in self.__dict__ and name not in self.__dict__[table]:
            raise KeyError(f"{self._who}: attribute {name!r} already exists")

    def _is_registered(self, name: str) -> bool:
        """Whether a part of this name is held."""
        return any(name in self.__dict__[table] for table in _TABLES)

    # ------------------------------------------------------------------ looking at parts

    def named_children(self) -> Iterator[tuple[str, Any]]:
        """Yield the Modules it holds itself, each once, with their names."""
        seen: set[int] = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Any]:
        """Yield the Modules it holds itself, each once."""
        return (module for _, module in self.named_children())

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """Yield itself and all Modules below, with dotted names, in order of registration."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                dotted = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, dotted, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Any]:
        """Yield itself and all Modules below, each once."""
        named = self.named_modules(remove_duplicate=remove_duplicate)
        return (module for _, module in named)

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield Parameters with dotted names, in order of registration, each once."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield Parameters in order of registration, each once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Array]]:
        """Yield buffers with dotted names."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Array]:
        """Yield buffers."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _named(self, table: str, prefix: str, recurse: bool, unique: bool) -> Iterator[Any]:
        """Walk one table of every Module."""
        seen: set[int] = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=unique)
        for path, module in modules if recurse else [(prefix, self)]:
            for name, part in module.__dict__[table].items():
                if part is not None and not (unique and id(part) in seen):
                    seen.add(id(part))
                    yield (f"{path}.{name}" if path else name), part

    def get_submodule(self, target: str) -> Any:
        """Return the Module of a dotted name, itself for ""; AttributeError where none is."""
        module: Any = self
        for name in target.split(".") if target else ():
            module = module._part(name)
            if not isinstance(module, Holder):
                raise AttributeError(
                    f"{self._who}: {target!r} leads to {name!r}, which is no Module"
                )
        return module

    def set_submodule(self, target: str, module: Any, strict: bool = False) -> None:
        """Hold a Module under a dotted name, in place of the one there, if any.

        Errors
        ------
        ValueError
            For no name, and what is no Module.
        AttributeError
            Where the name leads nowhere, to what is no Module, or, where strict, is not there.
        """
        path, _, name = target.rpartition(".")
        if not name or not isinstance(module, Holder):
            got = f"{target!r} and {type(module).__name__}"
            raise ValueError(f"{self._who}: expected a name and a Module, got {got}")
        parent = self.get_submodule(path)
        if strict or hasattr(parent, name):
            self.get_submodule(target)
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """Return the Parameter of a dotted name; AttributeError where none is."""
        path, _, name = target.rpartition(".")
        parameter = self.get_submodule(path)._part(name)
        if not isinstance(parameter, Parameter):
            raise AttributeError(f"{self._who}: {target!r} is no Parameter")
        return parameter

    def get_buffer(self, target: str) -> Array | None:
        """Return the buffer of a dotted name; AttributeError where none is."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        buffer: Array | None = module._part(name)
        if name not in module._buffers:
            raise AttributeError(f"{self._who}: {target!r} is no buffer")
        return buffer

    def _part(self, name: str) -> Any:
        """Return an attribute, or say that there is none."""
        if not hasattr(self, name):
            raise AttributeError(f"{self._who} has no attribute {name!r}")
        return getattr(self, name)

    def __dir__(self) -> list[str]:
        """Names that can be written behind a dot: those of numbered parts cannot."""
        return sorted(name for name in super().__dir__() if not name[0].isdigit())

    # ------------------------------------------------------------------ changing parts

    def apply(self: Self, fn: Callable[[Any], Any]) -> Self:
        """Call `fn` on every Module below, then on itself."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self: Self, mode: bool = True) -> Self:
        """Switch to training (or evaluation), with all Modules below."""
        if not isinstance(mode, bool):
            raise ValueError(f"{self._who}: expected mode True or False, got {mode!r}")
        if self.training != mode:
            self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self: Self) -> Self:
        """Switch to evaluation: nothing is kept for backward."""
        return self.train(False)

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Freeze or free every Parameter."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget every Parameter's gradient, or set those there are to zero."""
        for parameter in self.parameters():
            parameter.zero_grad(set_to_none)

    # ------------------------------------------------------------------ state

    def state_dict(
        self,
        prefix: str = "",
        keep_vars: bool = False,
        destination: OrderedDict[str, Any] | None = None,
    ) -> OrderedDict[str, Any]:
        """Return name -> array: own Parameters, persistent buffers, then children's.

        The arrays are the live storage, as in torch, until an optimizer is made or the dtype
        changes, which moves it: copy what should not follow training, ask anew for what should.

        Parameters
        ----------
        prefix : str, default ""
            In front of every name.
        keep_vars : bool, default False
            Give the Parameters themselves.
        destination : OrderedDict, optional
            Write into it, and return it.
        """
        state = OrderedDict() if destination is None else destination
        for key, entry in entries(self, prefix).items():
            state[key] = entry.part if keep_vars else entry.array
        return state

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> LoadResult:
        """Copy arrays into Parameters and buffers, all of them or, on an error, none.

        Parameters
        ----------
        state_dict : mapping of names to arrays
        strict : bool, default True
            Raise where names are missing or unexpected; otherwise they are only returned.
        assign : bool, default False
            Replace Parameters and buffers by new ones of the arrays' dtypes, or by the Parameters
            in `state_dict`, instead of copying numbers; make the optimizer after that.

        Errors
        ------
        TypeError
            Where `state_dict` is no mapping.
        RuntimeError
            For keys that are missing or unexpected (where strict) and for arrays of another shape,
            all named together.
        """
        return load(self, state_dict, strict, assign)

    # ------------------------------------------------------------------ being printed

    def extra_repr(self) -> str:
        """Return what stands between the parentheses of a Module without children."""
        return ""

    def __repr__(self) -> str:
        """Torch's form: children nested by two spaces."""
        head = self.extra_repr().splitlines()
        body = [
            f"({name}): " + repr(module).replace("\n", "\n  ")
            for name, module in self._modules.items()
        ]
        name = type(self).__name__
        if not body and len(head) <= 1:
            return f"{name}({''.join(head)})"
        return f"{name}(\n  " + "\n  ".join(head + body) + "\n)"

"""Scripts: the graph that a script defines and runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from npnet.expression import Expression
from npnet.graph import Graph
from npnet.module import Module

__all__ = ["ScriptError", "chosen", "names_in", "running"]


class ScriptError(Exception):
    """A script that defines no graph, several, or one that has not run."""


@contextmanager
def running(script: Path) -> Iterator[dict[str, Any]]:
    """Run a script as ``python script.py`` does; give what it defines.

    Within, the script's module stays the main one, as what it defines may look there.

    Errors
    ------
    ScriptError
        Where there is no such file, and where it ends itself as failed.
    """
    if not script.is_file():
        raise ScriptError(f"{script}: there is no such file")
    module = ModuleType("__main__")
    module.__dict__.update(__file__=str(script), __builtins__=__builtins__)
    before = sys.modules["__main__"], sys.argv, list(sys.path)
    sys.modules["__main__"], sys.argv = module, [str(script)]
    sys.path.insert(0, str(script.resolve().parent))
    try:
        try:
            exec(compile(script.read_bytes(), str(script), "exec"), module.__dict__)
        except SystemExit as end:
            if end.code not in (None, 0):
                raise ScriptError(f"{script}: ended itself with {end.code!r}") from None
        yield module.__dict__
    finally:
        sys.modules["__main__"], sys.argv, sys.path[:] = before


def chosen(defined: dict[str, Any], script: Path, name: str | None = None) -> Module:
    """Return the Graph or Module that a script is about.

    The one of this name; else its Graph that has run, else its Module that has, if it is the only
    one at the top: not a part of another.

    Errors
    ------
    ScriptError
        Where there is none, or more than one.
    """
    modules = {key: value for key, value in defined.items() if isinstance(value, Module)}
    if name is not None:
        if name not in modules:
            there = ", ".join(modules) or "none"
            raise ScriptError(
                f"{script}: {name!r} is no Graph or Module of the script; there are: {there}"
            )
        return _ran({name: modules[name]}, script)
    if not modules:
        raise ScriptError(
            f"{script}: defines no Graph or Module; it has to be there under a name of its own, "
            "not only within a function"
        )
    parts = {
        id(part) for value in modules.values() for part in value.modules() if part is not value
    }
    tops = {id(value): key for key, value in reversed(modules.items()) if id(value) not in parts}
    named = {key: modules[key] for key in reversed(tops.values())}
    graphs: dict[str, Module] = {
        key: value for key, value in named.items() if isinstance(value, Graph)
    }
    return _ran(graphs or named, script)


def names_in(defined: dict[str, Any], module: Module) -> dict[Expression | str, str]:
    """Return the names that a script has for the Nodes and Parameters of what it ran last.

    >>> import npnet
    >>> g = npnet.Graph()
    >>> x = g.input("x")
    >>> y = x * x
    >>> g.output(y)
    >>> _ = g(2.0)
    >>> [*names_in({"x": x, "y": y, "again": y}, g).values()]
    ['y']
    """
    plan = module.execution.ran
    if plan is None:
        return {}
    taken = {slot.source.name for slot in plan.tape.slots if slot.kind == "input"}
    found: dict[Expression | str, str] = {}
    slots: set[int] = set()
    for name, value in defined.items():
        slot = plan.tape.slot(value) if isinstance(value, Expression) else None
        if slot is None or slot in slots or name in taken or name.startswith("_"):
            continue
        if plan.tape.slots[slot].kind != "input":
            slots.add(slot)
            found[value] = name
    return found


def _ran(modules: dict[str, Module], script: Path) -> Module:
    """Return the only one that has run."""
    ran = {key: value for key, value in modules.items() if value.execution.ran is not None}
    if len(ran) == 1:
        return next(iter(ran.values()))
    if ran:
        raise ScriptError(f"{script}: runs {', '.join(ran)}; say which one to show: --name NAME")
    name = next(iter(modules))
    raise ScriptError(
        f"{script}: defines {', '.join(modules)}, but runs none; call it there once on numbers, "
        f"and go back: {name}(...); {name}.backward()"
    )

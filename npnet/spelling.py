"""Spelling: what may be meant by a name that is not there."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

__all__ = ["meant", "unexpected"]


def meant(name: str, names: Iterable[str]) -> str:
    """Return the end of a message that asks whether a close name is meant; nothing without any.

    Close are names that differ in a few letters, and those that one is the initials of.

    Examples
    --------
    >>> meant("momentun", ["lr", "momentum"])
    "; do you mean 'momentum'?"
    >>> meant("learning_rate", ["lr", "momentum"])
    "; do you mean 'lr'?"
    >>> meant("dropout", ["lr", "momentum"])
    ''
    """
    # Only who errs needs it.
    from difflib import get_close_matches

    known = list(names)
    short = [other for other in known if _initials(name) == other or _initials(other) == name]
    close = get_close_matches(name, known, 1) or (short if name else [])
    return f"; do you mean {close[0]!r}?" if close else ""


def unexpected(kind: type[Any], name: str, others: Iterable[str] = ()) -> TypeError:
    """Return the error of a class that was called with an argument that it does not have.

    It names the arguments there are; `others` are taken too, but better left out.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> print(unexpected(SGD, "momentun"))  # doctest: +ELLIPSIS
    SGD: got an unexpected argument 'momentun'; there are params, ...; do you mean 'momentum'?
    """
    parameters = inspect.signature(kind).parameters.values()
    names = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    there = ", ".join(names) + meant(name, [*names, *others])
    return TypeError(f"{kind.__name__}: got an unexpected argument {name!r}; there are {there}")


def _initials(name: str) -> str:
    """Return the first letters of words with underscores between them."""
    words = name.split("_")
    return "".join(word[:1] for word in words) if len(words) > 1 else ""

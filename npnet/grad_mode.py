"""Grad mode: whether Modules are called so that backward may follow, switched thread by thread."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from npnet.clock import structure

__all__ = ["enable_grad", "inference_mode", "is_grad_enabled", "no_grad", "set_grad_enabled"]

Self = TypeVar("Self", bound="GradMode")


class _Thread(threading.local):
    """What the calling thread has switched."""

    enabled: bool = True

    def __init__(self) -> None:
        #: The modes to come back to, one for each block that is open.
        self.outside: list[bool] = []


_thread = _Thread()


def is_grad_enabled() -> bool:
    """Return whether backward may follow what is called now: False within `no_grad`.

    Source: torch.is_grad_enabled.

    Examples
    --------
    >>> is_grad_enabled()
    True
    """
    return _thread.enabled


def _switch(enabled: bool) -> None:
    """Change the mode of the calling thread."""
    if enabled != _thread.enabled:
        _thread.enabled = enabled
        # The plans that run now are of the other mode. So a call asks for it only where anything
        # changed anywhere, which it looks for as it is.
        structure.tick()


class GradMode:
    """Base of what switches the mode for a block (``with``), or for a function (``@``)."""

    enabled: bool

    def __enter__(self: Self) -> Self:
        """Switch."""
        _thread.outside.append(_thread.enabled)
        _switch(self.enabled)
        return self

    def __exit__(self, *raised: object) -> None:
        """Switch back to what it was."""
        _switch(_thread.outside.pop())

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, switched wherever it runs; a generator while it computes."""
        if inspect.isclass(function) or not callable(function):
            got = f"the class {function.__name__}" if callable(function) else repr(function)
            raise TypeError(
                f"{type(self).__name__}: expected a function to decorate, got {got}; put it before "
                "each method that is meant, or around a block by with"
            )
        if inspect.isgeneratorfunction(function):
            return self._resumed(function)

        @functools.wraps(function)
        def switched(*arguments: Any, **keywords: Any) -> Any:
            with self._anew():
                return function(*arguments, **keywords)

        return switched

    def _anew(self) -> Any:
        """Return a block of this mode, for one run of a function."""
        return enable_grad() if self.enabled else no_grad()

    def _resumed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a generator function that is switched from each resumption to the next yield."""

        @functools.wraps(function)
        def generate(*arguments: Any, **keywords: Any) -> Generator[Any, Any, Any]:
            generator = function(*arguments, **keywords)
            resume = functools.partial(generator.send, None)
            while True:
                try:
                    with self._anew():
                        given = resume()
                except StopIteration as end:
                    return end.value
                try:
                    resume = functools.partial(generator.send, (yield given))
                except GeneratorExit:
                    with self._anew():
                        generator.close()
                    raise
                except BaseException as error:
                    resume = functools.partial(generator.throw, error)

        return generate


class _Plain(GradMode):
    """Base of those that may decorate without parentheses."""

    def __new__(cls, function: Any = None) -> Any:
        """Return what switches, or the function given, decorated."""
        made = super().__new__(cls)
        return made if function is None else made(function)


class no_grad(_Plain):
    """Keep nothing for backward of what is called within: a block, or a decorated function.

    ``with no_grad():`` or ``@no_grad()`` or ``@no_grad``. Modules called on arrays within it hold
    as little memory as in evaluation, in whatever mode they are: it changes no `training`, so
    dropout drops, and running statistics run. Their `backward` raises a RuntimeError until they are
    called outside. Within a `forward`, what is called in the block is a constant to backward: no
    gradient goes through it. It holds for the calling thread. Arrays and `Parameter.data` may be
    written to anywhere; that takes no block.

    Errors
    ------
    TypeError
        For decorating what is no function.

    Source: torch.no_grad.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> model = npnet.Linear(2, 1)
    >>> with npnet.no_grad():
    ...     output = model(np.ones((3, 2), np.float32))
    >>> model.backward(np.ones((3, 1)))
    Traceback (most recent call last):
    RuntimeError: Linear: backward after a call within no_grad, which keeps nothing for it; make ...
    """

    enabled = False


class enable_grad(_Plain):
    """Let backward follow what is called within, inside of `no_grad` too.

    A Module that was itself called within `no_grad` stays without, whatever its forward enables.

    Source: torch.enable_grad.

    Examples
    --------
    >>> with no_grad(), enable_grad():
    ...     is_grad_enabled()
    True
    """

    enabled = True


class inference_mode(GradMode):
    """Do what `no_grad` does: arrays know nothing of the block they were made in.

    Parameters
    ----------
    mode : bool, default True
        False does what `enable_grad` does.

    Source: torch.inference_mode.

    Examples
    --------
    >>> @inference_mode()
    ... def guess():
    ...     return is_grad_enabled()
    >>> guess()
    False
    """

    def __new__(cls, mode: Any = True) -> Any:
        """Return what switches, or the function given, decorated."""
        if isinstance(mode, bool):
            return super().__new__(cls)
        return cls()(mode)

    def __init__(self, mode: bool = True) -> None:
        self.enabled = not mode


class set_grad_enabled(GradMode):
    """Switch the mode at once, for good; as a block, until its end; a decorated function's only.

    Parameters
    ----------
    mode : bool
        Whether backward may follow what is called from now on.

    Errors
    ------
    TypeError
        For a mode that is no bool, and for decorating what is no function.

    Source: torch.set_grad_enabled.

    Examples
    --------
    >>> training = False
    >>> with set_grad_enabled(training):
    ...     is_grad_enabled()
    False
    """

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled: expected mode True or False, got {mode!r}")
        self.enabled = mode
        self._before = _thread.enabled
        _switch(mode)

    def __enter__(self: Self) -> Self:
        """Switch, where it has been switched back."""
        _switch(self.enabled)
        return self

    def __exit__(self, *raised: object) -> None:
        """Switch back to what it was before this was made."""
        _switch(self._before)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Switch back, and return the function, switched wherever it runs."""
        _switch(self._before)
        return super().__call__(function)

"""Interrupt: Ctrl-C that waits until a step is finished."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interrupt", "waiting_for_interrupt"]


class Interrupt:
    """Whether Ctrl-C was pressed."""

    __slots__ = ("requested",)

    def __init__(self) -> None:
        self.requested = False


@contextmanager
def waiting_for_interrupt() -> Iterator[Interrupt]:
    """Let a first Ctrl-C only be noted; a second one raises KeyboardInterrupt at once.

    Only in the main thread, and only where Python's own handler is set: who set another one for
    SIGINT keeps it. The handler is put back at the end.

    Examples
    --------
    >>> with waiting_for_interrupt() as interrupt:
    ...     signal.raise_signal(signal.SIGINT)
    ...     print(interrupt.requested)
    True
    """
    interrupt = Interrupt()
    own = signal.default_int_handler
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not own:
        yield interrupt
        return

    def note(number: int, frame: FrameType | None) -> None:
        interrupt.requested = True
        signal.signal(signal.SIGINT, own)

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupt
    finally:
        if signal.getsignal(signal.SIGINT) is note:
            signal.signal(signal.SIGINT, own)

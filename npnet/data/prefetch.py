"""Prefetch: batches gathered by a thread, before they are asked for."""

from __future__ import annotations

import math
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

__all__ = ["Ahead"]


class Ahead:
    """An order, and what gathers its batches `depth` ahead of the one that is asked for.

    It is the order itself: ``map(ahead.gather, ahead)`` is the pass. Numbers whose batch nobody
    gathers cost nothing. All batches are gathered in one thread, in their order; what goes wrong
    there, or in the order, is raised where the batch has its turn. The thread ends with the order,
    and with the last reference to this object.

    Parameters
    ----------
    order : iterator
    gather : function
        Of an item of the order; called in the thread.
    depth : int
        How many batches may wait.
    known : number, default infinity
        So many items of the order may be asked for early; what follows has effects that others see,
        such as drawing random numbers, and is asked for in its turn only. So is the first.

    Examples
    --------
    >>> ahead = Ahead(iter([1, 2, 3]), lambda item: item * 10, depth=2)
    >>> list(map(ahead.gather, ahead))
    [10, 20, 30]
    """

    def __init__(
        self,
        order: Iterator[Any],
        gather: Callable[[Any], Any],
        depth: int,
        known: float = math.inf,
    ) -> None:
        self._order, self._gather, self._depth, self._known = order, gather, depth, known
        self._asked = 0
        #: What comes next: pairs of an item and its batch to be, or the error in its place.
        self._waiting: deque[tuple[Any, Future[Any]] | Exception] = deque()
        self._current: tuple[Any, Future[Any]] | None = None
        self._pool: ThreadPoolExecutor | None = None

    def __iter__(self) -> Ahead:
        """Return itself."""
        return self

    def __next__(self) -> Any:
        """Return the next item, whatever became of the batch of the last one."""
        self._current = None
        if not self._waiting:
            try:
                self._asked += 1
                return next(self._order)
            except Exception:
                self._end()
                raise
        coming = self._waiting.popleft()
        if isinstance(coming, Exception):
            self._end()
            raise coming
        self._current = coming
        return coming[0]

    def gather(self, item: Any) -> Any:
        """Return the batch of the item that came last, or of any other."""
        current, self._current = self._current, None
        batch = current[1] if current and current[0] is item else self._submit(item)
        while len(self._waiting) < self._depth and self._asked < self._known:
            try:
                self._asked += 1
                coming = next(self._order)
            except Exception as error:
                self._waiting.append(error)
                self._known = 0
            else:
                self._waiting.append((coming, self._submit(coming)))
        return batch.result()

    def _submit(self, item: Any) -> Future[Any]:
        """Have the batch of an item gathered."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="npnet.data")
            weakref.finalize(self, _stop, self._pool)
        return self._pool.submit(self._gather, item)

    def _end(self) -> None:
        """Let the thread go."""
        self._known = 0
        self._waiting.clear()
        if self._pool is not None:
            _stop(self._pool)
            self._pool = None


def _stop(pool: ThreadPoolExecutor) -> None:
    """End a thread once it has gathered what it is at."""
    pool.shutdown(wait=False, cancel_futures=True)

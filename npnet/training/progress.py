"""Progress: a bar an epoch, drawn by the clock."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Bar", "bar_for"]

#: Seconds between two drawings.
EVERY = 0.1
_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
_FORMAT_OPEN = "{desc} {n_fmt} batches [{elapsed}{postfix}]"


class Bar:
    """A tqdm bar that counts the batches of an epoch.

    Parameters
    ----------
    title : str
    batches : int or None
        Of the epoch, where that is known.
    place, samples : numbers
        Batches and samples that were there before, of an epoch that is gone on with.
    """

    def __init__(self, title: str, batches: int | None, place: int, samples: float) -> None:
        from tqdm import tqdm

        form = _FORMAT_OPEN if batches is None else _FORMAT
        self._bar: Any = tqdm(
            total=batches, desc=title, initial=place, bar_format=form, mininterval=0, leave=True
        )
        self._samples, self._began = samples, time.monotonic()
        self.due = self._began + EVERY

    def show(self, place: int, samples: float, figures: Callable[[], Mapping[str, Any]]) -> None:
        """Draw the bar for these counts."""
        now = time.monotonic()
        rate = (samples - self._samples) / max(now - self._began, 1e-9)
        shown = {name: _short(value) for name, value in figures().items() if _is_number(value)}
        self._bar.set_postfix({**shown, "samples/s": f"{rate:,.0f}"}, refresh=False)
        self._bar.n = place
        self._bar.refresh()
        self.due = now + EVERY

    def close(self) -> None:
        """Leave the bar as it is drawn."""
        self._bar.close()


def bar_for(
    wanted: bool | None, title: str, batches: int | None, place: int, samples: float
) -> Bar | None:
    """Return a bar; None where it is not wanted or, without a wish, errors go to no terminal."""
    if wanted is None:
        wanted = sys.stderr is not None and sys.stderr.isatty()
    return Bar(title, batches, place, samples) if wanted else None


def _is_number(value: Any) -> bool:
    """Whether there is room for it beside a bar."""
    return isinstance(value, int | float)


def _short(value: float) -> str:
    """Return a number in four digits."""
    return f"{value:.4g}"

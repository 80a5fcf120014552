"""Monitor: which figure of an epoch counts, and which way is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Monitor"]

_HIGHER = ("accuracy", "top", "precision", "recall", "f1", "r2")


@dataclass(frozen=True, init=False)
class Monitor:
    """A figure in the record of an epoch, and whether lower or higher is better.

    Parameters
    ----------
    name : str, optional
        By default "val_loss", or "loss" where there is none.
    mode : {"min", "max"}, optional
        By default "max" for names that begin, after "val_", with accuracy, top, precision, recall,
        f1 or r2, else "min".
    who : str, default "Trainer"
        Whose it is, for messages.

    Examples
    --------
    >>> Monitor().better(0.5, 0.75), Monitor("val_accuracy").better(0.5, 0.75)
    (True, False)
    """

    name: str | None
    mode: str
    who: str = field(repr=False, compare=False)

    def __init__(
        self, name: str | None = None, mode: str | None = None, who: str = "Trainer"
    ) -> None:
        if mode is None:
            bare = (name or "").removeprefix("val_").lower()
            mode = "max" if bare.startswith(_HIGHER) else "min"
        if mode not in ("min", "max"):
            raise ValueError(f"{who}: expected mode 'min' or 'max', got {mode!r}")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "mode", mode)
        object.__setattr__(self, "who", who)

    def name_in(self, record: Mapping[str, Any]) -> str:
        """Return the name of the figure in the record of an epoch; ValueError where it has none."""
        name = self.name or ("val_loss" if "val_loss" in record else "loss")
        if name not in record:
            validated = any(there.startswith("val_") for there in record)
            mend = "" if validated or not name.startswith("val_") else "; give fit a validation"
            raise ValueError(
                f"{self.who}: expected monitor as the name of a figure that an epoch has, got "
                f"{name!r}; there are {', '.join(record)}{mend}"
            )
        return name

    def value(self, record: Mapping[str, Any]) -> float:
        """Return the figure of an epoch; ValueError where it has none of this name."""
        return float(record[self.name_in(record)])

    def better(self, value: float, best: float | None, by: float = 0.0) -> bool:
        """Whether a value beats the best so far by more than `by`; NaN beats nothing."""
        if value != value:
            return False
        if best is None:
            return True
        return value < best - by if self.mode == "min" else value > best + by

"""Lettering: words in several styles, and how wide they get in whatever font there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Run", "Words", "plain", "width"]

#: Widths of characters, in parts of the font's size: those of DejaVu, rounded up, as few fonts
#: are wider. What is not here is taken to be as wide as a capital.
_WIDTHS = {
    0.3: "'",
    0.35: " ,./:;\\ijl|·",
    0.4: "!()-IJ[]ft¹²³⁴⁰",
    0.45: '"ᵀ',
    0.5: "*_`r‖",
    0.55: "?sz∂⁻",
    0.6: "ckvxy",
    0.65: "$0123456789abdeghnopqu{}√λμβ",
    0.7: "FLPSTYZσα",
    0.75: "ABEKRVX∑",
    0.8: "CDG",
    0.85: "#+<=>OQU^w~−\u00d7÷≥≤→∞⊙",
    0.9: "&HN",
    0.95: "%⊤",
    1.0: "@m…—",
    1.05: "MW",
}
_WIDTH = {character: wide for wide, characters in _WIDTHS.items() for character in characters}
_BOLD, _RAISED = 1.15, 0.75


@dataclass(frozen=True)
class Run:
    """Characters in one style.

    Attributes
    ----------
    text : str
    style : str
        "" for upright, "math" for a variable, "bold", "soft" for what matters less.
    level : int
        1 above the line, -1 below it, both in smaller letters.
    """

    text: str
    style: str = ""
    level: int = 0

    def width(self, size: float) -> float:
        """Return how wide it gets at most, in most fonts."""
        wide = sum(_WIDTH.get(character, 0.85) for character in self.text)
        return wide * size * (_RAISED if self.level else 1) * (_BOLD if self.style == "bold" else 1)


#: A line of text.
Words: TypeAlias = tuple[Run, ...]


def width(words: Iterable[Run], size: float) -> float:
    """Return how wide words get, in pixels, at a size of the font.

    >>> width([Run("x", "math"), Run("1", "math", -1)], 10)
    10.875
    """
    return sum(run.width(size) for run in words)


def plain(words: Sequence[Run]) -> str:
    """Return words without their styles.

    >>> plain([Run("x", "math"), Run("1", "math", -1), Run(" = 2")])
    'x1 = 2'
    """
    return "".join(run.text for run in words)

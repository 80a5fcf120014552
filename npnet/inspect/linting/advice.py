"""Advice: one thing to change in a model, where, why, and what to write instead."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Advice", "Lint"]

_WIDTH = 80
#: Of a line to write, behind "instead": 100 in all.
_LINE = 89


@dataclass(frozen=True)
class Advice:
    """One finding: `code` names its kind, `path` is its place in the model.

    `message` says what is there, `why` what comes of it, `instead` is the line to write.
    """

    code: str
    path: str
    message: str
    why: str
    instead: str

    def __str__(self) -> str:
        """Return it on some lines."""
        lines = [f"{self.code}: {self.path}"]
        for word, text in (("what", self.message), ("why", self.why)):
            parts = textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
            lines += [f"  {word if i == 0 else '':8} {part}" for i, part in enumerate(parts)]
        return "\n".join([*lines, *_program(self.instead)])


def _program(line: str) -> list[str]:
    """Return a line to write, its remark on lines of its own where they would be too long."""
    code, _, remark = line.partition("    # ")
    if len(line) <= _LINE:
        return [f"  instead  {line}"]
    wrapped = textwrap.wrap(remark, _LINE - 2, break_long_words=False, break_on_hyphens=False)
    lines = textwrap.wrap(code, _LINE, break_long_words=False, break_on_hyphens=False)
    lines += [f"# {part}" for part in wrapped]
    return [f"  {'' if n else 'instead':8} {part}" for n, part in enumerate(lines)]


@dataclass(frozen=True)
class Lint:
    """What `lint` found; true where there is nothing."""

    subject: str
    findings: tuple[Advice, ...]

    @property
    def ok(self) -> bool:
        """Whether there is nothing to change."""
        return not self.findings

    @property
    def codes(self) -> tuple[str, ...]:
        """The kinds of what was found, in order."""
        return tuple(finding.code for finding in self.findings)

    def __bool__(self) -> bool:
        """Whether there is nothing to change."""
        return self.ok

    def __iter__(self) -> Iterator[Advice]:
        """Yield the findings."""
        return iter(self.findings)

    def __str__(self) -> str:
        """Return the findings, each on some lines."""
        count = len(self.findings)
        found = f"{count} finding{'s' * (count != 1)}" if count else "nothing found"
        return "\n".join([f"lint: {self.subject}: {found}", *map(str, self.findings)])

    def __repr__(self) -> str:
        """Return the findings, so that a prompt shows them."""
        return str(self)

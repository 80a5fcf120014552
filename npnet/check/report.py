"""Report: what was checked, what failed, and the likely mistake in words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from npnet.check.checks.table import Check
from npnet.check.comparing import Disagreement
from npnet.check.function import GradientShape
from npnet.check.gradchecking import GradientError

__all__ = ["CheckError", "Finding", "Line", "Report", "findings_of"]

_WIDTH = 96


class CheckError(AssertionError):
    """What a layer or function does not hold to; `report` has the particulars."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    `operand` and `element` say where, `expected` and `got` are the numbers there, and `cause` is
    the likely mistake; each is empty, or None, where there is none to tell.
    """

    check: str
    message: str
    operand: str = ""
    element: tuple[int, ...] | None = None
    expected: Any = None
    got: Any = None
    cause: str = ""

    def __str__(self) -> str:
        """Return the message, and the likely mistake below it."""
        told = not self.cause or self.cause in self.message
        return self.message if told else f"{self.message}\nlikely mistake: {self.cause}"


@dataclass(frozen=True)
class Line:
    """One check: what it says, "ok", "FAIL" or "skip", and why it was skipped."""

    check: str
    says: str
    mark: str
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """What `check_layer` and `check_gradients` found; true where everything holds.

    Attributes
    ----------
    subject : str
        What was checked.
    operands : tuple of str
        What it was fed, a line each.
    lines : tuple of Line
        One for each check.
    findings : tuple of Finding
        What is wrong.
    culprit : str
        The step of a Module of several that is wrong by itself.
    """

    who: str
    subject: str
    operands: tuple[str, ...]
    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]
    culprit: str = ""

    @property
    def ok(self) -> bool:
        """Whether everything that was checked holds."""
        return not self.findings

    @property
    def cause(self) -> str:
        """The likely mistake: that of the first finding that has one."""
        return next((finding.cause for finding in self.findings if finding.cause), "")

    def __bool__(self) -> bool:
        """Whether everything that was checked holds."""
        return self.ok

    def __str__(self) -> str:
        """Return the report: a line for each check, what failed below its line."""
        asked = sum(line.mark != "skip" for line in self.lines)
        failed = sum(line.mark == "FAIL" for line in self.lines)
        result = f"{failed} of {asked} checks failed" if failed else f"all {asked} checks passed"
        if asked == 1:
            result = "1 check failed" if failed else "1 check passed"
        text = [f"{self.who}: {self.subject}: {result}"]
        text += [f"  {operand}" for operand in self.operands]
        for _, alike in groupby(self.lines, self._said):
            text += self._about([*alike])
        text += [f"  {line}" for line in self.culprit.splitlines()]
        return "\n".join(text)

    def __repr__(self) -> str:
        """Return the report, so that a prompt shows it."""
        return str(self)

    def _found(self, line: Line) -> list[str]:
        """Return what a check found, in words."""
        return [str(finding) for finding in self.findings if finding.check == line.check]

    def _said(self, line: Line) -> tuple[str, ...]:
        """Return what is said of a check beside its name; what is said of several is said once."""
        found = [f for f in self.findings if f.check == line.check]
        said = (str(f).removeprefix(f"{f.operand}: ") for f in found)
        return (line.mark, line.detail, *said) if found or line.detail else (line.check,)

    def _about(self, lines: Sequence[Line]) -> Iterator[str]:
        """Yield the text of one check, or of several of which the same is to be said."""
        several, last = len(lines) > 1, lines[-1]
        detail = f" ({last.detail})" if last.detail and not several else ""
        for line in lines:
            yield from _wrapped(f"{line.mark:4}  {line.says}{detail}", 2)
        if several and last.detail:
            yield from _wrapped(last.detail, 8)
        for finding in self._found(last):
            for part in finding.splitlines():
                yield from _wrapped(part, 8)


def _wrapped(text: str, indent: int) -> list[str]:
    """Return a text in lines that are not too long, the first one indented less."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (10 if indent == 8 else 8),
        break_long_words=False,
        break_on_hyphens=False,
    )


def findings_of(check: Check, error: Exception) -> tuple[list[Finding], str]:
    """Return what a check's error says, and the step that is at fault by itself."""
    if isinstance(error, GradientError):
        return [_of_fault(check, fault) for fault in error.result.faults], error.result.culprit
    if isinstance(error, Disagreement):
        found = Finding(
            check.name,
            str(error),
            error.operand,
            error.element,
            error.expected,
            error.got,
            error.cause,
        )
        return [found], ""
    if isinstance(error, GradientShape):
        return [Finding(check.name, str(error), error.operand, cause=error.cause)], ""
    return [Finding(check.name, f"it raises {type(error).__name__}: {error}")], ""


def _of_fault(check: Check, fault: Any) -> Finding:
    """Return what gradcheck says of one operand."""
    if fault.element is None:
        message = f"{fault.operand}: {fault.cause}"
        return Finding(check.name, message, fault.operand, cause=fault.cause)
    at = f"[{', '.join(map(str, fault.element))}]" if fault.element else ""
    message = (
        f"gradient of {fault.operand}{at}: expected {fault.numeric:.8g} (central differences), "
        f"got {fault.analytic:.8g} (backward); {fault.wrong} of {fault.looked_at} elements are "
        "wrong"
    )
    return Finding(
        check.name,
        message,
        fault.operand,
        fault.element,
        fault.numeric,
        fault.analytic,
        fault.cause,
    )

"""The questions: one file each, with one `QUESTION`."""

from __future__ import annotations

from benchmarks.question import Question
from benchmarks.questions import (
    batch,
    depth,
    digits,
    epoch,
    floor,
    inference,
    profile,
    startup,
    step,
    width,
)

__all__ = ["QUESTIONS"]

QUESTIONS: dict[str, Question] = {
    module.QUESTION.name: module.QUESTION
    for module in (digits, step, floor, profile, inference, epoch, depth, batch, width, startup)
}

"""Write what was measured: JSON, Markdown and pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.machine import caption, disturbance, head
from benchmarks.peers import GET_PEERS
from benchmarks.question import Answer

__all__ = ["record", "write", "write_json"]


def record(machine: Mapping[str, Any], answers: Mapping[str, Answer]) -> dict[str, Any]:
    """Return machine and answers as a JSON file holds them."""
    questions = {
        name: {"rows": [row.record() for row in a.rows], "failures": a.failures, **a.extra}
        for name, a in answers.items()
    }
    return {"machine": dict(machine), "questions": questions}


def write_json(content: Mapping[str, Any], to: Path) -> None:
    """Write a JSON file."""
    to.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1)
    # A list of numbers stays on one line.
    text = re.sub(r"\[[^\[\]{}]*\]", lambda match: " ".join(match[0].split()), text)
    to.write_text(text + "\n", encoding="utf-8")


def write(
    machine: Mapping[str, Any], answers: Mapping[str, Answer], folder: Path
) -> Iterator[tuple[Path, str]]:
    """Write NAME.json, NAME.md and NAME.png of every question; yield each path and what is amiss.

    A picture needs matplotlib; without it the text says how to get it.
    """
    for name, answer in answers.items():
        path = folder / f"{name}.json"
        write_json(record(machine, {name: answer}), path)
        yield path, ""
        path = folder / f"{name}.md"
        text = f"# {name}\n\n```text\n{head(machine)}\n```\n\n{answer.markdown()}"
        if disturbed := disturbance(machine):
            text += f"\n{disturbed}"
        path.write_text(text, encoding="utf-8")
        yield path, ""
        if answer.draw is None:
            continue
        path = folder / f"{name}.png"
        try:
            answer.draw(path, caption(machine))
        except ModuleNotFoundError as error:
            if error.name != "matplotlib":
                raise
            yield path, f"not drawn: matplotlib is not installed; {GET_PEERS}"
        else:
            yield path, ""

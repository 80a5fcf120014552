"""Markdown files: the code in them run, their fences and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Block", "blocks", "dead_links", "run", "stories", "unclosed"]

_FENCE = re.compile(r"^```(\w*)[ ]*(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """What stands between two fences: the words of the first, and the line before the code."""

    language: str
    word: str
    line: int
    code: str


def blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of a text."""
    for match in _FENCE.finditer(text):
        language, word, code = match.groups()
        yield Block(language, word, text.count("\n", 0, match.start(3)), code)


def stories(text: str, *apart: str) -> list[list[Block]]:
    """Return the Python blocks to be run as they stand; those in a list share one namespace.

    A block whose fence says ``python continued`` belongs to the block before it; one with a word
    of `apart` is left out.
    """
    found: list[list[Block]] = []
    for block in blocks(text):
        if block.language != "python" or block.word in apart:
            continue
        assert block.word in ("", "continued"), f"unknown word after ```python: {block.word}"
        if block.word:
            found[-1].append(block)
        else:
            found.append([block])
    return found


def run(story: list[Block], file: str) -> None:
    """Run the blocks of a story; tracebacks name the lines of the file."""
    namespace: dict[str, object] = {"__name__": file}
    for block in story:
        exec(compile("\n" * block.line + block.code, file, "exec"), namespace)


def unclosed(text: str) -> list[str]:
    """Return the fences that are not closed, or name no language."""
    fences = re.findall(r"^```.*$", text, re.MULTILINE)
    found = list(blocks(text))
    return fences[2 * len(found) :] + [block.code for block in found if not block.language]


def dead_links(text: str, folder: Path) -> list[str]:
    """Return the links to files that are not there, seen from the text's folder."""
    links = re.findall(r"\]\(([^)#]+)", _FENCE.sub("", text))
    return [link for link in links if "://" not in link and not (folder / link).exists()]

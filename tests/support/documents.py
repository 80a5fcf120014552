"""Documents that run: Python blocks, and beneath each what it prints.

``python -m tests.support.documents docs/learn/1-an-expression.md`` runs a document and writes what
it prints and the pictures it saves where they belong; the difference is then to be read.
"""

import contextlib
import importlib.util
import io
import itertools
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
FENCE = re.compile(r"^```(\w*)[ ]*(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


class Block(NamedTuple):
    """A Python block: its line, its code, whether it asks for torch, and the text beneath it."""

    line: int
    code: str
    needs_torch: bool
    expected: str
    #: Where the text stands in the document; None where the block prints nothing.
    span: tuple[int, int] | None


class Result(NamedTuple):
    """What the blocks printed, None for those left out, and the files they wrote."""

    printed: list[str | None]
    files: dict[str, bytes]


def blocks(text):
    """Return the Python blocks of a document, each with the text block that follows it next."""
    fences, found = list(FENCE.finditer(text)), []
    for match, after in itertools.zip_longest(fences, fences[1:]):
        language, word, code = match.groups()
        if language != "python":
            continue
        assert word in ("", "torch"), f"unknown word after ```python: {word}"
        line = text.count("\n", 0, match.start(3))
        printed = after if after is not None and after[1] == "text" else None
        expected, span = (printed[3], printed.span(3)) if printed else ("", None)
        found.append(Block(line, code, word == "torch", expected, span))
    return found


def run(name, found):
    """Run the blocks of a document one after the other, as one program in an empty folder."""
    namespace = {"__name__": "document"}
    torch, printed, before = importlib.util.find_spec("torch"), [], Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for block in found:
                if block.needs_torch and not torch:
                    printed.append(None)
                    continue
                stream = io.StringIO()
                with contextlib.redirect_stdout(stream):
                    exec(compile("\n" * block.line + block.code, name, "exec"), namespace)
                printed.append(re.sub(r"[ ]+$", "", stream.getvalue(), flags=re.MULTILINE))
        finally:
            os.chdir(before)
        files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
    return Result(printed, files)


def renewed(path):
    """Write what a document prints, and the pictures it saves, where they belong."""
    text = path.read_text(encoding="utf-8")
    found = blocks(text)
    printed, files = run(path.name, found)
    for block, output in reversed(list(zip(found, printed, strict=True))):
        if block.span and output is not None:
            text = text[: block.span[0]] + output + text[block.span[1] :]
        elif output:
            raise SystemExit(f"{path}, line {block.line}: no text block for {output!r}")
    path.write_text(text, encoding="utf-8")
    for name, content in files.items():
        (path.parent / "images" / name).write_bytes(content)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        renewed(Path(argument))

"""Documents that run: Python blocks, and beneath each what it prints.

``python -m tests.support.documents docs/learn/1-an-expression.md`` runs a document and writes what
it prints and the pictures it saves where they belong; the difference is then to be read.
"""

import contextlib
import importlib.util
import io
import itertools
import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.support import markdown


class Printing(NamedTuple):
    """A Python block, and the text block that follows it next; None where it prints nothing."""

    code: markdown.Block
    text: markdown.Block | None

    @property
    def expected(self):
        """What it is to print."""
        return self.text.code if self.text else ""


class Result(NamedTuple):
    """What the blocks printed, None for those left out, and the files they wrote."""

    printed: list[str | None]
    files: dict[str, bytes]


def printings(text):
    """Return the Python blocks of a document; one that needs torch says ``python torch``."""
    whole = list(markdown.blocks(text))
    found = []
    for block, after in itertools.zip_longest(whole, whole[1:]):
        if block.language == "python":
            assert block.word in ("", "torch"), f"unknown word after ```python: {block.word}"
            found.append(Printing(block, after if after and after.language == "text" else None))
    return found


def run(name, found):
    """Run the blocks of a document one after the other, as one program in an empty folder."""
    namespace = {"__name__": "document"}
    torch, printed = importlib.util.find_spec("torch"), []
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.chdir(folder):
            for code, _ in found:
                if code.word == "torch" and not torch:
                    printed.append(None)
                    continue
                with contextlib.redirect_stdout(io.StringIO()) as stream:
                    exec(compile("\n" * code.line + code.code, name, "exec"), namespace)
                printed.append(re.sub(r"[ ]+$", "", stream.getvalue(), flags=re.MULTILINE))
        files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
    return Result(printed, files)


def pictures(files):
    """Return those of the files that are kept beside the document."""
    return {name: content for name, content in files.items() if name.endswith(".svg")}


def renew(path):
    """Write what a document prints, and the pictures it saves, where they belong."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    found = printings("".join(lines))
    printed, files = run(path.name, found)
    for (code, text), output in reversed(list(zip(found, printed, strict=True))):
        if text and output is not None:
            lines[text.line : text.line + text.code.count("\n")] = [output]
        elif output:
            raise SystemExit(f"{path}, line {code.line}: no text block for {output!r}")
    path.write_text("".join(lines), encoding="utf-8")
    for name, content in pictures(files).items():
        (path.parent / "images" / name).write_bytes(content)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        renew(Path(argument))

"""``python -m npnet.inspect SCRIPT``: a page to step through, of the graph a script defines."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from npnet.inspect.pages import page
from npnet.inspect.scripts import ScriptError, chosen, names_in, running

__all__ = ["main"]

_DESCRIPTION = """\
Run a script and write a page to step through, forward and backward, of the Graph it defines and
runs, or else of the Module. Nodes and Parameters have the names that the script has for them.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; return 0, or 1 where that is not possible."""
    parser = argparse.ArgumentParser("python -m npnet.inspect", description=_DESCRIPTION)
    parser.add_argument("script", type=Path, help="a Python file, such as examples/two_paths.py")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the page; default: NAME.html, here"
    )
    parser.add_argument("-n", "--name", help="what the script calls the Graph or Module")
    parser.add_argument("-t", "--title", help="what stands above the page")
    given = parser.parse_args(arguments)
    output = given.output or Path(f"{given.script.stem}.html")
    try:
        with running(given.script) as defined:
            module = chosen(defined, given.script, given.name)
            title = given.title or f"Backpropagation, step by step: {given.script.name}"
            names = names_in(defined, module)
            written = page(module, output, names=names, title=title)
    except (ScriptError, ValueError, OSError) as error:
        print(f"npnet.inspect: {error}", file=sys.stderr)
        return 1
    print(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())

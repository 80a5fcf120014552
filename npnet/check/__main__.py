"""Print the table of seeded mistakes: python -m npnet.check."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence

from npnet.check.mistakes.table import MISTAKES, examine, summary

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check every mistake and print the table; return 1 where it is below the bar."""
    parser = argparse.ArgumentParser(
        prog="python -m npnet.check",
        description="Check layers and functions with one mistake each: are they caught, and named?",
    )
    families = sorted({mistake.family for mistake in MISTAKES})
    parser.add_argument("family", nargs="*", help=f"only these, of {', '.join(families)}")
    columns = shutil.get_terminal_size((100, 24)).columns
    parser.add_argument(
        "--width", type=int, default=columns, help="characters a line; default: the terminal's"
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.family if name not in families]
    if unknown:
        parser.error(f"expected families among {', '.join(families)}, got {', '.join(unknown)}")
    asked = [m for m in MISTAKES if not options.family or m.family in options.family]
    text, ok = summary(examine(asked), options.width)
    print(text)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())

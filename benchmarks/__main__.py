"""Command line of the benchmarks: ``python -m benchmarks [NAME ...]``."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine, results, table
from benchmarks.peers import NPNET, PEERS, Side, is_installed
from benchmarks.process import WorkerError, start
from benchmarks.question import Answer, Effort, Question

__all__ = ["QUESTIONS", "main", "parse", "run"]

QUESTIONS = ("digits", "step")
RESULTS = Path(__file__).parent / "results"
GET_PEERS = "pip install -e '.[bench]'"
LEGEND = """\
accuracy  of the test set after training, where the question trains
loss      largest difference between the two sides' losses at one step
best      ratio of the best rounds; above 1 npnet is the faster side
median    of the ratios of neighbouring rounds; spread: distance of their quartiles
goal      ratio to torch that npnet is to reach"""


def question(name: str) -> Question:
    """Return the module that answers a question."""
    module: Any = importlib.import_module(f"benchmarks.{name}")
    found: Question = module
    return found


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    lines = [f"  {name:<8}{question(name).ABOUT}" for name in QUESTIONS]
    lines += ["", "peers:", *(f"  {side.name:<8}{side.about}" for side in PEERS.values())]
    lines += ["", f"A peer must be installed: {GET_PEERS}"]
    lines += ["Exit status: 0; 1 where accuracies or losses are not equal; 2 for a wrong call."]
    found = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure npnet beside its peers, each in a process of its own, in turn.",
        epilog="questions:\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("names", nargs="*", metavar="NAME", help="questions (default: all)")
    found.add_argument(
        "--quick", action="store_true", help="fewer rounds, about half a minute; keeps no results"
    )
    found.add_argument(
        "--peers", metavar="A,B", help="peers separated by commas, all, or none (default: torch)"
    )
    found.add_argument("--json", type=Path, metavar="FILE", help="write all answers to this file")
    found.add_argument(
        "--results",
        type=Path,
        metavar="DIR",
        help="folder for NAME.json, NAME.md and NAME.png (default: benchmarks/results, "
        "with --quick none)",
    )
    return found


def parse(arguments: Sequence[str] | None = None) -> tuple[argparse.Namespace, list[Side], str]:
    """Read the command line; return it, the peers to ask, and a note about those not asked."""
    reader = parser()
    options = reader.parse_args(arguments)
    for name in options.names:
        if name not in QUESTIONS:
            reader.error(f"unknown question {name!r}; there are {', '.join(QUESTIONS)}")
    options.names = list(dict.fromkeys(options.names)) or list(QUESTIONS)
    if options.results is None and not options.quick:
        options.results = RESULTS
    if options.peers is None:
        torch = PEERS["torch"]
        if is_installed(torch):
            return options, [torch], ""
        return options, [], f"torch is not installed: npnet alone; to compare, {GET_PEERS}"
    if options.peers in ("all", "none"):
        asked = list(PEERS) if options.peers == "all" else []
    else:
        asked = list(dict.fromkeys(filter(None, options.peers.split(","))))
    for name in asked:
        if name not in PEERS:
            reader.error(f"unknown peer {name!r}; there are {', '.join(PEERS)}, all, none")
        if not is_installed(PEERS[name]):
            reader.error(f"{name} is not installed; {GET_PEERS}")
    return options, [PEERS[name] for name in asked], ""


def run(options: argparse.Namespace, peers: Sequence[Side]) -> dict[str, Answer]:
    """Ask the questions, show the table, write what is to be kept; return the answers."""
    effort = Effort.quick() if options.quick else Effort()
    strangers = machine.Strangers()
    with start([NPNET, *peers]) as processes:
        sides = {name: process.call("describe") for name, process in processes.items()}
        for name, side in sides.items():
            if side["loaded"] != [processes[name].side.package]:
                raise WorkerError(f"{name}: its process has loaded {side['loaded']}")
        about = machine.describe(sides)
        print(machine.head(about), flush=True)
        answers = {name: question(name).answer(processes, effort) for name in options.names}
    about["others_share"] = strangers.share()
    print()
    print(table.text(row for answer in answers.values() for row in answer.rows))
    print(f"\n{LEGEND}")
    if disturbed := machine.disturbance(about):
        print(f"\n{disturbed}", end="")
    if options.json:
        results.write_json(results.record(about, answers), options.json)
    if options.results:
        print()
        for path, amiss in results.write(about, answers, options.results):
            shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
            print(f"{shown} {amiss}".rstrip())
    return answers


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options, peers, note = parse(arguments)
    if note:
        print(note)
    try:
        answers = run(options, peers)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 128 + signal.SIGINT
    except WorkerError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    failures = [failure for answer in answers.values() for failure in answer.failures]
    for failure in failures:
        print(f"FAILED {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    # A plain kill ends the workers as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main())

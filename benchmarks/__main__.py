"""Command line of the benchmarks: ``python -m benchmarks [NAME ...]``."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import machine, results
from benchmarks.peers import GET_PEERS, NPNET, PEERS, Side, missing
from benchmarks.process import Process, WorkerError, start
from benchmarks.question import Answer, Effort
from benchmarks.questions import QUESTIONS
from benchmarks.questions.epoch import MNIST_FILES

__all__ = ["QUESTIONS", "main", "parse", "run"]

RESULTS = Path(__file__).parent / "results"
LEGEND = """\
accuracy  of the test set after training, where the question trains
apart     largest relative difference between what the two sides compute: their losses at one of
          the first steps, in `inference` their probabilities
best      ratio of the best rounds; above 1 npnet is the faster side
median    of the ratios of neighbouring rounds; spread: distance of their quartiles
goal      ratio that npnet is to reach, by best rounds and by the median"""


def mnist_folder(given: str) -> Path:
    """Return a folder that has MNIST's test set."""
    if not all(Path(given, name).is_file() for name in MNIST_FILES):
        raise argparse.ArgumentTypeError(f"{given} lacks {' or '.join(MNIST_FILES)}")
    return Path(given)


def epilog() -> str:
    """Return what there is to be named, for ``--help``."""
    lines = ["questions:", *(f"  {found.name:<11}{found.about}" for found in QUESTIONS.values())]
    lines += ["", "peers, and the questions they take part in:"]
    for side in PEERS.values():
        lines += [f"  {side.name:<11}{side.about}", f"  {'':<11}({', '.join(side.questions)})"]
    lines += ["", f"A peer must be installed: {GET_PEERS}"]
    lines += ["Exit status: 0; 1 where accuracies or losses are not equal; 2 for a wrong call."]
    return "\n".join(lines)


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    found = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure npnet beside its peers, each in a process of its own, in turn.",
        epilog=epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("names", nargs="*", metavar="NAME", help="questions (default: all)")
    found.add_argument(
        "--quick",
        action="store_true",
        help="fewer rounds and cases, about a minute for all; keeps no results",
    )
    found.add_argument(
        "--peers",
        metavar="A,B",
        help="peers separated by commas, all that this machine has, or none (default: torch)",
    )
    found.add_argument(
        "--mnist",
        type=mnist_folder,
        metavar="DIR",
        help="folder with t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz: `epoch` trains "
        "on these real digits too",
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


def parse(
    arguments: Sequence[str] | None = None,
) -> tuple[argparse.Namespace, list[Side], list[str]]:
    """Read the command line; return it, the peers to ask, and notes about those not asked."""
    reader = parser()
    options = reader.parse_args(arguments)
    for name in options.names:
        if name not in QUESTIONS:
            reader.error(f"unknown question {name!r}; there are {', '.join(QUESTIONS)}")
    options.names = list(dict.fromkeys(options.names)) or list(QUESTIONS)
    if options.results is None and not options.quick:
        options.results = RESULTS
    wanted = {None: ["torch"], "all": list(PEERS), "none": []}
    if options.peers in wanted:
        lacks = {name: missing(PEERS[name]) for name in wanted[options.peers]}
        notes = [f"without {lack}" for lack in lacks.values() if lack]
        return options, [PEERS[name] for name, lack in lacks.items() if not lack], notes
    asked = list(dict.fromkeys(filter(None, options.peers.split(","))))
    for name in asked:
        if name not in PEERS:
            reader.error(f"unknown peer {name!r}; there are {', '.join(PEERS)}, all, none")
        if lack := missing(PEERS[name]):
            reader.error(lack)
    return options, [PEERS[name] for name in asked], []


def sides(names: Sequence[str], peers: Sequence[Side]) -> list[Side]:
    """Return who must run for these questions, npnet first."""
    beside = [side for name in names for side in QUESTIONS[name].beside]
    asked = dict.fromkeys([*peers, *beside])
    return [NPNET, *(side for side in asked if set(names) & set(side.questions))]


def ask(name: str, processes: Mapping[str, Process], effort: Effort) -> Answer:
    """Ask one question of those who can take part in it."""
    part = {key: p for key, p in processes.items() if name in p.side.questions}
    return QUESTIONS[name].answer(part, effort)


def describe(processes: Mapping[str, Process]) -> dict[str, Any]:
    """Return what the numbers are measured on; every process must have its own framework only."""
    found = {name: process.call("describe") for name, process in processes.items()}
    for name, side in found.items():
        own = processes[name].side.package
        if side["loaded"] != ([own] if own else []):
            raise WorkerError(f"{name}: its process has loaded {side['loaded']}")
    return machine.describe(found)


def run(options: argparse.Namespace, peers: Sequence[Side]) -> dict[str, Answer]:
    """Ask the questions, show the tables, write what is to be kept; return the answers.

    What has been answered is written even where a later question fails or is stopped.
    """
    effort = replace(Effort.quick() if options.quick else Effort(), mnist=options.mnist)
    strangers, about, answers = machine.Strangers(), {}, {}
    try:
        with start(sides(options.names, peers)) as processes:
            about = describe(processes)
            print(machine.head(about), flush=True)
            for name in options.names:
                answers[name] = ask(name, processes, effort)
                print(f"\n## {name}\n\n{answers[name].markdown()}", end="", flush=True)
    finally:
        if answers:
            keep(options, {**about, "others_share": strangers.share()}, answers)
    return answers


def keep(
    options: argparse.Namespace, about: Mapping[str, Any], answers: Mapping[str, Answer]
) -> None:
    """Explain the tables, and write the files."""
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options, peers, notes = parse(arguments)
    for note in notes:
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

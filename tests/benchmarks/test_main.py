"""The command line: what is asked, what is said, what is written, how it ends."""

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.peers import FLOOR, NPNET, PEERS
from benchmarks.process import WorkerError
from benchmarks.question import Answer, Question
from benchmarks.results import write
from benchmarks.statistics import Comparison
from tests.support.benchmarks import SHORT, Fake


@pytest.fixture
def all_installed(monkeypatch):
    monkeypatch.setattr(command, "missing", lambda side: "")


def test_by_default_everything_beside_torch_into_results(all_installed):
    options, peers, notes = command.parse([])
    assert options.names == [*command.QUESTIONS]
    assert [side.name for side in peers] == ["torch"]
    assert options.results.parts[-2:] == ("benchmarks", "results")
    assert notes == []


def test_quick_keeps_no_results_unless_told(all_installed):
    assert command.parse(["--quick"])[0].results is None
    assert command.parse(["--quick", "--results", "there"])[0].results == Path("there")


def test_names_are_asked_once_in_their_order(all_installed):
    assert command.parse(["step", "digits", "step"])[0].names == ["step", "digits"]


@pytest.mark.parametrize(
    ("asked", "names"), [("none", []), ("all", [*PEERS]), ("jax,torch,jax", ["jax", "torch"])]
)
def test_peers_are_chosen(all_installed, asked, names):
    assert [side.name for side in command.parse(["--peers", asked])[1]] == names


def lacks(side):
    """Say that everything but torch and jax is missing."""
    return "" if side.name in ("torch", "jax") else f"{side.name}: is not installed; get it"


def test_all_peers_are_those_that_are_here_and_the_others_are_said(monkeypatch):
    monkeypatch.setattr(command, "missing", lacks)
    _, peers, notes = command.parse(["--peers", "all"])
    assert [side.name for side in peers] == ["torch", "jax"]
    assert notes == [f"without {lacks(PEERS[n])}" for n in PEERS if n not in ("torch", "jax")]


def test_without_torch_npnet_runs_alone_and_says_how_to_compare(monkeypatch):
    monkeypatch.setattr(command, "missing", lambda side: f"{side.name}: {command.GET_PEERS}")
    _, peers, notes = command.parse([])
    assert peers == []
    assert notes == ["without torch: pip install -e '.[bench]'"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "unknown question 'nonsense'; there are digits, step"),
        (["--peers", "numpy"], "unknown peer 'numpy'; there are torch"),
        (["--peers", "onnx"], "onnx: is not installed; get it"),
        (
            ["--mnist", "nowhere"],
            "argument --mnist: nowhere lacks t10k-images-idx3-ubyte.gz or t10k-labels",
        ),
    ],
)
def test_a_wrong_call_ends_with_2_and_says_why(monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(command, "missing", lacks)
    with pytest.raises(SystemExit) as end:
        command.parse(arguments)
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_help_names_questions_and_peers(capsys):
    with pytest.raises(SystemExit) as end:
        command.parse(["--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in (*command.QUESTIONS, *PEERS, "--quick", "--json"))


ROW = Comparison("step", "3-4-2", 2, [1e-6])


@pytest.fixture
def answering(monkeypatch, tmp_path):
    """Return a function that runs the command with a question that answers so; with its files."""

    def run(answer, *arguments):
        monkeypatch.setitem(command.QUESTIONS, "step", Question("step", "", answer))
        return command.main(["--peers", "none", "--results", str(tmp_path), *arguments])

    return run


def test_only_those_who_can_take_part_are_started_and_asked():
    everyone = [side.name for side in command.sides(["inference"], [*PEERS.values()])]
    assert everyone == ["npnet", "torch", "jax", "sklearn", "onnx"]
    assert command.sides(["floor"], [PEERS["torch"]]) == [NPNET, FLOOR]
    assert command.sides(["floor", "step"], [PEERS["torch"]]) == [NPNET, PEERS["torch"], FLOOR]


def test_a_question_is_asked_of_those_who_can_take_part(monkeypatch):
    asked = []
    floor = Question("floor", "", lambda *given: asked.append(given))
    monkeypatch.setitem(command.QUESTIONS, "floor", floor)
    processes = {name: Fake(name) for name in ("npnet", "torch", "floor")}
    command.ask("floor", processes, SHORT)
    assert asked == [({name: processes[name] for name in ("npnet", "floor")}, SHORT)]


@pytest.mark.parametrize(("failures", "status"), [([], 0), (["step: apart"], 1)])
def test_the_status_says_whether_a_check_failed(answering, capsys, tmp_path, failures, status):
    file = tmp_path / "new" / "all.json"
    answer = Answer([ROW], failures)
    assert answering(lambda *_: answer, "step", "--quick", "--json", str(file)) == status
    shown = capsys.readouterr()
    # The table as README holds it.
    assert f"\n## step\n\n{answer.markdown()}" in shown.out
    assert "processor" not in shown.out
    assert shown.out.startswith("machine ")
    assert shown.err == "".join(f"FAILED {failure}\n" for failure in failures)
    assert json.loads(file.read_text())["questions"]["step"]["failures"] == failures


@pytest.mark.parametrize(
    ("error", "status"), [(WorkerError("torch: the worker ended"), 1), (KeyboardInterrupt(), 130)]
)
def test_what_is_answered_is_kept_when_a_later_question_ends_it(
    monkeypatch, answering, tmp_path, error, status
):
    def fail(*_):
        raise error

    monkeypatch.setitem(command.QUESTIONS, "depth", Question("depth", "", fail))
    assert answering(lambda *_: Answer([ROW]), "step", "depth") == status
    assert (tmp_path / "step.md").exists()
    assert not (tmp_path / "depth.md").exists()


@pytest.mark.parametrize(
    ("error", "status"), [(WorkerError("torch: the worker ended"), 1), (KeyboardInterrupt(), 130)]
)
def test_a_worker_that_fails_and_ctrl_c_end_it(monkeypatch, error, status):
    def fail(*_):
        raise error

    monkeypatch.setattr(command, "run", fail)
    assert command.main(["--quick", "--peers", "none"]) == status


MACHINE = {
    "processor": "P",
    "cores": 2,
    "system": "S",
    "python": "3",
    "versions": {},
    "threads": {"npnet": 2},
    "others_share": 0.4,
}


def test_results_are_json_markdown_and_a_picture(tmp_path):
    pytest.importorskip("matplotlib")
    curves = {"npnet": [2.0, 1.0, 0.5], "torch": [2.0, 1.0, 0.4]}
    row = Comparison("plain", "3-4-2", 2, [1e-6], "torch", [2e-6])
    answer = Answer([row], [], {"losses": curves}).draw_ratios("Title")
    written = dict(write(MACHINE, {"digits": answer}, tmp_path))
    assert {path.name: amiss for path, amiss in written.items()} == {
        "digits.json": "",
        "digits.md": "",
        "digits.png": "",
    }
    content = json.loads((tmp_path / "digits.json").read_text())
    assert content["questions"]["digits"]["losses"] == curves
    assert content["machine"] == MACHINE
    table = (tmp_path / "digits.md").read_text(encoding="utf-8")
    assert answer.markdown() in table
    assert "took 40 % of the cores" in table
    assert (tmp_path / "digits.png").read_bytes()[:4] == b"\x89PNG"


def test_without_matplotlib_there_is_no_picture_and_a_word_how_to_get_it(tmp_path):
    def draw(*_):
        raise ModuleNotFoundError("no", name="matplotlib")

    written = dict(write(MACHINE, {"digits": Answer([ROW], draw=draw)}, tmp_path))
    assert "pip install -e '.[bench]'" in written[tmp_path / "digits.png"]
    assert not (tmp_path / "digits.png").exists()

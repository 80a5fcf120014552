"""The command line: what is asked, what is said, what is written, how it ends."""

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.peers import PEERS
from benchmarks.process import WorkerError
from benchmarks.question import Answer
from benchmarks.results import write
from benchmarks.statistics import Comparison


@pytest.fixture
def all_installed(monkeypatch):
    monkeypatch.setattr(command, "is_installed", lambda side: True)


def test_by_default_everything_beside_torch_into_results(all_installed):
    options, peers, note = command.parse([])
    assert options.names == ["digits", "step"]
    assert [side.name for side in peers] == ["torch"]
    assert options.results.parts[-2:] == ("benchmarks", "results")
    assert note == ""


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


def test_without_torch_npnet_runs_alone_and_says_how_to_compare(monkeypatch):
    monkeypatch.setattr(command, "is_installed", lambda side: False)
    _, peers, note = command.parse([])
    assert peers == []
    assert "pip install -e '.[bench]'" in note


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "unknown question 'nonsense'; there are digits, step"),
        (["--peers", "numpy"], "unknown peer 'numpy'; there are torch"),
        (["--peers", "jax"], "jax is not installed; pip install"),
    ],
)
def test_a_wrong_call_ends_with_2_and_says_why(monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(command, "is_installed", lambda side: False)
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


def answering(answer):
    """Return a question that gives this answer."""
    return type("Question", (), {"ABOUT": "", "answer": staticmethod(lambda *_: answer)})


@pytest.mark.parametrize(("failures", "status"), [([], 0), (["step: apart"], 1)])
def test_the_status_says_whether_a_check_failed(monkeypatch, capsys, tmp_path, failures, status):
    monkeypatch.setattr(command, "question", lambda _: answering(Answer([ROW], failures)))
    file = tmp_path / "new" / "all.json"
    arguments = ["step", "--quick", "--peers", "none", "--json", str(file)]
    assert command.main(arguments) == status
    shown = capsys.readouterr()
    assert "3-4-2" in shown.out
    assert shown.err == "".join(f"FAILED {failure}\n" for failure in failures)
    assert json.loads(file.read_text())["questions"]["step"]["failures"] == failures


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
    from functools import partial

    from benchmarks.digits import _draw

    curves = {"npnet": [2.0, 1.0, 0.5], "torch": [2.0, 1.0, 0.4]}
    accuracies = {"npnet": 0.9, "torch": 0.8}
    answer = Answer([ROW], [], {"losses": curves}, partial(_draw, curves, accuracies))
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
    assert "| step | 2 x 3-4-2 |" in table
    assert "took 40 % of the cores" in table
    assert (tmp_path / "digits.png").read_bytes()[:4] == b"\x89PNG"


def test_without_matplotlib_there_is_no_picture_and_a_word_how_to_get_it(tmp_path):
    def draw(_):
        raise ModuleNotFoundError("no", name="matplotlib")

    written = dict(write(MACHINE, {"digits": Answer([ROW], draw=draw)}, tmp_path))
    assert "pip install -e '.[bench]'" in written[tmp_path / "digits.png"]
    assert not (tmp_path / "digits.png").exists()

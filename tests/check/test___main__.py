import subprocess
import sys
from pathlib import Path

import pytest

from npnet.check import __main__ as command
from npnet.check.mistakes.table import MISTAKES

ROOT = Path(__file__).parents[2]


def test_the_command_prints_the_table_of_all_mistakes():
    code = [sys.executable, "-m", "npnet.check"]
    run = subprocess.run(code, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert f"{len(MISTAKES)} mistakes: {len(MISTAKES)} caught" in run.stdout
    for mistake in MISTAKES:
        assert mistake.what in run.stdout


def test_only_some_families(capsys):
    assert command.main(["ReLU", "--width", "80"]) == 0
    printed = capsys.readouterr().out
    assert "ReLU" in printed and "Sigmoid" not in printed


def test_it_fails_below_the_bar(capsys, monkeypatch):
    wrong = [mistake._replace(words="no such words") for mistake in MISTAKES[:2]]
    monkeypatch.setattr(command, "MISTAKES", wrong)
    assert command.main([]) == 1
    assert "2 caught, 0 named" in capsys.readouterr().out


def test_an_unknown_family_is_an_error(capsys):
    with pytest.raises(SystemExit) as raised:
        command.main(["Convolution"])
    assert raised.value.code == 2
    assert "expected families among BCE, BatchNorm" in capsys.readouterr().err


def test_it_is_as_wide_as_the_terminal(capsys, monkeypatch):
    widest = {}
    for columns in ("80", "140"):
        monkeypatch.setenv("COLUMNS", columns)
        assert command.main(["ReLU"]) == 0
        *table, _, _ = capsys.readouterr().out.splitlines()
        widest[columns] = max(map(len, table))
    assert widest["80"] <= 80 < widest["140"] <= 140

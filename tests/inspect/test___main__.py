"""``python -m npnet.inspect``: from a script to a page."""

import subprocess
import sys
from pathlib import Path

import pytest

from npnet.inspect.__main__ import main

ROOT = Path(__file__).parents[2]
EXAMPLES = [ROOT / "examples" / f"{name}.py" for name in ("expression", "two_paths")]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_makes_a_page(tmp_path, capsys, example):
    page = tmp_path / "page.html"
    assert main([str(example), "-o", str(page)]) == 0
    assert capsys.readouterr().out.endswith(f"{page}\n")
    text = page.read_text(encoding="utf-8")
    assert f"<h1>Backpropagation, step by step: {example.name}</h1>" in text
    assert 'data-kind="backward"' in text


def test_the_network_of_two_paths_has_its_textbook_names(tmp_path):
    page = tmp_path / "page.html"
    main([str(ROOT / "examples" / "two_paths.py"), "-o", str(page)])
    text = page.read_text(encoding="utf-8")
    for words in ("a = x Wᵀ + b", "z = h Mᵀ + c", "J = L + R", "R = R_W + R_M"):
        assert words in text


def test_the_page_is_called_as_the_script_by_default(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([str(EXAMPLES[0]), "--title", "My page"]) == 0
    written = tmp_path / f"{EXAMPLES[0].stem}.html"
    assert "<h1>My page</h1>" in written.read_text(encoding="utf-8")
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.py"], "npnet.inspect: nothing.py: there is no such file\n"),
        ([str(EXAMPLES[0]), "-n", "no"], "'no' is no Graph or Module of the script"),
        ([str(EXAMPLES[0]), "-o", "page.pdf"], "expected a path that ends in .html"),
        ([str(EXAMPLES[0]), "-o", "nowhere/page.html"], "No such file or directory"),
    ],
)
def test_errors_are_a_line(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("npnet.inspect: ")
    assert words in error
    assert error.count("\n") == 1
    assert [*tmp_path.iterdir()] == []


def test_help_from_the_command_line():
    run = subprocess.run(
        [sys.executable, "-m", "npnet.inspect", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.startswith("usage: python -m npnet.inspect")
    assert "--output FILE" in run.stdout

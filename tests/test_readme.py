"""Run the README: its Python blocks, its commands' targets and its links."""

import re
from pathlib import Path

import pytest

from tests.support.markdown import blocks, dead_links, run, stories, unclosed

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("story", stories(README), ids=lambda story: f"line{story[0].line + 1}")
def test_python_blocks_run_as_written(story):
    run(story, "README.md")


def test_every_fence_is_closed_and_names_its_language():
    assert unclosed(README) == []


def test_there_is_a_block_of_each_style():
    code = "\n".join(block.code for story in stories(README) for block in story)
    assert re.findall(r"^# ([A-D])\. ", code, re.MULTILINE) == ["A", "B", "C", "D"]


@pytest.mark.parametrize(
    "command",
    [
        "pip install -e '.[bench]' && python -m benchmarks digits step",
        "pip install -e '.[test]' && python -m pytest",
    ],
)
def test_commands_are_printed_whole_on_a_line(command):
    shell = [block.code for block in blocks(README) if block.language == "sh"]
    assert command in "".join(shell).splitlines()


def test_links_to_files_lead_somewhere():
    assert "](benchmarks/README.md)" in README
    assert dead_links(README, ROOT) == []


def figures(text):
    """Return the numbers of a text that are no small whole ones."""
    return re.findall(r"\d+\.\d+|\d+,\d{3}|\d{3,}", text)


@pytest.mark.parametrize(
    ("page", "section"),
    [("README.md", "## Speed"), ("benchmarks/README.md", "## What is not reached, and why")],
)
def test_figures_stand_in_what_the_command_printed(page, section):
    text = (ROOT / page).read_text(encoding="utf-8")
    text = text.split(section + "\n")[1].split("\n## ")[0]
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    printed = [
        file.read_text(encoding="utf-8") for file in (ROOT / "benchmarks/results").glob("*.md")
    ]
    cells = [line for line in "".join(printed).splitlines() if line.startswith("| ")]
    known = {float(number) for number in figures("\n".join(cells))}
    rounded = {round(number) for number in known}
    found = [number.replace(",", "") for row in rows for number in figures(row)]
    assert len(found) > 20
    assert [n for n in found if float(n) not in known and float(n) not in rounded] == []

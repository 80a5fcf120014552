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

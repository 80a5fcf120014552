"""Run the README: its Python blocks, its commands' targets and its links."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w*)[ ]*(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def stories():
    """Return the Python blocks as lists of (line, code); a list shares one namespace.

    A block whose fence says ``python continued`` belongs to the block before it.
    """
    found = []
    for match in FENCE.finditer(README):
        language, word, code = match.groups()
        if language != "python":
            continue
        assert word in ("", "continued"), f"unknown word after ```python: {word}"
        line = README.count("\n", 0, match.start(3))
        if word == "continued":
            found[-1].append((line, code))
        else:
            found.append([(line, code)])
    return found


@pytest.mark.parametrize("story", stories(), ids=lambda story: f"line{story[0][0] + 1}")
def test_python_blocks_run_as_written(story):
    namespace = {"__name__": "readme"}
    for line, code in story:
        exec(compile("\n" * line + code, "README.md", "exec"), namespace)


def test_every_fence_is_closed_and_names_its_language():
    fences = re.findall(r"^```.*$", README, re.MULTILINE)
    assert len(fences) == 2 * len(FENCE.findall(README))
    assert all(language for language, _, _ in FENCE.findall(README))


def test_there_is_a_block_of_each_style():
    code = "\n".join(code for story in stories() for _, code in story)
    assert re.findall(r"^# ([A-D])\. ", code, re.MULTILINE) == ["A", "B", "C", "D"]


@pytest.mark.parametrize(
    "command",
    [
        "pip install -e '.[bench]' && python -m benchmarks",
        "pip install -e '.[test]' && python -m pytest",
    ],
)
def test_commands_are_printed_whole_on_a_line(command):
    blocks = [code for language, _, code in FENCE.findall(README) if language == "sh"]
    assert command in "".join(blocks).splitlines()


def test_links_to_files_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)", README)
    files = [link for link in links if "://" not in link]
    assert files
    assert [link for link in files if not (ROOT / link).exists()] == []

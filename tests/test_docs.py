"""Run the documents: what is printed and drawn is what stands there, and links lead somewhere."""

import functools
import re
from pathlib import Path

import pytest

from tests.support import markdown
from tests.support.documents import pictures, printings, renew, run

ROOT = Path(__file__).parent.parent
LEARN = ROOT / "docs" / "learn"
#: Has a test of its own, tests/docs/test_from_pytorch.py, which runs its scripts in pairs.
APART = {"from-pytorch.md"}
DOCUMENTS = sorted(p for p in (ROOT / "docs").rglob("*.md") if p.name not in APART)
CHAPTERS = sorted(LEARN.glob("[0-9]*.md"))
PICTURES = sorted((LEARN / "images").iterdir())
PARTS = [
    r"The question",
    r"The (network and its )?tape",
    r"Forward by hand",
    r"Backward by hand",
    r"The check",
    r"The picture",
    r"Training",
    r"Try it yourself",
]

each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.stem)
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)


def text_of(path):
    return path.read_text(encoding="utf-8")


@functools.cache
def ran(path):
    """Run a document once for all tests of it."""
    found = printings(text_of(path))
    return found, run(path.name, found)


def again(path):
    """Say how what a document shows is brought up to date, once the difference is understood."""
    return f"python -m tests.support.documents {path.relative_to(ROOT)}"


@each_document
def test_blocks_print_what_stands_beneath_them(path):
    found, result = ran(path)
    for block, printed in zip(found, result.printed, strict=True):
        if printed is not None:
            assert printed == block.expected, f"line {block.code.line}; {again(path)}"


@each_document
def test_pictures_are_those_that_the_code_draws(path):
    drawn = pictures(ran(path)[1].files)
    linked = re.findall(r"!\[[^]]+\]\(images/([^)]+)\)", text_of(path))
    assert sorted(linked) == sorted(drawn)
    for name, content in drawn.items():
        kept = (path.parent / "images" / name).read_bytes()
        assert content == kept, f"images/{name}; {again(path)}"


def test_every_picture_is_small_and_drawn_by_a_chapter():
    drawn = [name for path in CHAPTERS for name in pictures(ran(path)[1].files)]
    assert sorted(drawn) == [p.name for p in PICTURES]
    assert {p.suffix for p in PICTURES} == {".svg"}
    assert max(p.stat().st_size for p in PICTURES) < 60_000


@each_document
def test_fences_are_closed_and_every_text_is_printed(path):
    text = text_of(path)
    assert markdown.unclosed(text) == []
    texts = [block.line for block in markdown.blocks(text) if block.language == "text"]
    assert texts == [block.text.line for block in printings(text) if block.text]


@each_document
def test_links_to_files_lead_somewhere(path):
    assert markdown.dead_links(text_of(path), path.parent) == []


@each_chapter
def test_chapters_have_the_same_parts_in_the_same_order(path):
    heads = re.findall(r"^## (.*)$", text_of(path), re.MULTILINE)
    wrong = [h for h, part in zip(heads, PARTS, strict=True) if not re.fullmatch(part, h)]
    assert wrong == []


@each_chapter
def test_numbers_in_the_prose_stand_in_code_or_output(path):
    text, _, _ = text_of(path).partition("## Try it yourself")
    shown = "".join(block.code for block in markdown.blocks(text))
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    decimals = set(re.findall(r"\d+\.\d+", prose))
    assert decimals - set(re.findall(r"\d+\.\d+", shown)) == set()


@each_chapter
def test_the_loss_falls(path):
    training = text_of(path).partition("## Training")[2]
    shown = "".join(block.expected for block in printings(training))
    losses = [float(loss) for loss in re.findall(r"(?:loss|[LJ]) +(\d+\.\d+)", shown)]
    assert len(losses) > 4
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 4


def test_the_index_names_every_chapter_in_order():
    links = re.findall(r"\]\(([^)]+)\)", text_of(LEARN / "README.md"))
    assert links == [path.name for path in CHAPTERS]
    assert len(links) == 5
    assert "](docs/learn/README.md)" in text_of(ROOT / "README.md")


STORY = """
```python
print(1 + 1, end=" \\n")
```
```text
3
```
```python torch
import torch
```
```python
open("a.svg", "w").close()
```
"""


def test_the_runner_sees_what_is_printed_and_written():
    found = printings(STORY)
    assert [(b.expected, b.code.word) for b in found] == [("3\n", ""), ("", "torch"), ("", "")]
    result = run("story", found[::2])
    assert result.printed == ["2\n", ""]
    assert result.files == {"a.svg": b""}


def test_the_runner_leaves_out_what_needs_torch_where_it_is_not(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run("story", printings(STORY)).printed == ["2\n", None, ""]


def test_a_document_is_renewed(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (tmp_path / "images").mkdir()
    document = tmp_path / "story.md"
    document.write_text(STORY, encoding="utf-8")
    renew(document)
    assert text_of(document) == STORY.replace("\n3\n", "\n2\n")
    assert (tmp_path / "images" / "a.svg").read_bytes() == b""
    document.write_text("```python\nprint(1)\n```\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="no text block for '1"):
        renew(document)

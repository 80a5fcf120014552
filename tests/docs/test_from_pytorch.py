"""The porting guide: both columns of its scripts run, its snippets, its names."""

import difflib
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import npnet
from tests.support.markdown import blocks, dead_links, run, stories, unclosed

FOLDER = Path(__file__).parent.parent.parent / "docs"
GUIDE = (FOLDER / "from-pytorch.md").read_text(encoding="utf-8")
FOUND = list(blocks(GUIDE))
#: PyTorch's script, npnet's, and what the page says is the difference.
SCRIPTS = [FOUND[i : i + 3] for i, block in enumerate(FOUND) if block.word == "torch"]
TITLES = ["classifier", "regressor", "autoencoder"]
#: How far the numbers may be apart: the regressor computes in float64.
ROOM = {"classifier": 1e-4, "regressor": 1e-10, "autoencoder": 1e-4}
scripts = pytest.mark.parametrize(
    "title, script", list(zip(TITLES, SCRIPTS, strict=True)), ids=TITLES
)


def execute(block):
    """Run a script; return its variables."""
    names = {"__name__": block.word}
    exec(compile("\n" * block.line + block.code, "from-pytorch.md", "exec"), names)
    return names


@pytest.fixture
def in_a_folder(tmp_path, monkeypatch):
    """Let scripts write where nothing is."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.torch
@scripts
def test_both_columns_give_the_same_numbers(torch, title, script, in_a_folder):
    pytest.importorskip("sklearn")
    theirs, ours = execute(script[0]), execute(script[1])
    for name in ("losses", "codes"):
        assert len(ours.get(name, ())) == len(theirs.get(name, ()))
        np.testing.assert_allclose(ours.get(name, ()), theirs.get(name, ()), rtol=ROOM[title])
    module = "objective" if title == "autoencoder" else "model"
    expected = theirs[module].state_dict()
    assert list(ours[module].state_dict()) == list(expected)
    for name, array in ours[module].state_dict().items():
        twin = expected[name].numpy()
        room = ROOM[title] * np.abs(twin).max()
        np.testing.assert_allclose(array, twin, rtol=ROOM[title], atol=room, err_msg=name)
    assert repr(ours[module]) == repr(theirs[module])
    assert ours["losses"][-1] < 0.3 * ours["losses"][0]


@pytest.mark.torch
def test_the_classifiers_are_right_as_often_as_the_page_says(torch, capsys):
    pytest.importorskip("sklearn")
    for script in SCRIPTS[0][:2]:
        execute(script)
    theirs, ours = capsys.readouterr().out.splitlines()
    assert ours == theirs
    ((right, count),) = re.findall(r"Both read\s(\d+) of (\d+) digits", GUIDE)
    # Another processor rounds otherwise.
    assert ours.endswith(f" of {count} digits") and abs(int(ours.split()[0]) - int(right)) <= 2


@pytest.mark.torch
def test_each_loads_what_the_other_saved(torch, in_a_folder):
    pytest.importorskip("sklearn")
    theirs = execute(SCRIPTS[2][0])
    restored = npnet.load("autoencoder.pt")
    for name, tensor in theirs["objective"].state_dict().items():
        np.testing.assert_array_equal(restored[name], tensor.numpy(), strict=True)
    ours = execute(SCRIPTS[2][1])
    theirs["restored"].load_state_dict(torch.load("autoencoder.pt"))
    for name, tensor in theirs["restored"].state_dict().items():
        np.testing.assert_array_equal(
            ours["objective"].state_dict()[name], tensor.numpy(), strict=True
        )


@scripts
def test_the_page_shows_the_lines_that_change(title, script):
    before, after, shown = script
    assert (before.word, after.word, shown.language) == ("torch", "npnet", "diff")
    compared = difflib.unified_diff(
        before.code.splitlines(), after.code.splitlines(), n=0, lineterm=""
    )
    changes = [line for line in compared if not line.startswith(("---", "+++", "@@"))]
    assert shown.code.splitlines() == changes
    gone = sum(line[0] == "-" for line in changes)
    lines = sum(map(bool, before.code.splitlines()))
    start = GUIDE.splitlines()[: shown.line]
    assert start[-3] == f"{gone} of {lines} lines change:"
    assert max(map(len, (before.code + after.code).splitlines())) <= 64


@pytest.mark.parametrize(
    "story", stories(GUIDE, "torch", "npnet"), ids=lambda s: f"line{s[0].line}"
)
def test_snippets_run_as_written(story):
    run(story, "from-pytorch.md")


def test_fences_and_links():
    assert unclosed(GUIDE) == []
    assert dead_links(GUIDE, FOLDER) == []
    headings = re.findall(r"^#+ (.*)$", GUIDE, re.MULTILINE)
    plain = [re.sub(r"[^\w -]", "", heading.lower()) for heading in headings]
    anchors = {heading.replace(" ", "-") for heading in plain}
    assert set(re.findall(r"\]\(#([^)]+)\)", GUIDE)) <= anchors


def resolve(dotted):
    """Return what a name like torch.optim.SGD stands for."""
    parts = dotted.split(".")
    found = import_module(parts[0])
    for number, part in enumerate(parts[1:], 2):
        try:
            found = getattr(found, part)
        except AttributeError:
            found = import_module(".".join(parts[:number]))
    return found


def names(library):
    """Return the names of a library that stand in the tables."""
    rows = "\n".join(re.findall(r"^\| .*$", GUIDE, re.MULTILINE))
    return re.findall(rf"`({library}(?:\.\w+)*)`", rows)


def test_npnet_has_the_names_of_the_tables():
    assert len(names("npnet")) > 30
    for dotted in [*names("npnet"), *names("numpy")]:
        assert resolve(dotted) is not None


@pytest.mark.torch
def test_torch_has_the_names_of_the_tables_and_shares_those_of_the_list(torch):
    assert len(names("torch")) > 30
    for dotted in names("torch"):
        assert resolve(dotted) is not None
    (text,) = re.findall(r"is called the same(.*?)The rest:", GUIDE, re.DOTALL)
    listed = re.findall(r"`(\w+)`", text)
    both = {name for name in npnet.__all__ if hasattr(torch.nn, name) and name[0].isupper()}
    assert sorted(listed) == sorted(both)

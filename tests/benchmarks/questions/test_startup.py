"""The question `startup`: imports and memory of fresh processes."""

import os
from pathlib import Path

import pytest

from benchmarks.machine import Memory
from benchmarks.peers import NPNET
from benchmarks.process import WorkerError
from benchmarks.questions import startup
from benchmarks.questions.startup import (
    QUESTION,
    Import,
    import_once,
    import_table,
    memory_table,
    training_memory,
)
from tests.support.benchmarks import SHORT, Fake

LINUX = Path("/proc/self/status").exists()
BASE = Import("numpy", [0.10, 0.12, 0.11], [30_000_000] * 3)


def test_an_import_takes_time_and_memory():
    seconds, resident = import_once("numpy")
    assert 0 < seconds < 60
    assert (resident is not None) == LINUX
    assert not LINUX or resident > 10_000_000


def test_a_module_that_cannot_be_imported_is_said():
    with pytest.raises(WorkerError, match=r"import no_such_module failed\n(?s:.*)ModuleNotFound"):
        import_once("no_such_module")


def test_bytecode_is_cached_whatever_the_environment_says(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    given = []
    run = startup.subprocess.run
    monkeypatch.setattr(
        startup.subprocess, "run", lambda *a, **k: given.append(k["env"]) or run(*a, **k)
    )
    import_once("json")
    assert "PYTHONDONTWRITEBYTECODE" not in given[0]
    assert os.environ["PYTHONDONTWRITEBYTECODE"] == "1"


@pytest.mark.parametrize(
    ("seconds", "resident", "reached"),
    [
        ([0.12, 0.14, 0.13], 34_000_000, "yes"),
        ([0.13, 0.13, 0.13], 34_000_000, "no"),
        ([0.12, 0.16, 0.15], 34_000_000, "no"),
        ([0.12, 0.14, 0.13], 36_000_000, "no"),
    ],
)
def test_npnets_import_is_held_to_numpys(seconds, resident, reached):
    found = {"numpy": BASE, "npnet": Import("npnet", seconds, [resident] * 3)}
    base, ours = import_table(found).rows
    assert base[3:5] == ["-", "-"]
    assert base[-2:] == ["-", "-"]
    assert ours[-2:] == ["25 ms, 5 MB", reached]


def test_beyond_numpy_is_by_best_and_by_median_of_pairs():
    found = Import("npnet", [0.13, 0.13, 0.16], [34_000_000] * 3)
    assert found.beyond(BASE) == (pytest.approx(0.03), pytest.approx(0.03))
    assert found.held_beyond(BASE) == 4_000_000
    assert Import("npnet", [0.1], []).held_beyond(BASE) is None


def test_memory_is_shown_of_sides_that_know_it():
    megabyte = 1_000_000
    known = [Memory(n * megabyte, n * megabyte) for n in (30, 50)] + [Memory(0, 90 * megabyte)]
    table = memory_table({"npnet": known, "torch": [None] * 3})
    assert table.rows == [["npnet", "30.0", "50.0", "90.0", "40.0"]]
    assert "2048 x 784-1024-10" in table.title


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_the_memory_of_a_training_grows_with_its_activations(monkeypatch):
    monkeypatch.setattr(startup, "SIZES", ((4096, 16, 512, 4),))
    framework, loaded, trained = training_memory(NPNET)
    # One hidden activation is 8 MB, its gradient another.
    assert trained.peak - loaded.resident > 8_000_000
    assert loaded.resident > framework.resident


def test_it_asks_numpy_and_every_side_in_turn(monkeypatch):
    asked = []

    def once(module):
        asked.append(module)
        return 0.1, 30_000_000

    monkeypatch.setattr(startup, "import_once", once)
    monkeypatch.setattr(startup, "training_memory", lambda side: [Memory(1, 2)] * 3)
    sides = {name: Fake(name) for name in ("npnet", "torch", "onnx")}
    found = QUESTION.answer(sides, SHORT)
    # A first turn that does not count, then two.
    assert asked == ["numpy", "npnet", "torch", "onnxruntime"] * 3
    assert {len(one["seconds"]) for one in found.extra["imports"].values()} == {2}
    # onnxruntime trains nothing.
    assert list(found.extra["training_memory"]) == ["npnet", "torch"]
    assert found.draw is not None
    assert "| npnet " in found.markdown()

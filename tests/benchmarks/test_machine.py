"""What is said of the machine."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.machine import (
    Strangers,
    blas_threads,
    blas_version,
    caption,
    cores,
    describe,
    disturbance,
    forget_peak,
    head,
    memory,
    processor,
)


def test_head_names_machine_versions_and_threads():
    sides = {
        "npnet": {"versions": {"npnet": "1.2", "numpy": "2.0"}, "threads": 2},
        "torch": {"versions": {"torch": "9.9"}, "threads": 4},
    }
    lines = head(describe(sides)).splitlines()
    assert processor() in lines[0]
    assert f"{cores()} cores" in lines[0]
    assert lines[1].endswith("npnet 1.2, numpy 2.0, torch 9.9")
    assert lines[2].endswith("npnet 2, torch 4")


def test_cores_are_those_it_may_use():
    assert 1 <= cores() <= (os.cpu_count() or 1)


def test_strangers_is_busy_time_that_is_not_ours(monkeypatch):
    counts = iter([(10.0, 4.0, 100.0), (40.0, 14.0, 200.0)])
    monkeypatch.setattr(Strangers, "_seconds", staticmethod(lambda: next(counts)))
    assert Strangers().share() == pytest.approx(0.2)


def test_strangers_is_not_known_everywhere(monkeypatch):
    monkeypatch.setattr(Strangers, "_seconds", staticmethod(lambda: None))
    assert Strangers().share() is None


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="reads /proc/stat")
def test_busy_own_and_whole_seconds_are_read():
    busy, own, whole = Strangers._seconds()
    assert own > 0
    assert 0 < busy <= whole


def test_one_line_for_a_picture():
    sides = {"npnet": {"versions": {"npnet": "1.2", "BLAS": "long name"}, "threads": 2}}
    shown = caption(describe(sides))
    assert f"{cores()} cores, 2 threads; npnet 1.2" in shown
    assert "long name" not in shown


def test_the_blas_says_its_name_and_threads():
    assert blas_version().strip()
    assert blas_threads() >= 1


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads and writes /proc")
def test_memory_is_what_is_held_and_the_peak_can_be_forgotten():
    before = memory()
    held = np.ones(4_000_000)
    during = memory()
    del held
    assert during.resident - before.resident >= 30_000_000
    # The system counts pages in lots, a few at a time.
    lot = 2_000_000
    assert memory().peak > during.resident - lot
    forget_peak()
    assert memory().peak < during.resident - lot


@pytest.mark.parametrize(
    "machine", [{}, {"others_share": None}, {"others_share": 0.02, "threads": {"a": 2, "b": 2}}]
)
def test_a_quiet_machine_needs_no_word(machine):
    assert disturbance(machine) == ""


def test_a_disturbed_machine_is_said():
    assert "took 40 % of the cores" in disturbance({"others_share": 0.4})


def test_unequal_threads_are_said():
    assert "not comparable" in disturbance({"threads": {"npnet": 2, "torch": 4}})

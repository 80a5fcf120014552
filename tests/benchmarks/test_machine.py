"""What is said of the machine."""

import os
from pathlib import Path

import pytest

from benchmarks.machine import Strangers, cores, describe, disturbance, head, processor


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


@pytest.mark.parametrize("machine", [{}, {"others_share": None}, {"others_share": 0.02}])
def test_a_quiet_machine_needs_no_word(machine):
    assert disturbance(machine) == ""


def test_a_disturbed_machine_is_said():
    assert "took 40 % of the cores" in disturbance({"others_share": 0.4})

"""Runs that are killed go on as if they had not been; 200 kills and more are a command."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import endurance

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not hasattr(endurance.os, "fork"), reason="the runs are forked")
def test_kills_at_random_moments_cost_nothing():
    # A process of its own: what is forked there has one thread and no test's state.
    command = [sys.executable, "-m", "tests.support.endurance", "kill", "20"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("20 kills, ")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux for its memory")
def test_memory_is_measured():
    # So few steps say nothing of growth; 100,000 are the command.
    assert endurance.grow(100) < 64 << 20


def test_the_cost_is_measured():
    assert all(min(found) > 0 for found in endurance.cost(1).values())

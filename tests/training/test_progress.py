import io
import subprocess
import sys
from pathlib import Path

import pytest

from npnet.training import progress
from npnet.training.progress import bar_for


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def connect(monkeypatch):
    """Stand in for what errors go to; pytest puts its own in place before the test begins."""

    def connect(stream):
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return connect


@pytest.fixture
def clock(monkeypatch):
    """Stand in for the clock: a list whose last entry is the time."""
    times = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: times[-1])
    return times


def test_a_bar_shows_loss_metrics_speed_and_time_left(connect, clock):
    terminal = connect(Terminal())
    bar = bar_for(None, "epoch 2/7", 40, 0, 0)
    clock.append(102.0)
    bar.show(10, 5000, lambda: {"loss": 0.123456, "accuracy": 0.5, "confusion": [[1]]})
    shown = terminal.getvalue().split("\r")[-1]
    assert "epoch 2/7  25%|" in shown and "| 10/40 [" in shown
    assert "<" in shown and ", loss=0.1235, accuracy=0.5, samples/s=2,500]" in shown
    assert bar.due == pytest.approx(102.0 + progress.EVERY)
    bar.close()
    assert terminal.getvalue().endswith("\n")


def test_an_epoch_that_is_gone_on_with_begins_in_the_middle(connect, clock):
    terminal = connect(Terminal())
    bar = bar_for(True, "epoch 1/1", 40, 30, 3000)
    clock.append(101.0)
    bar.show(31, 3100, dict)
    shown = terminal.getvalue().split("\r")[-1]
    assert "| 31/40 [" in shown and "samples/s=100]" in shown
    bar.close()


def test_a_loader_of_unknown_length_is_counted(connect, clock):
    terminal = connect(Terminal())
    bar = bar_for(True, "epoch 1/1", None, 0, 0)
    clock.append(101.0)
    bar.show(12, 24, dict)
    assert "epoch 1/1 12 batches [" in terminal.getvalue()
    bar.close()


def test_without_a_terminal_it_is_quiet_unless_asked_for(connect):
    connect(Terminal())
    assert bar_for(False, "epoch 1/1", 3, 0, 0) is None
    for stream in (None, io.StringIO()):
        connect(stream)
        assert bar_for(None, "epoch 1/1", 3, 0, 0) is None
    bar_for(True, "epoch 1/1", 3, 0, 0).close()
    assert "epoch 1/1" in sys.stderr.getvalue()


def test_only_a_bar_that_is_drawn_loads_tqdm():
    code = "import sys, npnet.training; print({'tqdm', 'matplotlib', 'scipy'} & {*sys.modules})"
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert run.stdout == "set()\n", run.stderr

"""The stopwatch: what it calls the parts, and that it leaves nothing behind."""

import numpy as np

from benchmarks.stopwatch import Stopwatch
from npnet import Linear, Sequential, Tanh
from npnet.program import Program


def test_layers_are_told_apart_by_number_and_way():
    usual = Program.run
    model, watch = Sequential(Linear(2, 3), Tanh(), Linear(3, 1)), Stopwatch()
    with watch.watching():
        for _ in range(2):
            model(np.ones((4, 2), np.float32))
            model.backward(np.ones((4, 1)))
    assert Program.run is usual
    found = watch.medians()
    assert [*found] == [
        "forward Linear 1",
        "forward Tanh 1",
        "forward Linear 2",
        "backward Linear 2",
        "backward Tanh 1",
        "backward Linear 1",
    ]
    assert all(seconds > 0 for seconds in found.values())


def test_the_median_of_what_was_measured(monkeypatch):
    clock = iter([0.0, 1.0, 0.0, 5.0, 0.0, 2.0])
    monkeypatch.setattr("benchmarks.stopwatch.perf_counter", lambda: next(clock))
    watch = Stopwatch()
    for _ in range(3):
        with watch.measuring("a"):
            pass
    assert watch.medians() == {"a": 2.0}

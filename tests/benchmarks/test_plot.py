"""Pictures are drawn from what the questions find."""

import pytest

from benchmarks.statistics import Comparison

pytest.importorskip("matplotlib")

from benchmarks.plot import bar_plot, growth_plot, loss_curves, ratio_plot

ROWS = [
    Comparison("plain", "3-4-3", 2, [1e-6, 2e-6], "torch", [3e-6, 5e-6], goal=2.0),
    Comparison("plain", "3-4-3", 2, [1e-6, 2e-6], "jax", [2e-6, 2e-6]),
    Comparison("plain", "3-5-3", 2, [1e-6], "jax", []),
]
CURVES = {"npnet": [2.0, 1.0, 0.5], "torch": [2.0, 1.0, 0.4]}
DRAWN = {
    "ratios": lambda *to: ratio_plot(ROWS, "Title", *to),
    "growth": lambda *to: growth_plot([1, 8], {"npnet": [1e-6, 2e-6]}, "rows", *to),
    "bars": lambda *to: bar_plot({"ms": {"numpy": 1.0, "npnet": 1200.0}}, "Title", *to),
    "losses": lambda *to: loss_curves(CURVES, {"npnet": 0.9, "torch": 0.8}, 3, 0.01, *to),
    "losses alone": lambda *to: loss_curves({"npnet": [1.0]}, {"npnet": 0.9}, 1, 0.01, *to),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_a_png_and_no_figure_stays_open(name, tmp_path):
    from matplotlib import pyplot as plt

    DRAWN[name](tmp_path / "picture.png", "machine")
    assert (tmp_path / "picture.png").read_bytes()[:4] == b"\x89PNG"
    assert plt.get_fignums() == []

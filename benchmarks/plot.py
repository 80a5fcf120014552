"""Pictures; matplotlib is imported here only, and only to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.statistics import Comparison

__all__ = ["bar_plot", "growth_plot", "loss_curves", "ratio_plot"]

MARKERS = "osD^vP*X"


def _pyplot() -> Any:
    """Return pyplot, drawing into files only."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    return plt


def _ticker() -> Any:
    """Return what places the marks of an axis."""
    from matplotlib import ticker

    return ticker


def _save(figure: Any, to: Path, caption: str) -> None:
    """Write a figure with a line on the machine beneath it."""
    figure.supxlabel(caption, fontsize=7, color="0.35")
    figure.tight_layout()
    figure.savefig(to, dpi=120, metadata={"Software": None})
    _pyplot().close(figure)


def ratio_plot(rows: Sequence[Comparison], title: str, to: Path, caption: str) -> None:
    """Draw each peer's time over npnet's: the median as a mark, the best as a line's end.

    A short upright line is the goal.
    """
    shown = [row for row in rows if row.ratios]
    places = {key: -i for i, key in enumerate(dict.fromkeys(map(_label, shown)))}
    peers = list(dict.fromkeys(row.peer for row in shown))
    figure, axis = _pyplot().subplots(figsize=(8, 1.6 + 0.45 * len(places)))
    for number, peer in enumerate(peers):
        # Peers of one case lie a little above and beneath its line.
        shift = 0.12 * ((len(peers) - 1) / 2 - number)
        of_peer = [row for row in shown if row.peer == peer]
        y = [places[_label(row)] + shift for row in of_peer]
        (drawn,) = axis.plot(
            [row.ratios[1] for row in of_peer],
            y,
            MARKERS[number % len(MARKERS)],
            label=peer,
            markersize=5,
        )
        ends = [sorted(row.ratios) for row in of_peer]
        axis.hlines(y, [low for low, _ in ends], [high for _, high in ends], drawn.get_color())
        goals = [(row.goal, at) for row, at in zip(of_peer, y, strict=True) if row.goal]
        for goal, at in goals:
            axis.plot(goal, at, "|", color=drawn.get_color(), markersize=11, markeredgewidth=1.5)
    axis.axvline(1, color="black", linewidth=0.8)
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(_ticker().LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
    axis.set_yticks([*places.values()], [*places], fontsize=8)
    axis.set_xlabel("time over npnet's: median (mark) to best rounds (line), | is the goal")
    axis.set_title(title, pad=26)
    axis.legend(
        fontsize=8, ncols=len(peers), loc="lower left", bbox_to_anchor=(0, 1), frameon=False
    )
    axis.grid(alpha=0.3, axis="x")
    _save(figure, to, caption)


def _label(row: Comparison) -> str:
    """Return what a case is called."""
    return f"{row.run}: {row.batch} x {row.network}"


def growth_plot(
    sizes: Sequence[int],
    seconds: Mapping[str, Sequence[float]],
    label: str,
    to: Path,
    caption: str,
) -> None:
    """Draw what a step costs on every side as a size grows."""
    figure, axis = _pyplot().subplots(figsize=(7, 4.5))
    for number, (name, times) in enumerate(seconds.items()):
        colour = "black" if name == "npnet" else None
        marker = f"{MARKERS[number % len(MARKERS)]}-"
        axis.plot(sizes, 1e6 * np.asarray(times), marker, color=colour, label=name, markersize=4)
    axis.set(xscale="log", yscale="log", xlabel=label, ylabel="µs a step, best round")
    axis.set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize=8)
    axis.minorticks_off()
    axis.legend()
    axis.grid(alpha=0.3)
    _save(figure, to, caption)


def bar_plot(panels: Mapping[str, Mapping[str, float]], title: str, to: Path, caption: str) -> None:
    """Draw one panel of bars for each kind of number, one bar a side."""
    figure, axes = _pyplot().subplots(
        1, len(panels), squeeze=False, figsize=(4.2 * len(panels), 3.2)
    )
    for axis, (label, values) in zip(axes[0], panels.items(), strict=True):
        bars = axis.barh([*values], [*values.values()], color="0.6")
        axis.bar_label(bars, fmt="{:,.0f}", fontsize=8, padding=2)
        axis.invert_yaxis()
        axis.set_xlabel(label)
        axis.margins(x=0.18)
    figure.suptitle(title)
    _save(figure, to, caption)


def loss_curves(
    curves: Mapping[str, Sequence[float]],
    accuracies: Mapping[str, float],
    epochs: int,
    limit: float,
    to: Path,
    caption: str,
) -> None:
    """Draw every side's loss a step; beneath it each peer's distance from npnet, and its limit."""
    peers = [name for name in curves if name != "npnet"]
    heights = [3, 1] if peers else [1]
    figure, axes = _pyplot().subplots(
        len(heights), 1, sharex=True, squeeze=False, height_ratios=heights, figsize=(8, 5.5)
    )
    above = axes[0, 0]
    ours = np.asarray(curves["npnet"])
    epoch = np.arange(1, len(ours) + 1) * epochs / len(ours)
    for name in [*peers, "npnet"]:
        # npnet lies thin upon the peers' wide lines: equal curves show as one striped line.
        width, colour = (0.8, "black") if name == "npnet" else (3.0, None)
        label = f"{name}, test accuracy {100 * accuracies[name]:.2f} %"
        above.plot(epoch, curves[name], linewidth=width, color=colour, label=label)
    above.set(yscale="log", ylabel="loss with penalties")
    above.set_title("Digits: training loss at every step, same weights, same batches")
    above.legend()
    if peers:
        below = axes[1, 0]
        for name in peers:
            # Dots: where two losses are equal there is none.
            below.plot(epoch, np.abs(ours - np.asarray(curves[name])), ".", markersize=2.5)
        below.axhline(limit, color="black", linestyle="--", linewidth=0.8)
        below.set_yscale("log", nonpositive="mask")
        below.set_ylabel("|difference|\n(dashed: limit)")
    axes[-1, 0].set_xlabel("epoch")
    for axis in axes[:, 0]:
        axis.grid(alpha=0.3)
    _save(figure, to, caption)

"""Pictures; matplotlib is imported here only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")

from matplotlib import pyplot as plt

__all__ = ["loss_curves"]


def loss_curves(
    curves: Mapping[str, Sequence[float]],
    accuracies: Mapping[str, float],
    *,
    epochs: int,
    limit: float,
    to: Path,
) -> None:
    """Draw every side's loss a step; beneath it each peer's distance from npnet, and its limit."""
    peers = [name for name in curves if name != "npnet"]
    heights = [3, 1] if peers else [1]
    figure, axes = plt.subplots(
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
    figure.tight_layout()
    figure.savefig(to, dpi=120, metadata={"Software": None})
    plt.close(figure)

"""A case of a layer, and what runs it: those of npnet.check, under the name the tests know."""

from __future__ import annotations

from npnet.check.case import BATCH, Case
from npnet.check.checks.memory import Spoiler
from npnet.check.comparing import close, same, total
from npnet.check.draws import Draw, Sample, normal
from npnet.check.running import Ran, backward_of, outputs_of, run, seeds_for, sweep_back
from npnet.parameter import Array

__all__ = [
    "BATCH",
    "Array",
    "Case",
    "Draw",
    "Ran",
    "Sample",
    "Spoiler",
    "backward_of",
    "close",
    "normal",
    "outputs_of",
    "run",
    "same",
    "seeds_for",
    "sweep_back",
    "total",
]

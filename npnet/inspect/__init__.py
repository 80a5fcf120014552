"""Inspect: see every number of a forward and backward pass, and the equations behind it."""

from npnet.inspect.drawing import Drawing, draw
from npnet.inspect.events import Backward, Contribution, Event, Forward, Operand, Seed, Slot, Step
from npnet.inspect.linting import Advice, Lint, Watch, lint, watch
from npnet.inspect.pages import page
from npnet.inspect.recording import Recording, record
from npnet.inspect.summaries import Summary, summary
from npnet.inspect.tables import Table, table
from npnet.inspect.traces import Trace, trace

__all__ = [
    "Advice",
    "Backward",
    "Contribution",
    "Drawing",
    "Event",
    "Forward",
    "Lint",
    "Operand",
    "Recording",
    "Seed",
    "Slot",
    "Step",
    "Summary",
    "Table",
    "Trace",
    "Watch",
    "draw",
    "lint",
    "page",
    "record",
    "summary",
    "table",
    "trace",
    "watch",
]

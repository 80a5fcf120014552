"""Events in words."""

import numpy as np

from npnet import Graph
from npnet.inspect import record
from npnet.inspect.pages.sentences import heading, sentence
from tests.support.figures import expression, two_paths


def said(recording):
    """Return what is said of every event."""
    return [sentence(event, recording) for event in recording.events]


def test_the_expression_in_words():
    words = said(expression())
    assert words[0] == "Step 1 of 15, forward: Multiply. p = b·x. p is 1.09861."
    assert words[7] == "Step 8 of 15, backward: start. df is 1."
    assert words[11] == (
        "Step 12 of 15, backward: Multiply. ds is 0.11378. w receives 0.25, contribution 1 of 2. "
        "x receives 0.22756, contribution 1 of 2."
    )
    assert words[12].endswith(
        "w receives 1.5, contribution 2 of 2, the sum is now 1.75. q receives 1."
    )


def test_every_name_that_gets_something_is_said():
    graph, names = two_paths()
    recording = record(graph, names=names)
    for event, words in zip(recording.events, said(recording), strict=True):
        for given in getattr(event, "contributions", ()):
            assert given.slot.name in words
        assert words.startswith(f"Step {event.index + 1} of 17, ")


def test_headings():
    graph, names = two_paths()
    words = [heading(event) for event in record(graph, names=names).events]
    assert words[3] == "Forward: SoftmaxCrossEntropy, L, o"
    assert words[8] == "Backward: start at J"
    assert words[14] == "Backward: Linear, to h, M, c"


def test_an_output_that_is_read_starts_with_more_to_come():
    g = Graph(dtype=np.float64)
    x = g.input("x", requires_grad=True)
    y = x * 3.0
    g.output(y, y * y)
    recording = record(g, 2.0, gradients=(5.0, 1.0), names={y: "y"})
    assert "Step 3 of 6, backward: start. dy is 5, others will be added." in said(recording)
    squared = next(words for words in said(recording) if "contribution 3 of 3" in words)
    assert "y receives 6, contribution 2 of 3, the sum is now 11" in squared


def test_a_value_read_twice_by_a_step_is_named_once_in_a_heading():
    g = Graph(dtype=np.float64)
    x = g.input("x", requires_grad=True)
    g.output(x * x)
    assert heading(record(g, 2.0).events[-1]) == "Backward: Multiply, to x"

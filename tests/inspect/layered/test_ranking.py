"""Columns: longest ways, and what is late right before what it leads to."""

import pytest
from hypothesis import given

from npnet.inspect.layered import Arc, Vertex
from npnet.inspect.layered.ranking import ranked
from tests.support.layered import graphs

STEP, LATE = Vertex(1, 1), Vertex(1, 1, late=True)


def longest(number, arcs):
    """Return the number of arcs on the longest way to a vertex, by going all ways."""
    return max((longest(arc.tail, arcs) + 1 for arc in arcs if arc.head == number), default=0)


@given(graphs(most=8))
def test_columns_are_longest_ways(graph):
    vertices, arcs = [STEP] * len(graph[0]), graph[1]
    assert ranked(vertices, arcs) == [longest(v, arcs) for v in range(len(vertices))]


@given(graphs())
def test_columns_increase_and_late_beginnings_are_as_near_as_can_be(graph):
    vertices, arcs = graph
    ranks = ranked(vertices, arcs)
    assert all(ranks[arc.tail] < ranks[arc.head] for arc in arcs)
    assert max(ranks) == max(longest(v, arcs) for v in range(len(vertices)))


def test_a_parameter_that_is_read_twice_stands_before_its_layer():
    # x -> a -> b -> c <- M -> r -> sum <- c: M is right before c, r right after M.
    arcs = [Arc(0, 1), Arc(1, 2), Arc(2, 3), Arc(4, 3), Arc(4, 5), Arc(5, 6), Arc(3, 6)]
    vertices = [LATE, STEP, STEP, STEP, LATE, LATE, STEP]
    assert ranked(vertices, arcs) == [0, 1, 2, 3, 2, 3, 4]


def test_a_parameter_that_only_a_penalty_reads_stands_before_it():
    # x -> a -> b -> sum <- r <- M
    arcs = [Arc(0, 1), Arc(1, 2), Arc(2, 3), Arc(4, 3), Arc(5, 4)]
    assert ranked([LATE, STEP, STEP, STEP, LATE, LATE], arcs) == [0, 1, 2, 3, 2, 1]


def test_what_nothing_reads_stands_at_the_left():
    assert ranked([LATE, STEP, LATE], [Arc(0, 1)]) == [0, 1, 0]


@pytest.mark.parametrize("arcs", [[Arc(0, 0)], [Arc(0, 1), Arc(1, 2), Arc(2, 0)]])
def test_circles_are_refused(arcs):
    with pytest.raises(ValueError, match="circle"):
        ranked([STEP] * 3, arcs)

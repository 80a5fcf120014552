"""Few lines cross: counted as all pairs, never more than at first, none in a tree."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from npnet.inspect.layered import Arc
from npnet.inspect.layered.chains import chained
from npnet.inspect.layered.ordering import crossings, order
from npnet.inspect.layered.ranking import ranked
from tests.support.layered import graphs


def counted(graph):
    """Return how many pairs of links cross, each pair looked at."""
    place = {spot: i for layer in graph.layers for i, spot in enumerate(layer)}
    rank = {spot: i for i, layer in enumerate(graph.layers) for spot in layer}
    links = [link for links in graph.outs for link in links]
    return sum(
        (place[a.tail] - place[b.tail]) * (place[a.head] - place[b.head]) < 0
        for a, b in combinations(links, 2)
        if rank[a.tail] == rank[b.tail]
    )


def laid(vertices, arcs):
    """Return a graph in columns, in its first order."""
    return chained(ranked(vertices, arcs), arcs)


@given(graphs())
def test_crossings_are_pairs_that_cross(graph):
    found = laid(*graph)
    assert crossings(found) == counted(found)


@given(graphs())
def test_ordering_mends_and_loses_nobody(graph):
    found = laid(*graph)
    before, columns = crossings(found), [sorted(layer) for layer in found.layers]
    after = order(found)
    assert after == crossings(found) <= before
    assert [sorted(layer) for layer in found.layers] == columns


@given(st.lists(st.integers(0, 30), min_size=1, max_size=25), st.randoms())
def test_a_tree_has_no_crossings(parents, random):
    parents = [parent % (child + 1) for child, parent in enumerate(parents)]
    depth = [0]
    for parent in parents:
        depth.append(depth[parent] + 1)
    found = chained(depth, [Arc(parent, child) for child, parent in enumerate(parents, 1)])
    for layer in found.layers:
        random.shuffle(layer)
    assert order(found) == 0


def test_two_lines_that_have_to_cross():
    # Each of two at the left leads to each of two at the right.
    arcs = [Arc(0, 2), Arc(0, 3), Arc(1, 2), Arc(1, 3)]
    assert order(chained([0, 0, 1, 1], arcs)) == 1

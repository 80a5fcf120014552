"""Lines that pass columns have a bend in each, which lines of one value share."""

import itertools

from hypothesis import given

from npnet.inspect.layered import Arc
from npnet.inspect.layered.chains import chained
from npnet.inspect.layered.ranking import ranked
from tests.support.layered import graphs


@given(graphs())
def test_every_way_leads_from_column_to_column(graph):
    vertices, arcs = graph
    found = chained(ranked(vertices, arcs), arcs)
    column = {spot: rank for rank, layer in enumerate(found.layers) for spot in layer}
    assert sorted(column) == list(range(len(found.ins)))
    for arc, path in zip(arcs, found.paths, strict=True):
        assert [path[0].tail, path[-1].head] == [arc.tail, arc.head]
        assert path[-1].arc == arcs.index(arc) or arcs.count(arc) > 1
        for link, following in itertools.pairwise(path):
            assert link.head == following.tail >= found.vertices
            assert link.arc is None
        assert all(column[link.head] == column[link.tail] + 1 for link in path)
        assert all(link.outlet == arc.outlet for link in path)


def test_bends_are_shared_by_lines_of_one_value_only():
    ranks = [0, 3, 3, 3]
    assert chained(ranks, [Arc(0, 1), Arc(0, 2), Arc(0, 3)]).bends == 2
    assert chained(ranks, [Arc(0, 1), Arc(0, 2, outlet=1), Arc(0, 3)]).bends == 4


def test_first_order_has_the_main_line_between_the_others():
    arcs = [Arc(0, 4), Arc(1, 4, main=True), Arc(2, 4), Arc(3, 4)]
    assert chained([0, 0, 0, 0, 1], arcs).layers == [[2, 1, 0, 3], [4]]

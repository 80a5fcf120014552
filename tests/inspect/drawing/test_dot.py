"""Text for graphviz."""

import re
import shutil
import subprocess

import numpy as np
import pytest

from npnet import Graph
from npnet.inspect import draw
from tests.support.figures import expression, two_paths

NODE = re.compile(r'^  n(\d+) \[label="((?:[^"\\]|\\.)*)", .*, tooltip="((?:[^"\\]|\\.)*)"\];$')
EDGE = re.compile(r'^  n(\d+) -> n(\d+) \[label="((?:[^"\\]|\\.)*)"\];$')


def test_every_shape_and_edge_is_a_line():
    graph, names = two_paths()
    drawing = draw(graph, names=names)
    first, second, *lines, last = drawing.dot().splitlines()
    assert (first, second, last) == ("digraph npnet {", "  rankdir=LR;", "}")
    nodes = [match for line in lines if (match := NODE.match(line))]
    edges = [match for line in lines if (match := EDGE.match(line))]
    assert len(nodes) + len(edges) == len(lines)
    assert [node[3] for node in nodes] == [shape.words for shape in drawing.picture.shapes]
    wanted = [(str(edge.tail), str(edge.head)) for edge in drawing.picture.edges]
    assert [(edge[1], edge[2]) for edge in edges] == wanted


def test_numbers_stand_beside_the_lines():
    edges = [
        EDGE.match(line)
        for line in draw(expression(), values=True, gradients=True).dot().splitlines()
    ]
    words = [edge[3].split("\\n") for edge in edges if edge]
    assert ["p", "1.099", "d 3"] in words
    assert ["2", "d 1.75", "+ 1.5"] in words
    assert ["3.74", "d 1"] in words


def test_quotes_are_escaped():
    g = Graph(dtype=np.float64)
    g.output(-g.input('a "b" \\ c'))
    node = NODE.match(draw(g).dot().splitlines()[3])
    assert node[2] == r"a \"b\" \\ c"


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
def test_graphviz_takes_it():
    text = draw(expression(), values=True, gradients=True).dot()
    run = subprocess.run(["dot", "-Tplain"], input=text, capture_output=True, text=True, check=True)
    assert run.stdout.startswith("graph")
    assert run.stderr == ""

"""The outline of a tape is the scene of its recording, without numbers."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given

from npnet import Graph
from npnet.inspect import record
from npnet.inspect.drawing import draw
from npnet.inspect.drawing.scene import scene_of_recording
from tests.layers.cases import CASES
from tests.support.case import seeds_for
from tests.support.figures import two_paths
from tests.support.programs import ProgramModule, cases


def bare(scene):
    """Return a scene without its numbers, and without layers that are copies."""
    values = [replace(v, value=None, gradients=(), started=()) for v in scene.values]
    steps = [replace(operation, layer=None, added={}) for operation in scene.operations]
    return scene.title, values, steps


def test_of_a_graph_that_ran():
    graph, names = two_paths()
    found = draw(graph, names=names).picture.scene
    assert bare(found) == bare(scene_of_recording(record(graph, names=names)))


def test_of_a_graph_that_has_not_run_shapes_are_missing():
    graph, names = two_paths(run=False)
    found = draw(graph, names=names).picture.scene
    shapes = {value.name: value.shape for value in found.values}
    assert shapes["W"] == (2, 2)
    assert shapes["x"] is shapes["a"] is None
    assert [operation.kind for operation in found.operations][:2] == ["Linear", "ReLU"]


@given(cases())
def test_of_random_programs(case):
    module = ProgramModule(case)
    inputs = case.leaves[:2]
    found = draw(module, *inputs).picture.scene
    recording = record(module, *inputs, gradients=(*case.seeds,))
    assert [v.name for v in found.values] == [slot.name for slot in recording.slots]
    assert [v.readers for v in found.values] == [slot.readers for slot in recording.slots]
    assert [v.shape for v in found.values] == [slot.shape for slot in recording.slots]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_layer_is_drawn_before_shapes_are_known(case):
    g = Graph(dtype=case.dtype)
    result = case.make()(*(g.input(f"x{i}") for i in range(len(case.operands))))
    g.output(*(result if isinstance(result, tuple) else (result,)))
    drawing = draw(g)
    assert len(drawing.picture.scene.operations) >= 1
    ElementTree.fromstring(drawing.svg())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_layer_is_drawn_with_its_numbers(case):
    arrays = case.arrays()
    layer = case.make()
    outputs = layer(*arrays)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    seeds = tuple(seeds_for([np.asarray(y) for y in outputs]))
    drawing = draw(case.make(), *arrays, values=True, gradients=seeds)
    ElementTree.fromstring(drawing.svg())
    kinds = {label.kind for label in drawing.picture.labels}
    assert kinds >= {"value", "gradient"}

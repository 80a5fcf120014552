"""A scene has what was recorded, and from which event on."""

import numpy as np
from hypothesis import given

from npnet import Graph
from npnet.inspect import record
from npnet.inspect.drawing.scene import scene_of_recording
from tests.support.figures import expression, two_paths
from tests.support.programs import ProgramModule, cases


def test_values_are_there_from_the_event_that_computes_them():
    recording = expression()
    scene = scene_of_recording(recording)
    events = {value.name: value.value.event for value in scene.values}
    assert events == dict.fromkeys("wbx", -1) | {
        "p": 0,
        "q": 1,
        "r": 2,
        "s": 3,
        "t": 4,
        "u": 5,
        "f": 6,
    }
    assert [operation.kind for operation in scene.operations] == [s.kind for s in recording.steps]


def test_sums_grow_from_event_to_event():
    graph, names = two_paths()
    recording = record(graph, names=names)
    scene = scene_of_recording(recording)
    (weight,) = (value for value in scene.values if value.name == "W")
    assert [moment.event for moment in weight.gradients] == [12, 16]
    np.testing.assert_array_equal(weight.gradients[-1].array, recording["W"].gradient)
    first, second = (given.value for given in recording.contributions(recording["W"]))
    np.testing.assert_array_equal(scene.operations[4].added[0].array, first)
    np.testing.assert_array_equal(scene.operations[0].added[1].array, second)
    assert scene.operations[0].added.keys() == {1}


@given(cases())
def test_every_contribution_that_is_one_of_several_is_there(case):
    module = ProgramModule(case)
    recording = record(module, *case.leaves[:2], gradients=(*case.seeds,))
    scene = scene_of_recording(recording)
    for event in recording.backward:
        for given_ in event.contributions:
            if event.kind == "seed":
                continue
            moment = scene.operations[event.step.number].added.get(given_.operand.position)
            assert (moment is None) == (given_.of == 1)
            assert moment is None or moment.array is given_.value
    for slot, value in zip(recording.slots, scene.values, strict=True):
        assert value.value.array is slot.value
        if slot.gradient is None:
            assert value.gradients == ()
        else:
            assert value.gradients[-1].array is slot.gradient


def test_what_an_output_starts_with_is_kept_where_it_is_read_too():
    g = Graph(dtype=np.float64)
    x = g.input("x", requires_grad=True)
    y = x * 3.0
    g.output(y, y * y)
    scene = scene_of_recording(record(g, 2.0, gradients=(5.0, 1.0), names={y: "y"}))
    (value,) = (value for value in scene.values if value.name == "y")
    assert [moment.array for moment in value.started] == [5]
    assert [moment.array.item() for moment in value.gradients] == [5, 11, 17]


def test_a_value_that_is_several_outputs_starts_with_their_sum():
    g = Graph(dtype=np.float64)
    y = g.input("x", requires_grad=True) * 3.0
    g.output(y, y)
    scene = scene_of_recording(record(g, 2.0, gradients=(5.0, 1.0), names={y: "y"}))
    (value,) = (value for value in scene.values if value.name == "y")
    assert [moment.array for moment in value.started] == [5, 6]
    assert [moment.event for moment in value.started] == [1, 2]

import importlib
import re

import numpy as np
import pytest

import npnet
from npnet import Graph, Linear, ReLU
from npnet.inspect.tracing import last_run, taped, traced
from npnet.kernel import Spec


@pytest.mark.parametrize(
    ("operand", "dtype"),
    [
        (np.ones(2), "float64"),
        (np.ones(2, np.float32), "float32"),
        ([1.0, 2.0], "float32"),
        (np.float64(3), "float64"),
        (np.array([1, 2]), "float32"),
        (3, "float32"),
    ],
)
def test_a_module_without_a_dtype_computes_in_that_of_its_input(operand, dtype):
    run = traced(ReLU(), [operand])
    assert run.arrays[0].dtype.name == run.specs[run.tape.outputs[0]].dtype.name == dtype
    model = ReLU()
    assert np.asarray(model(operand)).dtype.name == dtype


def test_a_module_with_parameters_computes_in_theirs():
    run = traced(Linear(1, 1, dtype=np.float64), [np.ones((2, 1), np.float32)])
    assert run.arrays[0].dtype == np.float64


def test_integers_stay_integers_where_a_layer_takes_them():
    loss = npnet.CrossEntropyLoss()
    run = traced(loss, [np.zeros((1, 2)), np.array([1], np.uint8)])
    assert [array.dtype.name for array in run.arrays] == ["float64", "uint8"]


def test_inputs_are_copies():
    x = np.ones(2)
    assert traced(ReLU(), [x]).arrays[0] is not x


def test_the_last_run_has_the_tape_and_the_inputs_of_the_call():
    g = Graph()
    g.output(-g.input("x"))
    for value in (1.0, 2.0):
        g(value)
    run = last_run(g, "table")
    assert run.tape is g.tape and run.arrays[0] == 2 and run.plan is g.execution.ran
    model = ReLU()
    model.eval()
    model(np.ones(3))
    assert last_run(model, "table").arrays[0].tolist() == [1, 1, 1]


def test_who_has_not_run_is_told_what_to_do():
    with pytest.raises(RuntimeError, match=r"table: ReLU has not run in this thread; call it on"):
        last_run(ReLU(), "table")
    calls = {
        "trace": "npnet.inspect.trace(model, x, ...)",
        "page": "npnet.inspect.page(model, path, x, ...)",
        "detect_anomaly": "npnet.training.detect_anomaly(model, x, ...)",
    }
    for who, call in calls.items():
        with pytest.raises(RuntimeError, match=re.escape(call)):
            last_run(ReLU(), who)
        package, function = call.split("(")[0].rsplit(".", 1)
        assert callable(getattr(importlib.import_module(package), function))


def test_shapes_are_enough_for_a_tape():
    tape, specs = taped(Linear(3, 2), [Spec((10**9, 3), np.dtype(np.float32))])
    assert specs[tape.outputs[0]].shape == (10**9, 2)


def test_what_holds_no_numbers_is_refused():
    with pytest.raises(TypeError, match="ReLU: expected inputs of real numbers"):
        traced(ReLU(), ["x"])

"""Errors: who, the rule, the value, the mend; and a failed call changes nothing."""

import numpy as np
import pytest

import npnet
from npnet import CrossEntropyLoss, Graph, Linear, MSELoss, ReLU, Sequential
from tests.support.mistakes import LABELS, ONES, ROWS, World


def same(before, after):
    """Compare two states."""
    assert len(before) == len(after)
    for a, b in zip(before, after, strict=True):
        if isinstance(a, np.ndarray) or hasattr(a, "dtype"):
            np.testing.assert_array_equal(a, b)
        else:
            assert repr(a) == repr(b)


@pytest.mark.parametrize(("mistake", "kind", "message"), ROWS, ids=[row[2][:40] for row in ROWS])
def test_mistakes_are_named_and_change_nothing(mistake, kind, message):
    worlds = []
    for _ in range(2):
        npnet.manual_seed(0)
        worlds.append(World())
    world, twin = worlds
    before = world.state()
    with pytest.raises(kind, match=rf"^{message}"):
        mistake(world)
    same(before, world.state())
    assert world.step() == twin.step()
    same(twin.state(), world.state())
    value = world.graph(x=ONES, y=LABELS)
    world.graph.backward()
    assert value == pytest.approx(world.criterion(world.model(ONES), LABELS), rel=1e-6)


def test_messages_mend_by_what_they_say():
    """What the messages advise is taken."""
    loss, x, target = MSELoss(), np.ones(3), np.zeros((3, 1))
    with pytest.raises(ValueError, match=r"target\.reshape\(\(3,\)\) fits"):
        loss(x, target)
    assert loss(x, target.reshape((3,))) == 1
    criterion, labels = CrossEntropyLoss(), np.array([0.0, 1.0])
    with pytest.raises(TypeError, match=r"target\.astype\(np\.int64\)"):
        criterion(np.zeros((2, 2)), labels)
    assert criterion(np.zeros((2, 2)), labels.astype(np.int64)) == pytest.approx(np.log(2))
    graph = Graph(dtype=np.float64)
    graph.output(Linear(2, 2)(graph.input("x")))
    with pytest.raises(TypeError, match=r"build its layer with dtype=np\.float64"):
        graph(np.ones((1, 2)))
    graph = Graph(dtype=np.float64)
    graph.output(Linear(2, 2, dtype=np.float64)(graph.input("x")))
    assert graph(np.ones((1, 2))).dtype == np.float64


def test_error_inside_a_deep_model_names_the_layer_and_its_step():
    model = Sequential(Linear(3, 4), ReLU(), Linear(5, 2))
    with pytest.raises(ValueError, match=r"^Linear: expected x of shape \(B, 5\), got \(4, 4\)"):
        model(ONES)
    graph = Graph()
    graph.output(model(graph.input("x")))
    with pytest.raises(ValueError, match=r"^Linear: expected x of shape \(B, 5\)") as caught:
        graph(ONES)
    assert caught.value.__notes__ == ["at step 2 of the tape"]

import numpy as np
import pytest

from npnet import Graph, Linear, SoftmaxCrossEntropy
from npnet.inspect import record


def doubled(*outputs):
    """Return a graph of y = 2 x and other outputs of x and y, after a run on [1, 2]."""
    g = Graph(dtype=np.float64)
    x = g.input("x", requires_grad=True)
    y = x * 2.0
    g.output(y, *(make(x, y) for make in outputs))
    g(np.array([1.0, 2.0]))
    return g


def started(recording):
    return {
        event.slot.name: event.contributions[0].value.tolist()
        for event in recording.events
        if event.kind == "seed"
    }


def test_one_number_starts_with_1():
    g = Graph()
    g.output(g.input("x") * 2.0)
    assert started(record(g, 3.0)) == {"p": 1.0}
    assert started(record(g, [[3.0]])) == {"p": [[1.0]]}


def test_an_array_starts_with_nothing():
    recording = record(doubled())
    assert recording.backward == () and recording["x"].gradient is None
    assert [event.kind for event in recording.events] == ["forward"]


def test_the_last_backward_tells_where_it_started():
    g = doubled()
    g.backward(np.array([1.0, -3.0]))
    assert started(record(g)) == {"p": [1.0, -3.0]}
    g = doubled(lambda x, y: -x)
    g.backward(None, np.array([5.0, 6.0]))
    assert started(record(g)) == {"q": [5.0, 6.0]}
    # Other inputs are another run.
    assert started(record(g, np.ones(2))) == {}


def test_the_last_backward_without_gradients_starts_with_1():
    g = Graph()
    x = g.input("x", requires_grad=True)
    y = x * 2.0
    g.output(y, y * 3.0)
    g(1.0)
    g.backward()
    recording = record(g)
    assert started(recording) == {"p": 1.0} and recording["x"].gradient == 2


def test_it_is_the_last_backward_that_tells_of_several():
    g = Graph()
    g.output(g.input("x", requires_grad=True) * 2.0)
    for gradients, seed in (((), 1), ((5.0,), 5), ((), 1), ((np.float32(-2),), -2)):
        g(3.0)
        g.backward()
        g.backward(*gradients)
        assert started(record(g)) == {"p": seed}
        assert record(g)["x"].gradient == 2 * seed
    # Where another step reads the output, it is told only as long as it is 1.
    g = Graph()
    y = g.input("x", requires_grad=True) * 2.0
    g.output(y, y * 3.0)
    g(3.0)
    g.backward(1.0, None)
    with pytest.raises(ValueError, match="last backward of Graph was given cannot be told"):
        record(g)
    g.backward()
    assert started(record(g)) == {"p": 1}
    g.backward(5.0, None)
    with pytest.raises(ValueError, match="last backward of Graph was given cannot be told"):
        record(g)


def test_where_a_gradient_cannot_be_told_it_is_asked_for():
    g = doubled(lambda x, y: y * 3.0)
    g.backward(np.ones(2), np.ones(2))
    with pytest.raises(ValueError, match="last backward of Graph was given cannot be told"):
        record(g)
    assert record(g, gradients=(np.ones(2), None))["x"].gradient.tolist() == [2, 2]


def test_gradients_may_be_given():
    g = doubled(lambda x, y: -x)
    assert started(record(g, gradients=(None, [1, 2]))) == {"q": [1.0, 2.0]}
    assert started(record(g, gradients=[[3, 4], None])) == {"p": [3.0, 4.0]}
    model = Linear(2, 2)
    recording = record(model, np.ones((1, 2)), gradients=[[1, 2]])
    assert recording["bias"].gradient.tolist() == [1, 2]
    assert recording["bias"].gradient.dtype == np.float32


def test_gradients_that_do_not_fit_are_refused():
    g = doubled(lambda x, y: -x)
    with pytest.raises(ValueError, match="Graph has 2 outputs, got 1 gradients; give a tuple"):
        record(g, gradients=(np.ones(2),))
    with pytest.raises(ValueError, match=r"gradient of shape \(2,\) for output 'q' of Graph, got"):
        record(g, gradients=(None, np.ones(3)))
    with pytest.raises(TypeError, match="record: expected gradients of real numbers"):
        record(g, gradients=("a", None))


def test_an_output_of_integers_starts_with_nothing():
    g = Graph()
    g.output(g.input("y"))
    assert record(g, np.array(3)).backward == ()


def test_a_second_output_without_gradient_sends_none_back():
    g = Graph(dtype=np.float64)
    loss, p = SoftmaxCrossEntropy()(g.input("z", requires_grad=True), g.input("y"))
    g.output(loss, p)
    recording = record(g, np.zeros((1, 2)), np.array([0]))
    (event,) = (e for e in recording.backward if e.kind == "backward")
    assert event.arrived[0] == 1 and event.arrived[1] is None
    assert recording["z"].gradient.tolist() == [[-0.5, 0.5]]

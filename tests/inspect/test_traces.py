import numpy as np
import pytest

import npnet
from npnet import Graph
from npnet.inspect import record, trace
from npnet.inspect.traces import event_text
from tests.systems.test_s1 import Network, X


def test_the_events_of_a_recording_are_its_items():
    recording = record(npnet.Square(), 3.0)
    found = trace(recording)
    assert tuple(found) == recording.events and len(found) == 3
    assert found[0] is recording.events[0] and found[1:] == recording.events[1:]


def test_a_matrix_and_a_fan_out_in_words():
    net = Network()
    net.graph(X, np.array([0]))
    net.graph.backward()
    names = {net.fc1.weight: "W", net.fc1.bias: "b", net.a: "a", net.h: "h", net.penalty_w: "R"}
    lines = str(trace(net.graph, names=names)).splitlines()
    assert lines[:6] == [
        "forward",
        "  0  a = x Wᵀ + b",
        "       x = [[1, 2]]",
        "       W = [[1, −1], [0.5, 1]]",
        "       b = [0.5, −1]",
        "       a = [[−0.5, 1.5]]",
    ]
    start = lines.index(" 12  R = 0.1·‖W‖², dR = 1 arrived")
    assert lines[start + 1 : start + 3] == [
        "       dW = 0.2·dR·W = [[0.2, −0.2], [0.1, 0.2]]",
        "         contribution 1 of 2",
    ]
    # By hand: da = (0, -4/3), so the path through the data adds [[0, 0], [-4/3, -8/3]].
    assert lines[-7:] == [
        " 15  h = max(0, a), dh = [[−5.551e-17, −1.333]] arrived",
        "       da = dh ⊙ [a > 0] = [[0, −1.333]]",
        " 16  a = x Wᵀ + b, da = [[0, −1.333]] arrived",
        "       dx = da W = [[−0.6667, −1.333]]",
        "       dW = daᵀ x = [[0, 0], [−1.333, −2.667]]",
        "         contribution 2 of 2, sum so far [[0.2, −0.2], [−1.233, −2.467]]",
        "       db = sum(da, axis 0) = [0, −1.333]",
    ]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_it_is_no_wider_than_asked_and_loses_nothing(width):
    npnet.manual_seed(0)
    model = npnet.Sequential(npnet.Linear(4, 8), npnet.ReLU(), npnet.Linear(8, 3))
    model(np.random.default_rng(0).normal(size=(2, 4)))
    model.backward(np.ones((2, 3)))
    found = trace(model)
    whole, lines = found.text(1000), found.text(width).splitlines()
    assert max(map(len, whole.splitlines())) > 100 >= width >= max(map(len, lines))
    assert " ".join(found.text(width).split()) == " ".join(whole.split())
    going_on = [line for line in lines if line not in whole.splitlines() and line[:8].isspace()]
    assert going_on and str(found) == found.text()


def test_a_value_that_is_read_twice_is_shown_once():
    lines = str(trace(npnet.Multiply(), 2.0, 2.0)).splitlines()
    assert lines[2:4] == ["       a = 2", "       b = 2"]
    g = Graph()
    x = g.input("x", requires_grad=True)
    g.output(x * x * 2.0)
    assert event_text(record(g, 3.0).events[0]).splitlines() == [
        "  0  p = x·x",
        "       x = 3",
        "       p = 9",
    ]


def test_a_start_says_which_contribution_it_is():
    g = Graph()
    x = g.input("x", requires_grad=True)
    y = x * 2.0
    g.output(y, y * 3.0)
    recording = record(g, 1.0, gradients=(10.0, 1.0))
    assert [event_text(e) for e in recording.backward[:2]] == [
        "  2  start at dp = 10\n         contribution 1 of 2",
        "  3  start at dq = 1",
    ]


def test_without_gradients_there_is_no_way_back():
    assert "backward" not in str(trace(npnet.ReLU(), np.ones(2)))


def test_a_graph_that_has_not_run_is_refused():
    with pytest.raises(RuntimeError, match=r"npnet.inspect.trace\(g, x, ...\)"):
        trace(Graph())

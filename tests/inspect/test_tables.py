r"""The table of f = (w e^(bx) + ln(wx)) b, by hand, for w = 2, x = 1, b = 1/2.

p = b x = 1/2             dp/db = x = 1          dp/dx = b = 1/2
q = e^p = e^(1/2)         dq/dp = q = e^(1/2)
r = w q = 2 e^(1/2)       dr/dw = q = e^(1/2)    dr/dq = w = 2
s = w x = 2               ds/dw = x = 1          ds/dx = w = 2
t = ln s = ln 2           dt/ds = 1/s = 1/2
u = r + t                 du/dr = 1              du/dt = 1
f = u b = e^(1/2) + ln(2)/2   df/du = b = 1/2    df/db = u = 2 e^(1/2) + ln 2

Back, from 1 at f: u gets 1/2 and b gets u; r and t get 1/2; s gets 1/2 1/2 = 1/4; w gets 1/4 x
and x gets 1/4 w = 1/2; w gets e^(1/2)/2 more and q gets 1/2 w = 1; p gets q = e^(1/2); b gets
e^(1/2) x more and x gets e^(1/2) b more.
"""

from collections import Counter

import numpy as np
import pytest

import npnet
from npnet import Graph, Linear, ReLU, Sequential
from npnet.inspect import table
from tests.support.reference import SinCos
from tests.systems.test_s1 import Network, X

ROOT = np.exp(0.5)
#: name: value, gradient, expansion, local gradients with their values.
BY_HAND = {
    "p": (0.5, ROOT, "b·x", {"∂p/∂b = x": 1, "∂p/∂x = b": 0.5}),
    "q": (ROOT, 1, "e^(b·x)", {"∂q/∂p = q": ROOT}),
    "r": (2 * ROOT, 0.5, "w·e^(b·x)", {"∂r/∂w = q": ROOT, "∂r/∂q = w": 2}),
    "s": (2, 0.25, "w·x", {"∂s/∂w = x": 1, "∂s/∂x = w": 2}),
    "t": (np.log(2), 0.5, "ln(w·x)", {"∂t/∂s = 1/s": 0.5}),
    "u": (
        2 * ROOT + np.log(2),
        0.5,
        "w·e^(b·x) + ln(w·x)",
        {"∂u/∂r = 1": 1, "∂u/∂t = 1": 1},
    ),
    "f": (
        ROOT + np.log(2) / 2,
        1,
        "(w·e^(b·x) + ln(w·x))·b",
        {"∂f/∂u = b": 0.5, "∂f/∂b = u": 2 * ROOT + np.log(2)},
    ),
}
BREAKDOWN = ["p = b·x", "q = e^p", "r = w·q", "s = w·x", "t = ln(s)", "u = r + t", "f = u·b"]
#: Parts in the order they arrive.
LEAVES = {
    "w": (2, [0.25, ROOT / 2]),
    "x": (1, [0.5, ROOT / 2]),
    "b": (0.5, [2 * ROOT + np.log(2), ROOT]),
}
TEXT = """\
   breakdown  local gradient  its value  expansion                value     gradient
-  ---------  --------------  ---------  -----------------------  --------  ---------------------------
   w                                                              2         1.07436 = 0.25 + 0.824361
   x                                                              1         1.32436 = 0.5 + 0.824361
   b                                                              0.5       5.63931 = 3.99059 + 1.64872
0  p = b·x    ∂p/∂b = x       1          b·x                      0.5       1.64872
              ∂p/∂x = b       0.5
1  q = e^p    ∂q/∂p = q       1.64872    e^(b·x)                  1.64872   1
2  r = w·q    ∂r/∂w = q       1.64872    w·e^(b·x)                3.29744   0.5
              ∂r/∂q = w       2
3  s = w·x    ∂s/∂w = x       1          w·x                      2         0.25
              ∂s/∂x = w       2
4  t = ln(s)  ∂t/∂s = 1/s     0.5        ln(w·x)                  0.693147  0.5
5  u = r + t  ∂u/∂r = 1       1          w·e^(b·x) + ln(w·x)      3.99059   0.5
              ∂u/∂t = 1       1
6  f = u·b    ∂f/∂u = b       0.5        (w·e^(b·x) + ln(w·x))·b  1.99529   1
              ∂f/∂b = u       3.99059"""  # noqa: E501 -- the table as it prints


@pytest.fixture
def brief():
    """Return the table of the brief's expression."""
    g = Graph(dtype=np.float64)
    w, x, b = (g.input(name, requires_grad=True) for name in "wxb")
    f = (w * np.exp(b * x) + np.log(w * x)) * b
    g.output(f)
    g(w=2.0, x=1.0, b=0.5)
    return table(g, names={f: "f"})


def written(*equations):
    return [npnet.inspect.rendering.text(equation) for equation in equations]


def test_every_cell_of_the_briefs_table(brief):
    assert [*written(*(row.breakdown[0] for row in brief.rows))] == BREAKDOWN
    for row, (value, gradient, expansion, local) in zip(brief.rows, BY_HAND.values(), strict=True):
        (slot,) = row.step.outputs
        assert slot.value == pytest.approx(value, rel=1e-14)
        assert slot.gradient == pytest.approx(gradient, rel=1e-14)
        assert written(*row.expansions) == [expansion]
        assert written(*(entry.equation for entry in row.local)) == [*local]
        assert [float(e.value) for e in row.local] == pytest.approx([*local.values()], rel=1e-14)


def test_every_input_of_the_briefs_table(brief):
    for slot, (name, (value, parts)) in zip(brief.leaves, LEAVES.items(), strict=True):
        assert (slot.name, slot.value) == (name, value)
        found = brief.recording.contributions(slot)
        assert [float(part.value) for part in found] == pytest.approx(parts, rel=1e-14)
        assert slot.gradient == pytest.approx(sum(parts), rel=1e-14)


def test_the_briefs_table_as_text(brief):
    assert brief.text(120) == TEXT
    for width in (80, 90, 100):
        assert max(map(len, brief.text(width).splitlines())) <= width
    # Narrowed, it has the same words, but for the rule below the head.
    wide, narrow = (Counter(text.replace("-", "").split()) for text in (TEXT, brief.text(80)))
    assert wide == narrow


def test_a_network_with_long_names_fits_a_terminal():
    graph, layer = npnet.Graph(), npnet.Linear(4, 4)
    layer.weight.data = np.linspace(-1, 1, 16, dtype=np.float32).reshape(4, 4)
    layer.bias.data = np.full(4, 0.125, np.float32)
    graph.output(layer(layer(layer(graph.input("x")))))
    graph(np.ones((3, 4), np.float32))
    graph.backward(np.ones((3, 4), np.float32))
    for width in (100, 120):
        assert max(map(len, table(graph).text(width).splitlines())) <= width


def test_the_terminals_width_is_kept_between_80_and_120(brief, monkeypatch):
    for columns, width in (("20", 80), ("100", 100), ("300", 120)):
        monkeypatch.setenv("COLUMNS", columns)
        assert str(brief) == brief.text(width) == repr(brief)


def test_the_briefs_table_in_a_notebook_and_a_document(brief):
    assert brief._repr_html_() == brief.html() and brief._repr_latex_() == brief.latex()
    assert brief._repr_markdown_() == brief.markdown()
    assert (
        r"| 4 | $t = \ln\left(s\right)$ | $\frac{\partial t}{\partial s} = \frac{1}{s}$ | 0.5 |"
        in (brief.markdown())
    )
    assert r"r = w \cdot q & \frac{\partial r}{\partial w} = q & \text{1.64872} &" in brief.latex()
    assert brief.html().count("<tbody>") == 10 and "1.07436 = 0.25 + 0.824361" in brief.html()


def test_a_matrix_product_shows_what_its_operands_receive():
    net = Network()
    net.graph(X, np.array([0]))
    names = {net.fc1.weight: "W", net.fc1.bias: "b", net.a: "a", net.h: "h"}
    first, second, *_ = table(net.graph, names=names).rows
    assert written(*first.breakdown) == ["a = x Wᵀ + b"]
    assert written(*(e.equation for e in first.local)) == [
        "dx = da W",
        "dW = daᵀ x",
        "db = sum(da, axis 0)",
    ]
    # By hand, in tests/systems/test_s1.py: da = (0, -4/3).
    wanted = [[[-2 / 3, -4 / 3]], [[0, 0], [-4 / 3, -8 / 3]], [0, -4 / 3]]
    for entry, value in zip(first.local, wanted, strict=True):
        np.testing.assert_allclose(entry.value, value, rtol=1e-14, atol=1e-15)
    assert written(second.local[0].equation, *second.expansions) == [
        "∂h/∂a = [a > 0]",
        "max(0, x Wᵀ + b)",
    ]
    assert second.local[0].value.tolist() == [[0, 1]]


def test_a_layer_of_two_outputs_shows_the_one_that_is_differentiated():
    net = Network()
    net.graph(X, np.array([0]))
    row = table(net.graph, names={net.loss: "L", net.o: "o", net.z: "z"}).rows[3]
    assert written(*row.breakdown) == ["L = mean(−ln(o[y]))", "o = softmax(z)"]
    assert written(*(entry.equation for entry in row.local)) == ["∂L/∂z = o − one_hot(y)"]
    np.testing.assert_allclose(row.local[0].value, [[-2 / 3, 1 / 3, 1 / 3]], rtol=1e-14)


def test_of_two_outputs_only_the_one_that_is_differentiated_has_a_local_gradient():
    g = Graph(dtype=np.float64)
    sine, cosine = SinCos()(g.input("x", requires_grad=True))
    g.output(sine, cosine)
    (row,) = table(g, 0.0, gradients=(None, 1.0)).rows
    assert written(*(entry.equation for entry in row.local)) == ["∂q/∂x = ∂SinCos/∂x"]
    assert row.local[0].value == 0
    (row,) = table(g, 0.0, gradients=(1.0, 1.0)).rows
    assert [float(entry.value) for entry in row.local] == [1, 0]


def test_large_arrays_take_a_line():
    model = Sequential(Linear(784, 256), ReLU(), Linear(256, 10))
    x = np.random.default_rng(0).normal(size=(64, 784)).astype(np.float32)
    lines = table(model, x, gradients=np.ones((64, 10))).text(120).splitlines()
    assert len(lines) < 40 and max(map(len, lines)) <= 120


def test_a_table_without_gradients_has_their_equations():
    row = table(Linear(2, 2), np.ones((1, 2))).rows[0]
    assert written(*(entry.equation for entry in row.local)) == [
        "dx = dh1 weight",
        "dweight = dh1ᵀ x",
        "dbias = sum(dh1, axis 0)",
    ]
    assert {entry.value for entry in row.local} == {None}


def test_many_contributions_are_counted_and_not_written_out():
    g = Graph()
    x = g.input("x", requires_grad=True)
    g.output(x * x * x * x * x)
    assert "5, sum of 5" in table(g, 1.0).text(120)
    g = Graph()
    x = g.input("x", requires_grad=True)
    g.output(x - x * 2.0)
    assert "−1 = 1 − 2" in table(g, 1.0).text(120)


def test_what_a_rule_introduces_stands_below_it():
    words = table(npnet.RMSNorm(2, eps=0.5), np.ones((1, 2))).text(200)
    lines = [line[3:33].strip() for line in words.splitlines()]
    assert lines[4:] == ["h1 = ẑ ⊙ weight", "ρ = √(mean(x², axis 1) + 0.5)", "ẑ = x/ρ"]


def test_a_graph_that_has_not_run_is_refused():
    with pytest.raises(RuntimeError, match="table: Graph has not run in this thread; call it on"):
        table(Graph())
    with pytest.raises(TypeError, match="table: expected a Graph or another Module, got str"):
        table("g")

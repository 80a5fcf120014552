import subprocess
import sys
from functools import partial
from pathlib import Path
from threading import Lock

import numpy as np
import pytest

import npnet
from npnet import Graph, Linear, Parameter, ReLU, Sequential, Tanh, check_gradients, check_layer
from npnet.check.checks.table import CHECKS
from npnet.check.mistakes.activation import relu_at_dy, sigmoid
from npnet.check.mistakes.linear import WeightTransposed
from tests.support import broken

ROOT = Path(__file__).parents[2]


def test_a_right_layer_passes_and_the_report_is_returned():
    report = check_layer(Linear(4, 3), (5, 4))
    assert report and report.ok and report.findings == ()
    assert [line.mark for line in report.lines] == ["ok"] * 9
    assert "check_layer: Linear(in_features=4" in str(report)


def test_a_wrong_layer_raises_its_report():
    with pytest.raises(npnet.CheckError) as raised:
        check_layer(WeightTransposed(4, 4), (5, 4))
    report = raised.value.report
    assert isinstance(raised.value, AssertionError) and str(raised.value) == str(report)
    (finding,) = report.findings
    assert finding.check == "gradients" and finding.operand == "weight"
    assert finding.element is not None and finding.expected != finding.got
    assert "right: x, bias; wrong: weight" in str(report)


def test_the_numbers_are_those_of_backward_and_of_central_differences():
    x, report = np.array([[1.0, -2.0, 0.5]]), None
    report = check_gradients(lambda x: (np.sum(x**2), lambda dy: dy * x), x, raise_exception=False)
    (finding,) = report.findings
    assert finding.element in {(0, 0), (0, 1), (0, 2)}
    assert finding.expected == pytest.approx(2 * finding.got, rel=1e-6)


def test_report_is_false_where_it_does_not_raise():
    report = check_gradients(relu_at_dy, (4, 3), raise_exception=False)
    assert not report and not report.ok
    assert "wrong place: at the output gradient" in report.cause
    marks = {line.check: line.mark for line in report.lines}
    assert marks["gradients"] == "FAIL" and marks["untouched"] == "ok"


def test_the_layer_and_the_streams_stay_as_they_are():
    npnet.manual_seed(0)
    model = Sequential(Linear(4, 3), npnet.BatchNorm1d(3), npnet.Dropout(0.5))
    state = {name: array.copy() for name, array in model.state_dict().items()}
    before = npnet.random.default_generator().mark()
    x = np.random.default_rng(0).normal(size=(6, 4))
    given = x.copy()
    check_layer(model, x, checks="all")
    assert npnet.random.default_generator().mark() == before
    np.testing.assert_array_equal(x, given)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, state[name])
    assert all(p.grad is None for p in model.parameters()) and model.training


def test_all_checks_are_those_of_npnets_own_layers():
    report = check_layer(lambda: Linear(4, 3), ("B", 4), checks="all")
    assert [line.check for line in report.lines] == [check.name for check in CHECKS]
    found = check_layer(broken.HiddenState, (5, 3), checks="state", raise_exception=False)
    assert [finding.check for finding in found.findings] == ["state"]


def test_a_graph_and_a_module_of_ones_own_are_checked_too():
    g = Graph()
    x, w = g.input("x", requires_grad=True), g.parameter("w", [1.0, 2.0])
    g.output(np.exp(x) * w + x)
    for check in (check_layer, check_gradients):
        assert check(g, (3, 2)).lines[0].detail == "x, w"

    class Model(npnet.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.free = Linear(3, 3), Parameter([1.0])

        def forward(self, x, target):
            return npnet.MSELoss()(self.fc(x) * self.free, target)

    report = check_layer(Model(), (4, 3), (4, 3))
    assert report.operands[0].startswith("x (4, 3)")
    assert report.lines[0].detail == "x, target, free, fc.weight, fc.bias"


def test_the_step_at_fault_of_several_is_named():
    model = Sequential(Linear(3, 4), Tanh(), broken.Transposed(4, 4), ReLU())
    report = check_layer(model, (5, 3), raise_exception=False)
    assert "the fault is in step 2:" in str(report) and "Transposed" in report.culprit


def test_gradients_of_a_wrong_shape_are_told_once():
    report = check_gradients(
        lambda x, w: (x @ w, lambda dy: (dy @ w.T, dy.T @ x)), (5, 4), (4, 3), raise_exception=False
    )
    assert len(report.findings) == 1 and "transposed" in report.cause
    assert [line.mark for line in report.lines] == ["FAIL"] + ["skip"] * 8


def test_functions_of_several_forms_are_checked():
    def forward(x):
        return np.tanh(x), np.tanh(x)

    for form in (sigmoid, (forward, lambda dy, y: dy * (1 - y * y))):
        assert check_gradients(form, (4, 3))
    loss = check_gradients(lambda x: (np.sum(x * x), 2 * x), (4, 3))
    assert loss and loss.lines[1].mark == "skip"


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: check_layer(sigmoid, (3,)), "got sigmoid; for a plain function use check_gradie"),
        (lambda: check_layer(Linear, (3,)), r"got Linear; give one that is made: Linear\(...\)"),
        (lambda: check_layer(lambda: 3, (3,)), "expected a Layer or another Module, got int from"),
        (lambda: check_layer(3, (3,)), "check_layer: expected a Layer or another Module, got int"),
        (lambda: check_gradients(3, (3,)), "check_gradients: expected f"),
        (lambda: check_gradients(np.tanh, (3,)), "where .y, backward. is meant"),
    ],
)
def test_refuses_what_cannot_be_checked(call, words):
    with pytest.raises(TypeError, match=words):
        call()


def test_an_error_of_forward_is_passed_on_and_one_of_backward_is_a_finding():
    with pytest.raises(ValueError, match="Linear: expected x of shape"):
        check_layer(Linear(3, 2), (5, 4))

    def raises(x):
        def backward(dy):
            raise ValueError("no way back")

        return x * 2, backward

    report = check_gradients(raises, (3, 2), raise_exception=False)
    assert "it raises ValueError: no way back" in report.cause


def test_check_is_imported_when_it_is_asked_for():
    code = "import sys, npnet; a = 'npnet.check' in sys.modules; npnet.check_layer; "
    code += "print(a, 'npnet.check' in sys.modules, npnet.check.labels(3).shape)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout.split(maxsplit=2) == ["False", "True", "('B',)\n"], run.stderr


class Squares:
    """A layer as homework has it: backward reads what forward left."""

    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, dy):
        return 2 * dy * self.x


def test_a_pair_stays_together_however_it_is_written():
    layer = Squares()
    for pair in (
        (layer.forward, layer.backward),
        (layer.forward, lambda dy: layer.backward(dy)),
        (lambda x: layer.forward(x), layer.backward),
        (partial(Squares.forward, layer), partial(Squares.backward, layer)),
    ):
        assert check_gradients(pair, (4, 3))


def test_a_function_that_cannot_be_copied_is_checked_itself():
    class Locked:
        def __init__(self):
            self.lock = Lock()

        def __call__(self, x):
            return x**2, lambda dy: 2 * dy * x

    assert check_gradients(Locked(), (4, 3))

import numpy as np
import pytest

import npnet
from npnet import BatchNorm1d, CrossEntropyLoss, Dropout, Exp, Linear, Log, Module, ReLU, Sequential
from npnet.training import detect_anomaly


class Named(Module):
    """Layers under names, on two inputs."""

    def __init__(self):
        super().__init__()
        self.fc, self.exp, self.loss = Linear(3, 2), Exp(), CrossEntropyLoss()

    def forward(self, x, target):
        return self.loss(self.exp(self.fc(x)), target)


def named():
    model = Named()
    model.fc.weight.data, model.fc.bias.data = np.ones((2, 3)), np.zeros(2)
    return model


def test_a_step_that_makes_inf_of_finite_numbers_is_named():
    x = np.ones((4, 3), np.float32)
    x[2] = 100
    found = detect_anomaly(named(), x, np.zeros(4, int))
    assert (found.kind, found.layer, found.index, found.rows) == (
        "forward",
        "Exp (exp)",
        (2, 0),
        (2,),
    )
    assert found.value == np.inf and found.step == 1
    assert str(found).startswith(
        "Exp (exp), line 1 of the tape, makes inf at [2, 0]"
    ) and "from 3 to 300" in str(found)


def test_an_input_that_is_not_finite_is_named_by_all_its_rows():
    x = np.ones((12, 3), np.float32)
    x[5, 1], x[7, 0] = np.nan, -np.inf
    found = detect_anomaly(named(), x, np.zeros(12, int))
    assert (found.kind, found.name, found.index) == ("input", "x", (5, 1))
    assert found.rows == (5, 7) and np.isnan(found.value)
    assert str(found) == "input 'x' has nan at [5, 1], in rows 5, 7"


def test_what_no_gradient_shows_is_found_in_the_output():
    found = detect_anomaly(npnet.Sum(), np.array([1.0, -np.inf]))
    assert (found.kind, found.index, found.rows) == ("input", (1,), (1,))


def test_a_parameter_comes_before_the_steps_that_read_it():
    model = named()
    model.fc.weight.data[1, 2] = np.inf
    found = detect_anomaly(model, np.ones((4, 3)), np.zeros(4, int))
    assert (found.kind, found.name, found.index) == ("parameter", "fc.weight", (1, 2))


def test_a_constant_is_named():
    class Masked(Module):
        def forward(self, x):
            return x * np.array([1.0, np.nan])

    assert detect_anomaly(Masked(), np.ones((3, 2))).kind == "constant"


def test_inf_that_leads_to_no_output_is_no_culprit_of_another():
    class Sums(Module):
        def __init__(self):
            super().__init__()
            self.log, self.sum = Log(), npnet.Sum()

        def forward(self, scores, mask, x):
            return self.sum(npnet.exp(scores + mask)) + self.sum(self.log(x))

    mask = np.array([0.0, -np.inf])
    found = detect_anomaly(Sums(), np.ones(2), mask, np.array([1.0, 0.0]))
    assert (found.kind, found.layer, found.value) == ("forward", "Log (log)", -np.inf)
    assert detect_anomaly(Sums(), np.ones(2), mask, np.ones(2)) is None


def test_a_gradient_that_is_not_finite_is_found_where_it_is_made():
    class Root(Module):
        def __init__(self):
            super().__init__()
            self.fc = Linear(2, 1, bias=False)

        def forward(self, x):
            return npnet.Sum()(npnet.sqrt(self.fc(x)))

    model = Root()
    model.fc.weight.data = np.zeros((1, 2))
    found = detect_anomaly(model, np.ones((3, 2)))
    assert (found.kind, found.step, found.layer) == ("backward", 1, "Sqrt")
    assert "in its backward" in str(found) and "gradient of 1" in str(found)


def test_a_gradient_spoilt_by_inf_on_the_way_forward_leads_to_who_made_it():
    class Saturated(Module):
        def __init__(self):
            super().__init__()
            self.w = npnet.Parameter([1.0])

        def forward(self, x):
            return npnet.Sum()(1.0 / (1.0 + npnet.exp(self.w * x)))

    found = detect_anomaly(Saturated(), np.float32([1000.0]))
    assert (found.kind, found.layer) == ("forward", "Exp")


def test_inf_of_which_nothing_comes_is_still_found():
    class Forgets(Module):
        def forward(self, x):
            return npnet.Sum()(1.0 / npnet.exp(x))

    found = detect_anomaly(Forgets(), np.float32([1000.0]))
    assert (found.kind, found.layer) == ("forward", "Exp")


def test_the_last_call_is_looked_at_with_its_own_draws():
    npnet.manual_seed(2)
    model = Sequential(Dropout(0.5), npnet.Log())
    with np.errstate(divide="ignore"):
        model(np.ones((2, 3), np.float32))
    zero = np.argwhere(model.execution.ran.value(1) == 0)
    after = npnet.rand(3).tolist()
    npnet.manual_seed(2)
    with np.errstate(divide="ignore"):
        model(np.ones((2, 3), np.float32))
    found = detect_anomaly(model)
    assert found.layer == "Log (1)" and [list(found.index)] == zero[:1].tolist()
    assert npnet.rand(3).tolist() == after


def test_the_module_stays_as_it_is():
    model = Sequential(Linear(3, 4), BatchNorm1d(4), ReLU(), Linear(4, 2), npnet.Sum())
    before = {name: array.copy() for name, array in model.state_dict().items()}
    x = np.full((5, 3), np.nan, np.float32)
    assert detect_anomaly(model, x).kind == "input"
    assert detect_anomaly(model, np.ones((5, 3), np.float32)) is None
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_without_inputs_there_must_have_been_a_call():
    with pytest.raises(RuntimeError, match="has not run"):
        detect_anomaly(Linear(2, 2))


@pytest.mark.torch
def test_torch_names_the_same_backward():
    torch = pytest.importorskip("torch")
    w = torch.zeros(2, requires_grad=True)
    with (
        pytest.warns(UserWarning, match="Anomaly Detection|Error detected"),
        torch.autograd.detect_anomaly(),
        pytest.raises(RuntimeError) as error,
    ):
        (torch.sqrt(w) * 0).sum().backward()
    assert "SqrtBackward0" in str(error.value)

    class Same(Module):
        def __init__(self):
            super().__init__()
            self.w = npnet.Parameter(np.zeros(2))

        def forward(self):
            return npnet.Sum()(npnet.sqrt(self.w) * 0.0)

    model = Same()
    model()
    found = detect_anomaly(model)
    assert (found.kind, found.layer) == ("backward", "Sqrt") and np.isnan(found.value)

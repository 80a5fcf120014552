import numpy as np
import pytest

import npnet
from npnet import Graph, Linear, Module, MSELoss, Parameter, Regularization, ReLU, Sequential
from npnet.inspect import lint
from npnet.optim import SGD, Adagrad, Adam, AdamW, RMSprop, lr_scheduler


class Leftover(Module):
    """A model with a layer and a parameter that forward forgets."""

    def __init__(self):
        super().__init__()
        self.fc, self.extra = Linear(4, 3), Linear(3, 3)
        self.free = Parameter([1.0])

    def forward(self, x):
        return self.fc(x)


def test_finds_parameters_that_reach_no_output():
    found = lint(Leftover())
    assert found.codes == ("unused-parameter",) * 3
    assert [a.path for a in found] == ["free", "extra.weight", "extra.bias"]
    assert "use model.free in forward" in found.findings[0].instead


def test_frozen_parameters_may_be_left_over():
    model = Leftover()
    model.extra.requires_grad_(False)
    assert [a.path for a in lint(model)] == ["free"]


def test_finds_them_in_a_graph_that_does_not_run():
    g = Graph()
    g.output(g.input("x") * g.parameter("w", 2.0))
    g.parameter("forgotten", 1.0)
    (found,) = lint(g)
    assert (found.code, found.path) == ("unused-parameter", "forgotten")


def model():
    return Sequential(Linear(4, 8), ReLU(), Linear(8, 3))


def test_finds_parameters_that_no_optimizer_has():
    net = model()
    found = lint(net, SGD(net[0].parameters(), lr=0.1))
    assert found.codes == ("parameter-without-optimizer",) * 2
    assert [a.path for a in found] == ["2.weight", "2.bias"]
    assert lint(net, SGD(net[0].parameters(), lr=0.1), Adam(net[2].parameters())).ok
    net[2].requires_grad_(False)
    assert lint(net, SGD(net[0].parameters(), lr=0.1)).ok
    assert lint(net).ok


def test_finds_an_optimizer_of_another_model():
    net = model()
    optimizer = SGD(net.parameters(), lr=0.1)
    net[2] = Linear(8, 3)
    found = lint(net, optimizer)
    assert found.codes == ("parameter-without-optimizer",) * 2 + ("optimizer-of-another-model",)
    assert found.findings[-1].path == "optimizer (SGD)"
    assert "SGD(model.parameters(), lr=0.1)" in found.findings[-1].instead


class Penalized(Module):
    """A model with a penalty on some of its parameters."""

    def __init__(self, *names, strength=0.1, p=2):
        super().__init__()
        self.fcs, self.names = Sequential(Linear(4, 8), ReLU(), Linear(8, 3)), names
        self.loss, self.penalty = MSELoss(), Regularization(strength, p)

    def forward(self, x, y):
        total = self.loss(self.fcs(x), y)
        for name, parameter in self.named_parameters():
            if name in self.names:
                total = total + self.penalty(parameter)
        return total


def test_finds_penalties_on_biases():
    (found,) = lint(Penalized("fcs.0.bias", "fcs.2.weight"))
    assert (found.code, found.path) == ("penalty-on-bias", "fcs.0.bias")
    assert found.instead.startswith("penalty(model.fcs[0].weight)")
    assert lint(Penalized("fcs.0.weight", "fcs.2.weight")).ok
    assert lint(Penalized("fcs.0.bias", strength=0.0)).ok


def test_finds_weights_that_are_penalized_twice():
    net = Penalized("fcs.0.weight")
    decays, rests = SGD(net.parameters(), lr=0.1, weight_decay=0.1), SGD(net.parameters(), lr=0.1)
    (found,) = lint(net, decays)
    assert (found.code, found.path) == ("penalized-twice", "fcs.0.weight")
    assert lint(net, rests).ok
    other = Penalized("fcs.0.weight", p=1)
    assert lint(other, SGD(other.parameters(), lr=0.1, weight_decay=0.1)).ok


@pytest.mark.parametrize(
    "kind, right, wrong",
    [
        (SGD, (1e-3, 0.1, 1.0, 10.0), (0.0, 1e-9, 100.0)),
        (Adagrad, (1e-4, 1e-2, 1.0), (1e-9, 10.0)),
        (RMSprop, (1e-5, 1e-2), (1.0, 0.0)),
        (Adam, (1e-5, 1e-3, 0.1), (1.0, 1e-10)),
        (AdamW, (1e-5, 1e-3, 0.1), (1.0, 0.0)),
    ],
)
def test_finds_learning_rates_far_out_for_their_kind(kind, right, wrong):
    net = model()
    for rate in right:
        assert lint(net, kind(net.parameters(), lr=rate)).ok
    for rate in wrong:
        (found,) = lint(net, kind(net.parameters(), lr=rate))
        assert (found.code, found.path) == ("learning-rate", f"optimizer ({kind.__name__})")
        assert f"lr={rate:g}" in found.message and f"{kind.__name__}(model" in found.instead


def test_names_the_group_and_the_optimizer_of_several():
    net = model()
    groups = [{"params": net[0].parameters(), "lr": 100.0}, {"params": net[2].parameters()}]
    (found,) = lint(net, SGD(groups, lr=0.1))
    assert found.path == "optimizer (SGD) group 0"
    first, second = SGD(net[0].parameters(), lr=0.1), SGD(net[2].parameters(), lr=100.0)
    assert [a.path for a in lint(net, first, second)] == ["optimizer 1 (SGD)"]


def test_a_scheduled_rate_may_start_from_nothing():
    net = model()
    optimizer = SGD(net.parameters(), lr=0.1)
    lr_scheduler.LambdaLR(optimizer, lambda step: step / 100)
    assert optimizer.learning_rates == [0.0] and lint(net, optimizer).ok


def test_a_rule_of_ones_own_is_its_parents_kind_or_unknown():
    class Mine(Adam):
        pass

    class Other(npnet.optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def options(self, group):
            return (float(group["lr"]),)

        def update(self, options, age, data, grad, state, scratch):
            np.subtract(data, options[0] * grad, out=data)

    net = model()
    assert lint(net, Mine(net.parameters(), lr=1.0)).codes == ("learning-rate",)
    assert lint(net, Other(net.parameters(), 1000.0)).ok

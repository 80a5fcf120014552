import numpy as np
import pytest

from npnet import (
    Linear,
    Module,
    ModuleDict,
    ModuleList,
    MSELoss,
    Parameter,
    ParameterList,
    ReLU,
    Sequential,
    relu,
)
from npnet.inspect import lint
from npnet.optim import SGD

CODE = "parameter-not-of-the-model"


class Deep(Module):
    """A model whose last layer is where a function puts it, which returns what finds it there."""

    def __init__(self, put):
        super().__init__()
        self.first = Linear(4, 8)
        self.last = put(self, Linear(8, 3))

    def forward(self, x):
        return self.last()(relu(self.first(x)))


def in_list(model, layer):
    model.fcs = [layer]
    return lambda: model.fcs[0]


def in_module_list(model, layer):
    model.fcs = ModuleList([layer])
    return lambda: model.fcs[0]


def in_dict(model, layer):
    model.heads = {"one": Sequential(layer, ReLU())}
    return lambda: model.heads["one"]


def in_module_dict(model, layer):
    model.heads = ModuleDict({"one": Sequential(layer, ReLU())})
    return lambda: model.heads["one"]


@pytest.mark.parametrize(
    "put, path, name, instead, right",
    [
        (in_list, "fcs", "fcs[0].weight (3, 8), fcs[0].bias (3,)", "ModuleList(", in_module_list),
        (in_dict, "heads", "heads['one'][0].weight (3, 8)", "ModuleDict(", in_module_dict),
    ],
)
@pytest.mark.parametrize("optimized", [False, True])
def test_finds_layers_that_a_plain_container_keeps(put, path, name, instead, right, optimized):
    model = Deep(put)
    others = [SGD(model.parameters(), lr=0.1)] if optimized else []
    (found,) = lint(model, MSELoss(), *others, inputs=[(5, 4), (5, 3)])
    assert (found.code, found.path) == (CODE, path)
    assert name in found.message
    assert found.instead.startswith(f"self.{path} = {instead}")
    # What the advice says is so: the container it names mends it.
    model = Deep(right)
    others = [SGD(model.parameters(), lr=0.1)] if optimized else []
    assert lint(model, MSELoss(), *others).ok and len([*model.parameters()]) == 4


def test_the_container_is_named_by_the_part_that_has_it():
    model = Sequential(Linear(4, 4), ReLU(), Deep(in_list))
    (found,) = lint(model)
    assert found.path == "2.fcs" and "2.fcs[0].weight (3, 8)" in found.message


def test_finds_parameters_that_a_tuple_keeps_in_a_list():
    class Scales(Module):
        def __init__(self, kind):
            super().__init__()
            self.scales = kind([Parameter([2.0])])

        def forward(self, x):
            return x * (self.scales[0][0] if isinstance(self.scales[0], list) else self.scales[0])

    (found,) = lint(Scales(lambda given: (given,)))
    assert (found.path, found.code) == ("scales", CODE)
    assert "scales[0][0] (1,)" in found.message
    assert found.instead == "self.scales = ParameterList([...])    # in place of the tuple"
    assert lint(Scales(ParameterList)).ok


def test_finds_what_nothing_of_the_model_keeps_by_the_step_that_reads_it():
    outside = Parameter(np.ones((3, 3)))

    class Model(Module):
        def forward(self, x):
            return Linear(4, 3)(x) @ outside

    layer, free = lint(Model())
    assert {layer.code, free.code} == {CODE}
    assert (layer.path, free.path) == ("step 0 (Linear)", "step 1 (MatMul)")
    assert layer.message.endswith("this Linear: weight (3, 4), bias (3,)")
    assert layer.instead.startswith("self.linear = Linear(...)")
    assert free.message.endswith("of the model holds: (3, 3)")
    assert free.instead.startswith("self.weight = Parameter(...)")


def test_what_is_frozen_or_stepped_all_the_same_is_meant_so():
    model = Deep(in_list)
    given = [*model.parameters(), *model.fcs[0].parameters()]
    assert lint(model, SGD(given, lr=0.1)).ok
    model.fcs[0].requires_grad_(False)
    assert lint(model).ok


def test_parameters_of_the_loss_are_the_optimizers_too():
    class Weighted(Module):
        def __init__(self):
            super().__init__()
            self.scale, self.loss = Parameter([1.0]), MSELoss()

        def forward(self, x, y):
            return self.loss(x * self.scale, y)

    model, loss = Linear(4, 3), Weighted()
    assert lint(model, loss).ok
    (found,) = lint(model, loss, SGD(model.parameters(), lr=0.1))
    assert (found.code, found.path) == ("parameter-without-optimizer", "loss.scale")
    assert found.instead.startswith("optimizer = SGD([*model.parameters(), *loss.parameters()], lr")
    assert lint(model, loss, SGD([*model.parameters(), *loss.parameters()], lr=0.1)).ok

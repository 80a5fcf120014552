import numpy as np
import pytest

import npnet
from npnet import CrossEntropyLoss, Dropout, Linear, MSELoss, ReLU, Sequential, Softmax
from npnet.inspect import lint
from npnet.inspect.linting.linter import RULES, sorted_out
from npnet.optim import SGD
from tests.support.models import RIGHT


def others(right, model):
    loss = right.loss() if right.loss else None
    return [o for o in (loss, right.optimizer(model.parameters())) if o is not None]


@pytest.mark.parametrize("right", RIGHT, ids=lambda right: right.name)
def test_finds_nothing_in_models_that_are_right(right):
    model = right.model()
    given = others(right, model)
    assert lint(model, *given, inputs=[*right.inputs, *right.targets]).findings == ()
    y = model(*right.inputs)
    if right.loss:
        given[0](y, *right.targets)
    assert lint(model, *given).findings == ()


def test_the_models_that_are_right_are_many():
    assert len(RIGHT) >= 20 and len({right.name for right in RIGHT}) == len(RIGHT)


def test_leaves_everything_as_it_is():
    model = Sequential(Linear(4, 3), Dropout(0.5), Linear(3, 3), Softmax(dim=1))
    loss, x = CrossEntropyLoss(), np.ones((5, 4), np.float32)
    before = npnet.random.default_generator().mark()
    state = {name: array.copy() for name, array in model.state_dict().items()}
    assert lint(model, loss, inputs=[x, np.zeros(5, int)]).codes
    assert npnet.random.default_generator().mark() == before
    assert model.execution.ran is None and loss.execution.ran is None
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, state[name])


def test_asks_every_rule_and_tells_each_thing_once():
    relu = ReLU()
    model = Sequential(Linear(4, 4), relu, Linear(4, 4), relu)
    found = lint(model, CrossEntropyLoss(), SGD(model[0].parameters(), lr=1000.0))
    assert sorted(set(found.codes)) == [
        "learning-rate",
        "parameter-without-optimizer",
        "relu-before-cross-entropy",
    ]
    assert len(found.findings) == len(set(found.findings)) == 4
    assert len(RULES) == len(set(RULES))


def test_sorts_losses_and_optimizers_by_what_they_are():
    model, loss = Linear(4, 3), MSELoss()
    optimizer = SGD(model.parameters(), lr=0.1)
    assert sorted_out(model, [optimizer, loss]) == (loss, [optimizer])
    assert sorted_out(model, []) == (None, [])


@pytest.mark.parametrize(
    "given, words",
    [
        ((3,), "expected a Graph or another Module, got int"),
        ((Linear(2, 2), 3), "or an Optimizer, got int; give arrays and shapes as inputs="),
        ((Linear(2, 2), MSELoss(), MSELoss()), "expected one loss behind the model, got MSELoss"),
    ],
)
def test_refuses_what_it_cannot_look_at(given, words):
    with pytest.raises(TypeError, match=words):
        lint(*given)

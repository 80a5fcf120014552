import numpy as np
import pytest

import npnet
from npnet import (
    BatchNorm1d,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    Dropout,
    Linear,
    Module,
    MSELoss,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
)
from npnet.training.objective import Objective, evaluating


def test_one_tape_gives_the_bits_of_two():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(8, 5)).astype(np.float32), random.integers(0, 3, 8)
    npnet.manual_seed(0)
    model, loss = Sequential(Linear(5, 7), ReLU(), Dropout(0.3), Linear(7, 3)), CrossEntropyLoss()
    npnet.manual_seed(1)
    value = loss(model(x), y)
    model.backward(loss.backward())
    expected = [parameter.grad.tobytes() for parameter in model.parameters()]
    model.zero_grad()
    npnet.manual_seed(1)
    objective = Objective(model, loss, outputs=True)
    found, outputs = objective(x, y)
    objective.backward()
    assert found.tobytes() == value.tobytes() and outputs.shape == (8, 3)
    assert [parameter.grad.tobytes() for parameter in model.parameters()] == expected


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("kind", ["labels", "smoothed", "probabilities", "squares", "binary"])
def test_weights_make_a_weighted_mean(kind, reduction):
    random = np.random.default_rng(0)
    z, w = random.normal(size=(6, 4)), random.uniform(0, 3, 6)
    y = {"labels": random.integers(0, 4, 6), "smoothed": random.integers(0, 4, 6)}.get(kind)
    if y is None:
        y = random.dirichlet(np.ones(4), 6)
    loss = {
        "labels": CrossEntropyLoss(reduction=reduction),
        "smoothed": CrossEntropyLoss(reduction=reduction, label_smoothing=0.1),
        "probabilities": CrossEntropyLoss(reduction=reduction),
        "squares": MSELoss(reduction=reduction),
        "binary": BCEWithLogitsLoss(reduction=reduction),
    }[kind]
    alone = type(loss)(**({"label_smoothing": 0.1} if kind == "smoothed" else {}))
    each = np.array([float(alone(z[i : i + 1], y[i : i + 1])) for i in range(6)])
    objective = Objective(npnet.Scale(1.0), loss, weighted=True)
    assert float(objective(z, y, w)) == pytest.approx((w * each).sum() / w.sum(), rel=1e-12)
    assert loss.reduction == reduction
    assert npnet.gradcheck(objective, z, y, w)


def test_equal_weights_change_nothing():
    z, y = np.random.default_rng(0).normal(size=(6, 4)), np.array([0, 3, 1, 2, 1, 1])
    plain, weighted = (Objective(npnet.Scale(1.0), CrossEntropyLoss(), weighted=w) for w in (0, 1))
    assert float(weighted(z, y, np.full(6, 0.3))) == pytest.approx(float(plain(z, y)), rel=1e-14)


def test_models_and_losses_of_any_kind():
    class Two(Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = Linear(2, 3), Linear(2, 3)

        def forward(self, x, y):
            return self.a(x), self.b(y)

    def difference(outputs, target):
        return MSELoss()(outputs[0] - outputs[1], target)

    x = np.ones((4, 2), np.float32)
    objective = Objective(Two(), difference, outputs=True)
    value, first, second = objective(x, x, np.zeros((4, 3)))
    assert float(value) == pytest.approx(float(((first - second) ** 2).mean()), rel=1e-6)
    objective.backward()
    assert objective.model.a.weight.grad is not None
    both = Objective(Linear(2, 3), SoftmaxCrossEntropy())
    assert np.ndim(both(x, np.zeros(4, int))) == 0


def test_weights_need_a_loss_that_can_give_one_number_a_sample():
    def loss(x, y):
        return x

    with pytest.raises(TypeError, match="a loss Module with a reduction, got loss"):
        Objective(Linear(2, 2), loss, weighted=True)
    with pytest.raises(ValueError, match="CrossEntropyLoss has weights of its own; give them as"):
        Objective(Linear(2, 2), CrossEntropyLoss(weight=[1.0, 2.0]), weighted=True)


def test_errors_name_the_operands():
    objective = Objective(Linear(2, 2), MSELoss(), weighted=True)
    assert objective._names(3) == ["input", "target", "weights"]
    assert Objective(Linear(2, 2), MSELoss())._names(3) == ["input0", "input1", "target"]


def test_evaluation_ends_with_every_module_in_its_mode():
    model = Sequential(Linear(2, 2), BatchNorm1d(2), Dropout())
    model[1].eval()
    with pytest.raises(KeyError), evaluating(model):
        assert not any(module.training for module in model.modules())
        raise KeyError
    assert [module.training for module in model.modules()] == [True, True, False, True]


def test_a_batch_without_a_target_is_named():
    objective = Objective(Linear(2, 1), MSELoss())
    with pytest.raises(TypeError, match="a tuple of inputs and a target, got 1 of them"):
        objective(np.ones((3, 2)))
    objective = Objective(Linear(2, 1), MSELoss(), weighted=True)
    with pytest.raises(TypeError, match="a tuple of inputs, a target and weights, got 2 of them"):
        objective(np.ones((3, 2)), np.ones(3))

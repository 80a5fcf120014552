import math

import numpy as np
import pytest

from npnet import Parameter
from npnet.optim import Adam, AdamW
from npnet.optim.lr_scheduler import OneCycleLR

GRADS = [3.0, -1.0, 0.5, 20.0, -7.0, 0.125]


def stepped(optimizer_of, grads, start=2.0):
    """Return the data after each step."""
    weight, seen = Parameter(np.array([start])), []
    optimizer = optimizer_of([weight])
    for grad in grads:
        weight.grad = [grad]
        optimizer.step()
        seen.append(weight.data.item())
    return seen


def by_the_paper(grads, lr, beta1, beta2, eps, amsgrad=False, shrink=1.0, start=2.0):
    """Return the data after each step, by the sums over all steps that the means stand for."""
    weight, seen, largest = start, [], 0.0
    for t in range(1, len(grads) + 1):
        past = list(enumerate(reversed(grads[:t])))
        mean = (1 - beta1) * sum(beta1**age * g for age, g in past) / (1 - beta1**t)
        square = (1 - beta2) * sum(beta2**age * g * g for age, g in past)
        largest = max(largest, square)
        root = math.sqrt((largest if amsgrad else square) / (1 - beta2**t))
        weight = shrink * weight - lr * mean / (root + eps)
        seen.append(weight)
    return seen


@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize(("beta1", "beta2"), [(0.9, 0.999), (0.4, 0.7), (0.0, 0.0)])
def test_steps_are_the_papers(beta1, beta2, amsgrad):
    options = {"lr": 0.25, "betas": (beta1, beta2), "eps": 0.5, "amsgrad": amsgrad}
    expected = by_the_paper(GRADS, 0.25, beta1, beta2, 0.5, amsgrad)
    found = stepped(lambda p: Adam(p, **options), GRADS)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    up = stepped(lambda p: Adam(p, **options, maximize=True), [-g for g in GRADS])
    assert up == found


@pytest.mark.parametrize("amsgrad", [False, True])
def test_a_decoupled_decay_shrinks_and_stays_out_of_the_means(amsgrad):
    options = {"lr": 0.25, "eps": 0.5, "weight_decay": 0.5, "amsgrad": amsgrad}
    expected = by_the_paper(GRADS, 0.25, 0.9, 0.999, 0.5, amsgrad, shrink=1 - 0.25 * 0.5)
    found = stepped(lambda p: AdamW(p, **options), GRADS)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert found == stepped(lambda p: Adam(p, **options, decoupled_weight_decay=True), GRADS)


def test_a_coupled_decay_adds_to_the_gradient():
    # Each gradient is the decay of 0.5 p alone: its sign, so a step of lr.
    found = stepped(lambda p: Adam(p, lr=0.25, weight_decay=0.5, eps=0.0), [0.0])
    assert found == pytest.approx([1.75], rel=1e-15)


def test_the_first_step_is_lr_whatever_the_gradient():
    for grad in (1e-3, 1.0, 1e3):
        found = stepped(lambda p: Adam(p, lr=0.5, eps=0.0), [grad])
        assert found == pytest.approx([1.5], rel=1e-15)


def test_defaults_are_torchs():
    shared = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "amsgrad": False, "maximize": False}
    assert Adam([Parameter([1.0])]).defaults == {
        **shared,
        "weight_decay": 0,
        "decoupled_weight_decay": False,
    }
    assert AdamW([Parameter([1.0])]).defaults == {
        **shared,
        "weight_decay": 1e-2,
        "decoupled_weight_decay": True,
    }
    assert isinstance(AdamW([Parameter([1.0])]), Adam)


def test_amsgrad_may_be_switched_on_later():
    weight = Parameter(np.array([0.0]))
    optimizer = Adam([weight], lr=1.0, betas=(0.0, 0.5), eps=0.0)
    for grad, amsgrad in ((4.0, False), (1.0, True), (0.0, True), (4.0, False)):
        optimizer.param_groups[0]["amsgrad"] = amsgrad
        weight.grad = [grad]
        optimizer.step()
    state = optimizer.state_dict()["state"][0]
    assert state["max_exp_avg_sq"].item() == 4.5 and state["step"] == 4


def test_betas_may_change_between_steps_as_schedules_change_them():
    weight = Parameter([1.0])
    optimizer = Adam([weight], betas=[0.5, 0.9])
    scheduler = OneCycleLR(optimizer, 0.1, total_steps=9)
    for _ in range(3):
        weight.grad = [1.0]
        optimizer.step()
        scheduler.step()
    beta1, beta2 = optimizer.param_groups[0]["betas"]
    assert 0.85 <= beta1 < 0.95 and beta2 == 0.9 and weight.data[0] < 1.0


def test_a_state_of_adam_leaves_adamw_decoupled_as_in_torch():
    optimizer = AdamW([Parameter([1.0])])
    optimizer.load_state_dict(Adam([Parameter([1.0])], weight_decay=0.5).state_dict())
    (group,) = optimizer.param_groups
    assert group["decoupled_weight_decay"] is True and group["weight_decay"] == 0.5


@pytest.mark.parametrize(
    ("betas", "error", "message"),
    [
        ((1.0, 0.9), ValueError, r"betas\[0\] must be at least 0 and below 1, got 1.0"),
        ((0.9, -0.1), ValueError, r"betas\[1\] must be at least 0 and below 1, got -0.1"),
        ((0.9, math.nan), ValueError, r"betas\[1\] must be at least 0 and below 1, got nan"),
        ((0.9, "1"), TypeError, r"expected a number as betas\[1\], got str"),
        (0.9, TypeError, "expected two numbers as betas, got 0.9"),
        ((0.9,), TypeError, r"expected two numbers as betas, got \(0.9,\)"),
    ],
)
@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_betas_out_of_range_are_refused(kind, betas, error, message):
    weight = Parameter([1.0])
    with pytest.raises(error, match=f"{kind.__name__}: {message}"):
        kind([weight], betas=betas)
    optimizer = kind([weight])
    saved = optimizer.state_dict()
    saved["param_groups"][0]["betas"] = betas
    with pytest.raises(error, match=f"{kind.__name__}: {message}"):
        optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["betas"] == (0.9, 0.999)


def test_a_beta_edited_to_1_stops_the_step_before_anything_changes():
    weights = Parameter([1.0]), Parameter([1.0])
    optimizer = Adam([{"params": weight} for weight in weights])
    optimizer.param_groups[1]["betas"] = (1.0, 0.9)
    for weight in weights:
        weight.grad = [1.0]
    with pytest.raises(ValueError, match=r"Adam: betas\[0\] must be at least 0 and below 1, got 1"):
        optimizer.step()
    assert [weight.data.tolist() for weight in weights] == [[1.0], [1.0]]


def test_numbers_of_numpy_in_betas_become_pythons():
    optimizer = Adam([Parameter([1.0])], betas=(np.float64(0.5), np.array(0.75)))
    assert list(map(type, optimizer.param_groups[0]["betas"])) == [float, float]

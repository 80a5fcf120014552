import math
import re

import numpy as np
import pytest

from npnet.optim import SGD
from npnet.parameter import Parameter


def parameter(data, grad=None, **kwargs):
    made = Parameter(data, **kwargs)
    made.grad = grad
    return made


def snapshot(optimizer):
    """Return all that a failed call must leave as it was."""
    members = [p for group in optimizer.param_groups for p in group["params"]]
    return (
        repr(optimizer),
        [(id(p.data), p.data.tolist()) for p in members],
        [
            (index, name, value.tolist())
            for index, state in optimizer.state_dict()["state"].items()
            for name, value in state.items()
        ],
        optimizer.state_dict()["param_groups"],
    )


def test_groups_have_options_of_their_own_and_the_defaults():
    weight, bias = parameter([1.0], [1.0]), parameter([1.0], [1.0])
    given = {"params": (p for p in [weight]), "lr": 0.5, "label": "weights"}
    optimizer = SGD([given, {"params": bias}], lr=0.25)
    optimizer.step()
    assert [weight.data.item(), bias.data.item()] == [0.5, 0.75]
    assert optimizer.param_groups[0]["label"] == "weights"
    assert optimizer.param_groups[1]["params"] == [bias]
    assert given.keys() == {"params", "lr", "label"}


def test_a_generator_of_parameters_makes_one_group():
    weights = [Parameter([1.0]), Parameter([2.0])]
    assert SGD(p for p in weights).param_groups[0]["params"] == weights


def test_named_parameters():
    weights = [Parameter([1.0]), Parameter([2.0])]
    optimizer = SGD(zip(["a", "b"], weights, strict=True))
    assert optimizer.param_groups[0]["params"] == weights
    assert optimizer.param_groups[0]["param_names"] == ["a", "b"]
    optimizer.add_param_group({"params": [("c", Parameter([3.0]))]})
    assert optimizer.state_dict()["param_groups"][1]["param_names"] == ["c"]
    assert "    param_names: ['c']\n" in repr(optimizer)


def test_loaded_names_replace_and_missing_names_stay():
    named, bare = SGD([("a", Parameter([1.0]))]), SGD([Parameter([1.0])])
    named.load_state_dict(bare.state_dict())
    assert named.param_groups[0]["param_names"] == ["a"]
    bare.load_state_dict(named.state_dict())
    assert bare.param_groups[0]["param_names"] == ["a"]


def test_a_group_may_be_empty_and_dtypes_may_mix():
    weights = [
        parameter(np.full(2, 1.0, dtype), [1.0, 1.0])
        for dtype in (np.float32, np.float64, np.float32)
    ]
    optimizer = SGD([{"params": []}, {"params": weights}], lr=0.5, momentum=0.5)
    optimizer.step()
    assert [w.data.dtype.name for w in weights] == ["float32", "float64", "float32"]
    assert [w.data.tolist() for w in weights] == [[0.5, 0.5]] * 3
    assert list(optimizer.state_dict()["state"]) == [0, 1, 2]
    assert [g["params"] for g in optimizer.state_dict()["param_groups"]] == [[], [0, 1, 2]]


def test_add_param_group_keeps_what_is_there():
    first, second = parameter([0.0], [1.0]), parameter([0.0], [1.0])
    optimizer = SGD([first], lr=1.0, momentum=0.5)
    optimizer.step()
    optimizer.add_param_group({"params": second, "lr": 0.5})
    optimizer.step()
    assert first.data.tolist() == [-2.5] and second.data.tolist() == [-0.5]
    assert optimizer.learning_rates == [1.0, 0.5]


def test_parameters_edited_in_the_groups_are_taken_up_with_their_state():
    first, second, third = (parameter([0.0], [1.0]) for _ in range(3))
    optimizer = SGD([first, second], lr=1.0, momentum=0.5)
    optimizer.step()
    optimizer.param_groups[0]["params"].append(third)
    optimizer.param_groups[0]["params"] = tuple(optimizer.param_groups[0]["params"][1:])
    optimizer.step()
    assert [p.data.item() for p in (first, second, third)] == [-1.0, -2.5, -1.0]
    optimizer.param_groups[0]["params"] = [second, second]
    with pytest.raises(ValueError, match="each parameter once"):
        optimizer.step()
    assert second.data.item() == -2.5
    optimizer.param_groups.clear()
    optimizer.step()
    assert second.data.item() == -2.5 and repr(optimizer) == "SGD ()"


@pytest.mark.torch
def test_repr_is_torchs():
    torch = pytest.importorskip("torch")
    mine = SGD([{"params": Parameter([1.0])}, {"params": Parameter([1.0]), "lr": 0.5}], lr=0.1)
    groups = [{"params": torch.ones(1)}, {"params": torch.ones(1), "lr": 0.5}]
    theirs = repr(torch.optim.SGD(groups, lr=0.1))
    assert repr(mine) == re.sub(r"    (foreach|fused|differentiable): .*\n", "", theirs)


def test_a_parameter_given_twice_is_refused_and_none_is_moved():
    first, second = Parameter([1.0]), Parameter([2.0])
    before = first.data, second.data
    with pytest.raises(ValueError, match=r"but params\[0\] of group 0 is params\[2\] of group 0"):
        SGD([first, second, first])
    with pytest.raises(ValueError, match=r"but params\[0\] of group 0 is params\[1\] of group 1"):
        SGD([{"params": first}, {"params": [second, first]}])
    assert first.data is before[0] and second.data is before[1]


@pytest.mark.parametrize("lr", [-1.0, math.nan, "fast"])
def test_a_refused_group_changes_nothing(lr):
    weight, other = parameter([1.0], [1.0]), Parameter([1.0])
    optimizer = SGD([weight], momentum=0.5)
    optimizer.step()
    before, data = snapshot(optimizer), other.data
    for group in ({"params": other, "lr": lr}, {"params": [other, weight]}, {"params": [other, 1]}):
        with pytest.raises((ValueError, TypeError)):
            optimizer.add_param_group(group)
    assert snapshot(optimizer) == before and other.data is data


def test_a_wrong_option_stops_the_step_before_anything_changes():
    first, second = parameter([1.0], [1.0]), parameter([1.0], [1.0])
    optimizer = SGD([{"params": first}, {"params": second}], momentum=0.5)
    optimizer.param_groups[1]["lr"] = "fast"
    with pytest.raises(ValueError, match="fast"):
        optimizer.step()
    assert first.data.tolist() == [1.0] and optimizer.state_dict()["state"] == {}
    assert optimizer.steps == 0


@pytest.mark.torch
def test_zero_grad_to_none_and_to_zero():
    torch = pytest.importorskip("torch")
    makers = (parameter, lambda d, g: torch.nn.Parameter(torch.tensor(d)))
    for maker, kind in zip(makers, (SGD, torch.optim.SGD), strict=True):
        weight, bare = maker([1.0, 2.0], [3.0, 4.0]), maker([1.0], None)
        if kind is not SGD:
            weight.grad = torch.tensor([3.0, 4.0])
        optimizer = kind([weight, bare])
        held = weight.grad
        optimizer.zero_grad(set_to_none=False)
        assert held is weight.grad and held.tolist() == [0.0, 0.0] and bare.grad is None
        optimizer.zero_grad()
        assert weight.grad is None and held.tolist() == [0.0, 0.0]


def test_gradients_held_over_zero_grad_never_change():
    weight = parameter([1.0, 2.0], [3.0, 4.0])
    optimizer = SGD([weight], momentum=0.5)
    held = weight.grad
    optimizer.zero_grad()
    weight.grad = [5.0, 6.0]
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)
    assert held.tolist() == [3.0, 4.0]


def test_gradients_from_before_the_optimizer_count():
    weight = parameter([[1.0, 2.0]], [[3.0, 4.0]])
    SGD([weight], lr=1.0).step()
    assert weight.data.tolist() == [[-2.0, -2.0]] and weight.grad.tolist() == [[3.0, 4.0]]


def test_a_closure_computes_the_gradients_first():
    weight = Parameter([1.0])
    optimizer = SGD([weight], lr=0.5)

    def closure():
        optimizer.zero_grad()
        weight.grad = 2 * weight.data
        return 7.0

    assert optimizer.step(closure) == 7.0
    assert weight.data.tolist() == [0.0] and optimizer.steps == 1


def test_a_frozen_parameter_without_gradient_is_skipped():
    weight, frozen = parameter([1.0], [1.0]), Parameter([1.0], requires_grad=False)
    SGD([weight, frozen], lr=0.5, weight_decay=0.5).step()
    assert weight.data.tolist() == [0.25] and frozen.data.tolist() == [1.0]

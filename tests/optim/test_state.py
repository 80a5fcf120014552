"""State of optimizers: saved, loaded, copied, and counted."""

import copy
import math
import pickle

import numpy as np
import pytest

from npnet.optim import SGD, Adam, Optimizer
from npnet.parameter import Parameter


def parameter(data, grad=None, **kwargs):
    made = Parameter(data, **kwargs)
    made.grad = grad
    return made


class Plain(Optimizer):
    """The smallest rule: no state, no scratch, no option but lr."""

    scratches = 0

    def options(self, group):
        return (float(group["lr"]),)

    def update(self, options, age, data, grad, state, scratch):
        assert state == scratch == () and age == 0
        data -= options[0] * grad


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


def test_state_belongs_to_the_caller_both_ways():
    weight = parameter([1.0, 2.0], [1.0, 1.0])
    optimizer = SGD([{"params": weight, "tags": ["a"]}], momentum=0.5)
    optimizer.step()
    saved = optimizer.state_dict()
    kept = copy.deepcopy(saved)
    optimizer.step()
    optimizer.param_groups[0]["tags"].append("b")
    assert saved["state"][0]["momentum_buffer"].tolist() == [1.0, 1.0]
    assert saved["param_groups"] == kept["param_groups"]

    optimizer.load_state_dict(saved)
    saved["state"][0]["momentum_buffer"][:] = 9.0
    saved["param_groups"][0]["tags"].append("c")
    again = optimizer.state_dict()
    assert again["state"][0]["momentum_buffer"].tolist() == [1.0, 1.0]
    assert again["param_groups"] == kept["param_groups"]


def test_a_loaded_state_goes_on_as_the_saved_one():
    rng = np.random.default_rng(0)
    data = [np.asfortranarray(rng.standard_normal((3, 4))), rng.standard_normal((2, 3))]
    grads = [[rng.standard_normal(array.shape) for array in data] for _ in range(4)]
    mine = [Parameter(array) for array in data]
    optimizer = SGD(mine, lr=0.5, momentum=0.5)
    for step, pair in enumerate(grads):
        for weight, grad in zip(mine, pair, strict=True):
            weight.grad = grad
        if step == 2:
            twins = [Parameter(np.ascontiguousarray(weight.data)) for weight in mine]
            other = SGD(twins, lr=7.0)
            other.load_state_dict(optimizer.state_dict())
        optimizer.step()
        if step >= 2:
            for twin, grad in zip(twins, pair, strict=True):
                twin.grad = grad
            other.step()
    for weight, twin in zip(mine, twins, strict=True):
        assert weight.data.tolist() == twin.data.tolist()


def test_loading_replaces_state_and_keeps_options_it_does_not_name():
    weights = [parameter([0.0], [1.0]), parameter([0.0], [1.0])]
    optimizer = SGD(weights, lr=1.0, momentum=0.5)
    optimizer.step()
    group = optimizer.param_groups[0]
    state = {"b": {"momentum_buffer": np.array([3])}, "a": {"momentum_buffer": None}}
    optimizer.load_state_dict(
        {"state": state, "param_groups": [{"params": ["a", "b"], "lr": np.float64(0.5)}]}
    )
    assert optimizer.param_groups[0] is group and group["momentum"] == 0.5
    assert type(group["lr"]) is float
    optimizer.step()
    assert [w.data.item() for w in weights] == [-1.5, -2.25]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"param_groups": []}, ValueError, r"groups of sizes \[1, 1\], got \[\]"),
        (
            {"param_groups": [{"params": [0]}, {"params": [1, 2]}]},
            ValueError,
            r"groups of sizes \[1, 1\], got \[1, 2\]",
        ),
        ({"param_groups": [{"params": [0]}, {"lr": 1.0}]}, TypeError, "of the form"),
        ({"param_groups": None}, TypeError, "of the form"),
        ({"state": [1]}, TypeError, "of the form"),
        ({"state": {0: 1}}, TypeError, "of the form"),
        ({"state": {"0": {}}}, ValueError, r"state has \['0'\], which are in no param_groups"),
        ({"state": {0: {"exp_avg": [1.0, 1.0]}}}, ValueError, r"\['momentum_buffer'\] in state\[0"),
        (
            {"state": {1: {"momentum_buffer": [1.0]}}},
            ValueError,
            r"state\[1\]\['momentum_buffer'\] of shape \(2,\), got \(1,\)",
        ),
        ({"state": {1: {"momentum_buffer": ["a", "b"]}}}, TypeError, "expected real numbers as"),
        ({"param_groups": [{"params": [[0]]}, {"params": [1]}]}, TypeError, "of the form"),
        (
            {"param_groups": [{"params": [0], "lr": 1.0}, {"params": [1], "lr": math.nan}]},
            ValueError,
            "lr must be finite and at least 0, got nan",
        ),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, error, message):
    groups = [{"params": parameter([1.0, 2.0], [1.0, 1.0])} for _ in range(2)]
    optimizer = SGD(groups, lr=0.5, momentum=0.5)
    optimizer.step()
    before = snapshot(optimizer)
    with pytest.raises(error, match=f"SGD: .*{message}"):
        optimizer.load_state_dict({**optimizer.state_dict(), **change})
    assert snapshot(optimizer) == before
    with pytest.raises(TypeError, match="of the form"):
        optimizer.load_state_dict([])
    with pytest.raises(TypeError, match=r"got a path; read the file: npnet\.load\(path\)$"):
        optimizer.load_state_dict("optimizer.pt")


def trained():
    weights = [parameter([1.0, 2.0], [1.0, 1.0]), parameter([[3.0]], [[1.0]])]
    optimizer = SGD(weights, lr=0.5, momentum=0.5)
    optimizer.step()
    return weights, optimizer


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))]
)
def test_copies_hold_the_copied_parameters_and_go_on_alone(duplicate):
    weights, optimizer = trained()
    twins, other = duplicate((weights, optimizer))
    assert all(a is b for a, b in zip(other.param_groups[0]["params"], twins, strict=True))
    assert other.steps == 1 and other.defaults == optimizer.defaults
    other.step()
    assert [w.data.tolist() for w in weights] == [[0.5, 1.5], [[2.5]]]
    optimizer.step()
    assert [w.data.tolist() for w in weights] == [w.data.tolist() for w in twins]


def test_a_shallow_copy_steps_the_same_parameters():
    weights, optimizer = trained()
    other = copy.copy(optimizer)
    data = weights[0].data
    other.step()
    optimizer.step()
    assert weights[0].data is data and data.tolist() == [-1.0, 0.0]


@pytest.mark.torch
def test_a_rule_that_counts_steps_keeps_a_count_for_each_parameter():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    shapes = [(3,), (2, 3), (), (4,), (2,)]
    mine = [Parameter(rng.standard_normal(shape), dtype=np.float64) for shape in shapes]
    twins = [torch.nn.Parameter(torch.tensor(p.data)) for p in mine]
    own, theirs = Adam(mine, lr=0.1), torch.optim.Adam(twins, lr=0.1)
    for step in range(12):
        for weight, twin in zip(mine, twins, strict=True):
            grad = rng.standard_normal(weight.shape)
            missing = rng.random() < 0.4
            weight.grad = None if missing else grad
            twin.grad = None if missing else torch.tensor(grad)
        own.step()
        theirs.step()
        for weight, twin in zip(mine, twins, strict=True):
            np.testing.assert_allclose(weight.data, twin.detach().numpy(), rtol=1e-12)
        saved, expected = own.state_dict()["state"], theirs.state_dict()["state"]
        assert saved.keys() == expected.keys()
        for index, state in saved.items():
            assert state.keys() == expected[index].keys()
            for name, value in state.items():
                np.testing.assert_allclose(value, expected[index][name].numpy(), rtol=1e-12)
        if step == 6:
            own = Adam(mine)
            own.load_state_dict(theirs.state_dict())


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            {"exp_avg": [1.0], "exp_avg_sq": [1.0]},
            r"\['exp_avg', 'exp_avg_sq', .*, 'step'\]",
        ),
        ({"step": [1.0], "exp_avg": [1.0]}, r"\['step'\] of shape \(\), got \(1,\)"),
        ({"step": math.nan}, "expected a count as"),
        ({"step": -1}, "expected a count as"),
        ({"step": 2.5}, "expected a count as"),
        ({"step": 1e300}, "expected a count as"),
    ],
)
def test_counts_that_are_none_are_refused(state, message):
    optimizer = Adam([Parameter([1.0])])
    saved = {**optimizer.state_dict(), "state": {0: state}}
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(saved)
    assert optimizer.state_dict()["state"] == {}


def test_the_smallest_rule():
    weight = parameter([1.0], [1.0])
    optimizer = Plain([weight], {"lr": np.float32(0.5)})
    optimizer.step()
    assert weight.data.tolist() == [0.5] and optimizer.defaults == {"lr": 0.5}
    assert optimizer.state_dict() == {"state": {}, "param_groups": [{"lr": 0.5, "params": [0]}]}

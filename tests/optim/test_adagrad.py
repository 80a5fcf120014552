import numpy as np
import pytest

from npnet import Parameter
from npnet.optim import Adagrad


def parameter(data, grad):
    made = Parameter(np.array(data))
    made.grad = grad
    return made


def stepped(options, grads, start=2.0):
    """Return the data after each step."""
    weight, seen = parameter([start], None), []
    optimizer = Adagrad([weight], **options)
    for grad in grads:
        weight.grad = [grad]
        optimizer.step()
        seen.append(weight.data.item())
    return seen


@pytest.mark.parametrize(
    ("options", "grads", "expected"),
    [
        # The roots are 3, 5 and 13.
        ({}, [3.0, 4.0, 12.0], [2 - 3 / 3, 1 - 4 / 5, 0.2 - 12 / 13]),
        ({"eps": 1.0}, [3.0, 4.0], [2 - 3 / 4, 1.25 - 4 / 6]),
        ({"maximize": True}, [3.0, 4.0], [3.0, 3.8]),
        # lr is 1, then 1 / (1 + 0.25), then 1 / (1 + 2 * 0.25)
        ({"lr_decay": 0.25}, [3.0, 4.0, 12.0], [1.0, 0.36, 0.36 - 12 / 13 / 1.5]),
        # g = 1 + 2, then 2 + 2
        ({"weight_decay": 1.0}, [1.0, 3.0], [1.0, 0.2]),
        # 16 + 9, then 25 + 144
        ({"initial_accumulator_value": 16.0}, [3.0, 12.0], [1.4, 1.4 - 12 / 13]),
    ],
)
def test_steps_by_hand(options, grads, expected):
    found = stepped({"lr": 1.0, "eps": 0.0, **options}, grads)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_defaults_are_torchs():
    assert Adagrad([Parameter([1.0])]).defaults == {
        "lr": 1e-2,
        "lr_decay": 0,
        "weight_decay": 0,
        "initial_accumulator_value": 0,
        "eps": 1e-10,
        "maximize": False,
    }


@pytest.mark.torch
def test_sums_are_there_from_the_start_as_in_torch():
    """In a group added later torch begins with the first step; its own initial value is not."""
    torch = pytest.importorskip("torch")
    mine = [parameter([1.0, 2.0], None) for _ in range(3)]
    theirs = [torch.tensor(p.data, requires_grad=True) for p in mine]
    states = []
    for kind, members in ((Adagrad, mine), (torch.optim.Adagrad, theirs)):
        groups = [
            {"params": members[:1]},
            {"params": members[1:2], "initial_accumulator_value": 9.0},
        ]
        optimizer = kind(groups, lr=1.0, initial_accumulator_value=0.25)
        first = optimizer.state_dict()["state"]
        optimizer.add_param_group({"params": members[2:], "initial_accumulator_value": 4.0})
        for member in members[1:]:
            grad = [1.0, 1.0]
            member.grad = grad if kind is Adagrad else torch.tensor(grad, dtype=torch.float64)
        optimizer.step()
        last = optimizer.state_dict()["state"]
        states.append(
            [
                {i: (s["step"].item(), s["sum"].tolist()) for i, s in state.items()}
                for state in (first, last)
            ]
        )
    # torch's first state is alive and counts on.
    assert states[0][0] == {0: (0, [0.25, 0.25]), 1: (0, [0.25, 0.25])}
    assert states[0][1] == states[1][1]
    assert states[0][1] == {0: (0, [0.25] * 2), 1: (1, [1.25] * 2), 2: (1, [1.25] * 2)}


def test_a_loaded_sum_counts_though_there_was_no_step():
    weight = parameter([2.0], [3.0])
    optimizer = Adagrad([weight], lr=1.0, eps=0.0)
    source = Adagrad([parameter([2.0], None)], lr=1.0, eps=0.0, initial_accumulator_value=16.0)
    optimizer.load_state_dict(source.state_dict())
    optimizer.step()
    assert weight.data.tolist() == [1.4]

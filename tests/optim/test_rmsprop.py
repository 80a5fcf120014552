import math

import numpy as np
import pytest

from npnet import Parameter
from npnet.optim import RMSprop

GRADS = [3.0, -1.0, 0.5, 20.0, -7.0, 0.125]


def stepped(options, grads, start=2.0):
    """Return the data after each step."""
    weight, seen = Parameter(np.array([start])), []
    optimizer = RMSprop([weight], **options)
    for grad in grads:
        weight.grad = [grad]
        optimizer.step()
        seen.append(weight.data.item())
    return seen


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # v = 0.25 * 16 = 4, then 0.75 * 4 + 0.25 * 4 = 4
        ({}, [1.0, 0.5]),
        # and 2 added to the root
        ({"eps": 2.0}, [1.5, 1.25]),
        ({"maximize": True}, [3.0, 3.5]),
        # g = 4 + 2 * 2 = 8, v = 16; at p = 1 g = 2 + 2 = 4, v = 12 + 4 = 16
        ({"weight_decay": 2.0}, [1.0, 0.5]),
        # b = 4 / 2 = 2, then 0.5 * 2 + 2 / 2 = 2
        ({"momentum": 0.5}, [1.0, 0.0]),
    ],
)
def test_first_steps_by_hand(options, expected):
    options = {"lr": 0.5, "alpha": 0.75, "eps": 0.0, **options}
    assert stepped(options, [4.0, 2.0]) == expected


@pytest.mark.parametrize("alpha", [0.9, 0.3])
def test_the_centered_root_is_the_standard_deviation(alpha):
    """By the sums over all steps that the means stand for, a first gradient of 0 with the rest."""
    weight, expected = 2.0, []
    for t in range(1, len(GRADS) + 1):
        past = list(enumerate(reversed(GRADS[:t])))
        mean = (1 - alpha) * sum(alpha**age * g for age, g in past)
        # The variance around the mean of all, the zeros before the first step among them.
        spread = (1 - alpha) * sum(alpha**age * (g - mean) ** 2 for age, g in past)
        spread += alpha**t * mean**2
        weight -= 0.25 * GRADS[t - 1] / (math.sqrt(spread) + 0.5)
        expected.append(weight)
    options = {"lr": 0.25, "alpha": alpha, "eps": 0.5, "centered": True}
    np.testing.assert_allclose(stepped(options, GRADS), expected, rtol=1e-13)


def test_defaults_are_torchs():
    assert RMSprop([Parameter([1.0])]).defaults == {
        "lr": 1e-2,
        "alpha": 0.99,
        "eps": 1e-8,
        "weight_decay": 0,
        "momentum": 0,
        "centered": False,
        "maximize": False,
    }


def test_momentum_and_centering_may_be_switched_on_later():
    weight = Parameter([1.0])
    optimizer = RMSprop([weight])
    names = []
    for options in ({}, {"momentum": 0.5}, {"centered": True}, {"momentum": 0.0}):
        optimizer.param_groups[0].update(options)
        weight.grad = [1.0]
        optimizer.step()
        names.append([*optimizer.state_dict()["state"][0]])
    assert names[0] == ["step", "square_avg"]
    assert names[1] == ["step", "square_avg", "momentum_buffer"]
    assert names[2] == names[3] == ["step", "square_avg", "momentum_buffer", "grad_avg"]
    assert optimizer.state_dict()["state"][0]["step"] == 4

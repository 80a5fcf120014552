import math

import numpy as np
import pytest

import npnet.functional as F
from tests.support.facts import Fact, check_value

THIRD = math.log(3.0)
FACTS = [
    Fact("relu", ([-1.0, 2.0],), [0.0, 2.0]),
    Fact("sigmoid", ([THIRD, 0.0],), [0.75, 0.5]),
    Fact("tanh", ([THIRD, 0.0],), [0.8, 0.0]),
    Fact("softmax", ([[THIRD, 0.0]],), [[0.75, 0.25]], {"dim": 1}),
    Fact("log_softmax", ([[THIRD, 0.0]],), [[math.log(0.75), math.log(0.25)]], {"dim": 1}),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_values(fact, dtype):
    check_value(fact, dtype)


def test_the_axis_may_be_left_to_torchs_choice():
    with pytest.warns(UserWarning, match="give dim"):
        assert F.softmax(np.array([1.0, 1.0])).tolist() == [0.5, 0.5]

import math

import numpy as np
import pytest

from tests.support.facts import Fact, check_value

FACTS = [
    Fact("abs", ([-2.0, 3.0],), [2.0, 3.0]),
    Fact("exp", ([0.0, 1.0],), [1.0, math.e]),
    Fact("log", ([1.0, math.e],), [0.0, 1.0]),
    Fact("sqrt", ([9.0, 4.0],), [3.0, 2.0]),
    Fact("square", ([3.0, -1.0],), [9.0, 1.0]),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_values(fact, dtype):
    check_value(fact, dtype)

"""No right layer is accused, whatever its size."""

import numpy as np
import pytest

import npnet
from npnet.check import check_gradients, check_layer
from tests.support.sizes import MAKERS, public_layers

COUNT, PARTS = 1000, 10


@pytest.mark.parametrize("part", range(PARTS))
def test_a_thousand_random_shapes_accuse_nobody(part):
    npnet.manual_seed(part)
    random = np.random.default_rng(part)
    accused = []
    for turn in range(part, COUNT, PARTS):
        name, make = MAKERS[turn % len(MAKERS)]
        subject, operands = make(random)
        is_layer = isinstance(subject, (npnet.Module, type))
        check = check_layer if is_layer else check_gradients
        report = check(subject, *operands, raise_exception=False)
        if not report:
            accused.append((name, operands, str(report)))
    assert accused == []


def test_every_public_layer_takes_part():
    random = np.random.default_rng(0)
    made = {type(make(random)[0]) for _, make in MAKERS}
    assert made >= set(public_layers())
    assert 4 * len(MAKERS) <= COUNT

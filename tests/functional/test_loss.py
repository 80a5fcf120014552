import math

import numpy as np
import pytest

import npnet.functional as F
from npnet import Graph, Parameter
from tests.support.facts import Fact, check_value

LOG2, LOG4, THIRD = math.log(2.0), math.log(4.0), math.log(3.0)
#: p = (1/4, 3/4) for the first row, (1/2, 1/2) for the second.
LOGITS = [[0.0, THIRD], [5.0, 5.0]]
LOG_P = [[-1.0, -2.0], [-3.0, -4.0]]
X, T = [1.0, 2.0], [0.0, 4.0]
FACTS = [
    Fact("cross_entropy", (LOGITS, [0, 1]), (LOG4 + LOG2) / 2),
    Fact(
        "cross_entropy",
        (LOGITS, [0, 1], [2.0, 6.0]),
        [2 * LOG4, 0.0],
        {"reduction": "none", "ignore_index": 1},
    ),
    Fact(
        "cross_entropy",
        (LOGITS, [0, 1]),
        (LOG4 - THIRD / 2 + LOG2) / 2,
        {"label_smoothing": 1.0},
    ),
    Fact(
        "cross_entropy",
        (LOGITS, [[0.5, 0.5], [1.0, 0.0]]),
        LOG4 - THIRD / 2 + LOG2,
        {"reduction": "sum"},
    ),
    Fact("nll_loss", (LOG_P, [0, 1]), 2.5),
    Fact(
        "nll_loss",
        (LOG_P, [0, 1], [2.0, 6.0]),
        [0.0, 24.0],
        {"ignore_index": 0, "reduction": "none"},
    ),
    Fact("mse_loss", (X, T), 2.5),
    Fact("mse_loss", (X, T), 1.75, {"weight": [3.0, 1.0]}),
    Fact("l1_loss", (X, T), [1.0, 2.0], {"reduction": "none"}),
    Fact("l1_loss", (X, T), 1.25, {"weight": [3.0, 1.0]}),
    Fact("smooth_l1_loss", (X, T), 2.0, {"reduction": "sum"}),
    Fact("smooth_l1_loss", (X, T), [0.125, 0.5], {"reduction": "none", "beta": 4.0}),
    Fact("huber_loss", (X, T), 1.25, {"delta": 4.0}),
    Fact("huber_loss", (X, T), 2.0, {"delta": 4.0, "weight": [4.0, 1.0]}),
    Fact("kl_div", ([[-LOG4, -LOG2]], [[1.0, 0.5]]), LOG4, {"reduction": "batchmean"}),
    Fact("kl_div", ([-LOG4], [-LOG2]), [LOG2 / 2], {"log_target": True, "reduction": "none"}),
    Fact("binary_cross_entropy", ([0.25, 0.5], [1.0, 0.5]), (LOG4 + LOG2) / 2),
    Fact(
        "binary_cross_entropy",
        ([0.25, 0.5], [1.0, 0.5], [2.0, 1.0]),
        [2 * LOG4, LOG2],
        {"reduction": "none"},
    ),
    Fact("binary_cross_entropy_with_logits", ([-THIRD, 0.0], [1.0, 0.5]), (LOG4 + LOG2) / 2),
    Fact(
        "binary_cross_entropy_with_logits",
        ([-THIRD, 0.0], [1.0, 0.5], [1.0, 2.0]),
        3 * LOG4 + 2 * LOG2,
        {"reduction": "sum", "pos_weight": [3.0, 1.0]},
    ),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_values(fact, dtype):
    check_value(fact, dtype)


def test_operands_have_torchs_names():
    for fact in FACTS:
        input, target, *weight = fact.operands
        named = dict(zip(("input", "target", "weight"), fact.operands, strict=False))
        found = getattr(F, fact.name)(**named, **fact.options)
        np.testing.assert_array_equal(found, fact(input, target, *weight))


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_a_weight_may_be_trained(name):
    g, weight = Graph(), Parameter([3.0, 1.0], dtype=np.float64)
    loss = getattr(F, name)(g.input("x"), np.array(T), weight=weight)
    g.output(loss)
    assert g(np.array(X)) == getattr(F, name)(np.array(X), np.array(T), weight=[3.0, 1.0])
    g.backward()
    step = 1e-6
    ends = [np.array([3.0 + s, 1.0]) for s in (-step, step)]
    values = [getattr(F, name)(np.array(X), np.array(T), weight=end) for end in ends]
    np.testing.assert_allclose(weight.grad[0], (values[1] - values[0]) / (2 * step), rtol=1e-8)


@pytest.mark.parametrize("name", sorted({fact.name for fact in FACTS}))
def test_refuses_an_unknown_reduction_and_what_torch_deprecates(name):
    operands = (LOG_P, [0, 1]) if name in ("cross_entropy", "nll_loss") else (X, T)
    with pytest.raises(ValueError, match=r"Loss: expected reduction 'none', .* got 'average'"):
        getattr(F, name)(*operands, reduction="average")
    for deprecated in ("size_average", "reduce"):
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            getattr(F, name)(*operands, **{deprecated: True})


def test_a_weighted_loss_says_what_is_wrong_with_its_own_options():
    with pytest.raises(ValueError, match="HuberLoss: expected a delta above 0"):
        F.huber_loss(X, T, delta=-1.0, weight=[1.0, 1.0])
    with pytest.raises(ValueError, match="MSELoss: expected reduction"):
        F.mse_loss(X, T, reduction="average", weight=[1.0, 1.0])

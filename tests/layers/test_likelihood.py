import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet import CrossEntropyLoss, Graph, LogSoftmax, NLLLoss
from tests.support.case import run, seeds_for

DTYPES = (np.float32, np.float64)
REDUCTIONS = ("mean", "sum", "none")
SHAPES = ((1, 1), (1, 4), (0, 4), (12, 10), (3, 5, 4), (2, 3, 1, 2), (0, 3, 2), (5,))
LOG_P = np.array([[-1.0, -2.0], [-3.0, -4.0], [-5.0, -6.0]])
WEIGHT = [2.0, 6.0]


def operands(shape, dtype, seed=0):
    """Return log-probabilities and labels, some of them ignored."""
    random = np.random.default_rng(seed)
    axis = min(len(shape) - 1, 1)
    labels = np.asarray(random.integers(0, shape[axis], shape[:axis] + shape[axis + 1 :]))
    labels = np.where(random.uniform(size=labels.shape) < 0.3, -100, labels)
    return LogSoftmax(axis)(random.normal(size=shape).astype(dtype)), labels


def agrees(layer, theirs, x, labels, seed=None):
    """Hold the loss and the gradient to torch's."""
    torch = pytest.importorskip("torch")
    ran = run(layer, [x, labels], None if seed is None else [seed])
    tensor = torch.tensor(x, requires_grad=True)
    loss = theirs(tensor, torch.tensor(labels))
    loss.backward(torch.tensor(seeds_for(ran.outputs)[0] if seed is None else seed))
    room = 8 * float(np.finfo(x.dtype).eps)
    assert ran.outputs[0].dtype == ran.inputs[0].dtype == x.dtype
    np.testing.assert_allclose(ran.outputs[0], loss.detach().numpy(), room, room)
    np.testing.assert_allclose(ran.inputs[0], tensor.grad.numpy(), room, room)


# ---------------------------------------------------------------------- by hand


@pytest.mark.parametrize(
    "options, loss, rows",
    [
        ({}, 10 / 3, [-1 / 3, -1 / 3, -1 / 3]),
        ({"reduction": "sum"}, 10.0, [-1.0, -1.0, -1.0]),
        ({"reduction": "none"}, [1.0, 4.0, 5.0], [-1.0, -1.0, -1.0]),
        ({"weight": WEIGHT}, 36 / 10, [-0.2, -0.6, -0.2]),
        ({"weight": WEIGHT, "reduction": "sum"}, 36.0, [-2.0, -6.0, -2.0]),
        ({"weight": WEIGHT, "reduction": "none"}, [2.0, 24.0, 10.0], [-2.0, -6.0, -2.0]),
        ({"ignore_index": 1}, 3.0, [-0.5, 0.0, -0.5]),
        ({"ignore_index": 0, "weight": WEIGHT}, 4.0, [0.0, -1.0, 0.0]),
    ],
)
def test_labels_by_hand(options, loss, rows):
    ran = run(NLLLoss(**options), [LOG_P, np.array([0, 1, 0])], [np.full(np.shape(loss), 10.0)])
    np.testing.assert_allclose(ran.outputs[0], loss, rtol=1e-15)
    expected = np.zeros((3, 2))
    expected[range(3), [0, 1, 0]] = rows
    np.testing.assert_allclose(ran.inputs[0], 10 * expected, rtol=1e-15)
    assert ran.inputs[1] is None


@given(seed=st.integers(0, 99), reduction=st.sampled_from(REDUCTIONS), weighs=st.booleans())
def test_of_log_softmax_is_cross_entropy(seed, reduction, weighs):
    random = np.random.default_rng(seed)
    z, labels = random.normal(size=(6, 3, 2)), random.integers(0, 3, (6, 2))
    weight = random.uniform(0.1, 2.0, 3) if weighs else None
    found = NLLLoss(weight, 2, reduction)(LogSoftmax(1)(z), labels)
    expected = CrossEntropyLoss(weight, 2, reduction)(z, labels)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_an_ignored_row_may_hold_anything():
    x = np.array([[-1.0, -2.0], [math.nan, math.inf]])
    ran = run(NLLLoss(reduction="none"), [x, np.array([1, -100])], [np.array([3.0, math.inf])])
    assert ran.outputs[0].tolist() == [2.0, 0.0]
    assert ran.inputs[0].tolist() == [[0.0, -3.0], [0.0, 0.0]]


def test_constant_log_probabilities_need_no_gradient():
    g = Graph(dtype=np.float64)
    scale = g.parameter("scale", 2.0)
    g.output(NLLLoss()(LOG_P, g.input("labels")) * scale)
    assert g(np.array([0, 1, 1])) == pytest.approx(22 / 3)
    g.backward()
    assert scale.grad == pytest.approx(11 / 3)


@pytest.mark.parametrize("label, shape", [(1, ()), ([1], (1,))])
def test_the_label_of_a_vector_may_have_an_axis(label, shape):
    for kind in (NLLLoss, CrossEntropyLoss):
        plain = run(kind(reduction="none"), [np.array([-1.0, -2.0, -3.0]), np.array(1)])
        found = run(kind(reduction="none"), [np.array([-1.0, -2.0, -3.0]), np.array(label)])
        assert found.outputs[0].shape == () and found.outputs[0] == plain.outputs[0]
        np.testing.assert_array_equal(found.inputs[0], plain.inputs[0])
    assert NLLLoss()(np.array([-1.0]), np.zeros(shape, int)) == 1.0


# ---------------------------------------------------------------------- torch


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_agrees_with_torch(shape, dtype):
    torch = pytest.importorskip("torch")
    weight = np.random.default_rng(1).uniform(0.1, 2.0, shape[min(len(shape) - 1, 1)])
    choices = itertools.product(REDUCTIONS, (None, weight.astype(dtype)), (-100, 0, -1))
    for seed, (reduction, w, ignored) in enumerate(choices):
        options = {"reduction": reduction, "ignore_index": ignored}
        theirs = torch.nn.NLLLoss(None if w is None else torch.tensor(w), **options)
        x, labels = operands(shape, dtype, seed)
        agrees(NLLLoss(w, **options), theirs, x, np.where(labels == -100, ignored, labels))


@pytest.mark.torch
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, [0.0, 2.0]])
def test_what_is_not_finite_and_what_counts_nothing_agree_with_torch(weight, reduction):
    torch = pytest.importorskip("torch")
    values = (0.0, 1.0, math.inf, -math.inf, math.nan)
    rows = np.array(list(itertools.product(values, values)))
    x, labels = np.tile(rows, (3, 1)), np.repeat([0, 1, -100], len(rows))
    weight = None if weight is None else np.array(weight)
    tensor = None if weight is None else torch.tensor(weight)
    mine, theirs = NLLLoss(weight, -100, reduction), torch.nn.NLLLoss(tensor, reduction=reduction)
    agrees(mine, theirs, x, labels)
    for label in (0, -100):  # all of them have no weight, or are ignored
        agrees(mine, theirs, x[:5], np.full(5, label))
    if reduction == "none":
        agrees(mine, theirs, x, labels, np.resize([math.inf, math.nan, 1.0], len(x)))


# ---------------------------------------------------------------------- face


@pytest.mark.torch
def test_prints_and_names_its_state_as_torch():
    torch = pytest.importorskip("torch")
    for weight in (None, np.ones(2, np.float32)):
        theirs = torch.nn.NLLLoss(None if weight is None else torch.tensor(weight))
        assert repr(NLLLoss(weight)) == repr(theirs)
        assert list(NLLLoss(weight).state_dict()) == list(theirs.state_dict())


def test_follows_the_weight_that_is_loaded():
    layer = NLLLoss([1.0, 1.0])
    assert layer(LOG_P, np.array([0, 1, 0])) == pytest.approx(10 / 3)
    layer.load_state_dict({"weight": np.array([0.0, 3.0])})
    assert layer(LOG_P, np.array([0, 1, 0])) == 4.0


@pytest.mark.parametrize("label", [-1, 2, 2**40])
@pytest.mark.parametrize("options", [{}, {"weight": WEIGHT}, {"reduction": "none"}])
def test_names_a_label_that_is_no_class(options, label):
    layer = NLLLoss(**options)
    expected = layer(LOG_P, np.array([0, 1, 0]))
    with pytest.raises(IndexError, match=f"NLLLoss: Target {label} is out of bounds; labels of 2"):
        layer(LOG_P, np.array([0, label, 1]))
    np.testing.assert_array_equal(layer(LOG_P, np.array([0, 1, 0])), expected)


@pytest.mark.parametrize(
    "x, target, error, message",
    [
        ((), np.array(0), ValueError, r"expected x of shape \(N, C, ...\) or \(C,\), got \(\)"),
        (
            (3, 2),
            np.zeros(4, int),
            ValueError,
            r"labels of shape \(3,\), .*; the batch sizes are 3",
        ),
        ((3, 2), np.zeros((3, 2)), ValueError, r"shape \(3,\), got floating numbers of shape"),
        ((3, 2), np.zeros((3, 2)), ValueError, r"the labels are target.argmax\(1\)$"),
        ((3, 2, 4), np.zeros((3, 5), int), ValueError, r"\(3, 5\); the classes are on axis 1"),
        ((2,), np.zeros(2, int), ValueError, r"of shape \(\), .* labels are target.argmax\(0\)"),
        ((2,), np.zeros(3, int), ValueError, r"of shape \(\), .*; the classes are on axis 0"),
        ((3, 2), np.zeros(3), TypeError, r"labels are integers: target.astype\(np.int64\)"),
        ((3, 2), np.zeros(3, bool), TypeError, r"labels are integers: target.astype\(np.int64\)"),
    ],
)
def test_refuses_targets_that_do_not_fit(x, target, error, message):
    with pytest.raises(error, match=f"^NLLLoss: .*{message}"):
        NLLLoss()(np.zeros(x), target)


@pytest.mark.parametrize("kind", [NLLLoss, CrossEntropyLoss])
@pytest.mark.parametrize("value", [0.5, None, True, "0"])
def test_refuses_an_index_that_is_no_integer(kind, value):
    with pytest.raises(TypeError, match=f"{kind.__name__}: expected an integer ignore_index, got"):
        kind(ignore_index=value)


def test_refuses_weights_of_another_number_of_classes():
    with pytest.raises(ValueError, match=r"NLLLoss: expected x with 3 classes on axis 1, got"):
        NLLLoss(np.ones(3))(np.zeros((2, 4)), np.zeros(2, int))

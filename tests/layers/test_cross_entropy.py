import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet import CrossEntropyLoss, Graph, SoftmaxCrossEntropy
from tests.support.case import run, seeds_for

DTYPES = (np.float32, np.float64)
LOG2, LOG4 = math.log(2.0), math.log(4.0)
#: p = (1/4, 3/4) for the first row, (1/2, 1/2) for the second.
LOGITS = np.array([[0.0, math.log(3.0)], [5.0, 5.0]])
WEIGHT = np.array([2.0, 6.0])
REDUCTIONS = ("mean", "sum", "none")
SHAPES = ((1, 1), (1, 4), (0, 4), (12, 10), (4, 33), (3, 5, 4), (2, 3, 1, 2), (0, 3, 2), (5,))


def batch_of(shape):
    """Return the shape of the labels of logits."""
    return shape[:1] + shape[2:] if len(shape) > 1 else ()


def operands(shape, kind, dtype, seed=0, scale=3.0):
    """Return logits, and labels (some ignored), or probabilities."""
    random = np.random.default_rng(seed)
    z = (scale * random.normal(size=shape)).astype(dtype)
    axis = min(len(shape) - 1, 1)
    labels = np.asarray(random.integers(0, shape[axis], batch_of(shape)))
    if kind == "ignored":
        labels = np.where(random.uniform(size=labels.shape) < 0.3, -100, labels)
    if kind == "probabilities":
        p = random.uniform(size=shape)
        return z, (p / p.sum(axis=axis, keepdims=True)).astype(dtype)
    return z, labels


def agrees(layer, theirs, z, target):
    """Hold the loss and all gradients to torch's, within torch's own tolerances."""
    torch = pytest.importorskip("torch")
    ran = run(layer, [z, target])
    tensors = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in (z, target)]
    loss = theirs(*tensors)
    loss.backward(torch.tensor(seeds_for(ran.outputs)[0]))
    rtol, atol = ((1.3e-6, 1e-5), (1e-12, 1e-12))[z.dtype == np.float64]
    pairs = [(ran.outputs[0], loss.detach())]
    pairs += [(g, t.grad) for g, t in zip(ran.inputs, tensors, strict=True) if t.requires_grad]
    for found, expected in pairs:
        assert found.dtype == z.dtype
        np.testing.assert_allclose(found, expected.numpy(), rtol, atol)


# ---------------------------------------------------------------------- by hand


def test_labels_by_hand():
    ran = run(CrossEntropyLoss(), [LOGITS, np.array([0, 1])], [3.0])
    np.testing.assert_allclose(ran.outputs[0], (LOG4 + LOG2) / 2, rtol=1e-15)
    expected = 1.5 * np.array([[-0.75, 0.75], [0.5, -0.5]])
    np.testing.assert_allclose(ran.inputs[0], expected, rtol=1e-15)
    assert ran.inputs[1] is None


@pytest.mark.parametrize("reduction, loss", [("sum", LOG4 + LOG2), ("none", [LOG4, LOG2])])
def test_reductions_by_hand(reduction, loss):
    layer = CrossEntropyLoss(reduction=reduction)
    np.testing.assert_allclose(layer(LOGITS, np.array([0, 1])), loss, rtol=1e-15)
    dz = layer.backward(np.full(np.shape(loss), 3.0))
    np.testing.assert_allclose(dz, [[-2.25, 2.25], [1.5, -1.5]], rtol=1e-15)


def test_mean_divides_by_the_weights_of_the_rows_that_count():
    layer = CrossEntropyLoss(WEIGHT, ignore_index=7)
    z = np.concatenate([LOGITS, [[100.0, 0.0]]])
    loss = layer(z, np.array([0, 1, 7]))
    np.testing.assert_allclose(loss, (2 * LOG4 + 6 * LOG2) / 8, rtol=1e-15)
    expected = np.array([[-1.5, 1.5], [3.0, -3.0], [0.0, 0.0]]) / 8
    np.testing.assert_allclose(layer.backward(1.0), expected, rtol=1e-15)


@pytest.mark.parametrize("smoothing", [0.0, 0.5])
def test_an_ignored_row_may_hold_anything(smoothing):
    layer = CrossEntropyLoss(label_smoothing=smoothing)
    z = np.array([[0.0, 0.0], [math.nan, 0.0], [math.inf, 0.0]])
    np.testing.assert_allclose(layer(z, np.array([1, -100, -100])), LOG2, rtol=1e-15)


def test_smoothing_by_hand():
    layer = CrossEntropyLoss(WEIGHT, label_smoothing=0.5)
    loss = layer(LOGITS[:1], np.array([0]))
    log_p = np.log([0.25, 0.75])
    by_class = 0.5 * 2 * log_p[0] + 0.25 * (WEIGHT @ log_p)
    np.testing.assert_allclose(loss, -by_class / 2, rtol=1e-15)


def test_a_label_that_is_smoothed_away_leaves_the_mean_of_all_classes():
    loss = CrossEntropyLoss(label_smoothing=1.0)(LOGITS, np.array([0, 1]))
    np.testing.assert_allclose(loss, -np.mean(np.log([0.25, 0.75, 0.5, 0.5])), rtol=1e-15)


def test_probabilities_by_hand():
    layer = CrossEntropyLoss(WEIGHT)
    target = np.array([[0.5, 0.5], [1.0, 0.0]])
    loss = layer(LOGITS, target)
    log_p = np.log([[0.25, 0.75], [0.5, 0.5]])
    np.testing.assert_allclose(loss, -np.sum(target * WEIGHT * log_p) / 2, rtol=1e-15)
    dz, dtarget = layer.backward(1.0, input_grad=True)
    np.testing.assert_allclose(dz, [[0.0, 0.0], [-0.5, 0.5]], atol=1e-15)
    np.testing.assert_allclose(dtarget, -WEIGHT * log_p / 2, rtol=1e-15)


def test_softmax_cross_entropy_has_two_outputs():
    layer = SoftmaxCrossEntropy()
    loss, p = layer(LOGITS, np.array([0, 1]))
    np.testing.assert_allclose(loss, (LOG4 + LOG2) / 2, rtol=1e-15)
    np.testing.assert_allclose(p, [[0.25, 0.75], [0.5, 0.5]], rtol=1e-15)
    from_loss = np.array([[-0.75, 0.75], [0.5, -0.5]])
    # dp reaches class 0 of the first row only: dz = p (dp - sum dp p).
    from_p = np.array([[0.25 * 0.75, -0.75 * 0.25], [0.0, 0.0]])
    dp = np.array([[1.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(layer.backward(2.0, None), from_loss, rtol=1e-15)
    np.testing.assert_allclose(layer.backward(None, dp), from_p, rtol=1e-15)
    np.testing.assert_allclose(layer.backward(2.0, dp), from_loss + from_p, rtol=1e-15)


def test_one_hot_vectors_and_labels_are_the_same_target():
    z, labels = operands((6, 4), "labels", np.float64)
    one_hot = np.eye(4)[labels]
    for kind in (CrossEntropyLoss, SoftmaxCrossEntropy):
        seeds = [3.0] if kind is CrossEntropyLoss else [3.0, np.ones_like(z)]
        a, b = run(kind(), [z, labels], seeds), run(kind(), [z, one_hot], seeds)
        np.testing.assert_allclose(a.outputs[0], b.outputs[0], rtol=1e-14)
        np.testing.assert_allclose(a.inputs[0], b.inputs[0], rtol=1e-13, atol=1e-16)


def test_a_target_gets_no_gradient_from_the_probabilities():
    layer = SoftmaxCrossEntropy()
    z, target = operands((3, 4), "probabilities", np.float64)
    layer(z, target)
    assert not layer.backward(None, np.ones((3, 4)), input_grad=True)[1].any()


def test_a_target_alone_can_be_differentiated():
    g = Graph(dtype=np.float64)
    target = g.input("t", requires_grad=True)
    loss, p = SoftmaxCrossEntropy("sum")(LOGITS, target)
    g.output(loss, p)
    g(t=np.ones((2, 2)))
    g.backward(1.0, np.ones((2, 2)))
    np.testing.assert_allclose(g.grad(target), -np.log([[0.25, 0.75], [0.5, 0.5]]), rtol=1e-15)


def test_a_constant_input_needs_no_gradient():
    layer = CrossEntropyLoss()
    g = Graph()
    labels = g.input("y")
    g.output(layer(LOGITS, labels) * g.parameter("scale", 2.0))
    np.testing.assert_allclose(g(y=np.array([0, 1])), LOG4 + LOG2, rtol=1e-6)
    g.backward()


# ---------------------------------------------------------------------- stability


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", [CrossEntropyLoss, SoftmaxCrossEntropy])
def test_large_logits_give_exact_losses(kind, dtype):
    layer = kind(reduction="none")
    z = np.array([[1e4, -1e4], [1e4, -1e4], [-1e4, -1e4]], dtype)
    ran = run(layer, [z, np.array([0, 1, 0])])
    np.testing.assert_allclose(ran.outputs[0], np.array([0.0, 2e4, LOG2], dtype), rtol=1e-6)
    assert np.isfinite(ran.inputs[0]).all()


@pytest.mark.parametrize("dtype", DTYPES)
@given(shift=st.floats(-200, 200), seed=st.integers(0, 99))
def test_a_shift_of_all_logits_changes_nothing(dtype, shift, seed):
    z, labels = operands((5, 7), "labels", np.float64, seed)
    z = np.round(z * 64) / 64  # what a shift of a few bits keeps exactly
    shift = round(shift * 64) / 64
    a = run(CrossEntropyLoss(), [z.astype(dtype), labels])
    b = run(CrossEntropyLoss(), [(z + shift).astype(dtype), labels])
    room = 16 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(a.outputs[0], b.outputs[0], rtol=room)
    np.testing.assert_allclose(a.inputs[0], b.inputs[0], rtol=room, atol=room)


@pytest.mark.parametrize("many", [False, True], ids=["few rows", "many rows"])
def test_a_masked_class_has_no_share(many):
    z = np.full((64 if many else 2, 3), 0.0)
    z[:, 2] = -np.inf
    ran = run(CrossEntropyLoss(reduction="none"), [z, np.arange(len(z)) % 2], [np.ones(len(z))])
    np.testing.assert_allclose(ran.outputs[0], LOG2, rtol=1e-15)
    assert not ran.inputs[0][:, 2].any()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_stays_in_its_row(value):
    z = np.array([[value, 0.0], [0.0, 0.0]])
    ran = run(CrossEntropyLoss(reduction="none"), [z, np.array([0, 1])])
    assert np.isnan(ran.outputs[0]).tolist() == [True, False]
    assert np.isnan(ran.inputs[0]).tolist() == [[True, True], [False, False]]


def test_a_certain_row_has_a_loss_and_a_gradient_of_zero():
    ran = run(CrossEntropyLoss(), [np.array([[31.0, -31.0]], np.float32), np.array([0])], [1.0])
    assert ran.outputs[0] == 0.0 and np.abs(ran.inputs[0]).max() < 1e-26


# ---------------------------------------------------------------------- torch


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_agrees_with_torch(shape, dtype):
    torch = pytest.importorskip("torch")
    weight = np.random.default_rng(1).uniform(0.1, 2.0, shape[min(len(shape) - 1, 1)])
    choices = itertools.product(
        REDUCTIONS, (None, weight.astype(dtype)), (0.0, 0.3), ("ignored", "probabilities")
    )
    for seed, (reduction, w, smoothing, kind) in enumerate(choices):
        options = {"reduction": reduction, "label_smoothing": smoothing}
        theirs = torch.nn.CrossEntropyLoss(None if w is None else torch.tensor(w), **options)
        z, target = operands(shape, kind, dtype, seed)
        agrees(CrossEntropyLoss(w, **options), theirs, z, target)


@pytest.mark.torch
@pytest.mark.parametrize("scale", [40.0, 1e4])
@pytest.mark.parametrize("dtype", DTYPES)
def test_agrees_with_torch_for_large_logits(dtype, scale):
    torch = pytest.importorskip("torch")
    for seed, (shape, kind) in enumerate(itertools.product(SHAPES, ("ignored", "probabilities"))):
        z, target = operands(shape, kind, dtype, seed, scale)
        agrees(CrossEntropyLoss(), torch.nn.CrossEntropyLoss(), z, target)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 4), (12, 10), (3, 5, 4), (5,)], ids=str)
def test_both_outputs_agree_with_torch(shape, dtype):
    torch = pytest.importorskip("torch")
    for reduction, kind in itertools.product(REDUCTIONS, ("labels", "probabilities")):
        z, target = operands(shape, kind, dtype)
        ran = run(SoftmaxCrossEntropy(reduction), [z, target])
        seeds = [torch.tensor(s) for s in seeds_for(ran.outputs)]
        tensor, labels = torch.tensor(z, requires_grad=True), torch.tensor(target)
        loss = torch.nn.functional.cross_entropy(tensor, labels, reduction=reduction)
        p = torch.softmax(tensor, min(len(shape) - 1, 1))
        torch.autograd.backward([loss, p], seeds)
        room = ({"rtol": 1.3e-6, "atol": 1e-5}, {"rtol": 1e-12, "atol": 1e-12})
        for found, expected in zip(
            [*ran.outputs, ran.inputs[0]], [loss.detach(), p.detach(), tensor.grad], strict=True
        ):
            np.testing.assert_allclose(found, expected.numpy(), **room[dtype is np.float64])


@pytest.mark.torch
@pytest.mark.parametrize(
    "weight, smoothing", [(None, 0.0), (None, 0.2), ([0.0, 0.0, 1.0], 0.0)], ids=str
)
def test_rows_that_count_nothing_agree_with_torch(weight, smoothing):
    torch = pytest.importorskip("torch")
    weight = None if weight is None else np.array(weight)
    for reduction, labels in itertools.product(REDUCTIONS, ([-100, -100], [0, 1])):
        options = {"reduction": reduction, "label_smoothing": smoothing}
        w = None if weight is None else torch.tensor(weight)
        theirs = torch.nn.CrossEntropyLoss(w, **options)
        z = np.random.default_rng(0).normal(size=(2, 3))
        agrees(CrossEntropyLoss(weight, **options), theirs, z, np.array(labels))


# ---------------------------------------------------------------------- face


@pytest.mark.torch
def test_prints_and_names_its_state_as_torch():
    torch = pytest.importorskip("torch")
    for weight in (None, np.ones(2, np.float32)):
        mine = CrossEntropyLoss(weight)
        theirs = torch.nn.CrossEntropyLoss(None if weight is None else torch.tensor(weight))
        assert repr(mine) == repr(theirs)
        assert list(mine.state_dict()) == list(theirs.state_dict())


def test_follows_the_weight_that_is_loaded():
    layer = CrossEntropyLoss([1.0, 1.0])
    z = LOGITS.astype(np.float32)
    before = layer(z, np.array([0, 1]))
    layer.load_state_dict({"weight": np.array([3.0, 0.0])})
    assert before != layer(z, np.array([0, 1]))
    np.testing.assert_allclose(layer(z, np.array([0, 1])), LOG4, rtol=1e-6)


@pytest.mark.parametrize("target", [np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]], np.float32)])
def test_an_index_to_ignore_means_nothing_for_probabilities(target):
    with pytest.raises(ValueError, match=r"ignore_index is 1, but probabilities have no label"):
        CrossEntropyLoss(ignore_index=1)(LOGITS[:1], target)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"reduction": "average"}, ValueError, "'none', 'mean' or 'sum', got 'average'"),
        ({"label_smoothing": 1.5}, ValueError, "label_smoothing from 0 to 1, got 1.5"),
        ({"label_smoothing": -0.1}, ValueError, "label_smoothing from 0 to 1, got -0.1"),
        ({"label_smoothing": math.nan}, ValueError, "label_smoothing from 0 to 1, got nan"),
        ({"label_smoothing": "a"}, TypeError, "label_smoothing to be a real number, got 'a'"),
        ({"ignore_index": 0.5}, TypeError, "integer ignore_index, got 0.5"),
        ({"weight": ["a"]}, TypeError, "expected real numbers"),
    ],
)
def test_refuses_options_that_make_no_sense(options, error, message):
    with pytest.raises(error, match=message):
        CrossEntropyLoss(**options)


def test_softmax_cross_entropy_refuses_an_unknown_reduction():
    with pytest.raises(ValueError, match="SoftmaxCrossEntropy: expected reduction"):
        SoftmaxCrossEntropy("average")

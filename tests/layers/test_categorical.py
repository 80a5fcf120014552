from types import SimpleNamespace

import numpy as np
import pytest

from npnet import CrossEntropyLoss, SoftmaxCrossEntropy
from npnet.kernel import Spec
from tests.support.case import run

LOSSES = (CrossEntropyLoss, SoftmaxCrossEntropy)
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", ">i8")


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("kind", LOSSES)
def test_labels_may_be_any_integers(kind, dtype):
    z = np.random.default_rng(0).normal(size=(4, 3))
    labels = np.array([2, 0, 1, 2])
    expected = run(kind(), [z, labels])
    found = run(kind(), [z, labels.astype(dtype)])
    assert found.outputs[0] == expected.outputs[0]
    assert (found.inputs[0] == expected.inputs[0]).all()


@pytest.mark.parametrize("shape", [(), (2, 3)])
@pytest.mark.parametrize("label", [-1, 3, 12, -(2**63), 2**63 - 1])
@pytest.mark.parametrize("options", [{}, {"weight": [1.0, 2.0, 3.0]}, {"label_smoothing": 0.1}])
def test_names_a_label_that_is_no_class(options, label, shape):
    labels = np.full((2, *shape), 1)
    labels[(1, *(0,) * len(shape))] = label
    z = np.zeros((2, 3, *shape), np.float32)
    message = rf"CrossEntropyLoss: Target {label} is out of bounds; labels of 3 classes are 0 to 2"
    with pytest.raises(IndexError, match=message):
        CrossEntropyLoss(**options)(z, labels)


@pytest.mark.parametrize("label", [-100, -1, 3])
def test_softmax_cross_entropy_ignores_no_label(label):
    with pytest.raises(IndexError, match=f"SoftmaxCrossEntropy: Target {label} is out of bounds"):
        SoftmaxCrossEntropy()(np.zeros((1, 3)), np.array([label]))


def test_names_the_first_wrong_label_of_small_integers():
    with pytest.raises(IndexError, match="Target 200 is out of bounds"):
        CrossEntropyLoss()(np.zeros((3, 2)), np.array([1, 200, 255], np.uint8))


def test_a_wrong_label_is_found_in_every_row():
    for row in range(5):
        labels = np.zeros(5, np.int64)
        labels[row] = 4
        with pytest.raises(IndexError, match="Target 4"):
            CrossEntropyLoss()(np.zeros((5, 4)), labels)


def test_goes_on_after_a_wrong_label():
    layer = CrossEntropyLoss()
    z = np.zeros((2, 2))
    expected = layer(z, np.array([0, 1]))
    with pytest.raises(IndexError):
        layer(z, np.array([0, 2]))
    assert layer(z, np.array([0, 1])) == expected
    assert layer.backward().tolist() == [[-0.25, 0.25], [0.25, -0.25]]


def test_rows_may_be_ignored_in_one_call_and_count_in_the_next():
    layer = CrossEntropyLoss()
    z = np.zeros((2, 2))
    layer(z, np.array([0, -100]))
    assert layer.backward().tolist() == [[-0.5, 0.5], [0.0, 0.0]]
    layer(z, np.array([0, 1]))
    assert layer.backward().tolist() == [[-0.25, 0.25], [0.25, -0.25]]


@pytest.mark.parametrize("ignore_index", [-100, 1, 255])
def test_any_label_may_be_the_one_that_is_ignored(ignore_index):
    layer = CrossEntropyLoss(ignore_index=ignore_index, reduction="none")
    loss = layer(np.zeros((3, 3)), np.array([0, ignore_index, 2]))
    assert (loss == 0).tolist() == [False, True, False]


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize(
    "z, target, error, message",
    [
        ((), np.array(0), ValueError, r"expected z of shape \(N, C, ...\) or \(C,\), got \(\)"),
        ((3, 2), np.zeros(4, int), ValueError, "the batch sizes are 3 and 4"),
        ((3, 2), np.zeros((4, 2)), ValueError, "the batch sizes are 3 and 4"),
        ((3, 2), np.array(1), ValueError, r"shape \(3,\) or probabilities of shape \(3, 2\), got"),
        ((3, 2, 4), np.zeros((3, 5), int), ValueError, r"integer labels of shape \(3, 4\)"),
        ((2,), np.zeros(3, int), ValueError, r"integer labels of shape \(\) or probabilities"),
        ((3, 2), np.zeros(3), TypeError, r"labels are integers: target.astype\(np.int64\)"),
        ((3, 2), np.zeros(3, bool), TypeError, r"labels are integers: target.astype\(np.int64\)"),
        ((3, 2), np.zeros(3, bool), TypeError, r"got bool of shape \(3,\);"),
        ((3, 2), np.zeros(3, np.float16), TypeError, r"got floating numbers of shape \(3,\);"),
        ((3, 2), np.zeros((3, 2), int), TypeError, r"labels are target.argmax\(1\); probabilities"),
        ((3, 2), np.zeros((3, 2), bool), TypeError, r"floating: target.astype\(float\)$"),
        ((2,), np.zeros(2, int), TypeError, r"the labels are target.argmax\(0\)"),
        ((3, 2), np.zeros((3, 1), int), ValueError, r"; target.reshape\(\(3,\)\) fits"),
        ((1, 2), np.array(1), ValueError, r"; target.reshape\(\(1,\)\) fits"),
        ((3, 1), np.zeros((3, 1), int), TypeError, "labels 0 and 1 use BCEWithLogitsLoss"),
        ((3, 1), np.zeros(3), TypeError, "labels 0 and 1 use BCEWithLogitsLoss"),
        (
            (3,),
            np.zeros((3, 2)),
            ValueError,
            "input and target seem to be swapped: the labels",
        ),
        ((3, 5), np.zeros((3, 2, 5)), ValueError, "seem to be swapped"),
        ((3, 5), np.zeros((3, 2, 5), int), ValueError, "the classes are on axis 1"),
    ],
)
def test_refuses_targets_that_do_not_fit(kind, z, target, error, message):
    with pytest.raises(error, match=f"^{kind.__name__}: .*{message}"):
        kind()(np.zeros(z), target)


def test_one_hot_vectors_become_labels_or_probabilities_as_the_message_says():
    one_hot, labels = np.eye(3, dtype=int)[[2, 0]], np.array([2, 0])
    z = np.random.default_rng(0).normal(size=(2, 3))
    expected = CrossEntropyLoss()(z, labels)
    assert CrossEntropyLoss()(z, one_hot.argmax(1)) == expected
    assert CrossEntropyLoss()(z, one_hot.astype(float)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", LOSSES)
def test_one_output_has_no_second_label(kind):
    message = "Target 1 is out of bounds; the only label of 1 class is 0; .* use BCEWithLogitsLoss"
    with pytest.raises(IndexError, match=message):
        kind()(np.zeros((3, 1)), np.array([0, 1, 0]))


@pytest.mark.parametrize("z", [(2, 4), (4,)])
def test_refuses_weights_of_another_number_of_classes(z):
    message = r"expected z with 3 classes on axis [01], got .*; weight has shape \(3,\)"
    with pytest.raises(ValueError, match=message):
        CrossEntropyLoss(np.ones(3))(np.zeros(z), np.zeros(z[:-1], int))


def test_weights_keep_their_dtype_and_the_loss_that_of_the_logits():
    layer = CrossEntropyLoss(np.array([1.0, 2.0]))
    assert layer.weight.dtype == np.float64
    assert CrossEntropyLoss([1.0, 2.0]).weight.dtype == np.float32
    for options in ({}, {"label_smoothing": 0.1}):
        layer = CrossEntropyLoss(np.array([1.0, 2.0]), **options)
        assert layer(np.zeros((2, 2), np.float32), np.array([0, 1])).dtype == np.float32


@pytest.mark.parametrize("reduction, loss", [("mean", np.nan), ("sum", 0.0)])
@pytest.mark.parametrize("kind", LOSSES)
def test_no_rows(kind, reduction, loss):
    ran = run(kind(reduction=reduction), [np.zeros((0, 3)), np.zeros(0, int)])
    np.testing.assert_equal(ran.outputs[0], loss)
    assert ran.inputs[0].shape == (0, 3)


def test_no_classes():
    with pytest.raises(IndexError, match="Target 0 is out of bounds"):
        CrossEntropyLoss()(np.zeros((2, 0)), np.zeros(2, int))
    assert CrossEntropyLoss(reduction="none")(np.zeros((2, 0)), np.zeros((2, 0))).tolist() == [0, 0]


def test_labels_have_no_gradient_to_write():
    layer = CrossEntropyLoss()
    specs = Spec((2, 3), np.dtype(np.float32)), Spec((2,), np.dtype(np.int64))
    scratch = SimpleNamespace(layout=layer.scratch_specs(*specs)["layout"])
    layer.backward_kernel(np.ones(()), None, None, None, dz=None, dtarget=None, scratch=scratch)

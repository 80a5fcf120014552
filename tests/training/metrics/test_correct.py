import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet.training.metrics import Accuracy, TopK
from tests.support.metrics import seen


def of(metric, *data):
    """Return what a metric makes of one batch."""
    metric.update(*data)
    return metric.compute()


def test_accuracy_by_hand():
    scores = np.array([[2.0, 1.0, 0.0], [0.0, 0.5, 0.2], [0.1, 0.2, 0.3], [3.0, 3.0, 0.0]])
    assert of(Accuracy(), scores, [0, 2, 2, 0]) == 0.75
    assert of(Accuracy(), scores, [0, 2, 2, 0], [1, 2, 3, 0]) == 4 / 6
    assert of(Accuracy(), scores, [[0], [2], [2], [0]]) == 0.75
    assert of(Accuracy(ignore_index=2), scores, [0, 2, 2, 1]) == 0.5
    assert of(Accuracy(ignore_index=-100), scores, [0, -100, 2, 1], [1, 9, 1, 2]) == 0.5
    # Probabilities: the largest is true.
    assert of(Accuracy(), scores, np.eye(3)[[0, 2, 2, 0]]) == 0.75
    assert of(Accuracy(), [1, 2, 0], [1, 2, 1]) == 2 / 3
    assert of(Accuracy(), np.array([True, False]), np.array([True, True])) == 0.5


def test_accuracy_by_a_threshold():
    logits = np.array([-1.0, 0.0, 0.5, 2.0], np.float32)
    targets = np.array([0, 1, 1, 0])
    assert of(Accuracy(threshold=0), logits, targets) == 0.5
    assert of(Accuracy(threshold=-0.5), logits[:, None], targets) == 0.75
    # What BCELoss takes, and several outputs a sample, each with its target.
    assert of(Accuracy(threshold=0), logits[:, None], targets[:, None].astype("f4")) == 0.5
    several = of(Accuracy(threshold=0), logits.reshape(2, 2), targets.reshape(2, 2), [1, 3])
    assert several == (1 * 1 + 3 * 1) / 8
    assert of(Accuracy(threshold=0), [np.nan, 1.0], [0, 0]) == 0.5


def test_classes_on_axis_1_of_several():
    scores = np.zeros((2, 3, 4))
    scores[0, 1] = scores[1, 2] = 1
    targets = np.array([[1, 1, 1, 0], [0, 0, 2, 2]])
    assert of(Accuracy(), scores, targets) == 5 / 8
    assert of(Accuracy(), scores, targets, [1, 3]) == (3 + 2 * 3) / 16
    assert of(TopK(1), scores, targets, [1, 3]) == (3 + 2 * 3) / 16
    assert of(TopK(2), scores, targets) == (4 + 4) / 8


def test_batches_with_and_without_weights_go_together():
    metric = Accuracy()
    metric.update([0, 1], [0, 0])
    metric.update([0, 1], [0, 0], [2.0, 0.5])
    assert metric.compute() == 3 / 4.5


@given(st.data())
def test_accuracy_and_top_k_are_scikit_learns(data):
    sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the oracle")
    count, classes = data.draw(st.integers(1, 30)), data.draw(st.integers(3, 6))
    random = np.random.default_rng(data.draw(st.integers(0, 999)))
    # A permutation in each row: no scores are equal.
    scores = random.permuted(np.tile(np.arange(float(classes)), (count, 1)), axis=1)
    targets, weights = random.integers(classes, size=count), random.random(count) + 0.1
    for given_weights in (None, weights):
        expected = sklearn.accuracy_score(targets, scores.argmax(1), sample_weight=given_weights)
        found = of(Accuracy(), scores, targets, given_weights)
        np.testing.assert_allclose(found, expected, rtol=1e-14)
        for k in range(1, classes):
            expected = sklearn.top_k_accuracy_score(
                targets, scores, k=k, labels=range(classes), sample_weight=given_weights
            )
            found = of(TopK(k), scores, targets, given_weights)
            np.testing.assert_allclose(found, expected, rtol=1e-14)


@given(st.lists(st.lists(st.integers(0, 2), min_size=3, max_size=3), min_size=1), st.data())
def test_of_equal_scores_the_first_is_higher_so_top_1_is_accuracy(rows, data):
    targets = data.draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows)))
    scores = np.array(rows, np.float32)
    assert of(TopK(1), scores, targets) == of(Accuracy(), scores, targets)
    order = [sorted(range(3), key=lambda c, row=row: (-row[c], c)) for row in rows]
    hits = [target in first[:2] for target, first in zip(targets, order, strict=True)]
    assert of(TopK(2), scores, targets) == np.mean(hits)
    assert of(TopK(3), scores, targets) == 1


def test_a_model_that_gives_nan_is_not_right():
    scores = np.array([[1.0, np.nan, 2.0], [np.nan] * 3])
    assert of(TopK(2), scores, [1, 1]) == 0
    assert of(TopK(2), scores, [2, 0]) == 0.5
    assert of(Accuracy(), scores, [2, 2]) == 0


def test_what_was_seen_counts_one_after_the_other():
    # Two weights of 1 beside one of 2 ** 53: together they count, one by one each is rounded off.
    weights = np.array([2.0**53, 1.0, 1.0])
    metric = seen(Accuracy(), np.array([1, 1, 1]), np.array([1, 1, 1]), weights, [1])
    assert metric.weights.tolist() == [0, 2.0**53]


@pytest.mark.parametrize(
    ("metric", "data", "error", "message"),
    [
        (Accuracy(), ([[0.1, 0.9]], [2]), ValueError, "targets from 0 to 1, got 2 in row 0; there"),
        (Accuracy(), ([[0.1, 0.9]], [-1]), ValueError, "targets from 0 to 1, got -1 in row 0"),
        (TopK(1), ([[0.1, 0.9]] * 2, [0, 5]), ValueError, "targets from 0 to 1, got 5 in row 1"),
        (Accuracy(threshold=0), ([0.1], [2]), ValueError, "targets from 0 to 1, got 2 in row 0"),
        (Accuracy(), ([0.1, 0.9], [0, 1]), ValueError, "give threshold=0.5 with probabilities"),
        (Accuracy(), ([[0.1], [0.9]], [0, 1]), ValueError, "threshold=0 with logits"),
        (
            TopK(1),
            ([0, 1], [0, 1]),
            ValueError,
            r"expected scores of classes, .*int64 and shape \(2",
        ),
        (TopK(3), ([[0.1, 0.9]], [0]), ValueError, "outputs of 3 classes or more, got 2"),
        (Accuracy(), ([[0.1, 0.9]], [0.0]), TypeError, r"targets\.astype\(np\.int64\)"),
        (
            Accuracy(),
            ([[0.1, 0.9]] * 2, [[0, 1]]),
            ValueError,
            r"labels of shape \(2,\), got \(1, 2",
        ),
        (Accuracy(), ([0, 1], [0, 1, 1]), ValueError, r"labels of shape \(2,\), got \(3,\)"),
        (
            Accuracy(threshold=0),
            ([[1.0, 2.0]], [0, 1]),
            ValueError,
            r"\(1, 2\), got \(2,\); with a",
        ),
    ],
)
def test_what_does_not_fit_is_refused(metric, data, error, message):
    with pytest.raises(error, match=f"^{type(metric).__name__}: .*{message}"):
        metric.update(*data)


def test_rows_are_named_as_they_were_given():
    scores = np.zeros((3, 2, 2))
    for metric in (Accuracy(ignore_index=-1), TopK(1, ignore_index=-1)):
        with pytest.raises(ValueError, match="targets from 0 to 1, got 7 in row 2; there are 2"):
            metric.update(scores, [[-1, -1], [0, -1], [1, 7]])
        metric.update(scores, [[-1, -1], [0, -1], [1, 1]])
        assert metric.compute() == 1 / 3


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint64, np.int64, np.int32])
def test_labels_of_every_integer_dtype(dtype):
    targets = np.array([0, 1, 1], dtype)
    assert of(Accuracy(), np.array([[1.0, 0], [1, 0], [0, 1]]), targets) == 2 / 3
    assert of(Accuracy(ignore_index=-100), targets, np.array([0, 1, 0])) == 2 / 3


def test_k_below_1_is_refused():
    with pytest.raises(ValueError, match="TopK: expected k >= 1, got 0"):
        TopK(0)

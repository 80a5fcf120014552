import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet.training.metrics import F1, ConfusionMatrix, Precision, Recall

#: Targets, predictions and weights of the matrix below.
TRUE, PREDICTED = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 0]
MATRIX = [[2, 1, 0], [0, 1, 1], [1, 0, 0]]


def of(metric, *data):
    """Return what a metric makes of one batch."""
    metric.update(*data)
    return metric.compute()


def test_the_matrix_by_hand():
    matrix = of(ConfusionMatrix(3), PREDICTED, TRUE)
    assert matrix.tolist() == MATRIX and matrix.dtype == np.int64
    assert of(ConfusionMatrix(), np.eye(3)[PREDICTED], TRUE).tolist() == MATRIX
    weighted = of(ConfusionMatrix(3), PREDICTED, TRUE, [1, 2, 3, 4, 5, 6])
    assert weighted.tolist() == [[3, 3, 0], [0, 4, 5], [6, 0, 0]] and weighted.dtype == np.float64
    assert of(ConfusionMatrix(threshold=0.5), [0.2, 0.9], [1, 1]).tolist() == [[0, 0], [1, 1]]
    assert of(ConfusionMatrix(3, ignore_index=1), PREDICTED, TRUE).tolist() == [
        [2, 1, 0], [0, 0, 0], [1, 0, 0],
    ]  # fmt: skip


def test_shares_by_hand():
    rows, columns, all_ = (
        of(ConfusionMatrix(4, normalize=n), PREDICTED, TRUE) for n in ("true", "pred", "all")
    )
    assert rows.tolist() == [[2 / 3, 1 / 3, 0, 0], [0, 0.5, 0.5, 0], [1, 0, 0, 0], [0] * 4]
    assert columns[:, 0].tolist() == [2 / 3, 0, 1 / 3, 0] and not columns[3].any()
    np.testing.assert_allclose(all_[:3, :3], np.array(MATRIX) / 6, rtol=1e-15)


def test_what_is_returned_is_the_callers():
    metric = ConfusionMatrix(3)
    of(metric, PREDICTED, TRUE)[...] = 9
    assert metric.compute().tolist() == MATRIX


def test_ratios_by_hand():
    def ratios(kind, **options):
        return of(kind(classes=3, **options), PREDICTED, TRUE)

    assert ratios(Precision, average=None).tolist() == [2 / 3, 0.5, 0]
    assert ratios(Recall, average=None).tolist() == [2 / 3, 0.5, 0]
    assert ratios(Precision) == pytest.approx((2 / 3 + 0.5) / 3, rel=1e-15)
    assert ratios(Recall, average="weighted") == pytest.approx((2 + 1 + 0) / 6, rel=1e-15)
    assert {ratios(kind, average="micro") for kind in (Precision, Recall, F1)} == {0.5}
    two = [0, 1, 1, 1], [1, 1, 1, 0]
    assert of(Precision("binary"), *two) == 2 / 3 and of(F1("binary"), *two) == 2 / 3
    # Twice the harmonic mean: 2 * 3/4 * 3/5 / (3/4 + 3/5).
    four = [1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 1, 1]
    assert of(F1("binary"), *four) == pytest.approx(2 / 3, rel=1e-15)


def test_weights_of_classes_that_are_all_0_do_not_count():
    # Class 0 is 0 / 0 and left out, class 1 weighs nothing: what remains is its precision.
    metric = Precision("weighted", classes=2, zero_division=np.nan)
    assert of(metric, [1], [0]) == 0


AVERAGES = ["macro", "micro", "weighted", "binary", None]


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
@given(st.data())
def test_ratios_are_scikit_learns(name, average, data):
    sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the oracle")
    kind = {"precision": Precision, "recall": Recall, "f1": F1}[name]
    classes = 2 if average == "binary" else data.draw(st.integers(2, 5))
    count = data.draw(st.integers(1, 12))
    labels = st.lists(st.integers(0, classes - 1), min_size=count, max_size=count)
    true, predicted = data.draw(labels), data.draw(labels)
    weights = data.draw(
        st.none() | st.lists(st.sampled_from([0.5, 1.0, 3.25]), min_size=count, max_size=count)
    )
    zero = data.draw(st.sampled_from([0.0, 1.0, np.nan]))
    options = {"average": average, "sample_weight": weights, "zero_division": zero}
    # Of averages the classes that occur have a part, of all ratios each class.
    if average is None:
        options["labels"] = range(classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = getattr(sklearn, f"{name}_score")(true, predicted, **options)
    found = of(kind(average, classes, zero_division=zero), predicted, true, weights)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)


@given(st.integers(2, 5), st.integers(1, 30), st.integers(0, 99), st.booleans())
def test_the_matrix_is_scikit_learns(classes, count, seed, weighted):
    sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the oracle")
    random = np.random.default_rng(seed)
    true, predicted = random.integers(classes, size=(2, count))
    weights = random.random(count) if weighted else None
    for normalize in (None, "true", "pred", "all"):
        expected = sklearn.confusion_matrix(
            true, predicted, labels=range(classes), sample_weight=weights, normalize=normalize
        )
        found = of(ConfusionMatrix(classes, normalize), predicted, true, weights)
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=0)


def test_batches_with_and_without_weights_go_together():
    metric = ConfusionMatrix(2)
    metric.update([0, 1], [0, 0])
    metric.update([0, 1], [0, 0], [2.0, 0.5])
    assert metric.compute().tolist() == [[3, 1.5], [0, 0]]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64, np.bool_])
def test_labels_of_every_integer_dtype(dtype):
    true, predicted = np.array([0, 1, 1], dtype), np.array([1, 1, 0], dtype)
    assert of(ConfusionMatrix(2), predicted, true).tolist() == [[0, 1], [1, 1]]


@pytest.mark.parametrize(
    ("make", "data", "message"),
    [
        (lambda: ConfusionMatrix(2), ([2], [0]), "outputs from 0 to 1, got 2 in row 0"),
        (lambda: ConfusionMatrix(2), ([0], [-1]), "targets from 0 to 1, got -1 in row 0"),
        (lambda: ConfusionMatrix(3), ([[0.5, 0.5]], [0]), "outputs of 3 classes, got 2"),
        (lambda: F1(), ([0, 1], [0, 1]), "how many classes there are; give classes"),
        (lambda: F1("binary"), ([[0.1, 0.2, 0.7]], [0]), "outputs of 2 classes, got 3"),
    ],
)
def test_what_does_not_fit_is_refused(make, data, message):
    metric = make()
    with pytest.raises(ValueError, match=f"^{type(metric).__name__}: .*{message}"):
        metric.update(*data)


def test_a_stream_keeps_its_classes():
    metric = Recall()
    metric.update([[0.1, 0.2, 0.7]], [0])
    with pytest.raises(ValueError, match="Recall: expected outputs of 3 classes, got 2"):
        metric.update([[0.1, 0.9]], [0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": 1}, "expected classes >= 2, got 1"),
        ({"average": "mean"}, "expected average as one of .*, got 'mean'"),
        ({"average": "binary", "classes": 3}, "average='binary' needs 2 classes, got 3; use"),
        ({"threshold": 0.5, "classes": 3}, "a threshold tells 2 classes apart, got 3"),
    ],
)
def test_options_that_contradict_are_refused(arguments, message):
    with pytest.raises(ValueError, match=f"^Precision: {message}"):
        Precision(**arguments)
    with pytest.raises(ValueError, match="ConfusionMatrix: expected normalize as one of"):
        ConfusionMatrix(normalize="rows")

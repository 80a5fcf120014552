import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet.training.metrics import R2, MeanAbsoluteError, RootMeanSquaredError
from tests.support.metrics import seen

KINDS = {
    "mean_absolute_error": MeanAbsoluteError,
    "root_mean_squared_error": RootMeanSquaredError,
    "r2_score": R2,
}


def of(metric, *data):
    """Return what a metric makes of one batch."""
    metric.update(*data)
    return metric.compute()


def test_figures_by_hand():
    outputs, targets = np.array([2.0, 4.0, 6.0]), np.array([1.0, 6.0, 8.0])
    assert of(MeanAbsoluteError(), outputs, targets) == 5 / 3
    assert of(RootMeanSquaredError(), outputs, targets) == np.sqrt(3.0)
    # The mean is 5, around it 16 + 1 + 9.
    assert of(R2(), outputs, targets) == 1 - 9 / 26
    assert of(MeanAbsoluteError(), outputs, targets, [1, 0, 3]) == 7 / 4
    assert of(RootMeanSquaredError(), outputs, targets, [1, 0, 3]) == np.sqrt(13 / 4)
    # With weights 1 and 3 the mean is 25 / 4, around it 441 / 16 + 3 * 49 / 16.
    assert of(R2(), outputs, targets, [1, 0, 3]) == pytest.approx(1 - 13 / (588 / 16), rel=1e-15)


def test_several_outputs_are_averaged_or_returned():
    outputs, targets = np.array([[1.0, 0], [3, 0]]), np.array([[0.0, 0], [0, 4]])
    for kind, values in ((MeanAbsoluteError, [2, 2]), (RootMeanSquaredError, [5**0.5, 8**0.5])):
        assert of(kind("raw_values"), outputs, targets).tolist() == values
        assert of(kind(), outputs, targets) == np.mean(values)
    cube = np.arange(12.0).reshape(2, 3, 2)
    assert of(MeanAbsoluteError("raw_values"), cube, cube + 1).shape == (6,)


def test_a_column_is_no_matrix():
    outputs, targets = np.array([[1.0], [2.0]]), np.array([1.0, 4.0])
    for data in ((outputs, targets), (outputs[:, 0], targets[:, None])):
        assert of(MeanAbsoluteError(), *data) == 1
        assert of(R2(), *data) == 1 - 4 / 4.5


@pytest.mark.parametrize("multioutput", ["uniform_average", "raw_values"])
@pytest.mark.parametrize("name", list(KINDS))
@given(st.integers(1, 600), st.integers(1, 3), st.integers(0, 999), st.booleans())
def test_figures_are_scikit_learns(name, multioutput, count, outputs, seed, weighted):
    sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the oracle")
    random = np.random.default_rng(seed)
    found, targets = random.standard_normal((2, count, outputs))
    weights = random.random(count) if weighted else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = getattr(sklearn, name)(
            targets, found, sample_weight=weights, multioutput=multioutput
        )
    metric = seen(KINDS[name](multioutput), found, targets, weights, [100, 300])
    np.testing.assert_allclose(metric.compute(), expected, rtol=1e-10, equal_nan=True)


@pytest.mark.parametrize("wrong", [0.0, 0.5])
@pytest.mark.parametrize("constant", [0.0, 0.1, 1e300])
def test_equal_targets_leave_nothing_to_explain(constant, wrong):
    targets = np.full(1000, constant)
    outputs = targets.copy()
    outputs[3] += wrong * max(constant, 1)
    assert of(R2(), outputs, targets) == (0 if wrong else 1)


def test_r2_far_from_zero_keeps_its_digits():
    random = np.random.default_rng(0)
    targets = 1e9 + random.standard_normal(2000)
    targets[0] = 1e9 + 1000  # the first one far from the mean
    outputs = targets + random.standard_normal(2000)
    exact = [Fraction(t) for t in targets]
    mean = sum(exact) / len(exact)
    residual = sum((Fraction(o) - t) ** 2 for o, t in zip(outputs, exact, strict=True))
    expected = 1 - residual / sum((t - mean) ** 2 for t in exact)
    assert of(R2(), outputs, targets) == pytest.approx(float(expected), rel=1e-12)


def test_fewer_than_two_samples_have_no_r2():
    metric = R2()
    assert np.isnan(of(metric, [1.0], [2.0]))
    assert of(metric, [2.0], [1.0]) == 1 - 2 / 0.5
    assert np.isnan(of(R2("raw_values"), [[1.0, 2.0]], [[1.0, 3.0]])).all()


@pytest.mark.parametrize("kind", list(KINDS.values()))
def test_what_is_not_finite_shows_and_warns_of_nothing(kind):
    for bad in (np.nan, np.inf):
        assert np.isnan(of(kind(), [1.0, bad, 3.0], [1.0, bad, 4.0]))
        assert not np.isfinite(of(kind(), [1.0, bad, 3.0], [1.0, 2.0, 4.0]))
    assert not np.isfinite(of(kind(), [1e300, 0.0], [-1e300, 1e300])) or kind is MeanAbsoluteError
    # A weight of 0 for all: there is nothing to divide by.
    assert np.isnan(of(kind(), [1.0, 2.0], [1.0, 3.0], [0, 0])) or kind is R2


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.uint8, np.int64])
def test_it_computes_in_float64(dtype):
    outputs, targets = np.array([200, 100], dtype), np.array([100, 200], dtype)
    assert of(MeanAbsoluteError(), outputs, targets) == 100
    assert of(RootMeanSquaredError(), outputs, targets) == 100
    single = np.array([0.1], np.float32)
    assert of(MeanAbsoluteError(), single, np.array([0.0])) == float(single[0])


@pytest.mark.parametrize("kind", list(KINDS.values()))
def test_what_does_not_fit_is_refused(kind):
    metric, who = kind(), f"^{kind.__name__}: "
    metric.update([[1.0, 2.0]], [[1.0, 3.0]])
    for outputs, targets, message in (
        (np.zeros((3, 1)), np.zeros((3, 3)), r"targets of shape \(3, 1\), got \(3, 3\)"),
        (np.zeros((2, 2)), np.zeros(4), r"targets of shape \(2, 2\), got \(4,\)"),
        (np.zeros(2), np.zeros(3), r"targets of shape \(2,\), got \(3,\)"),
        (np.zeros(()), np.zeros(()), "got a single number"),
        (np.zeros(3), np.zeros(3), "expected 2 outputs a sample, as before, got 1"),
    ):
        with pytest.raises(ValueError, match=who + f".*{message}"):
            metric.update(outputs, targets)
    with pytest.raises(ValueError, match=who + "expected multioutput as one of .*, got 'mean'"):
        kind("mean")

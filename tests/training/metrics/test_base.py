"""What holds for every metric: any cutting, states, failed calls, and what no batch comes to."""

import copy
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet.training import metrics as package
from npnet.training.encoding import decode, encode
from npnet.training.metrics import (
    F1,
    R2,
    Accuracy,
    ConfusionMatrix,
    MeanAbsoluteError,
    Metric,
    Precision,
    Recall,
    RootMeanSquaredError,
    TopK,
)
from tests.support.metrics import same, seen

ON_LABELS = {
    "accuracy": Accuracy,
    "top2": lambda: TopK(2),
    "matrix": ConfusionMatrix,
    "shares": lambda: ConfusionMatrix(normalize="true"),
    "precision": Precision,
    "recall": lambda: Recall(average="weighted"),
    "f1": lambda: F1(average=None),
}
ON_NUMBERS = {
    "mae": MeanAbsoluteError,
    "rmse": lambda: RootMeanSquaredError("raw_values"),
    "r2": R2,
}
ALL = ON_LABELS | ON_NUMBERS


def samples(name, count, seed, weighted=True):
    """Return outputs, targets and weights that a metric takes."""
    random = np.random.default_rng(seed)
    outputs = random.standard_normal((count, 4)).astype(np.float32)
    targets = (
        random.standard_normal((count, 4)) if name in ON_NUMBERS else random.integers(4, size=count)
    )
    return outputs, targets, random.random(count) if weighted else None


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", list(ALL))
@given(st.integers(0, 700), st.lists(st.integers(0, 1000), max_size=5), st.integers(0, 99))
def test_how_the_stream_is_cut_does_not_show_in_a_single_bit(name, weighted, count, places, seed):
    data = samples(name, count, seed, weighted)
    whole, parts = seen(ALL[name](), *data), seen(ALL[name](), *data, places)
    if name in ("matrix", "shares") and not count:
        return
    assert same(whole.compute(), parts.compute())


@pytest.mark.parametrize("name", list(ALL))
def test_a_state_goes_on_where_it_was_saved_and_is_a_copy(name):
    outputs, targets, weights = samples(name, 600, 0)
    half = seen(ALL[name](), outputs[:300], targets[:300], weights[:300])
    state = half.state_dict()
    kept = copy.deepcopy(state)
    # Through the text and arrays of a checkpoint.
    text, arrays = encode(state)
    json.loads(text)
    resumed = ALL[name]()
    resumed.load_state_dict(decode(text, arrays))
    for metric in (half, resumed):
        seen(metric, outputs[300:], targets[300:], weights[300:], [7, 40])
    assert same(state, kept)
    assert same(half.compute(), resumed.compute())
    assert same(half.compute(), seen(ALL[name](), outputs, targets, weights).compute())
    with pytest.raises(KeyError):
        resumed.load_state_dict({})
    assert same(half.state_dict(), resumed.state_dict())


@pytest.mark.parametrize("name", list(ALL))
def test_after_a_reset_it_is_as_new_and_copies_are_apart(name):
    data = samples(name, 50, 1)
    metric = seen(ALL[name](), *data)
    apart, figure = copy.deepcopy(metric), metric.compute()
    assert same(metric.compute(), figure)
    metric.reset()
    assert same(metric.state_dict(), ALL[name]().state_dict())
    assert same(seen(metric, *data).compute(), figure) and same(apart.compute(), figure)


@pytest.mark.parametrize("name", list(ALL))
def test_without_a_batch_it_is_not_a_number(name):
    if name in ("matrix", "shares"):
        with pytest.raises(ValueError, match="ConfusionMatrix: no batch has told how many classes"):
            ALL[name]().compute()
        assert ConfusionMatrix(3).compute().tolist() == [[0] * 3] * 3
        return
    metric = ALL[name]()
    assert np.isnan(metric.compute())
    outputs, targets, weights = samples(name, 0, 0)
    seen(metric, outputs, targets)
    seen(metric, outputs, targets, weights)
    assert np.isnan(metric.compute()).all()


@pytest.mark.parametrize("name", list(ALL))
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda o, t, w: (o, t[:-1], w), ValueError, r"of shape .*, got \(8"),
        (lambda o, t, w: (o[0, 0], t, w), ValueError, "got"),
        (lambda o, t, w: (o, t, w[:-1]), ValueError, r"weights of shape \(9,\), .*, got \(8,\)"),
        (lambda o, t, w: (o, t, -w), ValueError, "weights >= 0, got -.* in row 0"),
        (lambda o, t, w: (o, t, w * np.nan), ValueError, "weights >= 0, got nan in row 0"),
        (lambda o, t, w: (o, t, w + np.inf), ValueError, "finite weights >= 0, got inf in row 0"),
        (lambda o, t, w: (o, t, w.astype("c8")), TypeError, "weights to be real numbers, got"),
        (lambda o, t, w: (o, t.astype("U1"), w), TypeError, "got <U1"),
        (lambda o, t, w: (o.astype("c8"), t, w), (TypeError, ValueError), "got .*complex64"),
    ],
)
def test_a_call_that_fails_changes_nothing(name, change, error, message):
    for first in (False, True):
        metric, data = ALL[name](), samples(name, 9, 3)
        if not first:
            seen(metric, *data)
        before = metric.state_dict()
        with pytest.raises(error, match=f"^{type(metric).__name__}: .*{message}"):
            metric.update(*change(*data))
        assert same(metric.state_dict(), before)


@pytest.mark.parametrize("name", list(ALL))
def test_what_it_is_given_stays_as_it_is_and_may_be_a_list(name):
    outputs, targets, weights = data = samples(name, 9, 3)
    before = copy.deepcopy(data)
    metric = seen(ALL[name](), *data)
    assert all(map(np.array_equal, data, before))
    listed = ALL[name]()
    listed.update(outputs.tolist(), targets.tolist(), weights[:, None].tolist())
    np.testing.assert_allclose(listed.compute(), metric.compute(), rtol=1e-12)


def test_names_are_short_and_ones_own():
    names = [ALL[name]().name for name in ALL]
    assert names == [
        "accuracy", "top2", "confusion_matrix", "confusion_matrix", "precision", "recall", "f1",
        "mae", "rmse", "r2",
    ]  # fmt: skip
    for kind in (Accuracy, TopK, ConfusionMatrix, Precision, Recall, F1, MeanAbsoluteError, R2):
        assert kind(name="mine").name == "mine"
    assert [n for n in package.__all__ if not hasattr(package, n)] == []


def test_a_metric_of_ones_own_says_what_it_lacks():
    class Bare(Metric):
        pass

    class Half(Metric):
        def reset(self):
            pass

    with pytest.raises(NotImplementedError, match="Bare: has no reset"):
        Bare("bare")
    for call in (lambda m: m.update([], []), lambda m: m.compute()):
        with pytest.raises(NotImplementedError, match="Half: has no"):
            call(Half("half"))


def test_a_metric_prints_the_arguments_that_are_not_its_defaults():
    assert repr(Accuracy()) == "Accuracy()" and repr(R2()) == "R2()"
    assert repr(Accuracy(threshold=0.0, name="hits")) == "Accuracy(threshold=0.0, name='hits')"
    assert repr(TopK(3)) == "TopK(k=3, name='top3')"
    assert repr(ConfusionMatrix(classes=4)) == "ConfusionMatrix(classes=4)"

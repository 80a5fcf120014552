import numpy as np
import pytest

from npnet import CrossEntropyLoss, MSELoss, SoftmaxCrossEntropy
from npnet.training.batches import batch_of, update, weighs_labels
from npnet.training.weights import SampleWeights

PLAIN, WEIGHED = SampleWeights(False, None, None), SampleWeights(True, None, None)


class Seen:
    """A metric that keeps what it is shown."""

    name = "seen"

    def __init__(self):
        self.given = None

    def update(self, outputs, targets, weights=None):
        self.given = outputs, targets, weights


@pytest.mark.parametrize("kind", [tuple, list])
def test_batches_count_their_rows_or_their_weights(kind):
    x, y, w = np.zeros((3, 2)), np.zeros(3), np.array([1.0, 2.0, 0.5])
    batch, weights, count = batch_of(kind((x, y)), PLAIN)
    assert type(batch) is tuple and batch[0] is x and weights is None and count == 3
    batch, weights, count = batch_of(kind((x, y, w)), WEIGHED)
    assert len(batch) == 3 and batch[2].tolist() == weights.tolist() == w.tolist()
    assert count == 3.5


def test_an_array_is_a_batch_of_one_operand():
    x = np.zeros((3, 2))
    batch, _, count = batch_of(x, PLAIN)
    assert batch[0] is x and len(batch) == 1 and count == 3


@pytest.mark.parametrize("wrong", [{"x": np.zeros(2)}, 3, "ab", None])
def test_what_is_no_batch_is_refused(wrong):
    kind = type(wrong).__name__
    with pytest.raises(TypeError, match=f"tuple of arrays.*got {kind}; give .* a collate_fn"):
        batch_of(wrong, PLAIN)


X, Y = np.zeros((4, 3)), np.array([0, 2, -100, 1])


@pytest.mark.parametrize(
    "loss, target, count",
    [
        (CrossEntropyLoss(), Y, 3),
        (CrossEntropyLoss(ignore_index=2), np.array([0, 2, 2, 1]), 2),
        (CrossEntropyLoss(weight=np.array([1.0, 5.0, 0.25])), Y, 6.25),
        (CrossEntropyLoss(reduction="sum"), Y, 4),
        (CrossEntropyLoss(), np.full((4, 3), 1 / 3), 4),
        (CrossEntropyLoss(), np.array([[0, -100], [1, 1], [1, 1], [1, 1]]), 3.5),
        (MSELoss(), Y, 4),
        (None, Y, 4),
    ],
)
def test_a_mean_loss_counts_the_labels_it_is_the_mean_of(loss, target, count):
    assert batch_of((X, target), PLAIN, loss)[2] == count


def test_losses_that_weigh_their_labels_are_known():
    assert not weighs_labels(CrossEntropyLoss()) and not weighs_labels(SoftmaxCrossEntropy())
    assert not weighs_labels(MSELoss()) and not weighs_labels(None)
    assert weighs_labels(CrossEntropyLoss(ignore_index=0))
    assert weighs_labels(CrossEntropyLoss(weight=np.ones(3)))


def test_metrics_see_outputs_target_and_weights():
    metric, outputs, y, w = Seen(), np.zeros(3), np.ones(3), np.arange(3)
    update([metric], (0.5, outputs), (None, y), None)
    assert metric.given == (outputs, y, None) or metric.given[0] is outputs
    assert metric.given[1] is y and metric.given[2] is None
    update([metric], (0.5, outputs, y), (None, None, y, w), w)
    assert metric.given[0][0] is outputs and metric.given[0][1] is y
    assert metric.given[1] is y and metric.given[2] is w

"""Labels beside outputs; what the metrics make of them is tested with the metrics."""

import numpy as np
import pytest

from npnet.training.metrics.labels import Labelled, check_range


class Plain(Labelled):
    def reset(self):
        pass


def test_labels_weights_and_classes_of_a_batch():
    scores = np.array([[[0.0, 1.0], [1.0, 0.0]], [[2.0, 0.0], [1.0, 3.0]]])
    found = Plain("plain", None, 1).labels(scores, [[0, 1], [0, 1]], [1.0, 2.0], None)
    assert found.predicted.tolist() == [1, 0] and found.true.tolist() == [0, 0]
    assert found.weights.tolist() == [1, 2] and found.classes == 2
    found = Plain("plain", 0.5, None).labels([0.5, 0.6], [0.5, 0.51], None, None)
    assert found.predicted.tolist() == found.true.tolist() == [False, True]
    found = Plain("plain", None, None).labels([7, 9], [9, 9], None, None)
    assert found.predicted.tolist() == [7, 9] and found.classes is None


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.bool_])
def test_a_range_is_checked_in_every_dtype(dtype):
    labels = np.array([0, 1, 1, 0], dtype)[::2]
    check_range("Who", labels, 2, "targets")
    check_range("Who", labels[:0], 2, "targets")
    with pytest.raises(ValueError, match="Who: expected outputs from 0 to 0, got 1 in row 1"):
        check_range("Who", np.array([0, 1], dtype), 1, "outputs")
    if dtype in (np.int8, np.int64):
        with pytest.raises(ValueError, match="got -1 in row 0, -128 in row 1; there are 200"):
            check_range("Who", np.array([-1, -128], dtype), 200, "targets")

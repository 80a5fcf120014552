import numpy as np
import pytest

import npnet.functional as F
from npnet import Graph, Parameter


@pytest.mark.torch
@pytest.mark.parametrize(
    "labels, options",
    [
        ([0, 2, 1], {}),
        ([0, 2], {"num_classes": 5}),
        ([[0, 1], [1, 0]], {}),
        (3, {}),
        (0, {"num_classes": 1}),
        ([[[1]]], {"num_classes": 2}),
        (np.zeros(0, np.int64), {"num_classes": 3}),
        (np.zeros((2, 0), np.int64), {"num_classes": 3}),
        ([], {}),
        ([], {"num_classes": -2}),
        ([3], {"num_classes": 3}),
        ([-1], {}),
        ([2, -1], {"num_classes": 3}),
        ([0], {"num_classes": 0}),
        ([0], {"num_classes": -2}),
        ([0.5], {}),
        ([True], {}),
        (np.zeros(0), {"num_classes": 3}),
    ],
)
def test_what_comes_out_and_what_is_refused_is_torchs(torch, labels, options):
    empty = isinstance(labels, list) and not labels
    array = np.asarray(labels, np.int64 if empty else None)
    try:
        expected = torch.nn.functional.one_hot(torch.tensor(array), **options).numpy()
    except RuntimeError:
        for given in (array, labels):
            with pytest.raises((ValueError, TypeError), match=r"^one_hot: "):
                F.one_hot(given, **options)
    else:
        for given in (array, labels):
            np.testing.assert_array_equal(F.one_hot(given, **options), expected, strict=True)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64, ">i4"])
def test_any_integers_will_do(dtype):
    assert F.one_hot(np.array([1, 0], dtype)).tolist() == [[0, 1], [1, 0]]
    assert F.one_hot(np.array([200], np.uint8)).shape == (1, 201)


def test_lists_without_labels_are_labels():
    assert F.one_hot([], 3).shape == (0, 3)


@pytest.mark.parametrize(
    "labels, classes, error, message",
    [
        ([0, 7, 1], 3, ValueError, "from 0 to num_classes - 1, got 7 with num_classes=3"),
        ([0, -7], -1, ValueError, "got -7 with num_classes=-1"),
        ([], -1, ValueError, "cannot tell the number of classes without labels; give it"),
        ([0.0], -1, TypeError, r"expected integer labels, got float64; use .astype\(np.int64\)"),
        ([True], -1, TypeError, "expected integer labels, got bool"),
        (["a"], -1, TypeError, "one_hot: expected labels of real numbers"),
        ([0], 2.0, TypeError, "integer"),
        (Graph().input("x"), 3, TypeError, "got Node; make it before the call"),
        (Parameter([1.0]), 3, TypeError, "got Parameter"),
    ],
)
def test_mistakes_are_named(labels, classes, error, message):
    with pytest.raises(error, match=message):
        F.one_hot(labels, classes)

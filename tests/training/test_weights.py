import numpy as np
import pytest

from npnet.training.weights import SampleWeights


def test_nobody_weighs_more_where_nothing_is_said():
    assert not SampleWeights(False, None, -100).needed
    assert all(SampleWeights(*given, None).needed for given in [(True, None), (False, [1, 2])])
    assert SampleWeights(False, {0: 2.0}, None).needed


def test_own_weights_and_those_of_classes_multiply():
    weights = SampleWeights(True, [1.0, 10.0, 100.0], -100)
    x, labels, own = np.zeros((4, 2)), np.array([2, 0, 1, -100]), np.array([1.0, 2.0, 3.0, 4.0])
    given, found = weights.split((x, labels, own))
    assert given[0] is x and given[1] is labels and len(given) == 2
    assert found.tolist() == [100.0, 2.0, 30.0, 0.0]
    assert own.tolist() == [1.0, 2.0, 3.0, 4.0]


def test_classes_that_a_mapping_does_not_name_weigh_1():
    given, found = SampleWeights(False, {1: 0.5, -3: 2}, None).split((np.array([1, 7, -3]),))
    assert len(given) == 1 and found.tolist() == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    "own, match",
    [
        ([1.0, 2.0], r"shape \(3,\).*got \(2,\)"),
        ([[1.0], [1.0], [1.0]], r"got \(3, 1\)"),
        ([1.0, -1.0, 1.0], "-1"),
        ([1.0, np.nan, 1.0], "nan"),
        ([1.0, np.inf, 1.0], "inf"),
        ([0.0, 0.0, 0.0], "not all 0"),
    ],
)
def test_weights_that_are_none_are_refused(own, match):
    with pytest.raises(ValueError, match=match):
        SampleWeights(True, None, None).split((np.zeros(3), np.zeros(3), np.array(own)))


@pytest.mark.parametrize("wrong", [[1.0, -1.0], {0: np.nan}, [[1.0]], {0: np.inf}])
def test_class_weights_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="class weights"):
        SampleWeights(False, wrong, None)


def test_a_label_without_a_weight_is_named():
    with pytest.raises(IndexError, match="label 2 in row 1 has no class weight; there are 2"):
        SampleWeights(False, [1.0, 2.0], None).split((np.array([0, 2]),))
    with pytest.raises(IndexError, match="label -1 in row 0"):
        SampleWeights(False, [1.0, 2.0], None).split((np.array([-1, 1]),))


@pytest.mark.parametrize("target", [np.zeros((3, 2), int), np.zeros(3)])
def test_class_weights_need_one_label_a_sample(target):
    with pytest.raises(ValueError, match=r"one label a sample.*give the loss its own"):
        SampleWeights(False, [1.0], None).split((target,))


def test_a_sample_of_several_labels_may_ignore_none():
    labels = np.array([[0, 1], [1, -100]])
    with pytest.raises(ValueError, match="label -100, which the loss ignores"):
        SampleWeights(True, None, -100).split((labels, np.ones(2)))
    assert SampleWeights(True, None, -100).split((labels[:1], np.ones(1)))[1].tolist() == [1.0]

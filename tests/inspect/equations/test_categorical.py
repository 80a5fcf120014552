"""What a student reads; that it is right is held in test_rules.py."""

import pytest

import npnet
from tests.support.written import written

Z = {"z": (5, 3), "target": (5,)}


def test_softmax_and_its_logarithm():
    assert written(npnet.Softmax(1), x=(5, 3)) == [
        "y = softmax(x)",
        "dx = y ⊙ (dy − sum(dy ⊙ y, axis 1))",
    ]
    assert written(npnet.LogSoftmax(0), x=(5, 3))[0] == "y = x − ln(sum(e^x, axis 0))"
    assert written(npnet.Softmax(0), x=(5, 3))[0] == "y = softmax(x, axis 0)"


def test_cross_entropy_is_probabilities_less_labels():
    assert written(npnet.CrossEntropyLoss(), [()], **Z) == [
        "y = mean(−ln(ŷ[target]))",
        "ŷ = softmax(z)",
        "∂y/∂z = (ŷ − one_hot(target))/5",
        "dz = dy·(ŷ − one_hot(target))/5",
    ]


def test_the_layer_of_two_outputs_adds_both_paths():
    lines = written(npnet.SoftmaxCrossEntropy(), [(), (5, 3)], **Z)
    assert lines == [
        "y = mean(−ln(o[target]))",
        "o = softmax(z)",
        "∂y/∂z = (o − one_hot(target))/5",
        "dz = dy·(o − one_hot(target))/5 + o ⊙ (do − sum(do ⊙ o, axis 1))",
    ]


@pytest.mark.parametrize("layer", [npnet.CrossEntropyLoss, npnet.NLLLoss])
def test_weights_of_classes_and_labels_to_ignore(layer):
    name = layer().operand_names[0]
    shapes = {name: (5, 3), "target": (5,)}
    weighed = written(layer(weight=[1.0, 2.0, 3.0]), [()], **shapes)
    assert weighed[0].endswith("/sum(weight[target])")
    ignoring = written(layer(ignore_index=1), [()], **shapes)
    assert ignoring[0].endswith("/sum([target ≠ 1])")


def test_smoothing_and_probabilities():
    lines = written(npnet.CrossEntropyLoss(label_smoothing=0.1), [()], **Z)
    assert lines[:3] == [
        "y = mean(−sum(τ ⊙ ln(ŷ), axis 1))",
        "ŷ = softmax(z)",
        "τ = 0.9·one_hot(target) + 0.1/3",
    ]
    soft = written(npnet.CrossEntropyLoss(), [()], z=(5, 3), target=(5, 3))
    assert soft[2] == "τ = target" and soft[-1] == "dtarget = −dy·ln(ŷ)/5"


def test_without_shapes_there_are_letters():
    lines = written(npnet.CrossEntropyLoss(label_smoothing=0.1), [()], z=None, target=None)
    assert lines[2].endswith("0.1/C") and lines[-1].endswith("/N")

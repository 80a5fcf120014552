import numpy as np
import pytest

import npnet
from npnet.layers.sizes import is_integer, size_number


def test_integers_are_pythons_and_numpys_and_no_bools():
    assert all(map(is_integer, (0, -3, np.int8(2), np.uint64(7))))
    assert not any(map(is_integer, (True, np.bool_(False), 2.0, "2", None, np.float32(1), [1])))


def test_a_size_is_an_integer_of_pythons():
    assert type(size_number(np.int64(3), "A", "n")) is int
    assert size_number(1, "A", "n", least=1) == 1
    for value, least in ((-1, 0), (0, 1), (2.0, 0), (True, 0), (None, 0), (np.bool_(True), 1)):
        with pytest.raises(ValueError, match=rf"^A: expected n to be an integer >= {least}, got "):
            size_number(value, "A", "n", least)


@pytest.mark.parametrize(
    "make, name",
    [
        (lambda: npnet.Linear(True, 2), "in_features"),
        (lambda: npnet.Linear(2, True), "out_features"),
        (lambda: npnet.Bilinear(True, 2, 2), "in1_features"),
        (lambda: npnet.Bilinear(2, True, 2), "in2_features"),
        (lambda: npnet.Bilinear(2, 2, True), "out_features"),
        (lambda: npnet.PReLU(True), "num_parameters"),
        (lambda: npnet.BatchNorm1d(True), "num_features"),
        (lambda: npnet.LayerNorm(True), "normalized_shape"),
        (lambda: npnet.RMSNorm((2, True)), "normalized_shape"),
        (lambda: npnet.Embedding(True, 2), "num_embeddings"),
        (lambda: npnet.Embedding(2, True), "embedding_dim"),
        (lambda: npnet.Embedding(3, 2, padding_idx=True), "Padding_idx"),
        (lambda: npnet.Softmax(dim=True), "dim"),
        (lambda: npnet.LogSoftmax(True), "dim"),
        (lambda: npnet.Mean(True), "axis"),
        (lambda: npnet.Sum((0, True)), "axis"),
        (lambda: npnet.Reshape(True, -1), "shape"),
        (lambda: npnet.Unflatten(0, (True, -1)), "unflattened_size"),
        (lambda: npnet.Flatten(True), "start_dim"),
        (lambda: npnet.Concatenate(True), "axis"),
    ],
)
def test_a_bool_is_no_size_and_no_axis(make, name):
    npnet.manual_seed(0)
    mark = npnet.random.default_generator().mark()
    with pytest.raises((TypeError, ValueError), match=rf"^[A-Z]\w+: .*{name} .*, got .*True"):
        make()
    assert npnet.random.default_generator().mark() == mark

import numpy as np
import pytest

import npnet
from npnet.inspect import record
from npnet.inspect.interpreter import Kernels
from npnet.inspect.local import local_derivatives
from npnet.kernel import Spec


def local(layer, *arrays, gradients=None, role=None):
    """Return the local derivatives by each operand of a layer alone."""
    given = np.ones(record(layer, *arrays).outputs[0].shape) if gradients is None else gradients
    event = record(layer, *arrays, gradients=given).backward[-1]
    return {part.operand.role: part.local for part in event.contributions}


def test_of_numbers_it_is_a_number():
    found = local(npnet.Multiply(), 3.0, 2.0)
    assert found["a"] == (2,) and found["b"] == (3,)


def test_of_an_elementwise_layer_it_is_one_an_element():
    (slope,) = local(npnet.Square(), np.array([[1.0, -2.0]]), gradients=[[5.0, 7.0]])["x"]
    assert slope.tolist() == [[2, -4]]


def test_of_operands_that_broadcast_it_has_the_outputs_shape():
    a, b = np.array([[1.0], [2.0]]), np.array([3.0, 4.0, 5.0])
    found = local(npnet.Multiply(), a, b)
    assert found["a"][0].tolist() == [[3, 4, 5], [3, 4, 5]]
    assert found["b"][0].tolist() == [[1, 1, 1], [2, 2, 2]]


def test_of_a_number_by_an_array_it_is_the_derivative_whatever_arrives():
    (slope,) = local(npnet.Regularization(0.5), np.array([1.0, -2.0]), gradients=3.0)["w"]
    assert slope.tolist() == [1, -2]


def test_of_a_matrix_product_there_is_none():
    found = local(npnet.Linear(2, 2), np.ones((1, 2)))
    assert found == {"x": (None,), "weight": (None,), "bias": (None,)}


def test_of_a_slope_that_many_numbers_share_there_is_none():
    found = local(npnet.PReLU(3), np.array([[1.0, -1.0, 2.0]], np.float32))
    assert found["weight"] == (None,) and found["x"][0].tolist() == [[1, 0.25, 1]]


def test_of_two_outputs_each_has_its_own():
    found = local(
        npnet.SoftmaxCrossEntropy(), np.zeros((1, 2)), np.array([0]), gradients=(1.0, None)
    )
    loss, p = found["z"]
    assert loss.tolist() == [[-0.5, 0.5]] and p is None


def test_of_what_is_drawn_it_is_what_was_drawn():
    layer = npnet.Dropout(0.5)
    recording = record(layer, np.ones(20), gradients=np.full(20, 3.0))
    (slope,) = recording.backward[-1].contributions[0].local
    np.testing.assert_array_equal(slope, recording.outputs[0].value)


@pytest.mark.parametrize("place", [0, 1])
def test_an_absent_gradient_means_no_local_derivative(place):
    specs = [Spec((), np.dtype(float)), Spec((1, 2), np.dtype(float))]
    kernels = Kernels(npnet.SoftmaxCrossEntropy(), [np.zeros((1, 2)), np.array([1])], specs)
    kernels.forward()
    received = [None, None]
    received[place] = np.ones(specs[place].shape)
    found = local_derivatives(kernels, received, 0)
    assert (found[0] is None) == (place == 1) and found[1] is None

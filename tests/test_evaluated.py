"""Backward after a call in evaluation, which keeps nothing: it differentiates what was computed."""

import numpy as np

from npnet import BatchNorm1d, Dropout, LeakyReLU, Linear, ReLU, Sequential

X = np.array([[-1.0, 2.0], [3.0, -4.0]], np.float32)
ONES = np.ones((2, 2), np.float32)


def test_an_attribute_that_was_set_since_is_for_later_calls():
    layer = LeakyReLU(0.125).eval()
    layer(X)
    layer.negative_slope = 5.0
    assert layer.backward(ONES).tolist() == [[0.125, 1], [1, 0.125]]
    layer(X)
    assert layer.backward(ONES).tolist() == [[5, 1], [1, 5]]


def test_a_part_that_was_replaced_since_is_for_later_calls():
    model = Sequential(Linear(2, 2), ReLU()).eval()
    first = model[0]
    model(X)
    model[0] = Linear(3, 2)
    dx = model.backward(ONES, input_grad=True)
    active = first(X) > 0
    np.testing.assert_allclose(dx, active @ first.weight.data, rtol=1e-6)
    np.testing.assert_allclose(first.weight.grad, active.T @ X, rtol=1e-6)
    assert model[0].weight.grad is None


def test_the_mode_of_what_ran_is_that_of_the_call():
    model = Sequential(BatchNorm1d(2), Dropout(0.5)).eval()
    y = model(X)
    model.train()
    np.testing.assert_array_equal(y, (X / np.sqrt(np.float32(1 + 1e-5))))
    dx = model.backward(ONES, input_grad=True)
    np.testing.assert_allclose(dx, ONES / np.sqrt(1 + 1e-5), rtol=1e-6)
    assert model[0].num_batches_tracked == 0


def test_no_mode_is_switched_meanwhile():
    assigned = []

    class Watched(Dropout):
        def __setattr__(self, name, value):
            assigned.append(name)
            super().__setattr__(name, value)

    model = Sequential(Linear(2, 2), Watched(0.5)).eval()
    model(X)
    assigned.clear()
    model.backward(ONES)
    assert assigned == []

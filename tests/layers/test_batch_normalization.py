from functools import partial

import numpy as np
import pytest

import npnet
from npnet import BatchNorm1d, CrossEntropyLoss, Linear, Sequential
from npnet.data import DataLoader
from tests.support.effects import lasting
from tests.support.twins import assert_same_state, assert_step_alike, twins

DTYPES = (np.float32, np.float64)


def draw(*shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).normal(0.5, 2.0, shape).astype(dtype)


def buffers(norm):
    return [buffer.tolist() for buffer in norm.buffers()]


def test_values_worked_out_by_hand():
    norm = BatchNorm1d(2, eps=3.0, momentum=0.5, dtype=np.float64)
    norm.weight.data, norm.bias.data = [2.0, 10.0], [0.0, 1.0]
    # Channel 0: mean 3, variance 1, root of 1 + 3 is 2; channel 1: mean 5, variance 6.
    x = np.array([[2.0, 5.0], [4.0, 2.0], [2.0, 8.0], [4.0, 5.0]])
    y = norm(x)
    assert y[:, 0].tolist() == [-1, 1, -1, 1]
    np.testing.assert_allclose(y[:, 1], 1 + 10 * np.array([0, -3, 3, 0]) / np.sqrt(4.5 + 3))
    assert norm.running_mean.tolist() == [1.5, 2.5]
    np.testing.assert_allclose(norm.running_var, [0.5 + 0.5 * 4 / 3, 0.5 + 0.5 * 6])
    assert buffers(norm)[2] == 1
    norm.backward(np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [5.0, 0.0]]))
    assert norm.bias.grad.tolist() == [8.0, 0.0]
    assert norm.weight.grad.tolist() == [(-1 + 1 - 1 + 5) / 2, 0.0]


def test_evaluation_takes_the_running_statistics_and_leaves_them():
    norm = BatchNorm1d(1, eps=1.0).eval()
    norm.running_mean[...], norm.running_var[...] = 4.0, 3.0
    before = buffers(norm)
    x = np.array([[4.0], [8.0]], np.float32)
    assert norm(x).tolist() == [[0.0], [2.0]]
    assert norm.backward(np.array([[1.0], [3.0]])).tolist() == [[0.5], [1.5]]
    assert norm.weight.grad.tolist() == [6.0] and norm.bias.grad.tolist() == [4.0]
    assert buffers(norm) == before
    assert norm(x[:1]).tolist() == [[0.0]]


def test_three_axes_are_their_channels_in_rows():
    x = draw(5, 3, 4)
    norm, flat = (BatchNorm1d(3, dtype=np.float64) for _ in range(2))
    rows = np.moveaxis(x, 1, 2).reshape(20, 3)
    y = flat(rows)
    np.testing.assert_allclose(norm(x), np.moveaxis(y.reshape(5, 4, 3), 2, 1), rtol=1e-12)
    dx = flat.backward(rows)
    np.testing.assert_allclose(
        norm.backward(x), np.moveaxis(dx.reshape(5, 4, 3), 2, 1), rtol=1e-9, atol=1e-12
    )
    for ours, theirs in zip(norm.parameters(), flat.parameters(), strict=True):
        np.testing.assert_allclose(ours.grad, theirs.grad, rtol=1e-12)


def test_without_momentum_every_batch_counts_the_same():
    norm = BatchNorm1d(2, momentum=None, dtype=np.float64)
    batches = [draw(4, 2, seed=i) for i in range(5)]
    for batch in batches:
        norm(batch)
    np.testing.assert_allclose(norm.running_mean, np.mean([b.mean(0) for b in batches], axis=0))
    np.testing.assert_allclose(
        norm.running_var, np.mean([b.var(0, ddof=1) for b in batches], axis=0)
    )
    assert norm.num_batches_tracked == 5
    norm.reset_running_stats()
    assert buffers(norm) == [[0, 0], [1, 1], 0]


@pytest.mark.parametrize("options", [{}, {"bias": False}, {"affine": False}])
def test_reset_parameters_starts_anew(options):
    norm, new = BatchNorm1d(2, **options), BatchNorm1d(2, **options)
    norm(draw(4, 2))
    for parameter in norm.parameters():
        parameter.data = [7.0, 8.0]
    norm.reset_parameters()
    assert lasting(norm) == lasting(new)
    BatchNorm1d(2, track_running_stats=False).reset_parameters()


def test_without_tracking_evaluation_takes_the_batch_too():
    norm, x = BatchNorm1d(2, track_running_stats=False), draw(4, 2)
    y = norm(x)
    np.testing.assert_array_equal(norm.eval()(x), y)
    assert list(norm.state_dict()) == ["weight", "bias"]
    with pytest.raises(ValueError, match="more than 1 value"):
        norm(x[:1])


def test_a_last_batch_of_one_is_left_out_as_the_message_says():
    norm, loader = BatchNorm1d(2), partial(DataLoader, draw(4, 2), batch_size=3)
    with pytest.raises(ValueError, match="with drop_last=True of the DataLoader"):
        [norm(batch) for batch in loader()]
    assert [norm(batch).shape for batch in loader(drop_last=True)] == [(3, 2)]


def test_equal_numbers_become_zero():
    for number in (0.1, 1e4 + 0.1, 1e6):
        x = np.full((1000, 2), number, np.float32)
        assert (BatchNorm1d(2)(x) == 0).all()
        assert (BatchNorm1d(2)(x.reshape(10, 2, 100)) == 0).all()


def test_an_empty_batch_is_counted_and_leaves_the_statistics():
    for shape in ((0, 2), (3, 2, 0)):
        norm = BatchNorm1d(2)
        assert norm(np.ones(shape)).shape == shape
        norm.backward(np.ones(shape))
        assert buffers(norm) == [[0, 0], [1, 1], 1]
        assert norm.weight.grad.tolist() == norm.bias.grad.tolist() == [0, 0]


def test_a_step_that_fails_leaves_the_buffers():
    class Objective(npnet.Module):
        def __init__(self):
            super().__init__()
            self.norm = BatchNorm1d(3)
            self.model, self.loss = (
                Sequential(self.norm, Linear(3, 3), self.norm),
                CrossEntropyLoss(),
            )

        def forward(self, x, y):
            return self.loss(self.model(x), y)

    objective, x = Objective(), draw(4, 3, dtype=np.float32)
    objective(x, np.array([0, 1, 2, 0]))
    before = buffers(objective)
    with pytest.raises(IndexError, match="Target 7"):
        objective(x, np.array([0, 1, 2, 7]))
    assert buffers(objective) == before
    objective(x, np.array([0, 1, 2, 0]))
    assert buffers(objective) != before and objective.norm.num_batches_tracked == 4


def test_backward_after_a_change_of_mode_is_that_of_the_forward():
    x, g = draw(6, 2), draw(6, 2, seed=1)
    norm, other = (BatchNorm1d(2, dtype=np.float64) for _ in range(2))
    norm(x)
    other(x)
    np.testing.assert_array_equal(norm.eval().backward(g), other.backward(g))
    assert (norm(x) != other(x)).any()
    dx = norm.train().backward(g)
    np.testing.assert_allclose(dx, g / np.sqrt(norm.running_var + 1e-5))


def test_buffers_that_were_replaced_or_loaded_are_read():
    norm, x = BatchNorm1d(1, eps=1.0).eval(), np.array([[2.0]], np.float32)
    assert norm(x).item() == pytest.approx(2 / np.sqrt(2))
    norm.running_mean = np.array([2.0])
    assert norm(x).item() == 0
    norm.load_state_dict({**norm.state_dict(), "running_mean": np.array([1.0])})
    assert norm(x).item() == pytest.approx(1 / np.sqrt(2))


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: BatchNorm1d(-1), ValueError, "num_features to be an integer >= 0, got -1"),
        (lambda: BatchNorm1d(2.0), ValueError, "num_features to be an integer >= 0, got 2.0"),
        (lambda: BatchNorm1d(2, eps="a"), TypeError, "expected eps to be a real number"),
        (lambda: BatchNorm1d(2, momentum=1j), TypeError, "expected momentum to be a real number"),
        (lambda: BatchNorm1d(2, dtype=np.float16), TypeError, "float32 or float64, got float16"),
        (lambda: BatchNorm1d(2)(np.ones(2)), ValueError, r"\(N, 2\) or \(N, 2, L\), got \(2,\)"),
        (lambda: BatchNorm1d(2)(np.ones((3, 3))), ValueError, r"got \(3, 3\); num_features is 2"),
        (lambda: BatchNorm1d(2)(np.ones((1, 2))), ValueError, "more than 1 value per channel"),
        (lambda: BatchNorm1d(2)(np.ones((1, 2, 1))), ValueError, r"got input size \(1, 2, 1\)"),
        (lambda: BatchNorm1d(2, eps=0)(np.ones((3, 2))), ValueError, "eps to be positive, got 0"),
        (lambda: BatchNorm1d(2, eps=-1).eval()(np.ones((3, 2))), ValueError, "positive, got -1"),
    ],
)
def test_mistakes_are_named(call, error, message):
    with pytest.raises(error, match=f"BatchNorm1d: .*{message}"):
        call()


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"eps": 0.1, "momentum": None},
        {"affine": False},
        {"bias": False, "momentum": 0.7},
        {"track_running_stats": False},
        {"affine": False, "track_running_stats": False},
    ],
)
def test_a_few_steps_in_both_modes_are_torchs(options, dtype):
    ours, theirs = twins("BatchNorm1d", 3, dtype=dtype, **options)
    assert_same_state(ours, theirs)
    for shape in ((6, 3), (4, 3, 5), (2, 3, 1), (300, 3)):
        for training in (True, True, False):
            ours.train(training)
            theirs.train(training)
            assert_step_alike(ours, theirs, draw(*shape, dtype=dtype), ulps=64)

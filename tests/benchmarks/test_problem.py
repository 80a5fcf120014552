"""Problems: the same for all sides, and of the shapes they say."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.problem import initial_weights, random_problem, softmax


def test_weights_have_torchs_shapes_and_bounds():
    layers = initial_weights((16, 32, 4), seed=0)
    assert [(w.shape, b.shape) for w, b in layers] == [((32, 16), (32,)), ((4, 32), (4,))]
    for (weight, bias), bound in zip(layers, (16**-0.5, 32**-0.5), strict=True):
        assert weight.dtype == bias.dtype == np.float32
        assert 0.9 * bound < np.abs(weight).max() <= bound
        assert np.abs(bias).max() <= bound


def test_a_seed_gives_the_same_problem_again():
    one, same, other = (random_problem(4, (3, 5, 2), seed=seed) for seed in (1, 1, 2))
    for (x, y), (x_same, y_same), (x_other, _) in zip(
        one.batches, same.batches, other.batches, strict=True
    ):
        assert np.array_equal(x, x_same)
        assert np.array_equal(y, y_same)
        assert not np.array_equal(x, x_other)
    assert np.array_equal(one.weights[1][0], same.weights[1][0])


def test_batches_differ_and_labels_are_classes():
    problem = random_problem(64, (3, 5, 2))
    assert len(problem.batches) == 8
    assert len({x.tobytes() for x, _ in problem.batches}) == 8
    assert {int(label) for _, y in problem.batches for label in y} == {0, 1}
    assert (problem.network, problem.batch) == ("3-5-2", 64)


def test_float64_problems_have_the_same_numbers_at_full_length():
    single, double = (random_problem(4, (3, 5, 2), dtype=d) for d in (np.float32, np.float64))
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    for (weight, bias), (weight64, bias64) in zip(single.weights, double.weights, strict=True):
        assert np.array_equal(weight, weight64.astype(np.float32))
        assert np.array_equal(bias, bias64.astype(np.float32))
    assert np.array_equal(single.batches[0][0], double.batches[0][0])
    assert double.batches[0][0].dtype == np.float64


def test_a_gain_widens_the_bounds():
    ((weight, bias),), ((wide, wide_bias),) = (
        initial_weights((4, 3), 0, gain=gain) for gain in (1.0, 2.0)
    )
    assert np.array_equal(wide, 2 * weight)
    assert np.array_equal(wide_bias, 2 * bias)


def test_a_data_set_is_cut_into_slices_in_order():
    problem = replace(random_problem(10, (3, 5, 2), batches=1), rows=4)
    ((x, y),) = problem.batches
    parts = problem.cut()
    assert [len(part) for part, _ in parts] == [4, 4, 2]
    assert np.array_equal(np.concatenate([part for part, _ in parts]), x)
    assert np.array_equal(np.concatenate([part for _, part in parts]), y)
    assert problem.batch == 4


def test_what_is_no_data_set_is_not_cut():
    problem = random_problem(4, (3, 5, 2))
    assert problem.cut() is problem.batches


@pytest.mark.parametrize(
    ("sizes", "penalty", "name"),
    [
        ((784, 128, 10), 0.0, "784-128-10"),
        ((64, 64, 10), 0.1, "64-64-10 L2"),
        ((5, *(64,) * 8, 10), 0.0, "5-64^8-10"),
    ],
)
def test_a_network_is_called_by_its_sizes(sizes, penalty, name):
    assert random_problem(1, sizes, penalty=penalty).network == name


def test_softmax_by_hand_and_at_extremes():
    found = softmax(np.array([[0.0, np.log(3.0)], [1e4, -1e4]], np.float32))
    assert found == pytest.approx(np.array([[0.25, 0.75], [1.0, 0.0]]))

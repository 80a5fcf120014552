"""Problems: the same for all sides, and of the shapes they say."""

import numpy as np

from benchmarks.problem import initial_weights, random_problem


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

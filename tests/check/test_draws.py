import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet.check import draws
from npnet.check.draws import Draw, Given, labels

RANDOM = np.random.default_rng


@pytest.mark.parametrize(
    "sample, low, high",
    [
        (draws.away, -2, 2),
        (draws.spread, -2, 2),
        (draws.positive, 0.2, 2),
        (draws.fractions, 0.1, 0.9),
        (draws.large, -40, 40),
    ],
)
def test_numbers_lie_where_they_are_said_to(sample, low, high):
    drawn = sample(RANDOM(0), (500,))
    assert low <= drawn.min() < drawn.max() <= high
    assert sample(RANDOM(0), ()).shape == ()


def test_spread_numbers_are_of_either_sign_and_away_from_every_half():
    drawn = draws.spread(RANDOM(0), (2000,))
    assert np.abs(2 * drawn - np.round(2 * drawn)).min() > 0.09
    assert 0.4 < np.mean(drawn > 0) < 0.6 and len(np.unique(drawn)) == drawn.size


def test_distributions_add_up_to_1():
    drawn = draws.distributions(RANDOM(0), (4, 3, 2))
    np.testing.assert_allclose(drawn.sum(axis=1), 1.0)
    assert (drawn > 0).all()


def test_a_draw_has_as_many_rows_as_asked():
    draw = Draw(("B", 3))
    assert draw.batched and draw(RANDOM(0), 7).shape == (7, 3)
    assert not Draw((2, 3)).batched and Draw((2, 3))(RANDOM(0), 7).shape == (2, 3)


def test_labels_are_integers_of_all_classes():
    drawn = labels(3)(RANDOM(0), 200)
    assert drawn.dtype == np.int64 and set(drawn) == {0, 1, 2}
    assert labels(3, ("B", 2), dtype=np.uint8)(RANDOM(0), 4).dtype == np.uint8
    assert labels(1, ())(RANDOM(0), 4).shape == ()


def test_there_are_no_labels_without_a_class():
    with pytest.raises(ValueError, match="labels: expected 1 class or more, got 0"):
        labels(0)


def test_given_numbers_are_as_they_are_for_seed_0_and_other_rows_for_others():
    array = np.arange(6.0).reshape(3, 2)
    operand = Given(array, True)
    assert operand.shape == ("B", 2) and Given(array).shape == (3, 2)
    np.testing.assert_array_equal(operand(RANDOM(0), 3, 0), array)
    assert not np.array_equal(operand(RANDOM(0), 3, 4), array)
    operand(RANDOM(0), 3, 0)[...] = -1
    assert array[0, 0] == 0


@given(st.integers(1, 6), st.integers(0, 9), st.integers(0, 8))
def test_given_rows_stay_rows_whatever_their_number(rows, count, seed):
    array = np.arange(2.0 * rows).reshape(rows, 2)
    found = Given(array, True)(RANDOM(0), count, seed)
    assert found.shape == (count, 2)
    assert {tuple(sorted(row)) for row in found} <= {tuple(row) for row in array}
    if seed and rows > 1 and count == rows:
        assert not np.array_equal(found, array)


def test_a_given_number_and_no_rows_are_copied():
    for array in (np.array(2.0), np.ones((0, 3))):
        found = Given(array)(RANDOM(0), 5, 4)
        np.testing.assert_array_equal(found, array)
        assert found is not array

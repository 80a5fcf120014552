import numpy as np
import pytest

from npnet import Multiply, Tanh
from npnet.check.module_subject import ModuleSubject
from npnet.check.subject import hint, same_outputs
from tests.support import broken

X = np.random.default_rng(0).normal(size=(4, 3))


def test_draws_no_small_numbers_and_no_two_the_same():
    subject = ModuleSubject(Tanh(), [X], None, np.random.default_rng(0))
    drawn = subject.draw((100,))
    assert np.abs(drawn).min() >= 0.5 and len(np.unique(np.abs(drawn))) == 100
    assert (drawn > 0).any() and (drawn < 0).any()


def test_both_sides_puts_the_operand_back_whatever_happens():
    subject = ModuleSubject(broken.Fragile(), [X], None, np.random.default_rng(0))
    before = subject.operands[0].array.copy()
    with pytest.raises(ArithmeticError):
        subject.both_sides(0, np.full((4, 3), 100.0), np.zeros((4, 3)))
    np.testing.assert_array_equal(subject.operands[0].array, before)
    low, high, way = subject.both_sides(0, np.full((4, 3), 0.5), np.zeros((4, 3)))
    np.testing.assert_allclose(high[0] - low[0], np.sin(X + 0.5) - np.sin(X), atol=1e-15)
    np.testing.assert_allclose(way, 0.5, rtol=1e-15)


def test_the_way_between_is_as_it_was_rounded():
    subject = ModuleSubject(Tanh(), [np.array([1e10])], None, np.random.default_rng(0))
    step = np.array([1e-6])
    assert subject.both_sides(0, step, step)[2].tolist() == [(1e10 + 1e-6) - (1e10 - 1e-6)]


def test_other_numbers_in_an_operand_are_there_for_a_while():
    subject = ModuleSubject(Tanh(), [X], None, np.random.default_rng(0))
    (there,) = subject.outputs_at(0, np.zeros((4, 3)))
    assert not there.any()
    np.testing.assert_array_equal(subject.operands[0].array, X)
    seeds = [np.ones((4, 3))]
    np.testing.assert_allclose(subject.gradient_at(0, np.zeros((4, 3)), seeds), 1.0)
    np.testing.assert_allclose(subject.gradients(seeds)[0], 1 - np.tanh(X) ** 2)


def test_draws_an_output_gradient_for_each_floating_output_or_takes_the_one_given():
    drawn = ModuleSubject(Tanh(), [X], None, np.random.default_rng(0)).draw_seeds()
    assert [seed.shape for seed in drawn] == [(4, 3)]
    given = ModuleSubject(Tanh(), [X], X, np.random.default_rng(0)).draw_seeds()
    np.testing.assert_array_equal(given[0], X)


def test_integers_are_no_operands_and_stay_integers():
    subject = ModuleSubject(Multiply(), [np.array([1, 2]), X[0, :2]], None, None)
    assert [o.name for o in subject.operands] == ["b"]


@pytest.mark.parametrize(
    "error, words",
    [
        (ValueError("could not broadcast"), "summed over the batch, or transposed"),
        (TypeError("unsupported: 'NoneType'"), "backward_reads"),
        (ValueError("no way"), ""),
    ],
)
def test_hints_at_what_an_error_usually_means(error, words):
    assert words in hint(error) and bool(hint(error)) == bool(words)


def test_outputs_are_the_same_with_nan_at_the_same_places():
    nan = np.array([1.0, np.nan])
    assert same_outputs([nan], [nan.copy()])
    assert not same_outputs([nan], [np.array([1.0, 2.0])])
    assert same_outputs([np.array([1, 2])], [np.array([1, 2])])

import numpy as np
import pytest

from npnet import SoftmaxCrossEntropy, Tanh
from npnet.check.causes.evidence import Evidence, alike, multiple, ratio
from npnet.check.function import Function
from npnet.check.function_subject import FunctionSubject
from npnet.check.module_subject import ModuleSubject

X = np.random.default_rng(0).normal(size=(3, 4))
LABELS = np.array([0, 2, 1])


def evidence(module, *inputs, seeds=None):
    subject = ModuleSubject(module, inputs, None, np.random.default_rng(0))
    seeds = subject.draw_seeds() if seeds is None else seeds
    return Evidence(subject, 0, subject.gradients(seeds)[0], np.zeros(inputs[0].shape), seeds)


def test_knows_the_one_output_and_its_gradient_and_of_several_the_one_asked():
    e = evidence(Tanh(), X)
    assert e.seed is e.seeds[0] and e.output is e.subject.first[0]
    both = evidence(SoftmaxCrossEntropy(), X, LABELS)
    assert both.seed is None and both.output is None
    one = evidence(SoftmaxCrossEntropy(), X, LABELS, seeds=[None, np.ones((3, 4))])
    assert one.output is one.subject.first[1]


def test_yields_all_arrays_that_forward_sees_with_names():
    e = evidence(SoftmaxCrossEntropy(), X, LABELS)
    assert [name for name, _ in e.arrays()] == ["z", "y0", "y1"]
    assert [name for name, _ in e.labels()] == ["target"]
    assert [name for name, _ in e.of_shape()] == ["z", "y1"]


def test_yields_operands_that_have_no_gradient_too():
    function = Function(lambda x, t: (np.sum(x * t), lambda dy: dy * t))
    subject = FunctionSubject(function, [X, X + 1], None, np.random.default_rng(0))
    subject.misbehaviour()
    e = Evidence(subject, 0, X, X, [np.array(1.0)])
    assert [operand.name for operand in subject.operands] == ["x"]
    assert [name for name, _ in e.arrays()] == ["x", "t", "y"]


def test_slopes_are_the_right_gradients_of_several_sets_of_seeds():
    e = evidence(Tanh(), X)
    once, twice = e.slopes([[np.ones((3, 4))], [2 * np.ones((3, 4))]])
    np.testing.assert_allclose(once, 1 - np.tanh(X) ** 2, rtol=1e-8)
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-8)


def test_is_complete_where_every_element_was_looked_at():
    e = evidence(Tanh(), X)
    assert e.complete
    assert not Evidence(e.subject, 0, X, np.full((3, 4), np.nan), e.seeds).complete


@pytest.mark.parametrize(
    "a, b, same",
    [
        ([1.0, 2.0], [1.0, 2.0 + 1e-7], True),
        ([1.0, 2.0], [1.0, 2.1], False),
        ([1.0, 2.0], [[1.0, 2.0]], False),
        ([1.0, np.nan], [1.0, np.nan], False),
        ([], [], False),
    ],
)
def test_alike_is_what_differences_cannot_tell_apart(a, b, same):
    assert alike(np.array(a), np.array(b)) is same


def test_a_multiple_needs_three_numbers_not_to_be_chance():
    a = np.array([1.0, 2.0, 3.0])
    assert multiple(2.5 * a, a) == pytest.approx(2.5)
    assert multiple(a[:2], a[:2]) == 0.0
    assert multiple(a, a[::-1]) == 0.0 and multiple(a, 0 * a) == 0.0


def test_a_ratio_is_nan_where_both_are_small_and_none_where_one_is():
    found = ratio(np.array([2.0, 0.0, 3.0]), np.array([1.0, 0.0, 2.0]))
    np.testing.assert_array_equal(found, [2.0, np.nan, 1.5])
    assert ratio(np.array([2.0, 0.0]), np.array([1.0, 1.0])) is None
    assert ratio(np.zeros(3), np.zeros(3)) is None

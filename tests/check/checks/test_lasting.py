import numpy as np
import pytest

import npnet
from npnet import BatchNorm1d, Dropout, Linear, Tanh
from npnet.check import GradientError
from npnet.check.case import Case
from npnet.check.checks.lasting import Fails, check_effects, check_modes, check_state, lasting
from npnet.check.comparing import Disagreement
from npnet.check.draws import Draw
from npnet.random import default_generator
from tests.support import broken

X = np.ones((5, 3), np.float32)
ROWS = (Draw((5, 3)),)


def case(make, **options):
    return Case("case", make, ROWS, **options)


def test_states_copies_and_pickles_carry_a_layer_over():
    check_state(case(lambda: Linear(3, 2)))
    with pytest.raises(Disagreement, match="state_dict"):
        check_state(case(broken.HiddenState))


def test_another_is_made_as_the_first_was_and_the_stream_stays():
    first = Linear(3, 2)
    before = default_generator().mark()
    check_state(case(lambda: first, anew=lambda: Linear(3, 2)))
    assert default_generator().mark() == before
    with pytest.raises(RuntimeError, match="size mismatch"):
        check_state(case(lambda: first, anew=lambda: Linear(3, 4)))


def test_modes_are_the_same_or_each_right():
    check_modes(case(Tanh))
    check_modes(case(lambda: BatchNorm1d(3), modes_differ=True))
    with pytest.raises(Disagreement, match="the other mode"):
        check_modes(case(broken.OtherInEvaluation))
    with pytest.raises(GradientError):
        check_modes(case(broken.OtherInEvaluation, modes_differ=True))
    with pytest.raises(Disagreement, match="both modes give the same"):
        check_modes(case(Tanh, modes_differ=True))


def test_effects_are_those_it_says_and_can_be_taken_back():
    check_effects(case(Tanh))
    check_effects(case(lambda: BatchNorm1d(3)))
    check_effects(case(lambda: npnet.Sequential(Linear(3, 3), Dropout(0.5))))
    for make, words in (
        (broken.CountsInSilence, "has changed what outlasts it"),
        (broken.PutsBackTooLittle, "has changed what outlasts it"),
    ):
        with pytest.raises(Disagreement, match=words):
            check_effects(case(make))


def test_a_step_that_fails_fails():
    with pytest.raises(ArithmeticError, match="on purpose"):
        Fails()(X)


def test_lasting_are_parameters_buffers_and_streams():
    layer = BatchNorm1d(3)
    before = lasting(layer)
    assert lasting(layer) == before
    layer(X)
    assert lasting(layer) != before
    stream = lasting(Tanh())
    npnet.rand(1)
    assert lasting(Tanh()) != stream

import numpy as np
import pytest

import npnet
from npnet.check.draws import Draw, Given, fractions, labels, positive, spread
from npnet.check.feeding import case_for, described
from npnet.check.function import Function
from npnet.check.module_subject import as_dtype


def case_of(layer, *operands, integers=()):
    return case_for("Layer", lambda: as_dtype(layer, np.float64), operands, integers, "who", False)


@pytest.mark.parametrize(
    "layer, shapes, sample",
    [
        (npnet.Tanh(), [(4, 3)], spread),
        (npnet.Log(), [(4, 3)], positive),
        (npnet.Sqrt(), [(5,)], positive),
        (npnet.Power(), [(3,), (3,)], positive),
        (npnet.BCELoss(), [(4, 3), (4, 3)], fractions),
    ],
)
def test_numbers_come_from_the_layers_domain(layer, shapes, sample):
    case = case_of(layer, *shapes)
    assert {operand.sample for operand in case.operands} == {sample}


def test_no_draw_of_a_small_shape_leaves_the_domain():
    for rows in range(1, 8):
        case = case_of(npnet.Log(), (rows,))
        for seed in (0, 2, 4, 7):
            assert (case.arrays(seed=seed)[0] > 0).all()


def test_an_error_that_no_domain_mends_is_passed_on():
    with pytest.raises(ValueError, match="Linear: expected x of shape"):
        case_of(npnet.Linear(3, 2), (4, 5))
    with pytest.raises(TypeError, match="expected 1 operand"):
        case_of(npnet.Tanh(), (4,), (4,))


def test_refuses_what_is_finite_nowhere():
    function = Function(lambda x: (x * np.nan, lambda dy: dy))
    with pytest.raises(ValueError, match=r"who: f: expected finite outputs, and drew .* in vain"):
        case_for("f", lambda: function, [(3,)], (), "who", True)


@pytest.mark.parametrize("wrong", [(2.5,), (-1, 3), ("N", 3), "x", object()])
def test_refuses_what_is_neither_a_shape_nor_numbers(wrong):
    with pytest.raises(TypeError, match="who: expected"):
        case_of(npnet.Tanh(), wrong)


def test_arrays_lists_and_numbers_are_fed_as_they_are():
    x = np.array([[0.5, 3.0]])
    case = case_of(npnet.Multiply(), x, [[2.0, 1.0]])
    assert all(isinstance(operand, Given) for operand in case.operands)
    first, second = case.arrays()
    np.testing.assert_array_equal(first, x)
    assert second.tolist() == [[2.0, 1.0]]
    assert case_of(npnet.Scale(2.0), 3.0).arrays()[0] == 3.0


@pytest.mark.parametrize(
    "layer, operands, batched",
    [
        (npnet.Tanh(), [(4, 3)], (True,)),
        (npnet.Linear(3, 2), [(4, 3)], (True,)),
        (npnet.Linear(3, 2), [(3,)], (False,)),
        (npnet.Add(), [(4, 3), (4, 3)], (True, True)),
        (npnet.Add(), [(4, 3), (3,)], (True, False)),
        (npnet.MatMul(), [(4, 3), (3, 4)], (True, False)),
        (npnet.MatMul(), [(3, 3), (3, 3)], (True, False)),
        (npnet.BatchNorm1d(3), [(4, 3)], (False,)),
        (npnet.BatchNorm1d(3).eval(), [(4, 3)], (True,)),
        (npnet.Softmax(0), [(4, 3)], (False,)),
        (npnet.MSELoss(), [(4, 3), (4, 3)], (False, False)),
        (npnet.MSELoss("none"), [(4, 3), (4, 3)], (True, True)),
        (npnet.Dropout(0.5), [(4, 3)], (False,)),
        (npnet.Tanh(), [()], (False,)),
        (npnet.Tanh(), [(0, 3)], (False,)),
    ],
)
def test_rows_are_found_where_each_is_on_its_own(layer, operands, batched):
    case = case_of(layer, *operands)
    assert tuple(operand.batched for operand in case.operands) == batched
    assert case.rows_interact != any(batched)


def test_B_stands_for_some_number_of_rows():
    case = case_of(npnet.Linear(3, 2), ("B", 3))
    assert case.batch == 5 and case.operands[0].batched
    fixed = case_of(npnet.BatchNorm1d(3), ("B", 3))
    assert fixed.operands[0].shape == (5, 3)
    assert case_of(npnet.CrossEntropyLoss(), (7, 3), labels(3)).batch == 7


@pytest.mark.parametrize(
    "layer, shapes, classes",
    [
        (npnet.CrossEntropyLoss(), [(6, 4), (6,)], 4),
        (npnet.CrossEntropyLoss(), [(4,), ()], 4),
        (npnet.NLLLoss(), [(2, 3, 5), (2, 5)], 3),
    ],
)
def test_shapes_of_labels_draw_labels(layer, shapes, classes):
    case = case_of(layer, *shapes, integers=(False, True))
    target = case.arrays()[1]
    assert target.dtype == np.int64 and 0 <= target.min() <= target.max() < classes


def test_a_shape_like_that_of_the_logits_draws_probabilities():
    case = case_of(npnet.CrossEntropyLoss(), (6, 4), (6, 4), integers=(False, True))
    assert case.arrays()[1].dtype == np.float64


def test_indices_are_drawn_for_a_layer_that_looks_up():
    case = case_of(npnet.Embedding(5, 2), (3, 2), integers=(True,))
    assert case.arrays()[0].dtype == np.int64 and case.arrays()[0].max() < 5


def test_knows_what_draws_random_numbers():
    assert case_of(npnet.Dropout(0.5), (4, 3)).draws
    assert case_of(npnet.Dropout(0.5, generator=npnet.Generator(0)), (4, 3)).draws
    assert not case_of(npnet.Tanh(), (4, 3)).draws


def test_operands_are_described():
    case = case_of(npnet.CrossEntropyLoss(), (6, 4), np.arange(6) % 4)
    assert described(case, ["z", "target"]) == (
        "z (6, 4): numbers of either sign up to 2",
        "target (6,): as given",
    )
    lines = described(case_of(npnet.CrossEntropyLoss(), (6, 4), labels(4)), ["z", "target"])
    assert lines[1] == "target (6,): labels"
    drawn = described(case_of(npnet.Tanh(), Draw((3,), lambda r, s: r.normal(size=s))), ["x"])
    assert drawn == ("x (3,): drawn",)

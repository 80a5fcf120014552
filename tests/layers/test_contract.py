"""Every layer holds to the contract, and the contract notices what does not."""

import pytest

import npnet.layers
from npnet import Elementwise, Layer
from tests.layers.cases import CASES
from tests.support import broken
from tests.support.case import Case, Draw
from tests.support.contract import CHECKS, ContractError, check_layer

#: What makes a layer that is wrong in one way, and the checks that must find it.
BROKEN = {
    broken.Accumulates: {"gradients", "stale_memory", "repeats"},
    broken.AllOrNothing: {"parts"},
    broken.AssumesOrder: {"parameters"},
    broken.Centers: {"rows"},
    broken.ComputesInSingle: {"gradients"},
    broken.CountsInSilence: {"effects"},
    broken.FixedDtype: {"gradients", "dtypes"},
    broken.FollowsMemory: {"layouts"},
    broken.HandsOn: {"gradients"},
    broken.HiddenState: {"state"},
    broken.IgnoresOutputGradient: {"gradients", "output_gradient"},
    broken.KeepsActivations: {"used_twice"},
    broken.KeepsOnSelf: {"gradients", "rows", "repeats"},
    broken.LeavesUnwritten: {"gradients", "stale_memory"},
    broken.ModifiesInput: {"gradients", "untouched"},
    broken.NeedsRows: {"empty"},
    broken.NotSummedOverBatch: {"gradients"},
    broken.OtherInEvaluation: {"modes"},
    broken.Promotes: {"allocations"},
    broken.PutsBackTooLittle: {"effects"},
    broken.ReadsStaleScratch: {"gradients", "stale_memory", "repeats"},
    broken.ReadsUndeclared: {"gradients"},
    broken.ReadsUnkept: {"gradients", "plans"},
    broken.SquaresOutputGradient: {"gradients", "output_gradient"},
    broken.SummedOverBatch: {"gradients", "rows"},
    broken.Transposed: {"gradients"},
    broken.UndeclaredInPlace: {"plans"},
    broken.WrongSign: {"gradients"},
}
RIGHT = (broken.Sine, broken.Product)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_contract(case):
    check_layer(case)


def test_every_public_layer_has_a_case():
    public = {getattr(npnet.layers, name) for name in npnet.layers.__all__} - {Elementwise, Layer}
    missing = public - {type(case.make()) for case in CASES}
    assert not missing, "enter a case for each in tests/layers/cases"


def test_cases_have_names_of_their_own():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


def case_of(layer):
    return Case(layer.__name__, layer, (Draw(("B", 3)),))


@pytest.mark.parametrize("layer", BROKEN)
def test_the_contract_finds_what_is_wrong(layer):
    with pytest.raises(ContractError) as raised:
        check_layer(case_of(layer))
    assert set(raised.value.failures) >= BROKEN[layer]


@pytest.mark.parametrize("layer", RIGHT)
def test_the_contract_finds_nothing_in_what_is_right(layer):
    check_layer(case_of(layer))


def test_every_check_can_fail():
    names = {check.name for check in CHECKS}
    assert set().union(*BROKEN.values()) == names

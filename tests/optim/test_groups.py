import numpy as np
import pytest

from npnet import Linear, Parameter, ParameterDict, ParameterList, ReLU, Sequential
from npnet.optim import SGD
from npnet.optim.groups import check_members, given_groups, plain, read_group, without_execution


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ([], ValueError, "SGD: expected parameters, got none"),
        ([], ValueError, r"got none; has the model any\?$"),
        (iter(()), ValueError, r"A generator gives them only once: list\(model.parameters\(\)\)$"),
        (Parameter([1.0]), TypeError, "params as a list of Parameters, got Parameter"),
        (np.ones(3), TypeError, "params as a list of Parameters, got ndarray"),
        (3, TypeError, "params as a list of Parameters, got int"),
        ("weight", TypeError, "params as a list of Parameters, got str"),
        ({Parameter([1.0])}, TypeError, "params in an order, got set; use a list"),
        ({"params": [Parameter([1.0])]}, TypeError, r"got one dict; write \[group\]"),
        ([np.ones(3)], TypeError, r"a Parameter as params\[0\] of group 0, got ndarray"),
        (Linear(2, 2), TypeError, r"params as .*, got Linear; give its .*: model.parameters\(\)$"),
        (Sequential(ReLU(), Linear(2, 2)), TypeError, r"params as .*, got Sequential; give its"),
        (ParameterDict({"a": [1.0]}), TypeError, r"params as .*, got ParameterDict; give its"),
        (
            [Linear(2, 2).parameters()],
            TypeError,
            r"got generator; unpack it: \[\*first, \*",
        ),
        ([Linear(2, 2)], TypeError, r"as params\[0\] of group 0, got Linear; give its parameters"),
        ([{"params": Linear(2, 2)}], TypeError, r"\"params\" as .*, got Linear; give its"),
        ([Parameter([1.0]), None], TypeError, r"params\[1\] of group 0, got NoneType"),
        ([("a", 1.0)], TypeError, r"params\[0\] of group 0, got float"),
        ([("a",)], TypeError, r"params\[0\] of group 0, got tuple"),
        ([("a", Parameter([1.0])), Parameter([1.0])], ValueError, "throughout or not at all"),
        ([Parameter([1.0]), {"params": []}], TypeError, r"params\[1\] of group 0, got dict"),
        ([{"params": []}, Parameter([1.0])], TypeError, "a group as a dict, got Parameter"),
        ([{"lr": 1.0}], ValueError, r"\"params\" in a group, got \['lr'\]"),
        ([{"params": np.ones(2)}], TypeError, '"params" as a list of Parameters, got ndarray'),
        ([{"params": {Parameter([1.0])}}], TypeError, 'a group\'s "params" in an order'),
        (
            [{"params": [("a", Parameter([1.0]))]}, {"params": [Parameter([1.0])]}],
            ValueError,
            "names in all groups or in none; group 1 differs",
        ),
    ],
)
def test_what_is_no_list_of_parameters_is_refused(params, error, message):
    with pytest.raises(error, match=message):
        SGD(params)


def test_a_module_that_is_a_list_of_parameters_is_taken_for_one():
    parameters = ParameterList([Parameter([1.0]), Parameter([2.0])])
    assert SGD(parameters).param_groups[0]["params"] == list(parameters)


def test_a_generator_gives_its_parameters_once():
    model = Linear(2, 2)
    generator = model.parameters()
    SGD(generator)
    with pytest.raises(ValueError, match=r"SGD: expected parameters, got none; has the .* once"):
        SGD(generator)
    listed = list(model.parameters())
    assert SGD(listed).param_groups[0]["params"] == SGD(listed).param_groups[0]["params"]


def test_parameters_in_a_list_make_one_group_and_dicts_stay():
    weight = Parameter([1.0])
    assert given_groups("Rule", (p for p in [weight])) == [{"params": [weight]}]
    group = {"params": weight, "lr": 0.5}
    (found,) = given_groups("Rule", [group])
    assert found is group


def test_a_group_is_read_into_a_dict_of_its_own():
    weight = Parameter([1.0])
    given = {"params": (p for p in [weight]), "lr": np.float32(0.5), "label": "weights"}
    group = read_group("Rule", given, {"lr": 1.0, "momentum": 0.0})
    assert group == {"lr": 0.5, "momentum": 0.0, "label": "weights", "params": [weight]}
    assert type(group["lr"]) is float and given.keys() == {"params", "lr", "label"}
    named = read_group("Rule", {"params": [("w", weight)]}, {})
    assert named == {"params": [weight], "param_names": ["w"]}
    assert read_group("Rule", {"params": weight}, {}) == {"params": [weight]}


def test_members_are_checked_over_all_groups():
    first, second = Parameter([1.0]), Parameter([2.0])
    check_members("Rule", [{"params": [first]}, {"params": [second]}, {"params": []}])
    with pytest.raises(ValueError, match=r"Rule: .* but params\[0\] of group 0 is params\[1\]"):
        check_members("Rule", [{"params": [first]}, {"params": [second, first]}])


def test_ways_to_carry_out_a_step_are_dropped_where_they_are_off():
    off = {"foreach": None, "fused": False, "capturable": False, "differentiable": None}
    assert without_execution("Rule", {"lr": 0.5, **off}) == {"lr": 0.5}
    for name in off:
        with pytest.raises(ValueError, match=f"Rule: {name} must be None or False, got True"):
            without_execution("Rule", {name: True})


def test_numbers_of_numpy_become_pythons_and_all_else_stays():
    for value in (np.float32(0.5), np.array(0.5), np.float64(0.5)):
        assert type(plain(value)) is float
    betas = plain((np.float64(0.5), np.array(0.75)))
    assert betas == (0.5, 0.75) and {*map(type, betas)} == {float}
    weight, listed = Parameter([1.0]), [np.float64(0.5)]
    assert plain(weight) is weight and plain(listed) is listed and plain(None) is None
    array = np.ones(2)
    assert plain(array) is array

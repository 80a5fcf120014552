import pytest

from npnet.check.checks.table import CHECKS, chosen

EVERYONE = [
    "gradients",
    "output_gradient",
    "used_twice",
    "rows",
    "untouched",
    "dtypes",
    "layouts",
    "stale_memory",
    "repeats",
]


def names(checks):
    return [check.name for check in checks]


def test_everyone_is_asked_what_concerns_everyone():
    assert names(chosen(None, "who")) == EVERYONE
    assert names(chosen(None, "who", functions=True)) == EVERYONE


def test_all_are_all_that_fit():
    assert names(chosen("all", "who")) == names(CHECKS)
    assert names(chosen("all", "who", functions=True)) == EVERYONE


def test_checks_are_chosen_by_name():
    assert names(chosen("rows", "who")) == ["rows"]
    assert names(chosen(["state", "rows"], "who")) == ["state", "rows"]


@pytest.mark.parametrize("asked, functions", [("row", False), ([], False), (["state"], True)])
def test_refuses_names_that_are_none(asked, functions):
    with pytest.raises(ValueError, match="who: expected checks among gradients, output_gradient"):
        chosen(asked, "who", functions)


def test_each_check_says_what_holds():
    assert len(set(names(CHECKS))) == len(CHECKS)
    assert all(check.says and check.function.__doc__ for check in CHECKS)

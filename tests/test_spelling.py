import subprocess
import sys

import pytest

from npnet.spelling import meant, unexpected

OPTIONS = ["lr", "momentum", "weight_decay", "nesterov"]


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("momentun", "momentum"),
        ("Momentum", "momentum"),
        ("weight-decay", "weight_decay"),
        ("learning_rate", "lr"),
        ("wd", "weight_decay"),
    ],
)
def test_names_what_is_close(name, close):
    assert meant(name, iter(OPTIONS)) == f"; do you mean {close!r}?"


@pytest.mark.parametrize("name", ["gamma", "", "_", "q", "xyzzy_plugh"])
def test_says_nothing_where_nothing_is_close(name):
    assert meant(name, OPTIONS) == ""
    assert meant(name, []) == ""


def test_an_argument_that_a_class_has_not():
    class Kind:
        def __init__(self, first, *, second=2, **rest):
            pass

    error = unexpected(Kind, "secund")
    assert type(error) is TypeError
    assert str(error) == (
        "Kind: got an unexpected argument 'secund'; there are first, second; do you mean 'second'?"
    )
    assert str(unexpected(Kind, "zzz")).endswith("there are first, second")
    assert str(unexpected(Kind, "thurd", ["third"])).endswith(
        "there are first, second; do you mean 'third'?"
    )


def test_the_search_is_imported_by_who_errs():
    code = "import npnet.spelling, npnet, sys; print('difflib' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"

import re

import numpy as np
import pytest

from npnet import ModuleDict, ModuleList, ReLU, Sequential, Tanh
from npnet.containers.places import Places, pairs, place


@pytest.mark.parametrize("kind", [Sequential, lambda *modules: ModuleList(modules)])
def test_changed_as_a_list_is(kind):
    """Random changes, each made on a list of the same Modules too."""
    random, modules = np.random.default_rng(0), [ReLU() for _ in range(40)]
    ours, plain = kind(*modules[:5]), modules[:5]
    for new in modules[5:]:
        count = len(plain)
        change = random.integers(0, 7 if count else 3)
        index = int(random.integers(-count, count)) if count else 0
        part = slice(*sorted(random.integers(-count, count + 1, 2).tolist()))
        match change:
            case 0:
                plain.append(new)
                assert ours.append(new) is ours
            case 1:
                plain.insert(index, new)
                assert ours.insert(index, new) is ours
            case 2:
                plain.extend([new, new])
                assert ours.extend(iter([new, new])) is ours
            case 3:
                del plain[index]
                del ours[index]
            case 4:
                plain[index] = new
                ours[index] = new
            case 5:
                assert ours.pop(index) is plain.pop(index)
            case 6:
                assert list(ours[part]) == plain[part]
                del plain[part]
                del ours[part]
        assert list(ours) == plain
        assert len(ours) == len(plain)
        assert list(ours._modules) == [str(number) for number in range(len(plain))]
        assert [ours[i] for i in range(-len(plain), 0)] == plain


def test_a_place_is_counted_from_the_front():
    assert [place("x", i, 3) for i in (-3, -1, 0, np.int64(2))] == [0, 2, 0, 2]
    for index in (3, -4):
        with pytest.raises(IndexError, match=rf"^x: index {index} is out of range for 3 parts"):
            place("x", index, 3)
    with pytest.raises(TypeError):
        place("x", 1.0, 3)


def test_pairs_of_mappings_and_iterables():
    assert pairs("x", {"a": 1}) == pairs("x", [("a", 1)]) == pairs("x", iter([["a", 1]]))
    for items, kind, message in (
        (5, TypeError, "a mapping or an iterable of .* got int"),
        ([("a", 1), 3], TypeError, "expected pair 1 to be iterable, got 3"),
        ([("a", 1, 2)], ValueError, r"a key and a value as pair 0, got \('a', 1, 2\)"),
    ):
        with pytest.raises(kind, match=f"^x: .*{message}"):
            pairs("x", items)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Sequential([ReLU(), Tanh()]), "got list; unpack it: Sequential(*modules)"),
        (lambda: Sequential(ReLU() for _ in "ab"), "got generator; unpack it: Sequential("),
        (lambda: Sequential(Tanh(), ReLU), "got the class ReLU; write ReLU()"),
        (lambda: Sequential(Tanh()).append(ReLU), "got the class ReLU; write ReLU()"),
        (lambda: Sequential(int), "got the class int"),
        (lambda: Sequential({"a": ReLU()}), "got dict; Modules with names make a ModuleDict"),
        (lambda: Sequential("ab"), "got str"),
        (lambda: ModuleList([[ReLU()]]), "got list; unpack it: ModuleList([*modules])"),
        (lambda: ModuleList(Tanh()), "an iterable of Modules, got Tanh; write [module]"),
        (lambda: ModuleList(Tanh), "an iterable of Modules, got the class Tanh; write Tanh()"),
        (lambda: ModuleDict({"a": Tanh}), "a Module as 'a', got the class Tanh; write Tanh()"),
    ],
)
def test_what_is_no_module_is_mended(wrong, message):
    with pytest.raises(TypeError, match=f": expected .*{re.escape(message)}"):
        wrong()


def test_the_base_makes_no_slices():
    with pytest.raises(NotImplementedError):
        Places().append(Tanh())[:]

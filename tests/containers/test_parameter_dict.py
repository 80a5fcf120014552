"""ParameterDict: beside torch's."""

from collections import OrderedDict

import numpy as np
import pytest

from npnet import Module, Parameter, ParameterDict


def test_forward_reads_it_and_it_is_trained():
    class Affine(Module):
        def __init__(self):
            super().__init__()
            self.p = ParameterDict({"gain": np.array([2.0]), "shift": np.array([1.0])})

        def forward(self, x):
            return x * self.p["gain"] + self.p["shift"]

    model = Affine()
    assert model([3.0]).tolist() == [7]
    model.backward([1.0])
    assert (model.p["gain"].grad.tolist(), model.p.shift.grad.tolist()) == ([3], [1])
    model.p["shift"] = np.array([5.0])
    assert model([3.0]).tolist() == [11]


@pytest.mark.torch
def test_names_texts_and_methods_are_torchs():
    torch = pytest.importorskip("torch")
    import npnet

    def tensor(*shape):
        return torch.ones(shape)

    texts = []
    for nn, ones in ((npnet, lambda *s: np.ones(s, np.float32)), (torch.nn, tensor)):
        parts = nn.ParameterDict({"b": ones(2, 3), "a": 5})
        found = [list(parts), list(parts.state_dict()), len(parts), "a" in parts, "x" in parts]
        parts.update(OrderedDict(z=nn.Parameter(ones(1)), c=None))
        parts.update([("y", ones()), ["a", 6]])
        found += [list(reversed(parts)), list(parts.keys()), [k for k, _ in parts.items()]]
        found += [len(list(parts.values()))]
        found += [parts.get("nothing", 3), parts.get("a"), parts.setdefault("a", 9), repr(parts)]
        parts.setdefault("new", ones(4))
        found += [type(parts["new"]).__name__, parts.pop("a"), parts.popitem()[0], list(parts)]
        copy = parts.copy()
        copy.update(parts.fromkeys(["k", "l"], 1))
        found += [list(copy), list(parts), list(copy | nn.ParameterDict({"q": 1}))]
        parts |= nn.ParameterDict({"r": ones(2)})
        found += [list(parts), list(parts.state_dict()), repr(nn.ParameterDict())]
        del parts["r"]
        parts.clear()
        found += [len(parts), list(parts.parameters())]
        texts.append([str(part).replace("torch.FloatTensor", "float32") for part in found])
    assert texts[0] == texts[1]


def test_given_parameters_are_held_themselves():
    weight = Parameter(np.ones(2))
    parts = ParameterDict({"w": weight})
    for other in (parts, parts.copy(), {"v": 1} | parts, parts | {"v": 1}):
        assert other["w"] is weight


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda p: p["x"], KeyError, "no value 'x'; there are a"),
        (lambda p: p.pop("x"), KeyError, "no value 'x'"),
        (lambda p: p.__delitem__("x"), KeyError, "no value 'x'"),
        (lambda p: ParameterDict().popitem(), KeyError, "popitem from an empty dict"),
        (lambda p: p.update({"b": 1, "keys": 2}), KeyError, "'keys' already exists"),
        (lambda p: p.update([("b", 1), (3, 2)]), TypeError, "a string as name, got 3"),
        (lambda p: p.update(5), TypeError, "a mapping or an iterable of"),
        (lambda p: p.__setitem__("training", 1), KeyError, "'training' already exists"),
        (lambda p: p.__setitem__("_keys", 1), KeyError, "'_keys' already exists"),
        (lambda p: p.__setitem__("a", 3), TypeError, "cannot assign int as parameter 'a'"),
        (lambda p: p(1.0), NotImplementedError, "has no forward; it holds Parameters"),
    ],
)
def test_what_is_refused_changes_nothing(change, kind, message):
    parts = ParameterDict({"a": np.ones(2)})
    with pytest.raises(kind, match=f"ParameterDict: .*{message}"):
        change(parts)
    assert list(parts) == ["a"]
    assert list(parts.state_dict()) == ["a"]

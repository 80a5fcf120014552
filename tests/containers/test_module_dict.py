"""ModuleDict: beside torch's."""

from collections import OrderedDict

import numpy as np
import pytest

from npnet import Linear, Module, ModuleDict, ReLU, Tanh


class Choosing(Module):
    def __init__(self):
        super().__init__()
        self.choice = "tanh"
        self.functions = ModuleDict({"relu": ReLU(), "tanh": Tanh()})

    def forward(self, x):
        return self.functions[self.choice](x)


def test_forward_chooses_and_changes_are_followed():
    model, x = Choosing(), np.array([-1.0, 2.0])
    np.testing.assert_allclose(model(x), np.tanh(x), rtol=1e-15)
    model.choice = "relu"
    assert model(x).tolist() == [0, 2]
    model.functions["relu"] = Tanh()
    np.testing.assert_allclose(model(x), np.tanh(x), rtol=1e-15)
    del model.functions["relu"]
    with pytest.raises(KeyError, match=r"ModuleDict: no Module 'relu'; there are tanh"):
        model(x)


@pytest.mark.torch
def test_names_texts_and_methods_are_torchs():
    torch = pytest.importorskip("torch")
    import npnet

    texts = []
    for nn in (npnet, torch.nn):
        parts = nn.ModuleDict({"b": nn.Linear(2, 2), "a": nn.ReLU()})
        found = [repr(parts), list(parts), list(parts.keys()), len(parts), "a" in parts]
        parts["c"] = nn.ModuleDict([("x", nn.Tanh()), ["y", nn.ModuleList([nn.ReLU()] * 2)]])
        parts.update(OrderedDict(d=nn.ReLU(), a=nn.Tanh()))
        parts.update(nn.ModuleDict({"e": None}))
        found += [repr(parts), [name for name, _ in parts.items()], len(list(parts.values()))]
        found += [list(parts.state_dict()), [name for name, _ in parts.named_modules()]]
        found += [repr(parts.pop("b")), repr(parts)]
        del parts["a"]
        found += [list(parts), "b" in parts, repr(nn.ModuleDict())]
        parts.clear()
        found += [len(parts), repr(parts), [name for name, _ in parts.named_modules(prefix="m")]]
        texts.append(found)
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda m: m["x"], KeyError, "no Module 'x'; there are a"),
        (lambda m: m.pop("x"), KeyError, "no Module 'x'"),
        (lambda m: m.__delitem__("x"), KeyError, "no Module 'x'"),
        (lambda m: m.update({"b": ReLU(), "c": 3}), TypeError, "expected a Module as 'c', got int"),
        (lambda m: m.update([("b", ReLU()), 3]), TypeError, "expected pair 1 to be iterable"),
        (lambda m: m.update({"b": ReLU(), "keys": ReLU()}), KeyError, "'keys' already exists"),
        (lambda m: m.update({"b": ReLU(), 3: ReLU()}), TypeError, "a string as name, got 3"),
        (lambda m: m.update({"b": ReLU(), "x.y": ReLU()}), KeyError, "without dots"),
        (lambda m: m.update({"b": ReLU(), "training": ReLU()}), KeyError, "already exists"),
        (lambda m: m(np.ones(2)), NotImplementedError, "has no forward; choose from it"),
    ],
)
def test_what_is_refused_changes_nothing(change, kind, message):
    parts = ModuleDict({"a": Linear(1, 1)})
    with pytest.raises(kind, match=f"ModuleDict: .*{message}"):
        change(parts)
    assert list(parts) == ["a"]
    assert [name for name, _ in parts.named_children()] == ["a"]

"""ModuleList: beside torch's."""

import numpy as np
import pytest

from npnet import Linear, Module, ModuleList, ReLU, Sequential, Tanh


class Deep(Module):
    def __init__(self, depth=3):
        super().__init__()
        self.layers = ModuleList(Linear(2, 2, dtype=np.float64) for _ in range(depth))

    def forward(self, x):
        for layer in self.layers:
            x = x + layer(x)
        return x


def test_forward_loops_over_it_and_changes_are_followed():
    model, x = Deep(), np.array([[1.0, -2.0]])
    expected = x
    for layer in model.layers:
        expected = expected + expected @ layer.weight.data.T + layer.bias.data
    np.testing.assert_allclose(model(x), expected, rtol=1e-14)
    model.backward(np.ones((1, 2)))
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert len(list(model.parameters())) == 6
    last = model.layers.pop()
    shorter = expected - 0.0
    assert not np.array_equal(model(x), shorter)
    model.layers += [last]
    np.testing.assert_allclose(model(x), expected, rtol=1e-14)


def test_places_may_be_without_a_module():
    parts = ModuleList([ReLU(), None])
    assert parts[1] is None
    assert len(list(parts.children())) == 1
    parts[1] = Tanh()
    parts[0] = None
    assert repr(parts) == "ModuleList(\n  (0): None\n  (1): Tanh()\n)"


def test_what_is_refused():
    parts = ModuleList([ReLU()])
    for change in (
        lambda: parts.append(np.tanh),
        lambda: parts.extend([ReLU(), 3]),
        lambda: parts.insert(0, "x"),
        lambda: parts.__setitem__(0, 1.0),
    ):
        with pytest.raises(TypeError, match=r"^ModuleList: expected a Module, got "):
            change()
    with pytest.raises(TypeError, match=r"^ModuleList: expected an iterable of Modules, got int"):
        parts.extend(3)
    with pytest.raises(IndexError, match=r"^ModuleList: index 1 is out of range for 1 parts"):
        parts[1]
    with pytest.raises(NotImplementedError, match=r"^ModuleList: has no forward; loop over it"):
        parts(np.ones(2))
    assert len(parts) == 1


@pytest.mark.torch
def test_names_texts_and_methods_are_torchs():
    torch = pytest.importorskip("torch")
    import npnet

    texts = []
    for nn in (npnet, torch.nn):
        block = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        parts = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.ReLU(), None])
        found = [repr(parts), len(parts), list(parts.state_dict()), repr(nn.ModuleList())]
        parts.append(nn.ReLU()).extend([block, block])
        parts.insert(1, nn.Tanh())
        found += [repr(parts), list(parts.state_dict()), repr(parts[1:3]), repr(parts[-1])]
        parts += [nn.Tanh()]
        both = parts + nn.ModuleList([nn.ReLU()]) + [nn.ReLU()]
        found += [type(both).__name__, len(both), repr(both), len(parts)]
        found += [repr(parts.pop(2)), repr(parts)]
        del parts[1:4]
        del parts[-1]
        parts[0] = nn.Tanh()
        found += [repr(parts), [name for name, _ in parts.named_modules()], "0" in dir(parts)]
        nested = nn.ModuleList([nn.ModuleList([nn.ReLU()] * 2), nn.ModuleList([nn.ReLU()] * 2)])
        found.append(repr(nn.Sequential(nested)))
        texts.append(found)
    assert texts[0] == texts[1]


def test_slices_are_of_its_own_kind():
    class Own(ModuleList):
        pass

    assert type(Own([ReLU(), Tanh()])[:1]) is Own
    assert type(Sequential(ReLU(), Tanh())[1:]) is Sequential

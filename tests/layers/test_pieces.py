"""What is cut into pieces: as torch cuts it, with a gradient for every piece."""

import numpy as np
import pytest

import npnet
import npnet.functional as F
from npnet import Graph, Module, Parameter
from npnet.layers import Index, pieces
from npnet.tape import Node

LENGTHS = [0, 1, 5, 6]
CUTS = [("chunk", n) for n in (1, 2, 3, 4, 7)] + [("split", n) for n in (1, 2, 5, 9)]
CUTS += [("split", [1, 4]), ("split", (0, 5, 0)), ("split", [6])]


class Weighted(Module):
    """Pieces of a value times 1, 2, 3 ..., each summed, and how many there are."""

    def __init__(self, cut):
        super().__init__()
        self.cut = cut

    def forward(self, x):
        return sum((piece * (n + 1.0)).sum() for n, piece in enumerate(self.cut(x)))


def shapes(found):
    return [tuple(piece.shape) for piece in found]


@pytest.mark.torch
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name, argument", CUTS)
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_cuts_as_torch_does(name, argument, dim, length):
    torch = pytest.importorskip("torch")
    x = np.arange(3.0 * length).reshape((length, 3) if dim == 0 else (3, length))
    try:
        expected = getattr(torch, name)(torch.tensor(x), argument, dim)
    except RuntimeError:
        with pytest.raises(ValueError, match=f"^{name}: expected "):
            getattr(npnet, name)(x, argument, dim)
        return
    for found in (getattr(npnet, name)(x, argument, dim), getattr(F, name)(x, argument, dim=dim)):
        assert shapes(found) == shapes(expected)
        for piece, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(piece, other.numpy())


@pytest.mark.torch
@pytest.mark.parametrize(
    "cut",
    [
        lambda x: x.chunk(2, -1),
        lambda x: x.chunk(3),
        lambda x: x.split(3, dim=1),
        lambda x: x.split([1, 2, 1]),
        lambda x: x.unbind(),
        lambda x: x.unbind(-1),
        lambda x: [*x],
        lambda x: [x, *x, x],
    ],
)
def test_gradients_arrive_where_the_pieces_were(cut):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(4, 5))
    module, t = Weighted(cut), torch.tensor(x, requires_grad=True)
    theirs = sum((piece * (n + 1.0)).sum() for n, piece in enumerate(cut(t)))
    theirs.backward()
    np.testing.assert_allclose(module(x), theirs.item(), rtol=1e-13)
    np.testing.assert_allclose(module.backward(input_grad=True), t.grad.numpy(), rtol=1e-15)


def test_values_are_gated():
    class Gated(Module):
        def forward(self, x):
            value, gate = x.chunk(2, dim=-1)
            return value * gate

    gated = Gated()
    assert gated([[1.0, 2.0, 3.0, 4.0]]).tolist() == [[3, 8]]
    assert gated.backward(np.ones((1, 2)), input_grad=True).tolist() == [[3, 4, 1, 2]]


def test_parameters_are_cut_too():
    weight = Parameter([[1.0, 2.0], [3.0, 4.0]])
    graph = Graph()
    first, second = weight
    graph.output(graph.input("x") * first - second)
    assert graph(np.float32(2)).tolist() == [-1, 0]
    graph.backward([1.0, 1.0])
    assert weight.grad.tolist() == [[2, 2], [-1, -1]]


def test_only_the_first_piece_fills_the_gradient(monkeypatch):
    filled = []
    usual = Index.backward_calls

    def backward_calls(self, *operands, **keywords):
        filled.append(self)
        return usual(self, *operands, **keywords)

    monkeypatch.setattr(Index, "backward_calls", backward_calls)
    module = Weighted(lambda x: x.unbind())
    module(np.ones((6, 2)))
    assert module.backward(input_grad=True).tolist() == [[n, n] for n in range(1, 7)]
    assert len(filled) == 1


@pytest.mark.parametrize(
    "cut, error, message",
    [
        (lambda x: x.chunk(0), ValueError, "chunk: expected one piece or more, got 0"),
        (lambda x: x.split(0), ValueError, r"split: expected a length > 0, got 0; .*\(4, 5\)"),
        (lambda x: x.split(-1), ValueError, "split: expected a length > 0, got -1"),
        (lambda x: x.split([2, 1]), ValueError, r"lengths that add up to 4, got \[2, 1\]; axis 0"),
        (lambda x: x.split([5, -1]), ValueError, r"lengths that add up to 4, got \[5, -1\]"),
        (lambda x: x.split([]), ValueError, r"lengths that add up to 4, got \[\]"),
        (lambda x: x.split(2, 2), IndexError, "split: expected an x with axis 2, got shape"),
        (lambda x: x.chunk(2, "rows"), TypeError, "chunk: expected dim to be an integer"),
        (lambda x: x.unbind(-3), IndexError, "unbind: expected an x with axis -3"),
        (lambda x: [*x.sum()], IndexError, r"unbind: expected an x with axis 0, got shape \(\)"),
        (lambda x: x.chunk(1.5), TypeError, r"chunk: expected chunks to be an integer, got 1\.5"),
        (lambda x: x.split(None), TypeError, "split: expected a length to be an integer, got N"),
        (lambda x: x.split([2, 2.0]), TypeError, "split: expected a length to be an integer"),
    ],
)
def test_refuses_what_cannot_be_cut(cut, error, message):
    with pytest.raises(error, match=message):
        Weighted(cut)(np.ones((4, 5)))


def test_a_tape_built_by_hand_knows_no_lengths():
    with pytest.raises(AttributeError, match="has no shape yet"):
        Graph().input("x").chunk(2)


@pytest.mark.parametrize("name", pieces.__all__)
def test_every_function_is_a_method(name):
    assert getattr(Node, name) is getattr(pieces, name) is getattr(npnet, name)

import subprocess
import sys

import numpy as np
import pytest

import npnet
from npnet import Graph, Module, Parameter
from npnet.expression import Expression
from npnet.layers import methods
from npnet.tape import Node
from tests.support.facts import Fact, check_value

SQUARE = [[1.0, 2.0], [3.0, 4.0]]
FACTS = [
    Fact("mean", (SQUARE,), 2.5),
    Fact("mean", (SQUARE,), [[1.5], [3.5]], {"dim": 1, "keepdim": True}),
    Fact("mean", (SQUARE,), [2.0, 3.0], {"axis": 0}),
    Fact("sum", (SQUARE,), 10.0, {"dim": (0, 1)}),
    Fact("sum", (SQUARE,), [[4.0, 6.0]], {"axis": 0, "keepdims": True}),
    Fact("reshape", (SQUARE,), [1.0, 2.0, 3.0, 4.0], {"shape": (-1,)}),
    Fact("flatten", (SQUARE,), [1.0, 2.0, 3.0, 4.0]),
    Fact("unflatten", (SQUARE,), [[[1.0], [2.0]], [[3.0], [4.0]]], {"dim": 1, "sizes": (2, 1)}),
    Fact("squeeze", ([[[1.0], [2.0]]],), [[1.0], [2.0]], {"dim": 0}),
    Fact("unsqueeze", ([1.0, 2.0],), [[1.0], [2.0]], {"dim": -1}),
    Fact("transpose", (SQUARE,), [[1.0, 3.0], [2.0, 4.0]], {"dim0": 0, "dim1": 1}),
    Fact("permute", (SQUARE,), [[1.0, 3.0], [2.0, 4.0]], {"dims": (1, 0)}),
    Fact("clamp", (SQUARE,), [[1.5, 2.0], [3.0, 3.5]], {"min": 1.5, "max": 3.5}),
    Fact("clip", (SQUARE,), [[1.0, 2.0], [2.5, 2.5]], {"max": 2.5}),
]

#: What one writes in forward, for torch's tensors and npnet's values alike.
CALLS = {
    "mean": lambda x: x.mean(),
    "mean(1)": lambda x: x.mean(1),
    "mean of several": lambda x: x.mean((0, -1), True),
    "mean of a list": lambda x: x.mean(dim=[0, 1], keepdim=True),
    "mean by NumPy's words": lambda x: x.mean(axis=-1, keepdims=True),
    "mean of no axes": lambda x: x.mean(dim=()),
    "sum": lambda x: x.sum(),
    "sum(dim)": lambda x: x.sum(dim=-2),
    "sum of no axes": lambda x: x.sum([]),
    "reshape": lambda x: x.reshape(4, -1),
    "reshape to a tuple": lambda x: x.reshape((2, 12)),
    "reshape by size": lambda x: x.reshape(x.size(0), -1),
    "view": lambda x: x.view(x.shape[0] * x.size(1), x.size(-1)),
    "view of a vector": lambda x: x.view(-1),
    "flatten": lambda x: x.flatten(),
    "flatten(1)": lambda x: x.flatten(1),
    "flatten from to": lambda x: x.flatten(start_dim=0, end_dim=1),
    "unflatten": lambda x: x.unflatten(-1, (2, -1)),
    "squeeze": lambda x: x.unsqueeze(1).squeeze(),
    "squeeze(dim)": lambda x: x.unsqueeze(-1).squeeze(-1).squeeze(0),
    "squeeze of several": lambda x: x.unsqueeze(0).unsqueeze(0).squeeze((0, 1)),
    "transpose": lambda x: x.transpose(0, -1),
    "permute": lambda x: x.permute(2, 0, 1),
    "permute of a tuple": lambda x: x.permute((1, 2, 0)),
    "contiguous": lambda x: x.transpose(1, 2).contiguous().view(x.size(0), -1),
    "T": lambda x: x[0].T,
    "mT": lambda x: x.mT,
    "exp": lambda x: x.exp(),
    "log": lambda x: x.square().log(),
    "sqrt": lambda x: x.abs().sqrt(),
    "square": lambda x: x.square(),
    "neg": lambda x: x.neg(),
    "pow": lambda x: x.pow(3),
    "pow(2)": lambda x: x.pow(2),
    "add": lambda x: x.add(x[0]),
    "sub": lambda x: x.sub(2.0),
    "add times a number": lambda x: x.add(x[1].exp(), alpha=-0.3).add(2.0, alpha=0.1),
    "sub times a number": lambda x: x.sub(x, alpha=3).sub(5, alpha=2),
    "mul": lambda x: x.mul(x),
    "div": lambda x: x.div(x.exp(), rounding_mode=None),
    "matmul": lambda x: x.matmul(x[0].T),
    "maximum": lambda x: x.maximum(x[1]),
    "minimum": lambda x: x.minimum(x.neg()),
    "relu": lambda x: x.relu(),
    "sigmoid": lambda x: x.sigmoid(),
    "tanh": lambda x: x.tanh(),
    "softmax": lambda x: x.softmax(dim=-1, dtype=None),
    "softmax of axis 1": lambda x: x.softmax(1),
    "log_softmax": lambda x: x.log_softmax(0),
    "clamp": lambda x: x.clamp(-0.5, 0.5),
    "clamp from below": lambda x: x.clamp(min=0),
    "clip": lambda x: x.clip(max=0.25),
    "detach": lambda x: x * x.detach(),
    "detach of a part": lambda x: x + (x.exp() - x).detach(),
    "index": lambda x: x[:, 1:, None, -1],
    "index of places": lambda x: x[..., [0, 0, 3]],
    "a model's": lambda x: (x - x.mean(-1, keepdim=True)).pow(2).sum(dim=(1, 2)).sqrt(),
}

#: The same of NumPy's functions, which hand over to methods.
NUMPY = {
    "mean": (lambda x: np.mean(x, axis=1), lambda x: x.mean(1)),
    "mean kept": (lambda x: np.mean(x, axis=(0, 2), keepdims=True), lambda x: x.mean((0, 2), True)),
    "sum": (np.sum, lambda x: x.sum()),
    "sum of axes": (lambda x: np.sum(x, axis=(0, 1)), lambda x: x.sum((0, 1))),
    "sum of none": (lambda x: np.sum(x, axis=()), lambda x: x * 1.0),
    "reshape": (lambda x: np.reshape(x, (4, -1)), lambda x: x.reshape(4, -1)),
    "transpose": (lambda x: np.transpose(x, (2, 0, 1)), lambda x: x.permute(2, 0, 1)),
    "squeeze": (lambda x: np.squeeze(x[:1], axis=0), lambda x: x[0]),
    "clip": (lambda x: np.clip(x, -0.5, 0.5), lambda x: x.clamp(-0.5, 0.5)),
    "tanh": (np.tanh, lambda x: x.tanh()),
    "maximum": (lambda x: np.maximum(x, 0.0), lambda x: x.relu()),
}


#: What asks a value for its size: a Parameter's is NumPy's, a number.
SIZES = {"reshape by size", "view", "contiguous"}


class Written(Module):
    """A Module whose forward calls a function of a Node, and of a Parameter."""

    def __init__(self, call, scale):
        super().__init__()
        self.call, self.scale = call, Parameter(scale)

    def forward(self, x):
        """Add up both."""
        y = self.call(x * self.scale)
        return y if self.call in map(CALLS.get, SIZES) else y + self.call(self.scale)


def drawn():
    """Return numbers."""
    random = np.random.default_rng(0)
    return random.normal(size=(2, 3, 4)), random.uniform(0.1, 2.0, (2, 3, 4))


def assert_alike(ours, theirs):
    """Hold what a function computes of a Node and a Parameter, and the gradients, to torch's."""
    torch = pytest.importorskip("torch")
    x, scale = drawn()
    module = Written(ours, scale)
    y = module(x)
    t, s = (torch.tensor(a, requires_grad=True) for a in (x, scale))
    expected = theirs(t * s)
    if ours not in map(CALLS.get, SIZES):
        expected = expected + theirs(s)
    assert np.shape(y) == tuple(expected.shape)
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-13, atol=1e-13)
    seed = np.random.default_rng(1).normal(size=np.shape(y))
    dx = module.backward(seed, input_grad=True)
    expected.backward(torch.tensor(seed))
    np.testing.assert_allclose(dx, t.grad.numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(module.scale.grad, s.grad.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize("name", CALLS)
def test_what_one_writes_for_tensors_is_recorded(name):
    assert_alike(CALLS[name], CALLS[name])


@pytest.mark.torch
@pytest.mark.parametrize("name", NUMPY)
def test_numpys_functions_hand_over_to_methods(name):
    assert_alike(*NUMPY[name])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_values(fact, dtype):
    check_value(fact, dtype)


def test_detached_values_are_constants_and_stay_what_they_are():
    class Detached(Module):
        def __init__(self):
            super().__init__()
            self.weight = Parameter([2.0])
            self.register_buffer("seen", np.zeros(1, np.float32))

        def forward(self, x, labels):
            y = x * self.weight.detach() + npnet.detach(self.seen)
            return y, labels.detach()

    model, x = Detached(), np.ones((2, 1), np.float32)
    for held in (0.0, 5.0):
        model.seen[...] = held
        y, labels = model(x, np.array([3, 4]))
        assert y.tolist() == [[2.0 + held]] * 2
        assert labels.dtype == np.int64 and labels.tolist() == [3, 4]
        found = model.backward(np.ones((2, 1)), None, input_grad=True)
        assert found[0].tolist() == [[2.0], [2.0]] and model.weight.grad is None


def test_of_an_array_detach_is_a_copy():
    for given in (np.arange(3), np.ones(2), np.float32(4.0)):
        copy = npnet.detach(given)
        np.testing.assert_array_equal(copy, np.asarray(given), strict=True)
        assert not np.shares_memory(copy, given)


def test_sizes_are_known_where_shapes_are():
    seen = []

    class Sized(Module):
        def forward(self, x):
            seen.append((x.size(), x.size(-1), x.dim(), x.numel()))
            return x

    Sized()(np.zeros((2, 3)))
    assert seen == [((2, 3), 3, 2, 6)]
    weight = Parameter(np.zeros((2, 3)))
    assert (weight.size, weight.numel(), weight.dim()) == (6, 6, 2)
    with pytest.raises(AttributeError, match="has no shape yet"):
        Graph().input("x").size(0)


def test_a_size_is_of_an_axis():
    class Sized(Module):
        def forward(self, x):
            return x * x.size(2)

    with pytest.raises(IndexError, match=r"size: expected an axis of shape \(2, 3\), got 2"):
        Sized()(np.zeros((2, 3)))


def test_shapes_may_be_unknown():
    graph = Graph(dtype=np.float64)
    x = graph.input("x")
    graph.output(x.transpose(0, 1).flatten().unsqueeze(0)[:, 1:].squeeze().mean())
    assert graph(np.array([[1.0, 3.0], [2.0, 4.0]])) == 3.0


@pytest.mark.parametrize("name", methods.__all__)
def test_every_function_is_a_method(name):
    assert getattr(Node, name) is getattr(methods, name) is getattr(npnet, name)


def test_expression_names_what_the_layers_add():
    added = {name for name in vars(Expression) if name in Expression.__annotations__}
    assert added == set(Expression.__annotations__)
    from_layers = {
        name
        for name, member in vars(Expression).items()
        if getattr(getattr(member, "fget", member), "__module__", "").startswith("npnet.layers.")
    }
    assert from_layers == added


def test_importing_npnet_is_enough():
    code = "import npnet; assert npnet.Parameter([1.0]).mean().shape == (); import sys; "
    code += "assert 'npnet.functional' not in sys.modules"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_a_starred_import_shadows_no_builtin():
    assert not {"abs", "pow", "sum", "max", "min"} & set(npnet.__all__)
    assert npnet.sum([1.0, 2.0]) == 3.0 and npnet.abs(-1.0) == 1.0 and npnet.pow(2.0, 3.0) == 8.0


X = Parameter([[1.0, 2.0]])


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: X.mean(0, axis=0), TypeError, "mean: expected dim or axis, got both, 0 and 0"),
        (lambda: X.sum(dtype=np.float64), TypeError, "sum: expected no dtype, got .*float64"),
        (lambda: np.mean(X, out=np.empty(())), TypeError, "mean: expected no out"),
        (lambda: X.sum(2), IndexError, r"Sum: expected an x with axis 2, got shape \(1, 2\)"),
        (lambda: X.reshape((2,), shape=(2,)), TypeError, "reshape: expected shape once"),
        (lambda: X.permute(1, 0, dims=(1, 0)), TypeError, "permute: expected dims once"),
        (lambda: np.reshape(X, 2, order="F"), ValueError, "reshape: expected order 'C', got 'F'"),
        (lambda: X.transpose(0), TypeError, "Transpose: expected dim1 to be an integer, got None"),
        (lambda: X.view(3), ValueError, r"Reshape: expected x with numbers for \(3,\)"),
        (lambda: X[0].T, ValueError, r"Permute: expected an x of 2 axes for \(1, 0\)"),
        (lambda: X[2], IndexError, r"Index: expected an x that has \[2\], got shape \(1, 2\)"),
        (lambda: X.add(X, alpha="2"), TypeError, "add: expected alpha to be a real number, got"),
        (lambda: X.sub(1.0, alpha=None), TypeError, "sub: expected alpha to be a real number"),
        (lambda: X.div(X, rounding_mode="floor"), ValueError, "div: .* None, got 'floor'; .* np"),
        (lambda: X.softmax(1, dtype=np.float64), TypeError, "softmax: expected no dtype, got"),
        (lambda: X.log_softmax(1, dtype="f8"), TypeError, "log_softmax: expected no dtype, got"),
        (lambda: X.clamp(), ValueError, "Clamp: expected min, max or both"),
        (lambda: 1.0 in X, TypeError, r"Node: cannot be compared with 1\.0"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()

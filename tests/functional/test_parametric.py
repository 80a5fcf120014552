import numpy as np
import pytest

import npnet
import npnet.functional as F
from npnet import Graph, Module, Parameter
from tests.support.case import close, seeds_for
from tests.support.facts import Fact, check_value

DTYPES = (np.float32, np.float64)
ROWS = [[1.0, 3.0], [2.0, 2.0]]
FACTS = [
    # Variances 1 and 0; the roots of 1 + 3 and 0 + 3.
    Fact("layer_norm", (ROWS,), [[-0.5, 0.5], [0.0, 0.0]], {"normalized_shape": 2, "eps": 3.0}),
    # Mean squares 5 and 4; the roots of 5 + 4 and 4 + 4 are 3 and sqrt(8).
    Fact(
        "rms_norm",
        (ROWS,),
        [[1 / 3, 1.0], [2 / 8**0.5, 2 / 8**0.5]],
        {"normalized_shape": 2, "eps": 4.0},
    ),
    # Channel 0: 1 and 2, variance 1/4; channel 1: 3 and 2; the root of 1/4 + 2 is 3/2.
    Fact(
        "batch_norm",
        (ROWS,),
        [[-1 / 3, 1 / 3], [1 / 3, -1 / 3]],
        {"running_mean": None, "running_var": None, "training": True, "eps": 2.0},
    ),
    Fact("dropout", (ROWS,), ROWS, {"training": False}),
    Fact("linear", (ROWS, [[1.0, 2.0], [0.5, 0.0]], [0.0, 1.0]), [[7.0, 1.5], [6.0, 2.0]]),
    Fact("linear", (ROWS, [3.0, 1.0]), [6.0, 8.0]),
    Fact("bilinear", ([[1.0, 2.0]], [[3.0, 4.0]], [[[1.0, 0.0], [0.0, 10.0]]]), [[83.0]]),
]


def draw(*shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).normal(0.5, 2.0, shape).astype(dtype)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
@pytest.mark.parametrize("dtype", DTYPES)
def test_values_worked_out_by_hand(fact, dtype):
    check_value(fact, dtype)


def test_embedding_looks_rows_up():
    weight = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert F.embedding(np.array([[1], [0]]), weight).tolist() == [[[3.0, 4.0]], [[1.0, 2.0]]]
    assert F.embedding([1, 1], weight.astype(np.float32)).dtype == np.float32


def test_functions_draw_nothing_but_dropout():
    before = npnet.random.default_generator().mark()
    F.bilinear(draw(3, 2), draw(3, 4), draw(5, 2, 4), draw(5))
    F.linear(draw(3, 2), draw(4, 2), draw(4))
    F.embedding(np.array([1]), draw(2, 3))
    F.layer_norm(draw(3, 2), (2,))
    F.dropout(draw(3), training=False)
    assert npnet.random.default_generator().mark() == before
    F.dropout(draw(3))
    assert npnet.random.default_generator().mark() != before


def test_parameters_are_operands_and_get_their_gradients():
    g, weight, bias = Graph(dtype=np.float64), Parameter(draw(4)), Parameter(draw(4, seed=1))
    layer = npnet.LayerNorm(4, dtype=np.float64)
    layer.weight.data, layer.bias.data = weight.data, bias.data
    g.output(F.layer_norm(g.input("x", requires_grad=True), 4, weight, bias))
    x, dy = draw(3, 4, seed=2), draw(3, 4, seed=3)
    np.testing.assert_array_equal(g(x), layer(x))
    g.backward(dy)
    layer.backward(dy)
    np.testing.assert_array_equal(weight.grad, layer.weight.grad)
    np.testing.assert_array_equal(bias.grad, layer.bias.grad)


class Affine(Module):
    """A Linear written by hand; its operands have shapes where it is traced."""

    def forward(self, *operands):
        return F.linear(*operands)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shapes",
    [
        [(5, 3), (2, 3), (2,)],
        [(5, 3), (2, 3), (1,)],
        [(5, 3), (2, 3), ()],
        [(5, 3), (1, 3), ()],
        [(5, 3), (0, 3), (1,)],
        [(5, 3), (3,)],
        [(2, 5, 3), (3,)],
        [(3,), (3,)],
    ],
)
def test_linear_takes_every_shape_that_torchs_takes(shapes, dtype):
    torch = pytest.importorskip("torch")
    given = [draw(*shape, dtype=dtype, seed=i) for i, shape in enumerate(shapes)]
    given = [np.asarray(array, dtype) for array in given]
    tensors = [torch.tensor(array, requires_grad=True) for array in given]
    y, affine = torch.nn.functional.linear(*tensors), Affine()
    found = np.asarray(affine(*given))
    close(found, y.detach().numpy(), "output", 64, 1.0)
    np.testing.assert_array_equal(F.linear(*given), found)
    seed = seeds_for([found])[0]
    y.backward(torch.tensor(seed))
    gradients = affine.backward(seed, input_grad=True)
    for gradient, tensor in zip(gradients, tensors, strict=True):
        close(gradient, tensor.grad.numpy(), "gradient", 64, 8.0)


def test_a_product_of_a_row_and_one_number():
    assert F.linear([1.0, 2.0], [3.0, 4.0], 0.5) == 11.5


class Pairs(Module):
    """A Bilinear written by hand."""

    def forward(self, *operands):
        return F.bilinear(*operands)


def test_their_products_are_counted():
    products = npnet.inspect.summary(Affine(), (5, 3), (4, 3), (4,)).total_mult_adds
    assert products == 5 * 3 * 4
    products = npnet.inspect.summary(Pairs(), (5, 2), (5, 3), (4, 2, 3)).total_mult_adds
    layer = npnet.inspect.summary(npnet.Bilinear(2, 3, 4, bias=False), (5, 2), (5, 3))
    assert products == layer.total_mult_adds > 0
    step = npnet.inspect.record(Affine(), draw(5, 3), draw(4, 3)).steps[-1]
    assert (step.layer.in_features, step.layer.out_features) == (3, 4)


class Normalizes(Module):
    """A batch normalization written by hand, with buffers of its own."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", np.zeros(3, np.float32))
        self.register_buffer("var", np.ones(3, np.float32))

    def forward(self, x):
        return F.batch_norm(x, self.mean, self.var, training=self.training)


def test_running_statistics_are_followed_where_they_are():
    ours, layer = Normalizes(), npnet.BatchNorm1d(3)
    for shape in ((5, 3), (4, 3, 2), (4, 3)):
        x = draw(*shape, dtype=np.float32)
        for training in (True, False):
            np.testing.assert_array_equal(ours.train(training)(x), layer.train(training)(x))
        np.testing.assert_array_equal(ours.mean, layer.running_mean)
        np.testing.assert_array_equal(ours.var, layer.running_var)
    ours.load_state_dict({"mean": np.ones(3), "var": np.full(3, 4.0)})
    np.testing.assert_allclose(ours.eval()(np.full((1, 3), 3.0)), 1.0, rtol=1e-5)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: F.dropout([1.0], 2.0), ValueError, "Dropout: expected p from 0 to 1, got 2"),
        (
            lambda: F.embedding([0], [[1.0]], max_norm=1.0),
            ValueError,
            "expected no max_norm, got 1",
        ),
        (lambda: F.embedding([0], [[1.0]], sparse=True), NotImplementedError, "sparse"),
        (lambda: F.embedding([0], [[1.0]], 1), ValueError, "Padding_idx must be within"),
        (lambda: F.embedding([0], [1.0]), ValueError, r"a weight of 2 axes, got shape \(1,\)"),
        (lambda: F.embedding([2], [[1.0]]), IndexError, "index 2 is out of range"),
        (lambda: F.linear(draw(5, 3), draw(3, 2)), ValueError, r"x of shape \(B, 2\), got \(5, 3"),
        (lambda: F.linear(draw(5, 3), draw(2, 3), draw(3)), ValueError, r"bias of shape \(2,\), g"),
        (lambda: F.linear(draw(5, 3), draw(1, 2, 3)), ValueError, "a weight of 2 axes, got shape"),
        (
            lambda: F.linear(draw(5, 3), draw(3), draw(1)),
            ValueError,
            r"bias of shape \(\) besid",
        ),
        (lambda: F.linear(draw(5, 3), draw(2)), ValueError, "MatMul: expected"),
        (lambda: F.layer_norm(draw(3, 2), (3,)), ValueError, r"expected x of shape \(..., 3\)"),
        (lambda: F.layer_norm(draw(3, 2), 2, draw(3)), ValueError, r"weight of shape \(2,\), got"),
        (lambda: F.layer_norm(draw(3, 2), 2, None, draw(1)), ValueError, r"bias of shape \(2,\)"),
        (lambda: F.rms_norm(draw(3, 2), 2, draw(3)), ValueError, r"weight of shape \(2,\), got"),
        (lambda: F.bilinear(draw(2, 3), draw(2, 3), draw(3)), ValueError, "a weight of 3 axes"),
        (
            lambda: F.bilinear(draw(2, 3), draw(2, 3), draw(4, 3, 3), draw(3)),
            ValueError,
            r"bias of shape \(4,\), got \(3,\)",
        ),
        (
            lambda: F.batch_norm(draw(3), None, None, training=True),
            ValueError,
            r"shape \(N, C, ...\), got \(3,\)",
        ),
        (
            lambda: F.batch_norm(draw(1, 3), None, None, training=True),
            ValueError,
            "more than 1 value",
        ),
        (lambda: F.batch_norm(draw(3, 2), [0.0], [1.0]), TypeError, "batch_norm: .* got list"),
        (
            lambda: F.batch_norm(draw(3, 2), np.zeros(3), np.ones(3)),
            ValueError,
            r"expected running_mean of shape \(2,\), got \(3,\)",
        ),
        (
            lambda: F.batch_norm(draw(3, 2), None, None, draw(3), training=True),
            ValueError,
            r"weight of shape \(2",
        ),
    ],
)
def test_mistakes_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.torch
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("missing", [(), ("mean",), ("var",), ("mean", "var")])
def test_running_statistics_are_missing_where_torchs_may_be(missing, training):
    torch = pytest.importorskip("torch")
    x, arrays = draw(4, 2), {"mean": np.zeros(2), "var": np.ones(2)}
    given = {f"running_{n}": None if n in missing else a for n, a in arrays.items()}
    tensors = {n: None if a is None else torch.tensor(a) for n, a in given.items()}
    try:
        theirs = torch.nn.functional.batch_norm(torch.tensor(x), **tensors, training=training)
    except (RuntimeError, ValueError):
        name = f"running_{missing[0]}"
        with pytest.raises(
            ValueError, match=f"^batch_norm: .* {name} with training={training}, got"
        ):
            F.batch_norm(x, **given, training=training)
        assert arrays["mean"].tolist() == [0.0, 0.0] and arrays["var"].tolist() == [1.0, 1.0]
    else:
        np.testing.assert_allclose(F.batch_norm(x, **given, training=training), theirs, rtol=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "name, arrays, options",
    [
        ("layer_norm", [(5, 2, 3), (2, 3), (2, 3)], {"normalized_shape": (2, 3), "eps": 0.1}),
        ("layer_norm", [(5, 3), (3,)], {"normalized_shape": (3,)}),
        ("rms_norm", [(5, 2, 3), (2, 3)], {"normalized_shape": (2, 3)}),
        ("linear", [(5, 3), (2, 3), (2,)], {}),
        ("linear", [(2, 5, 3), (4, 3)], {}),
        ("linear", [(3,), (4, 3), (4,)], {}),
        ("linear", [(0, 3), (4, 3), (4,)], {}),
        ("linear", [(5, 3), (1, 3), (1,)], {}),
        ("bilinear", [(5, 2), (5, 3), (4, 2, 3), (4,)], {}),
        ("bilinear", [(2, 5, 2), (2, 5, 3), (4, 2, 3)], {}),
        ("batch_norm", [(5, 3), (3,), (3,)], {"training": True}),
        ("batch_norm", [(5, 3, 2, 4), (3,), (3,)], {"training": True, "momentum": 0.5}),
        ("batch_norm", [(5, 3, 2, 2, 2), (3,)], {"eps": 0.1}),
        ("batch_norm", [(1, 3)], {}),
    ],
)
def test_functions_and_all_their_gradients_are_torchs(name, arrays, options, dtype):
    torch = pytest.importorskip("torch")
    given = [draw(*shape, dtype=dtype, seed=i) for i, shape in enumerate(arrays)]
    tensors = [torch.tensor(a, requires_grad=True) for a in given]
    running = [np.zeros(3, dtype), np.ones(3, dtype)] if name == "batch_norm" else []
    theirs = [torch.tensor(a) for a in running]
    g = Graph(dtype=dtype)
    operands = [g.input(f"x{i}", requires_grad=True) for i in range(len(given))]
    count = 2 if name == "bilinear" else 1
    names = ("weight", "bias")
    rest = dict(zip(names, operands[count:], strict=False))
    others = dict(zip(names, tensors[count:], strict=False))
    g.output(getattr(F, name)(*operands[:count], *running, **rest, **options))
    y = getattr(torch.nn.functional, name)(*tensors[:count], *theirs, **others, **options)
    found = np.asarray(g(*given))
    close(found, y.detach().numpy(), "output", 64, 1.0)
    for ours, expected in zip(running, theirs, strict=True):
        close(ours, expected.numpy(), "running statistics")
    seed = seeds_for([found])[0]
    y.backward(torch.tensor(seed))
    for gradient, tensor in zip(g.execution.backward([seed], None), tensors, strict=True):
        close(gradient, tensor.grad.numpy(), "gradient", 64, 8.0)


@pytest.mark.torch
def test_dropout_and_embedding_are_torchs():
    torch = pytest.importorskip("torch")
    x, index, weight = draw(50), np.array([[1, 2], [2, 0]]), draw(3, 4)
    torch.manual_seed(2)
    npnet.manual_seed(2)
    expected = torch.nn.functional.dropout(torch.tensor(x), 0.3)
    np.testing.assert_array_equal(F.dropout(x, 0.3), expected.numpy())
    parameter, tensor = Parameter(weight), torch.tensor(weight, requires_grad=True)
    for options in ({}, {"padding_idx": -1}, {"padding_idx": 2, "scale_grad_by_freq": True}):
        g = Graph()
        g.output(F.embedding(g.input("x"), parameter, **options))
        expected = torch.nn.functional.embedding(torch.tensor(index), tensor, **options)
        np.testing.assert_array_equal(g(index), expected.detach().numpy())
        tensor.grad = parameter.grad = None
        expected.backward(torch.ones_like(expected))
        g.backward(np.ones((2, 2, 4)))
        np.testing.assert_allclose(parameter.grad, tensor.grad.numpy())

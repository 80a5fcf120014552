import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import npnet
from npnet import CrossEntropyLoss, Embedding, Flatten, Linear, Sequential
from npnet.layers import embedding
from npnet.layers.embedding import row_norms
from tests.support.twins import assert_same_state, assert_step_alike, twins

DTYPES = (np.float32, np.float64)
TABLE = np.arange(10.0).reshape(5, 2)


def table(**options):
    """Return a small Embedding with rows (0, 1), (2, 3) and so on, to be trained."""
    return Embedding.from_pretrained(TABLE, freeze=False, **options)


def test_rows_are_looked_up_and_their_gradients_add_up():
    layer = table()
    assert layer(np.array([[1, 3], [1, 1]])).tolist() == [[[2, 3], [6, 7]], [[2, 3], [2, 3]]]
    dy = np.array([[[1, 2], [10, 20]], [[100, 200], [1000, 2000]]], float)
    assert layer.backward(dy) is None
    assert layer.weight.grad.tolist() == [[0, 0], [1101, 2202], [0, 0], [10, 20], [0, 0]]


@given(st.integers(1, 6), st.integers(0, 5), st.integers(0, 40), st.integers(1, 20), st.randoms())
def test_the_gradient_is_the_sum_over_the_places_of_each_index(rows, width, count, block, random):
    layer = Embedding(rows, width, dtype=np.float64)
    indices = np.array([random.randrange(rows) for _ in range(count)], np.int64)
    dy = np.array([random.uniform(-1, 1) for _ in range(count * width)]).reshape(count, width)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedding, "_BLOCK", block)
        layer(indices)
        layer.backward(dy)
    one_hot = indices[:, None] == np.arange(rows)
    np.testing.assert_allclose(layer.weight.grad, one_hot.T @ dy, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64])
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3, 2)])
def test_indices_have_any_shape_and_integer_dtype(dtype, shape):
    layer, indices = table(), np.full(shape, 4, dtype)
    assert layer(indices).shape == (*shape, 2)
    assert (layer(indices) == [8.0, 9.0]).all()


@pytest.mark.parametrize("padding_idx", [1, -4, np.int64(1)])
def test_padding_starts_at_zero_and_has_no_gradient(padding_idx):
    layer = Embedding(5, 2, padding_idx)
    assert (layer.weight.data == 0).all(axis=1).tolist() == [False, True, False, False, False]
    assert layer.padding_idx == 1
    layer(np.array([0, 1, 1, 2]))
    layer.backward(np.ones((4, 2)))
    assert layer.weight.grad.tolist() == [[1, 1], [0, 0], [1, 1], [0, 0], [0, 0]]
    assert table(padding_idx=padding_idx).weight.data.tolist() == TABLE.tolist()


def test_gradients_can_be_divided_by_how_often_a_row_was_looked_up():
    layer = table(scale_grad_by_freq=True, padding_idx=0)
    layer(np.array([1, 2, 1, 0, 1]))
    layer.backward(np.array([[1, 1], [5, 5], [2, 2], [7, 7], [3, 6]], float))
    assert layer.weight.grad.tolist() == [[0, 0], [2, 3], [5, 5], [0, 0], [0, 0]]


def test_rows_that_are_looked_up_are_scaled_to_the_largest_norm():
    layer = Embedding.from_pretrained([[3.0, 4.0], [0.3, 0.4], [30.0, 40.0]], max_norm=1.0)
    y = layer(np.array([0, 1, 0]))
    np.testing.assert_allclose(y, [[0.6, 0.8], [0.3, 0.4], [0.6, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(layer.weight.data, [[0.6, 0.8], [0.3, 0.4], [30.0, 40.0]], rtol=1e-6)


def test_a_step_that_fails_leaves_the_rows_unscaled():
    class Objective(npnet.Module):
        def __init__(self):
            super().__init__()
            self.table = Embedding.from_pretrained(TABLE, freeze=False, max_norm=2.5)
            self.model = Sequential(Flatten(), Linear(4, 2, dtype=np.float64))
            self.loss = CrossEntropyLoss()

        def forward(self, x, other, y):
            return self.loss(self.model(self.table(x) + self.table(other)), y)

    objective, x, other = Objective(), np.array([[0, 1], [3, 1]]), np.array([[2, 1], [3, 4]])
    for wrong in (np.array([0, 2]), np.array([-1, 0])):
        with pytest.raises(IndexError, match="Target"):
            objective(x, other, wrong)
        assert objective.table.weight.data.tolist() == TABLE.tolist()
    with pytest.raises(IndexError, match="index 5"):
        objective(x, other + 1, np.array([0, 1]))
    assert objective.table.weight.data.tolist() == TABLE.tolist()
    objective(x, other, np.array([0, 1]))
    norms = np.linalg.norm(objective.table.weight.data, axis=1)
    np.testing.assert_allclose(norms, [1.0, 2.5, 2.5, 2.5, 2.5], rtol=1e-6)


@pytest.mark.parametrize("p", [0, 0.5, 1, 2, 3, np.inf])
def test_norms_are_numpys(p):
    rows = np.random.default_rng(0).normal(size=(4, 5)) * (np.arange(5) != 2)
    work, found = np.empty_like(rows), np.empty(4)
    row_norms(rows, p, work, found)
    np.testing.assert_allclose(found, np.linalg.norm(rows, p, axis=1))


@pytest.mark.parametrize("index", [5, -1, 2**40, -(2**63)])
def test_an_index_out_of_range_is_named_before_anything_changes(index):
    layer = table(max_norm=0.1)
    with pytest.raises(IndexError, match=f"Embedding: index {index} is out of range; .* 0 to 4"):
        layer(np.array([[0, 1], [index, 2]]))
    assert layer.weight.data.tolist() == TABLE.tolist()


def test_a_table_of_any_memory_order_is_copied_and_frozen_as_told():
    given = np.asfortranarray(TABLE.astype(np.float32))
    layer = Embedding.from_pretrained(given)
    given[:] = 7.0
    assert layer.weight.data.tolist() == TABLE.tolist() and layer.weight.dtype == np.float32
    assert layer.weight.data.flags.c_contiguous and not layer.weight.requires_grad
    layer(np.array([1]))
    layer.backward(np.ones((1, 2)))
    assert layer.weight.grad is None


def test_reset_parameters_draws_anew():
    layer = Embedding(4, 3, padding_idx=2)
    npnet.manual_seed(3)
    layer.reset_parameters()
    first = layer.weight.data.tolist()
    layer.reset_parameters(npnet.Generator(3))
    assert layer.weight.data.tolist() == first and first[2] == [0, 0, 0]


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: Embedding(-1, 2), ValueError, "num_embeddings to be an integer >= 0, got -1"),
        (lambda: Embedding(2, 2.0), ValueError, "embedding_dim to be an integer >= 0, got 2.0"),
        (lambda: Embedding(3, 2, 3), ValueError, "must be within num_embeddings, got 3"),
        (lambda: Embedding(3, 2, -4), ValueError, "must be within num_embeddings, got -4"),
        (lambda: Embedding(3, 2, 1.0), ValueError, "must be within num_embeddings, got 1.0"),
        (lambda: Embedding(3, 2, sparse=True), NotImplementedError, "one dense array"),
        (lambda: Embedding(3, 2, max_norm="a"), TypeError, "max_norm to be a real number"),
        (
            lambda: Embedding(3, 2, dtype=np.float16),
            TypeError,
            "weights in float32 or float64, got fl",
        ),
        (lambda: Embedding(3, 2, _weight=TABLE), ValueError, r"of shape \(3, 2\), got \(5, 2\)"),
        (lambda: Embedding.from_pretrained([1.0]), ValueError, r"\(rows, columns\), got \(1,\)"),
        (lambda: table()(np.ones(2)), TypeError, "an x of integers, got float64; x.astype"),
        (lambda: table()(np.array([True])), TypeError, "an x of integers, got bool"),
    ],
)
def test_mistakes_are_named(call, error, message):
    with pytest.raises(error, match=f"Embedding: .*{message}"):
        call()


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding_idx": 2},
        {"padding_idx": -1, "scale_grad_by_freq": True},
        {"max_norm": 1.5},
        {"max_norm": 2.0, "norm_type": 1.0},
        {"max_norm": 0.5, "norm_type": float("inf"), "padding_idx": 0},
    ],
)
def test_a_few_steps_are_torchs(options, dtype):
    ours, theirs = twins("Embedding", 9, 4, dtype=dtype, seed=3, **options)
    assert_same_state(ours, theirs)
    random = np.random.default_rng(0)
    for shape in ((6,), (4, 30), (0, 3), ()):
        assert_step_alike(ours, theirs, random.integers(0, 9, shape))


@pytest.mark.torch
def test_pretrained_is_torchs():
    torch = pytest.importorskip("torch")
    ours = Embedding.from_pretrained(TABLE, padding_idx=-1, max_norm=2)
    theirs = torch.nn.Embedding.from_pretrained(torch.tensor(TABLE), padding_idx=-1, max_norm=2)
    assert repr(ours) == repr(theirs)
    assert ours.weight.requires_grad == theirs.weight.requires_grad

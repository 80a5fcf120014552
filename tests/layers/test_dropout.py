import copy
import pickle

import numpy as np
import pytest

import npnet
from npnet import CrossEntropyLoss, Dropout, Generator, Linear, ReLU, Sequential
from npnet.random import default_generator

DTYPES = (np.float32, np.float64)


def masks(dropout, count, shape=(20,)):
    """Return what several forwards leave of ones."""
    return [dropout(np.ones(shape)).tolist() for _ in range(count)]


def test_numbers_left_over_are_scaled_and_the_gradient_passes_where_they_did():
    dropout = Dropout(0.75, generator=Generator(2))
    x = np.arange(1.0, 1001.0)
    y = dropout(x)
    kept = y != 0
    assert 200 < kept.sum() < 300
    np.testing.assert_array_equal(y[kept], 4.0 * x[kept])
    np.testing.assert_array_equal(dropout.backward(x), y)


def test_every_forward_draws_a_new_mask_and_the_seed_decides_which():
    dropout = Dropout(generator=Generator(2))
    drawn = masks(dropout, 3)
    assert drawn[0] != drawn[1] != drawn[2]
    dropout.generator.manual_seed(2)
    assert masks(dropout, 3) == drawn
    npnet.manual_seed(2)
    assert masks(Dropout(), 3) == drawn


@pytest.mark.parametrize(
    "p, training, factor", [(0.0, True, 1.0), (1.0, True, 0.0), (0.5, False, 1.0), (1, False, 1.0)]
)
def test_nothing_is_drawn_where_nothing_is_left_to_chance(p, training, factor):
    dropout = Dropout(p, generator=Generator(2)).train(training)
    before = dropout.generator.mark()
    x = np.array([[-1.0, 3.0]])
    assert dropout(x).tolist() == (factor * x).tolist()
    assert dropout.backward(x).tolist() == (factor * x).tolist()
    assert dropout.generator.mark() == before


@pytest.mark.torch
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("p, kind", [(7, ValueError), (-0.1, ValueError), ("a", TypeError)])
def test_p_is_checked_where_it_is_used_as_in_torch(torch, p, kind, training):
    dropout = Dropout(0.5, generator=Generator(2)).train(training)
    theirs = torch.nn.Dropout(0.5).train(training)
    dropout(np.ones(3))
    before = dropout.generator.mark()
    dropout.p = theirs.p = p
    with pytest.raises(kind):
        theirs(torch.ones(3))
    with pytest.raises(kind, match=r"^Dropout: expected p (from 0 to 1|to be a real number), got"):
        dropout(np.ones(3))
    assert dropout.generator.mark() == before
    dropout.p = 0
    assert dropout(np.ones(3)).tolist() == [1, 1, 1]


def test_the_parents_mode_is_its_mode():
    model = Sequential(Linear(4, 4), Sequential(Dropout(0.5, generator=Generator(0)), ReLU()))
    x = np.ones((50, 4), np.float32)
    model.eval()
    expected = model(x)
    np.testing.assert_array_equal(model(x), expected)
    model.train()
    assert (model(x) != expected).any()
    model.eval()
    np.testing.assert_array_equal(model(x), expected)


def test_backward_after_a_change_of_mode_is_that_of_the_forward():
    dropout = Dropout(generator=Generator(2))
    y = dropout(np.ones(50))
    dropout.eval()
    np.testing.assert_array_equal(dropout.backward(np.ones(50)), y)
    y = dropout(np.ones(50))
    dropout.train()
    np.testing.assert_array_equal(dropout.backward(np.ones(50)), y)


def test_used_twice_it_draws_twice():
    class Twice(npnet.Module):
        def __init__(self):
            super().__init__()
            self.dropout = Dropout(generator=Generator(4))

        def forward(self, x):
            return self.dropout(x), self.dropout(x)

    model, x = Twice(), np.ones(30)
    first, second = model(x)
    assert [first.tolist(), second.tolist()] == masks(Dropout(generator=Generator(4)), 2, 30)
    assert (first != second).any()
    np.testing.assert_array_equal(model.backward(x, 2.0 * x, input_grad=True), first + 2 * second)


def test_a_step_that_fails_draws_nothing():
    model = Sequential(Linear(4, 3), Dropout(), ReLU(), Dropout(0.1))
    loss = CrossEntropyLoss()

    class Objective(npnet.Module):
        def __init__(self):
            super().__init__()
            self.model, self.loss = model, loss

        def forward(self, x, y):
            return self.loss(self.model(x), y)

    objective, x = Objective(), np.ones((8, 4), np.float32)
    labels = np.zeros(8, np.int64)
    npnet.manual_seed(5)
    before = default_generator().mark()
    for wrong in (3, -1):
        with pytest.raises(IndexError, match=f"Target {wrong} is out of bounds"):
            objective(x, np.where(np.arange(8) == 2, wrong, labels))
        assert default_generator().mark() == before
    after_mistakes = objective(x, labels)
    npnet.manual_seed(5)
    assert objective(x, labels) == after_mistakes
    assert objective(x, labels) != after_mistakes


def test_a_failure_of_the_backward_pass_leaves_what_forward_drew():
    dropout = Dropout(generator=Generator(2))
    dropout(np.ones(5))
    mark = dropout.generator.mark()
    with pytest.raises(ValueError, match="shape"):
        dropout.backward(np.ones(4))
    assert dropout.generator.mark() == mark


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))])
def test_a_copy_goes_on_alone_from_the_same_place(copied):
    dropout = Dropout(generator=Generator(2))
    masks(dropout, 1)
    other = copied(dropout)
    assert masks(other, 2) == masks(dropout, 2)


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan"), np.inf])
def test_p_is_a_probability(p):
    with pytest.raises(ValueError, match=r"Dropout: expected p from 0 to 1, got "):
        Dropout(p)


@pytest.mark.parametrize("p", ["0.5", None, [0.5], 1j])
def test_p_is_a_number(p):
    with pytest.raises(TypeError, match="Dropout"):
        Dropout(p)


def test_a_generator_is_npnets():
    with pytest.raises(TypeError, match=r"Dropout: expected a npnet\.random\.Generator, got int"):
        Dropout(0.5, generator=3)


@pytest.mark.torch
@pytest.mark.parametrize("seed", range(20))
def test_masks_and_gradients_are_torchs_bit_by_bit(seed):
    torch = pytest.importorskip("torch")
    choice = np.random.default_rng(seed)
    npnet.manual_seed(seed)
    torch.manual_seed(seed)
    for _ in range(6):
        p = float(choice.choice([0.0, 0.15, 0.5, 0.87, 1.0]))
        dtype = DTYPES[choice.integers(2)]
        size = int(choice.choice([0, 1, 15, 16, 17, 4096, 5000]))
        shape = (size,) if choice.integers(2) else (size, 3)
        x = choice.normal(size=shape).astype(dtype)
        ours, theirs = Dropout(p), torch.nn.Dropout(p)
        given = torch.tensor(x, requires_grad=True)
        expected = theirs(given)
        np.testing.assert_array_equal(ours(x), expected.detach().numpy(), strict=True)
        expected.backward(given.detach())
        np.testing.assert_array_equal(ours.backward(x), given.grad.numpy(), strict=True)
        assert repr(ours) == repr(theirs)
    assert npnet.rand(1).item() == torch.rand(1).item()


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_mask_of_a_hundred_thousand_is_torchs(dtype):
    torch = pytest.importorskip("torch")
    npnet.manual_seed(1)
    torch.manual_seed(1)
    x = np.ones(100_000, dtype)
    expected = torch.nn.functional.dropout(torch.tensor(x), 0.3)
    np.testing.assert_array_equal(Dropout(0.3)(x), expected.numpy(), strict=True)


@pytest.mark.torch
@pytest.mark.parametrize("inplace", [False, True])
def test_inplace_is_accepted_and_writes_over_nobodys_array(inplace):
    torch = pytest.importorskip("torch")
    dropout, x = Dropout(0.5, inplace, generator=Generator(1)), np.ones(100)
    assert repr(dropout) == repr(torch.nn.Dropout(0.5, inplace))
    dropout(x)
    assert (x == 1).all()

import numpy as np
import pytest

from npnet import CrossEntropyLoss, Graph, Linear, Parameter, Sequential, Tanh, gradcheck
from npnet.faults import Subject, as_dtype
from tests.support import broken

X = np.random.default_rng(0).normal(size=(4, 3))
TARGET = np.random.default_rng(1).normal(size=(4, 3))
#: A layer that is wrong, its inputs, the operand that must be named and words of the cause.
CAUSES = [
    (broken.Accumulates, (X,), "x", "it adds to its gradient array"),
    (broken.ComputesInSingle, (X,), "x", "forward computes in float32"),
    (broken.DividesTwice, (X, TARGET), "x", "one 1/N too many .*, N = 12"),
    (broken.FixedDtype, (X,), "forward", "less than float64: see infer"),
    (broken.HandsOn, (X,), "x", "the local derivative is missing"),
    (broken.IgnoresOutputGradient, (X,), "x", "the output gradient is ignored"),
    (broken.KeepsOnSelf, (X,), "x", "stale buffer: it depends on the pass before"),
    (broken.LeavesUnwritten, (X,), "x", "stale buffer: it leaves part of its gradient array"),
    (broken.MissingMean, (X, TARGET), "x", "missing 1/N, N = 12"),
    (broken.ModifiesInput, (X,), "x", "the operand itself is written to"),
    (broken.NotSummedOverBatch, (X,), "bias", "not summed over the batch: only the last row"),
    (broken.OfOneRow, (X,), "backward", "raises ValueError.*summed over the batch, or transposed"),
    (broken.ReadsStaleOutput, (X,), "forward", "stale buffer: it reads memory"),
    (broken.ReadsStaleScratch, (X,), "x", "stale buffer: it reads scratch"),
    (broken.ReadsUndeclared, (X,), "backward", "raises .*what backward_reads does not name"),
    (broken.ReadsUnkept, (X,), "x", "stale buffer: it reads scratch .*Layer.kept"),
    (broken.SquaresOutputGradient, (X,), "x", "not proportional to the output gradient"),
    (broken.SummedOverBatch, (X,), "x", "summed over the batch: every row receives the same"),
    (broken.Transposed, (X,), "weight", "transposed"),
    (broken.WideTransposed, (X[:, :2],), "weight", "transposed"),
    (broken.WrongSign, (X,), "x", "wrong sign"),
    (broken.Zero, (X,), "x", "it is zero throughout"),
]


@pytest.mark.parametrize("make, inputs, operand, words", CAUSES)
def test_names_the_likely_cause(make, inputs, operand, words):
    result = gradcheck(make(), *inputs, raise_exception=False)
    assert [fault.operand for fault in result.faults] == [operand]
    with pytest.raises(AssertionError, match=f"likely cause: .*{words}"):
        assert result, str(result)


@pytest.mark.parametrize("make, inputs, operand, words", CAUSES)
def test_names_it_whatever_the_seed(make, inputs, operand, words):
    first = gradcheck(make(), *inputs, raise_exception=False).faults[0]
    for seed in (1, 2, 3):
        other = gradcheck(make(), *inputs, seed=seed, raise_exception=False).faults[0]
        assert (other.operand, other.cause) == (first.operand, first.cause)


@pytest.mark.parametrize("factor", [2.0, 0.5, 3.7])
def test_names_a_constant_factor(factor):
    class Scaled(broken.Sine):
        def backward_kernel(self, dy, x, y, *, dx, scratch):
            super().backward_kernel(dy, x, y, dx=dx, scratch=scratch)
            dx *= factor

    result = gradcheck(Scaled(), np.array([[0.3, 0.5, 0.7]]), raise_exception=False)
    assert result.faults[0].cause == f"a constant factor of {factor:g}"


def test_names_rows_where_the_missing_divisor_is_their_number():
    class RowMean(broken.MissingMean):
        def forward_kernel(self, x, target, *, out, scratch):
            np.divide(np.sum((x - target) ** 2), len(x), out=out)

        def backward_kernel(self, dy, x, target, y, *, dx, dtarget, scratch):
            if dx is not None:
                np.multiply(x - target, 2.0 * dy, out=dx)
            if dtarget is not None:
                np.multiply(target - x, 2.0 / len(x) * dy, out=dtarget)

    (fault,) = gradcheck(RowMean(), X, TARGET, raise_exception=False).faults
    assert fault.cause == "a constant factor of 4: missing 1/N, N = 4 (rows of x)"


def test_knows_no_cause_of_what_is_only_wrong():
    class Wrong(broken.Sine):
        def backward_kernel(self, dy, x, y, *, dx, scratch):
            np.multiply(np.cos(x) + x, dy, out=dx)

    class WrongLoss(broken.MissingMean):
        def backward_kernel(self, dy, x, target, y, *, dx, dtarget, scratch):
            if dx is not None:
                np.multiply(x, dy, out=dx)
            if dtarget is not None:
                np.multiply(target - x, 2.0 / x.size * dy, out=dtarget)

    for layer, inputs in ((Wrong(), (X,)), (Wrong(), (X[0],)), (WrongLoss(), (X, TARGET))):
        (fault,) = gradcheck(layer, *inputs, raise_exception=False).faults
        assert not fault.cause


def test_names_the_first_row_too():
    class First(broken.Product):
        def bias_gradient(self, dy, dbias):
            dbias[...] = dy[0]

    (fault,) = gradcheck(First(), X, raise_exception=False).faults
    assert fault.cause == "not summed over the batch: only the first row arrives"


def test_an_error_of_backward_is_told_as_it_is():
    class Raises(broken.Sine):
        def backward_kernel(self, dy, x, y, *, dx, scratch):
            raise ValueError("no way back")

    (fault,) = gradcheck(Raises(), X, raise_exception=False).faults
    assert (fault.operand, fault.cause) == ("backward", "it raises ValueError: no way back")
    assert fault.element is None


def test_infinite_gradients_are_named():
    class Infinite(broken.Sine):
        def backward_kernel(self, dy, x, y, *, dx, scratch):
            dx.fill(np.inf)

    (fault,) = gradcheck(Infinite(), X, raise_exception=False).faults
    assert fault.cause == "it is not finite where the outputs are"


# ---------------------------------------------------------------------- the subject


def test_as_dtype_is_a_copy_in_another_dtype():
    model = Sequential(Linear(3, 2), Tanh())
    model(X.astype(np.float32))
    model.backward(np.ones((4, 2)))
    other = as_dtype(model, np.float64)
    assert {p.dtype for p in other.parameters()} == {np.dtype(np.float64)}
    assert {p.dtype for p in model.parameters()} == {np.dtype(np.float32)}
    assert other[0].weight.grad is None and model[0].weight.grad is not None
    np.testing.assert_allclose(other(X), model(X), rtol=1e-5, atol=1e-6)
    other[0].bias.data[...] = 5.0
    assert (model[0].bias.data != 5.0).all()


def test_as_dtype_keeps_what_is_shared_shared_and_frozen_frozen():
    first, second = Linear(3, 3), Linear(3, 3)
    second.weight, second.bias.requires_grad = first.weight, False
    other = as_dtype(Sequential(first, second), np.float64)
    assert other[0].weight is other[1].weight
    assert other[0].weight.requires_grad and not other[1].bias.requires_grad
    assert other[1].bias.name == "bias"


def test_as_dtype_converts_buffers_and_graphs():
    loss = as_dtype(CrossEntropyLoss(weight=np.ones(3, np.float32)), np.float64)
    assert loss.weight.dtype == np.float64
    g = Graph(dtype=np.float32)
    g.output(g.input("x") * g.parameter("w", [2.0]))
    other = as_dtype(g, np.float64)
    assert other(np.array([1.5])).dtype == np.float64 and g(np.array([1.5])).dtype == np.float32


def test_as_dtype_works_for_a_parameter_used_by_its_graph_alone():
    g, free = Graph(), Parameter(np.array([3.0], np.float32))
    g.output(g.input("x") * free)
    assert as_dtype(g, np.float64)(np.array([2.0])).tolist() == [6.0]


def test_draws_no_small_numbers_and_no_two_the_same():
    subject = Subject(Tanh(), [X], None, np.random.default_rng(0))
    drawn = subject.draw((100,))
    assert np.abs(drawn).min() >= 0.5 and len(np.unique(np.abs(drawn))) == 100
    assert (drawn > 0).any() and (drawn < 0).any()


def test_both_sides_puts_the_operand_back_whatever_happens():
    subject = Subject(broken.Fragile(), [X], None, np.random.default_rng(0))
    before = subject.operands[0].array.copy()
    with pytest.raises(ArithmeticError):
        subject.both_sides(0, np.full((4, 3), 100.0), np.zeros((4, 3)))
    np.testing.assert_array_equal(subject.operands[0].array, before)
    low, high, way = subject.both_sides(0, np.full((4, 3), 0.5), np.zeros((4, 3)))
    np.testing.assert_allclose(high[0] - low[0], np.sin(X + 0.5) - np.sin(X), atol=1e-15)
    np.testing.assert_allclose(way, 0.5, rtol=1e-15)


def test_the_way_between_is_as_it_was_rounded():
    subject = Subject(Tanh(), [np.array([1e10])], None, np.random.default_rng(0))
    step = np.array([1e-6])
    assert subject.both_sides(0, step, step)[2].tolist() == [(1e10 + 1e-6) - (1e10 - 1e-6)]

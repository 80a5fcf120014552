import numpy as np
import pytest

from npnet import Layer, gradcheck
from npnet.check.causes.likely import CAUSES as ASKED
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
    assert result.faults[0].cause.startswith(f"a constant factor of {factor:g}")


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
    assert fault.cause.startswith("a constant factor of 4: missing 1/N, N = 4 (rows of x)")


def test_knows_no_cause_of_what_is_only_wrong():
    class Wrong(broken.Sine):
        def backward_kernel(self, dy, x, y, *, dx, scratch):
            np.multiply(np.cos(x) + x, dy, out=dx)

    class WrongLoss(broken.MissingMean):
        def backward_kernel(self, dy, x, target, y, *, dx, dtarget, scratch):
            if dx is not None:
                np.multiply(x * abs(x) + 1.0, dy, out=dx)
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


def test_each_cause_is_asked_once():
    names = [cause.__name__ for cause in ASKED]
    assert len(set(names)) == len(names)


class TwoOutputs(Layer):
    """y = x^2 and z = x^3, right."""

    output_count = 2

    def infer(self, x):
        return x, x

    def forward_kernel(self, x, *, out, scratch):
        np.power(x, 2, out=out[0])
        np.power(x, 3, out=out[1])

    def parts(self, dy, x):
        return [d * s for d, s in zip(dy, (2 * x, 3 * x * x), strict=True) if d is not None]

    def backward_kernel(self, dy, x, y, *, dx, scratch):
        dx[...] = np.sum(self.parts(dy, x), axis=0)


class SecondWrong(TwoOutputs):
    def parts(self, dy, x):
        return [d * s for d, s in zip(dy, (2 * x, -3 * x * x), strict=True) if d is not None]


class LastAssigned(TwoOutputs):
    def backward_kernel(self, dy, x, y, *, dx, scratch):
        dx[...] = self.parts(dy, x)[-1]


@pytest.mark.parametrize(
    "make, words",
    [
        (SecondWrong, "of output 1: wrong sign"),
        (LastAssigned, "`=` where `+=` is meant: the gradients of several outputs"),
    ],
)
def test_names_the_output_whose_gradient_is_wrong(make, words):
    assert gradcheck(TwoOutputs(), X)
    (fault,) = gradcheck(make(), X, raise_exception=False).faults
    assert fault.cause.startswith(words)


def test_what_cannot_be_asked_in_the_domain_is_no_cause():
    class Picky(broken.Sine):
        """e^(x + 3) for |x| < 3 only, with a slope that looks like nothing; y is not in it."""

        def forward_kernel(self, x, *, out, scratch):
            if (np.abs(x) > 3).any():
                raise ValueError("too large")
            np.exp(x + 3, out=out)

        def backward_kernel(self, dy, x, y, *, dx, scratch):
            np.multiply(np.cos(x) + x, dy, out=dx)

    (fault,) = gradcheck(Picky(), X, raise_exception=False).faults
    assert not fault.cause


class KeepsOfTwo(TwoOutputs):
    """Adds a number of the pass before."""

    def __init__(self):
        super().__init__()
        self.last = [0.0]

    def backward_kernel(self, dy, x, y, *, dx, scratch):
        super().backward_kernel(dy, x, y, dx=dx, scratch=scratch)
        dx += self.last[0]
        self.last[0] = float(dy[0].flat[-1]) if dy[0] is not None else 1.0


def test_left_overs_are_those_of_all_outputs():
    (fault,) = gradcheck(KeepsOfTwo(), X, raise_exception=False).faults
    assert fault.cause.startswith("stale buffer")

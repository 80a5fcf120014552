import copy
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import npnet
from npnet import (
    Abs,
    CrossEntropyLoss,
    Elementwise,
    GradientError,
    Graph,
    Linear,
    Log,
    Module,
    MSELoss,
    Multiply,
    Parameter,
    Regularization,
    ReLU,
    Sequential,
    Sigmoid,
    SoftmaxCrossEntropy,
    Square,
    Tanh,
    gradcheck,
)
from tests.support import broken

random = np.random.default_rng(0)
X = random.normal(size=(5, 4))
LABELS = np.array([0, 2, 1, 1, 0])


class Objective(Module):
    """A loss and two parallel regularization paths; a weight is read twice."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = Linear(4, 6), Linear(6, 3)
        self.loss, self.penalty = CrossEntropyLoss(), Regularization(0.1)

    def forward(self, x, y):
        z = self.fc2(np.exp(self.fc1(x) * 0.5))
        return self.loss(z, y) + self.penalty(self.fc1.weight) + self.penalty(self.fc2.weight)


class OneElement(Elementwise):
    """y = x^2, with a wrong slope at one element."""

    def __init__(self, at, error=1.0):
        super().__init__()
        self.at, self.error = at, error

    def forward_kernel(self, x, *, out, scratch):
        np.multiply(x, x, out=out)

    def backward_kernel(self, dy, x, y, *, dx, scratch):
        np.multiply(2.0 * x, dy, out=dx)
        dx[self.at] += self.error * dx[self.at]


class SteepAtZero(Elementwise):
    """max(x, 0) whose slope at 0 is none of those that it may be."""

    def forward_kernel(self, x, *, out, scratch):
        np.maximum(x, 0.0, out=out)

    def backward_kernel(self, dy, x, y, *, dx, scratch):
        np.multiply(np.where(x == 0, 3.0, x > 0), dy, out=dx)


class Noisy(broken.Sine):
    """Draws numbers in forward."""

    def __init__(self):
        super().__init__()
        self.source = np.random.default_rng(0)

    def forward_kernel(self, x, *, out, scratch):
        np.add(x, self.source.normal(size=x.shape), out=out)


def graph():
    """Return a Graph of two inputs, a parameter and two outputs, in float32."""
    g = Graph(dtype=np.float32)
    a, b = g.input("a", requires_grad=True), g.input("b")
    w = g.parameter("w", [1.0, 2.0])
    h = a * w
    g.output(h + b, np.exp(h))
    return g


# ---------------------------------------------------------------------- what is right


@pytest.mark.parametrize(
    "make, inputs, names",
    [
        (lambda: Linear(4, 3), (X,), ["x", "weight", "bias"]),
        (lambda: Linear(4, 3, bias=False), (X.astype(np.float32),), ["x", "weight"]),
        (lambda: Multiply(), (2.0, 3.0), ["a", "b"]),
        (lambda: MSELoss(), (X, X + 1), ["x", "target"]),
        (lambda: CrossEntropyLoss(), (X, LABELS), ["z"]),
        (lambda: SoftmaxCrossEntropy(), (X, LABELS), ["z"]),
        (
            lambda: Sequential(Linear(4, 3), Tanh(), Linear(3, 2)),
            (X,),
            ["x0", "0.weight", "0.bias", "2.weight", "2.bias"],
        ),
        (Objective, (X, LABELS), ["x", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]),
        (lambda: Objective().eval(), (X, LABELS), ["x", "fc1.weight", "fc1.bias"]),
        (graph, (np.ones((3, 2)), np.ones(2)), ["a", "b", "w"]),
    ],
)
def test_agrees_with_what_is_right(make, inputs, names):
    npnet.manual_seed(1)
    result = gradcheck(make(), *inputs)
    assert result and list(result.disagreements)[: len(names)] == names
    assert all(0 <= excess < 0.5 for excess in result.disagreements.values())
    assert not result.kinks and str(result).endswith(" agree")


@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=4),
    st.sampled_from([Tanh, Sigmoid, ReLU, Abs]),
    st.integers(0, 50),
)
def test_agrees_with_networks_of_any_size(sizes, activation, seed):
    npnet.manual_seed(seed)
    layers = [part for i, o in pairwise(sizes) for part in (Linear(i, o), activation())]
    x = np.random.default_rng(seed).normal(size=(3, sizes[0]))
    assert gradcheck(Sequential(*layers), x, seed=seed)


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1e3, 1e8])
def test_agrees_whatever_the_size_of_the_numbers(scale):
    assert gradcheck(Square(), X * scale)
    assert gradcheck(Linear(4, 3), X * scale)


def test_leaves_module_gradients_and_inputs_as_they_are():
    model, x = Objective(), X.astype(np.float32)
    model(x, LABELS)
    model.backward()
    state, given = copy.deepcopy(model.state_dict()), x.copy()
    gradients = [p.grad.copy() for p in model.parameters()]
    gradcheck(model, x, LABELS)
    np.testing.assert_array_equal(x, given)
    for name, array in model.state_dict().items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, state[name])
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        np.testing.assert_array_equal(parameter.grad, gradient)
    model.backward()
    np.testing.assert_array_equal(model.fc1.weight.grad, 2 * gradients[0])


def test_touches_no_random_stream():
    npnet.manual_seed(0)
    expected = Linear(3, 3).weight.data
    npnet.manual_seed(0)
    gradcheck(Square(), X)
    np.testing.assert_array_equal(Linear(3, 3).weight.data, expected)


def test_gives_the_same_for_the_same_seed():
    results = [gradcheck(Tanh(), X, seed=seed).disagreements for seed in (1, 1, 2)]
    assert results[0] == results[1] != results[2]


def test_frozen_parameters_are_not_differentiated():
    fc = Linear(4, 3)
    fc.weight.requires_grad = False
    assert list(gradcheck(fc, X).disagreements) == ["x", "bias"]


def test_a_parameter_held_twice_is_one_operand():
    first, second = Linear(4, 4), Linear(4, 4)
    second.weight = first.weight
    result = gradcheck(Sequential(first, Tanh(), second), X)
    assert result and list(result.disagreements) == ["x0", "0.weight", "0.bias", "2.bias"]


def test_integers_are_left_as_they_are():
    result = gradcheck(Multiply(), np.array([1, 2]), np.array([0.5, 1.5]))
    assert list(result.disagreements) == ["b"]


def test_without_rows_there_is_nothing_to_find():
    assert gradcheck(Linear(4, 3), np.ones((0, 4)))


# ---------------------------------------------------------------------- what is wrong


def test_names_operand_element_and_both_values():
    with pytest.raises(GradientError) as raised:
        gradcheck(OneElement((1, 2)), X, output_gradient=np.ones((5, 4)))
    (fault,) = raised.value.result.faults
    assert isinstance(raised.value, AssertionError) and not raised.value.result
    assert (fault.operand, fault.element, fault.wrong, fault.looked_at) == ("x", (1, 2), 1, 20)
    assert fault.analytic == pytest.approx(4 * X[1, 2], rel=1e-12)
    assert fault.numeric == pytest.approx(2 * X[1, 2], rel=1e-7)
    values = f"x[1, 2]: backward gives {fault.analytic:.10g}, central differences"
    assert "gradcheck: OneElement: wrong gradient of x" in str(raised.value)
    assert values in str(raised.value) and "no likely cause found" in str(raised.value)


def test_finds_one_wrong_element_of_many():
    at = (123, 77)
    result = gradcheck(OneElement(at, -0.01), random.normal(size=(200, 100)), raise_exception=False)
    assert [fault.element for fault in result.faults] == [at]
    assert result.faults[0].looked_at < 4097


@pytest.mark.parametrize("error, agrees", [(1e-8, True), (1e-5, False), (-1e-5, False)])
def test_is_as_exact_as_it_says(error, agrees):
    x = np.array([[1.0]])
    assert bool(gradcheck(OneElement((0, 0), error), x, raise_exception=False)) is agrees
    assert gradcheck(OneElement((0, 0), error), x, rtol=1e-3)
    assert gradcheck(OneElement((0, 0), error), x, atol=1e-3)


def test_a_scalar_has_no_element():
    result = gradcheck(broken.WrongSign(), 0.3, raise_exception=False)
    assert "\n  x: backward gives" in str(result)


@pytest.mark.parametrize(
    "kind, operand", [(broken.Transposed, "weight"), (broken.NotSummedOverBatch, "bias")]
)
def test_only_the_wrong_operand_is_named(kind, operand):
    result = gradcheck(kind(), X[:, :3], raise_exception=False)
    assert [fault.operand for fault in result.faults] == [operand]
    assert set(result.disagreements) == {"x", "weight", "bias"}
    assert result.disagreements[operand] > 1


def test_names_the_step_at_fault():
    model = Sequential(Linear(3, 4), Tanh(), broken.Transposed(4, 4), ReLU(), Linear(4, 2))
    result = gradcheck(model, X[:, :3], raise_exception=False)
    assert [fault.operand for fault in result.faults] == ["2.weight"]
    assert "the fault is in step 2:" in result.culprit
    assert "Transposed: wrong gradient of weight" in result.culprit
    assert result.culprit in str(result)


def test_names_the_step_whose_fault_reaches_many_operands():
    model = Sequential(Linear(3, 4), broken.WrongSign(), Linear(4, 2))
    result = gradcheck(model, X[:, :3], raise_exception=False)
    assert {fault.operand for fault in result.faults} == {"x0", "0.weight", "0.bias"}
    assert "step 1:" in result.culprit and "wrong sign" in result.culprit


def test_says_so_where_every_step_is_right_by_itself():
    class Twice(Module):
        def __init__(self):
            super().__init__()
            self.layer = broken.KeepsActivations()

        def forward(self, x):
            return self.layer(x) * self.layer(x * 2.0)

    result = gradcheck(Twice(), X, raise_exception=False)
    assert not result and "every step is right by itself" in result.culprit


def test_says_so_where_forward_is_random():
    result = gradcheck(Noisy(), X, raise_exception=False)
    assert "fault in forward" in str(result) and "fix what is random" in str(result)


# ---------------------------------------------------------------------- kinks


def test_a_kink_is_no_fault():
    x = np.array([[0.0, 1.0], [-2.0, 0.0], [3e-7, -0.5]])
    result = gradcheck(ReLU(), x)
    assert result and sorted(result.kinks["x"]) == [(0, 0), (1, 1), (2, 0)]
    assert "x: at a kink: 3, first (0, 0)" in str(result)
    # At 0 itself the mean of the slopes of |x| is the 0 that backward gives.
    assert gradcheck(Abs(), x).kinks == {"x": [(2, 0)]}


def test_a_gradient_at_a_kink_lies_between_the_slopes():
    result = gradcheck(SteepAtZero(), np.array([0.0, 1.0]), raise_exception=False)
    assert [fault.element for fault in result.faults] == [(0,)]


def test_a_kink_hides_no_fault():
    class Wrong(ReLU):
        def backward_kernel(self, dy, x, y, *, dx, scratch):
            super().backward_kernel(dy, x, y, dx=dx, scratch=scratch)
            dx[-1] *= 2.0

    result = gradcheck(Wrong(), np.array([0.0, 0.0, -1.0, 1.0]), raise_exception=False)
    assert [fault.element for fault in result.faults] == [(3,)]


def test_kinks_of_a_large_operand_are_set_aside():
    x = random.normal(size=10_000)
    x[::1000] = 0.0
    assert set(gradcheck(ReLU(), x).kinks["x"]) == {(i,) for i in range(0, 10_000, 1000)}


def test_a_hidden_unit_at_its_kink_is_no_fault():
    first = Linear(2, 3)
    first.bias.data = np.zeros(3)
    result = gradcheck(Sequential(first, ReLU(), Linear(3, 1)), np.zeros((1, 2)))
    assert result and result.kinks["0.bias"] == [(0,), (1,), (2,)]


# ---------------------------------------------------------------------- what is asked


@pytest.mark.parametrize("gradient", [np.full((3, 2), 2.0), [[2.0, 2.0]] * 3])
def test_takes_the_output_gradient_given(gradient):
    result = gradcheck(
        broken.Transposed(2, 2), X[:3, :2], output_gradient=gradient, raise_exception=False
    )
    assert [fault.operand for fault in result.faults] == ["weight"]


def test_takes_one_output_gradient_for_each_output():
    layer = SoftmaxCrossEntropy()
    for gradient in ((2.0, None), (None, np.ones((5, 4))), (0.5, X)):
        assert gradcheck(layer, X, LABELS, output_gradient=gradient)


def test_an_output_gradient_of_another_shape_is_an_error():
    with pytest.raises(
        ValueError, match=r"expected an output gradient of shape \(5, 4\), got \(2,\)"
    ):
        gradcheck(Tanh(), X, output_gradient=np.ones(2))


def test_checks_only_the_operands_asked_for():
    x = X[:, :3]
    assert list(gradcheck(broken.Transposed(), x, operands=["x", "bias"]).disagreements) == [
        "x",
        "bias",
    ]
    with pytest.raises(GradientError):
        gradcheck(broken.Transposed(), x, operands=["weight"])
    with pytest.raises(ValueError, match=r"no operand \['y'\]; there are x, weight, bias"):
        gradcheck(broken.Transposed(), x, operands=["y"])


@pytest.mark.parametrize("options", [{"directions": 0}, {"eps": 0.0}, {"eps": float("nan")}])
def test_refuses_what_makes_no_check(options):
    with pytest.raises(ValueError, match="gradcheck: expected directions >= 1 and eps > 0"):
        gradcheck(Tanh(), X, **options)


def test_refuses_what_is_no_module():
    with pytest.raises(TypeError, match=r"gradcheck: expected a Module, got type; .*gradients"):
        gradcheck(Tanh, X)


def test_refuses_outputs_that_are_not_finite():
    with pytest.raises(ValueError, match="Square: expected finite outputs, got inf"):
        gradcheck(Square(), np.array([1.0, np.inf]))
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match="Log: expected finite outputs within eps = 1e-06 of x"),
    ):
        gradcheck(Log(), np.array([1.0, 1e-9]))
    assert gradcheck(Log(), np.array([1.0, 1e-3]), eps=1e-9, rtol=1e-3)


def test_an_error_of_the_module_is_passed_on():
    with pytest.raises(ValueError, match="Linear: expected x of shape"):
        gradcheck(Linear(3, 2), X)
    with pytest.raises(TypeError, match="gradcheck: expected inputs of real numbers"):
        gradcheck(Tanh(), "x")


def test_works_for_a_parameter_in_any_memory_order():
    class Weighted(Module):
        def __init__(self):
            super().__init__()
            self.weight = Parameter(np.asfortranarray(X))

        def forward(self, x):
            return Square()(self.weight * x)

    assert gradcheck(Weighted(), X)

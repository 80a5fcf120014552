import numpy as np
import pytest

from npnet import CrossEntropyLoss, Dropout, Graph, Linear, Parameter, ReLU, Sequential, Tanh
from npnet.check.module_subject import ModuleSubject, as_dtype
from tests.support import broken

X = np.random.default_rng(0).normal(size=(4, 3))


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


def subject(module, x=X):
    return ModuleSubject(module, [x], None, np.random.default_rng(0))


def test_runs_a_copy_in_float64_and_leaves_the_module_as_it_is():
    layer = Linear(3, 2)
    before = layer.weight.data.copy()
    found = subject(layer)
    assert [y.dtype for y in found.first] == [np.float64]
    assert [o.name for o in found.operands] == ["x", "weight", "bias"]
    found.gradients(found.draw_seeds())
    np.testing.assert_array_equal(layer.weight.data, before)
    assert layer.weight.grad is None


def test_draws_the_same_random_numbers_in_each_run():
    found = subject(Dropout(0.5))
    np.testing.assert_array_equal(found.outputs()[0], found.first[0])
    assert not found.misbehaviour()


def test_yields_its_numbers_and_no_private_ones():
    assert dict(subject(Sequential(Linear(3, 2))).numbers()) == {
        "0.in_features": 3.0,
        "0.out_features": 2.0,
    }


def test_yields_its_steps_last_first_each_on_the_values_it_had():
    found = subject(Sequential(Linear(3, 2), ReLU()))
    parts = list(found.parts())
    assert [number for number, _ in parts] == [1, 0]
    relu, linear = (part for _, part in parts)
    np.testing.assert_array_equal(linear.first[0], relu.inputs[0])
    np.testing.assert_array_equal(relu.first[0], found.first[0])
    assert list(subject(ReLU()).parts()) == []


@pytest.mark.parametrize(
    "make, who, why",
    [
        (broken.ModifiesInput, "x", "written to"),
        (broken.ReadsStaleOutput, "forward", "stale buffer"),
        (broken.FixedDtype, "forward", "less than float64"),
        (broken.ReadsUndeclared, "backward", "backward_reads"),
    ],
)
def test_tells_what_is_wrong_with_forward_and_backward_themselves(make, who, why):
    ((found, text),) = subject(make()).misbehaviour()
    assert found == who and why in text


def test_refuses_outputs_that_are_not_finite():
    class Inverse(broken.Sine):
        def forward_kernel(self, x, *, out, scratch):
            with np.errstate(all="ignore"):
                np.divide(1.0, x, out=out)

    with pytest.raises(ValueError, match="Inverse: expected finite outputs, got inf"):
        subject(Inverse(), np.array([0.0, 1.0])).misbehaviour()


class Renames(Tanh):
    """Calls its result `out` and writes nothing."""

    def forward_kernel(self, x, *, out, scratch):
        out = np.tanh(x)  # noqa: F841


class HalfWrites(Tanh):
    def forward_kernel(self, x, *, out, scratch):
        np.tanh(x[:1], out=out[:1])


def test_an_output_that_is_not_written_is_told_from_memory_that_is_read():
    for made, words in ((Renames, "nothing is written into out"), (HalfWrites, "it reads memory")):
        ((who, why),) = subject(made()).misbehaviour()
        assert who == "forward" and words in why

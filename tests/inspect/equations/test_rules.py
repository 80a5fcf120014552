"""Every layer's equations, evaluated by NumPy alone, give what its kernels give."""

import numpy as np
import pytest

import npnet
from npnet.inspect import record
from npnet.inspect.equations.rules import FORMULAS, rule_of
from npnet.inspect.expressions import Symbol
from npnet.inspect.rendering import latex, mathml, text
from npnet.layers.base import Elementwise, Layer
from tests.layers.cases import CASES
from tests.support.case import seeds_for
from tests.support.evaluate import evaluate

#: A row or a column times a stack of matrices, where one letter stands for both forms; the
#: logarithm of 1 - σ(x), which is rounded to 0 for large x where the kernel has its own form.
BEYOND_NUMPY = ("MatMul of a row and batches", "MatMul of batches and a column")
BEYOND_ROUNDING = "BCEWithLogitsLoss", "large"


def evaluable(case):
    """Return whether NumPy can follow the equations of a case as they are written."""
    rounded = all(word in case.name for word in BEYOND_ROUNDING)
    return case.name not in BEYOND_NUMPY and not rounded


def known(layer, step, values):
    """Return the values of a step, and of what its equations name beside its operands."""
    first, (*_, y) = step.operands[0].value, step.outputs
    values = dict(values)
    values["classes"] = first.shape[min(first.ndim - 1, 1)] if first.ndim else 1
    for name, buffer in layer.named_buffers():
        values[name] = buffer
    if isinstance(layer, (npnet.BatchNorm1d, npnet.PReLU)):
        # One number a channel, whatever stands behind the channels.
        for name in ("weight", "bias", "running_mean", "running_var"):
            if name in values:
                axes = (1,) * (first.ndim - 2) if first.ndim > 1 else ()
                values[name] = values[name].reshape((-1, *axes) if first.ndim else ())
    if isinstance(layer, npnet.Embedding):
        values["classes"] = layer.num_embeddings
        values["row"] = np.arange(layer.num_embeddings)[:, None]
    if isinstance(layer, npnet.Dropout):
        values["m"] = (y.value != 0).astype(float)
    if isinstance(layer, (npnet.RandLike, npnet.RandnLike)):
        values["u"] = values["ε"] = y.value
    for equation in step.rule.where:
        name = getattr(equation.left, "name", None)
        if name is not None and name not in values:
            values[name] = evaluate(equation.right, values)
    return values


def recorded(layer, arrays):
    """Return the one step of a layer, what it passed on, and values and gradients by name."""
    layer = layer.double()
    outputs = record(layer, *arrays).outputs
    seeds = seeds_for([slot.value for slot in outputs])
    recording = record(layer, *arrays, gradients=tuple(seeds))
    values = {slot.name: slot.value for slot in recording.slots}
    values |= {f"d{s.name}": s.gradient for s in recording.slots if s.gradient is not None}
    (step,) = recording.steps
    return step, recording.backward[-1], known(layer, step, values)


def agree(equation, values, wanted):
    """Hold the right side of an equation to the numbers of a kernel."""
    found = np.asarray(evaluate(equation.right, values, wanted.shape))
    found = found.reshape(wanted.shape) if found.size == wanted.size else found
    found = np.broadcast_to(found, wanted.shape)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12, err_msg=text(equation))


def hold(layer, arrays):
    """Hold all equations of a layer to its kernels, on these operands."""
    step, event, values = recorded(layer, arrays)
    for equation, slot in zip(step.rule.forward, step.outputs, strict=True):
        agree(equation, values, slot.value)
    for contribution in event.contributions:
        role = contribution.operand.role
        agree(step.rule.backward[role], values, contribution.value)
        for equation, value in zip(step.rule.local[role], contribution.local, strict=True):
            if equation is not None and value is not None:
                agree(equation, values, value)


@pytest.mark.parametrize("case", [*filter(evaluable, CASES)], ids=lambda case: case.name)
def test_equations_are_what_the_kernels_compute(case):
    hold(case.make(), case.arrays(dtype=np.float64))


IGNORING = [
    (npnet.NLLLoss, {}),
    (npnet.NLLLoss, {"weight": [1.0, 2.0, 0.5]}),
    (npnet.CrossEntropyLoss, {}),
    (npnet.CrossEntropyLoss, {"weight": [1.0, 2.0, 0.5]}),
    (npnet.CrossEntropyLoss, {"label_smoothing": 0.1}),
    (npnet.CrossEntropyLoss, {"weight": [1.0, 2.0, 0.5], "label_smoothing": 0.1}),
]


@pytest.mark.parametrize(("make", "options"), IGNORING)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_equations_of_ignored_labels(make, reduction, options):
    z = np.random.default_rng(0).normal(size=(4, 3))
    layer = make(reduction=reduction, **options)
    hold(layer, [z, np.array([2, -100, 0, -100])])
    step, *_ = recorded(layer, [z, np.array([2, -100, 0, -100])])
    assert "[target ≠ −100]" in text(step.rule.forward[0])
    step, *_ = recorded(layer, [z, np.array([2, 1, 0, 0])])
    assert "≠" not in text(step.rule.forward[0])


def test_equations_of_counted_rows():
    layer = npnet.Embedding(4, 2, scale_grad_by_freq=True)
    hold(layer, [np.array([1, 3, 1])])


def is_abstract(kind):
    """Return whether a class is there to be inherited from."""
    return kind in (Layer, Elementwise)


@pytest.mark.parametrize("name", npnet.layers.__all__)
def test_every_public_layer_has_a_formula(name):
    kind = getattr(npnet.layers, name)
    assert is_abstract(kind) or any(base in FORMULAS for base in kind.__mro__), (
        f"{name}: state its formula in npnet/inspect/equations"
    )


def test_every_public_layer_is_among_the_cases():
    made = {type(case.make()).__name__ for case in CASES}
    kinds = {n for n in npnet.layers.__all__ if not is_abstract(getattr(npnet.layers, n))}
    assert not kinds - made, "enter a case for each in tests/layers/cases"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_equations_can_be_written_without_shapes(case):
    layer = case.make()
    names = [n for n in layer.operand_names if getattr(layer, n, 0) is not None]
    operands = {name: Symbol(name) for name in names}
    rule = rule_of(layer, operands, [Symbol(f"y{i}") for i in range(layer.output_count)])
    local = (e for equations in rule.local.values() for e in equations if e is not None)
    for equation in (*rule.forward, *rule.where, *local, *rule.backward.values()):
        assert text(equation) and latex(equation) and mathml(equation)


class Cubed(Elementwise):
    """y = x^3, as a user writes it."""

    def forward_kernel(self, x, *, out, scratch):
        np.power(x, 3, out=out)

    def backward_kernel(self, dy, x, y, *, dx, scratch):
        np.multiply(dy, 3 * x**2, out=dx)


class Quiet(npnet.Linear):
    """A Linear with other words."""


def test_a_layer_of_the_users_own_has_its_name():
    x, y = Symbol("x", ()), Symbol("y", ())
    rule = rule_of(Cubed(), {"x": x}, [y])
    assert text(rule.forward[0]) == "y = Cubed(x)"
    assert text(rule.local["x"][0]) == "∂y/∂x = ∂Cubed/∂x"
    assert text(rule.backward["x"]) == "dx = dy·∂Cubed/∂x"


def test_who_inherits_kernels_inherits_the_formula_and_who_changes_them_does_not():
    class Louder(npnet.ReLU):
        def forward_kernel(self, x, *, out, scratch):
            np.multiply(x, 2, out=out)

    x, y = Symbol("x", (2, 3)), Symbol("y", (2, 4))
    symbols = {
        "x": x,
        "weight": Symbol("W", (4, 3)),
    }
    assert text(rule_of(Quiet(3, 4), symbols, [y]).forward[0]) == "y = x Wᵀ"
    assert text(rule_of(Louder(), {"x": x}, [x]).forward[0]) == "x = Louder(x)"

"""Random programs (Hypothesis) and how npnet and torch run them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from npnet import Abs, Identity, Linear, Module, Negate, Parameter, ReLU, Scale, Sigmoid, Tanh
from tests.support.reference import (
    OPERATIONS,
    Case,
    Line,
    Program,
    SinCos,
    Total,
    answer,
    newest,
    run_program,
)

WIDTH = 3
NAMES = (*OPERATIONS, "linear0", "linear1", "matmul", "wave")


@st.composite
def cases(draw: Any) -> Case:
    """Draw a case: up to 15 lines, 1 to 3 outputs and their scalar sum, some without gradient."""
    # The lines come from a seed: drawn one by one, Hypothesis repeats itself too often for the
    # shared layers to be met on the way to an output.
    length, batch = draw(st.integers(0, 15)), draw(st.sampled_from([0, 1, 2, 5]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lines = [Line(str(random.choice(NAMES)), *random.integers([3, 99])) for _ in range(length)]
    outputs = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    shapes = ((batch, WIDTH), (WIDTH,), (1, WIDTH), (WIDTH,))
    square = (WIDTH, WIDTH)
    leaves = tuple(random.normal(size=shape) for shape in shapes)
    weights = tuple(random.normal(size=shape) * 0.5 for shape in (square, (WIDTH,), square))
    program = Program(tuple(lines), tuple(outputs))
    shown = [value.value.shape for value in answer_shapes(program, leaves, weights)]
    given = draw(st.lists(st.booleans(), min_size=len(shown), max_size=len(shown)))
    if not any(given):
        given[-1] = True
    seeds = tuple(
        random.normal(size=shape) if wanted else None
        for shape, wanted in zip(shown, given, strict=True)
    )
    return Case(program, leaves, weights, seeds)


def answer_shapes(program: Program, leaves: Any, weights: Any) -> list[Any]:
    """Return the outputs of a program, without gradients."""
    nothing = (None,) * (len(program.outputs) + 1)
    return list(answer(Case(program, leaves, weights, nothing)).outputs)


class ProgramModule(Module):
    """A program as a user would write it: shared layers, a tied weight, parameters as operands."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        weight, bias, second = case.weights
        self.case = case
        self.p, self.q = Parameter(case.leaves[2]), Parameter(case.leaves[3])
        self.linear0 = Linear(WIDTH, WIDTH, dtype=np.float64)
        self.linear1 = Linear(WIDTH, WIDTH, dtype=np.float64)
        self.linear1.weight, self.linear1.bias = self.linear0.weight, self.q
        self.second = Parameter(second)
        self.linear0.weight.data, self.linear0.bias.data = weight, bias
        self.relu, self.tanh, self.sigmoid = ReLU(), Tanh(), Sigmoid()
        self.scale, self.total, self.wave = Scale(0.75), Total(), SinCos()

    @property
    def trained(self) -> list[Parameter]:
        """The parameters in the order of the leaves, then the weights."""
        fc = self.linear0
        return [self.p, self.q, fc.weight, fc.bias, self.second]

    def table(self) -> dict[str, Any]:
        """The operations on Nodes."""

        def wave(a: Any, b: Any) -> Any:
            sine, cosine = self.wave(a)
            return sine + cosine * b

        return {
            "add": lambda a, b: a + b,
            "subtract": lambda a, b: a - b,
            "multiply": lambda a, b: a * b,
            "divide": lambda a, b: a / (b * b + 2.0),
            "relu": lambda a, _: self.relu(a),
            "tanh": lambda a, _: self.tanh(a),
            "sigmoid": lambda a, _: self.sigmoid(a),
            "abs": lambda a, _: Abs()(a),
            "negate": lambda a, _: Negate()(a),
            "scale": lambda a, _: self.scale(a),
            "square": lambda a, _: a**2 / 4,
            "exp": lambda a, _: np.exp(self.tanh(a)),
            "identity": lambda a, _: Identity()(a),
            "linear0": lambda a, _: self.linear0(a),
            "linear1": lambda a, _: self.linear1(a),
            "matmul": lambda a, _: second_product(a, self.second),
            "wave": wave,
        }

    def run(self, x: Any, y: Any) -> tuple[list[Any], list[Any]]:
        """Return all values and the outputs."""
        leaves = [x, y, self.p, self.q]
        values = run_program(self.case.program, leaves, self.table())
        outputs = [newest(values, back) for back in self.case.program.outputs]
        outputs[0] = outputs[0] + (x + y) * (self.p + self.q)
        outputs.append(self.total(outputs[-1]))
        return values, outputs

    def forward(self, x: Any, y: Any) -> Any:
        """Return the outputs."""
        return tuple(self.run(x, y)[1])


class Product(Linear):
    """x @ weight.T with a weight that somebody else holds."""


def second_product(a: Any, weight: Parameter) -> Any:
    """Record a @ weight.T through a Linear that is made on the spot."""
    product = Product(WIDTH, WIDTH, bias=False, dtype=np.float64)
    product.weight = weight
    return product(a)


def run_torch(case: Case, torch: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """Return outputs, gradients of the leaves and gradients of the weights by torch autograd."""
    tensors = [torch.tensor(a, requires_grad=True) for a in (*case.leaves, *case.weights)]
    x, y, p, q, weight, bias, second = tensors
    table = {
        "add": lambda a, b: a + b,
        "subtract": lambda a, b: a - b,
        "multiply": lambda a, b: a * b,
        "divide": lambda a, b: a / (b * b + 2.0),
        "relu": lambda a, _: torch.relu(a),
        "tanh": lambda a, _: torch.tanh(a),
        "sigmoid": lambda a, _: torch.sigmoid(a),
        "abs": lambda a, _: torch.abs(a),
        "negate": lambda a, _: -a,
        "scale": lambda a, _: a * 0.75,
        "square": lambda a, _: a**2 / 4,
        "exp": lambda a, _: torch.exp(torch.tanh(a)),
        "identity": lambda a, _: a * 1.0,
        "linear0": lambda a, _: torch.nn.functional.linear(a, weight, bias),
        "linear1": lambda a, _: torch.nn.functional.linear(a, weight, q),
        "matmul": lambda a, _: a @ second.T,
        "wave": lambda a, b: torch.sin(a) + torch.cos(a) * b,
    }
    values = run_program(case.program, [x, y, p, q], table)
    outputs = [newest(values, back) for back in case.program.outputs]
    outputs[0] = outputs[0] + (x + y) * (p + q)
    outputs.append(outputs[-1].sum())
    pairs = [(o, s) for o, s in zip(outputs, case.seeds, strict=True) if s is not None]
    torch.autograd.backward([o for o, _ in pairs], [torch.tensor(s) for _, s in pairs])
    gradients = [torch.zeros_like(t) if t.grad is None else t.grad for t in tensors]
    shown = [output.detach().numpy() for output in outputs]
    return shown, [g.numpy() for g in gradients[:4]], [g.numpy() for g in gradients[4:]]

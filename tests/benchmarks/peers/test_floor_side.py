"""The machine's limit: the products are those of the step, whatever the layout."""

import numpy as np
import pytest

from benchmarks.peers import floor_side
from benchmarks.peers.floor_side import Layer, Products
from benchmarks.problem import random_problem


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_a_layers_products_in_either_layout(columns, first):
    generator = np.random.default_rng(0)
    x, weight = (generator.standard_normal(s, np.float32) for s in ((4, 5), (3, 5)))
    layer = Layer(x, weight, columns=columns, first=first)
    layer.dy[...] = dy = generator.standard_normal((4, 3), np.float32)
    layer.forward(x)
    layer.backward(x)
    assert layer.y == pytest.approx(np.einsum("bi,oi->bo", x, weight), rel=1e-5, abs=1e-6)
    assert layer.dweight == pytest.approx(np.einsum("bo,bi->oi", dy, x), rel=1e-5, abs=1e-6)
    assert layer.weight.flags.f_contiguous == layer.dweight.flags.f_contiguous == columns
    if first:
        assert layer.dx is None
    else:
        assert layer.dx == pytest.approx(np.einsum("bo,oi->bi", dy, weight), rel=1e-5, abs=1e-6)


def test_a_step_is_all_products_of_the_network(monkeypatch):
    shapes = []

    def matmul(a, b, out):
        shapes.append((a.shape, b.shape, out.shape))

    products = Products(random_problem(2, (5, 4, 3)))
    monkeypatch.setattr(floor_side.np, "matmul", matmul)
    products.step(*random_problem(2, (5, 4, 3)).batches[0])
    operations = sorted(a[0] * a[1] * b[1] for a, b, _ in shapes)
    # forward, weight gradient and, but for the first layer, input gradient
    assert operations == sorted([2 * 5 * 4] * 2 + [2 * 4 * 3] * 3)


def test_the_better_layout_is_taken(monkeypatch):
    monkeypatch.setattr(floor_side, "best", lambda *calls: [2.0, 1.0])
    assert [layer.columns for layer in Products(random_problem(2, (5, 4, 3))).layers] == [True] * 2


def test_speeds_are_positive_and_larger_moves_take_longer(monkeypatch):
    monkeypatch.setattr(floor_side, "ROUNDS", 3)
    assert floor_side.call_seconds() > 0
    assert floor_side.move_seconds(1_000_000, "float32") > 0


def test_the_floor_runs_in_a_worker(worker):
    process = worker("floor")
    assert process.call("describe")["loaded"] == []
    process.call("load", random_problem(2, (3, 4, 3)))
    assert process.call("seconds", 3, 1) > 0
    assert process.call("ask", "call_seconds") > 0

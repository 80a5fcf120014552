import numpy as np
import pytest

import npnet
from npnet import Graph, Linear, Module, Parameter, ReLU, Sequential
from npnet.inspect import summary


class Block(Module):
    def __init__(self, width):
        super().__init__()
        self.fc = Linear(width, width)

    def forward(self, x):
        return x + self.fc(x)


class Net(Module):
    """Nested, tied, with a parameter of its own, and a part that is never called."""

    def __init__(self):
        super().__init__()
        self.scale = Parameter(np.ones(4, np.float32), requires_grad=False)
        self.embedding = npnet.Embedding(10, 4)
        self.blocks = Sequential(Block(4), Block(4))
        self.head = Linear(4, 10, bias=False)
        self.head.weight = self.embedding.weight
        self.spare = Linear(2, 2)

    def forward(self, x):
        return self.head(self.blocks(self.embedding(x)) * self.scale)


def lines_of(found):
    return [
        (line.path, line.kind, line.depth, line.shapes, line.parameters) for line in found.lines
    ]


def test_layers_are_nested_as_the_model_holds_them():
    found = summary(Net(), (3, 5), dtypes=[np.int64])
    shape = ((3, 5, 4),)
    assert lines_of(found) == [
        ("", "Net", 0, ((3, 5, 10),), 4),
        ("embedding", "Embedding", 1, shape, 40),
        ("blocks", "Sequential", 1, (), 0),
        ("blocks.0", "Block", 2, (), 0),
        ("blocks.0.fc", "Linear", 3, shape, 20),
        ("blocks.0", "Add", 3, shape, 0),
        ("blocks.1", "Block", 2, (), 0),
        ("blocks.1.fc", "Linear", 3, shape, 20),
        ("blocks.1", "Add", 3, shape, 0),
        ("blocks.1", "Multiply", 3, shape, 0),
        ("head", "Linear", 1, ((3, 5, 10),), 0),
        ("spare", "Linear", 1, (), 6),
    ]
    assert [line.path for line in found.lines if line.shared] == ["head"]
    assert [line.path for line in found.lines if not line.called] == ["spare"]


def test_totals_count_every_parameter_once():
    found = summary(Net(), (3, 5), dtypes=[np.int64])
    assert (found.total_params, found.trainable_params) == (90, 86)
    assert sum(line.parameters for line in found.lines) == found.total_params
    assert sum(line.trainable for line in found.lines) == found.trainable_params
    assert found.total_param_bytes == 360 and found.total_input == 3 * 5 * 8
    assert found.input_shapes == ((3, 5),) and found.output_shapes == ((3, 5, 10),)
    # Two blocks of 15 rows times 4 x 4, and the head's 4 x 10.
    assert found.total_mult_adds == 2 * 15 * 16 + 15 * 40
    # Float32: the embedding, two layers and two sums of 60 numbers, the product, and 150.
    assert found.total_output_bytes == 4 * (6 * 60 + 150)


@pytest.mark.torch
def test_parameters_are_those_of_torch():
    torch = pytest.importorskip("torch")
    model = Sequential(Linear(7, 5), npnet.BatchNorm1d(5), ReLU(), npnet.Bilinear(5, 5, 2))
    twin = [torch.nn.Linear(7, 5), torch.nn.BatchNorm1d(5), torch.nn.Bilinear(5, 5, 2)]
    wanted = [sum(p.numel() for p in layer.parameters()) for layer in twin]
    found = summary(Sequential(*[model[i] for i in range(3)]), (4, 7))
    assert [line.parameters for line in found.lines if line.parameters] == wanted[:2]
    assert summary(model[3], (4, 5), (4, 5)).total_params == wanted[2]


@pytest.mark.parametrize(
    ("layer", "shapes", "products"),
    [
        (Linear(3, 4), [(5, 3)], 5 * 3 * 4),
        (Linear(3, 4), [(2, 5, 3)], 10 * 3 * 4),
        (npnet.MatMul(), [(5, 3), (3, 4)], 5 * 3 * 4),
        (npnet.MatMul(), [(2, 5, 3), (3, 4)], 2 * 5 * 3 * 4),
        (npnet.MatMul(), [(3,), (3,)], 3),
        (npnet.Bilinear(3, 4, 2), [(5, 3), (5, 4)], 5 * 2 * 3 * 4 + 5 * 2 * 4),
        (ReLU(), [(5, 3)], 0),
    ],
)
def test_products_are_those_of_the_matrix_products(layer, shapes, products):
    assert summary(layer, *shapes).total_mult_adds == products


def test_inputs_may_be_arrays_or_those_of_the_last_call():
    model = Sequential(Linear(3, 2))
    wanted = str(summary(model, (5, 3)))
    assert str(summary(model, np.ones((5, 3)))) == wanted
    with pytest.raises(RuntimeError, match=r"summary: Sequential has not run in this thread"):
        summary(model)
    model(np.ones((5, 3)))
    assert str(summary(model)) == wanted == repr(summary(model))


def test_a_graph_has_its_own_names():
    g = Graph()
    w = g.parameter("w", np.ones((2, 3)))
    g.output(ReLU()(g.input("x") @ w) @ w.__array__().T)
    found = summary(g, (4, 2))
    assert [line.kind for line in found.lines] == ["Graph", "MatMul", "ReLU", "MatMul"]
    assert found.lines[0].parameters == 6 and found.total_mult_adds == 2 * 4 * 2 * 3


def test_a_layer_alone_is_one_line():
    found = summary(Linear(3, 2), (5, 3))
    assert lines_of(found) == [("", "Linear", 0, ((5, 2),), 8)]
    assert str(found).splitlines()[:3] == [
        "layer   output shape  parameters  bytes  products",
        "-------------------------------------------------",
        "Linear  (5, 2)                 8   40 B        30",
    ]


def test_nothing_is_computed_and_nothing_changes():
    norm = npnet.BatchNorm1d(2)
    summary(Sequential(norm, npnet.Dropout()), (4, 2))
    assert norm.num_batches_tracked == 0
    # It would take 40 GB to run.
    assert summary(Sequential(Linear(100, 100)), (10**8, 100)).total_output_bytes == 4 * 10**10


def test_hooks_do_not_count():
    model = Sequential(Linear(3, 2))
    wanted = str(summary(model, (5, 3)))
    model[0].register_forward_hook(lambda module, given, output: None)
    assert str(summary(model, (5, 3))) == wanted


def test_numbers_stand_in_columns():
    lines = str(summary(Net(), (3, 5), dtypes=[np.int64])).splitlines()
    assert lines[8:14] == [
        "    1: Block",
        "      fc: Linear              (3, 5, 4)             20  240 B       240",
        "      Add                     (3, 5, 4)                 240 B",
        "      Multiply                (3, 5, 4)                 240 B",
        "  head: Linear                (3, 5, 10)        shared  600 B       600",
        "  spare: Linear (not called)                         6",
    ]
    assert lines[-4:] == [
        "parameters  90 (86 trainable, 4 not), 360 B",
        "inputs      (3, 5), 120 B",
        "values      2.0 kB in one forward",
        "products    1,080 in one forward, each with an addition",
    ]


def test_what_does_not_fit_is_refused():
    with pytest.raises(TypeError, match="summary: expected a Graph or another Module, got list"):
        summary([], (1,))
    with pytest.raises(TypeError, match="expected a dtype an input, got 1 for 2 inputs"):
        summary(npnet.MatMul(), (2, 2), (2, 2), dtypes=[np.float32])
    with pytest.raises(ValueError, match=r"Linear: expected x of shape \(B, 3\), got \(5, 2\)"):
        summary(Linear(3, 2), (5, 2))

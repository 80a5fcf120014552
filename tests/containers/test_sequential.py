"""Sequential: a list of Modules that is a Module."""

from collections import OrderedDict

import numpy as np
import pytest

from npnet import Graph, Linear, Module, Multiply, ReLU, Scale, Sequential, Tanh
from tests.support.reference import SinCos


def scales(*factors):
    return Sequential(*[Scale(factor) for factor in factors])


def factors(model):
    return [layer.factor for layer in model]


def test_modules_run_one_after_the_other():
    model = Sequential(Scale(2.0), Tanh(), Scale(3.0))
    x = np.array([0.1, -0.7])
    np.testing.assert_allclose(model(x), 3 * np.tanh(2 * x), rtol=1e-15)
    dx = model.backward(np.ones(2), input_grad=True)
    np.testing.assert_allclose(dx, 6 * (1 - np.tanh(2 * x) ** 2), rtol=1e-14)
    assert model.backward(np.ones(2)) is None


def test_empty_sequential_is_the_identity():
    model, x = Sequential(), np.array([1.0, 2.0])
    y = model(x)
    assert y.tolist() == [1, 2]
    assert y is not x
    assert model.backward([3.0, 4.0], input_grad=True).tolist() == [3, 4]
    assert (len(model), list(model), repr(model)) == (0, [], "Sequential()")


def test_several_values_go_on_as_several_operands():
    model = Sequential(SinCos(), Multiply(), Scale(2.0))
    x = np.array([0.4, -1.3])
    np.testing.assert_allclose(model(x), np.sin(2 * x), rtol=1e-14)
    np.testing.assert_allclose(model.backward(np.ones(2), input_grad=True), 2 * np.cos(2 * x))
    sine, cosine = Sequential(Scale(1.0), SinCos())(x)
    np.testing.assert_array_equal(sine, np.sin(x))
    np.testing.assert_array_equal(cosine, np.cos(x))
    assert Sequential(Multiply())(x, x).tolist() == (x * x).tolist()


def test_same_module_may_stand_twice():
    scale = Scale(3.0)
    model = Sequential(scale, scale)
    assert model(np.float64(2)) == 18
    assert model.backward(input_grad=True) == 9
    fc = Linear(2, 2, dtype=np.float64)
    fc.weight.data, fc.bias.data = [[1, 2], [3, 4]], [1, 1]
    twice, x = Sequential(fc, fc), np.array([[1.0, -1.0]])
    twice(x)
    twice.backward([[1.0, 0.0]])
    hidden = np.array([[0.0, 0.0]])
    by_first = np.array([[1.0, 2.0]]).T @ x
    np.testing.assert_array_equal(fc.weight.grad, np.array([[1.0, 0.0]]).T @ hidden + by_first)
    assert fc.bias.grad.tolist() == [2, 2]


def test_ordered_dict_names_the_modules():
    model = Sequential(OrderedDict([("fc", Linear(2, 2)), ("act", ReLU())]))
    assert list(model.state_dict()) == ["fc.weight", "fc.bias"]
    assert isinstance(model.act, ReLU)
    assert model[1] is model.act
    assert repr(model[1:]) == "Sequential(\n  (act): ReLU()\n)"


def test_items_slices_and_negative_places():
    model = scales(0, 1, 2, 3)
    assert model[-1].factor == 3
    assert factors(model[1:3]) == [1, 2]
    assert factors(model[::-2]) == [3, 1]
    assert model[1:3][0] is model[1]
    for index in (4, -5):
        with pytest.raises(IndexError, match=rf"Sequential: index {index} is out of range for 4"):
            model[index]
    with pytest.raises(TypeError):
        model["0"]


def test_lists_methods():
    model = scales(0)
    assert model.append(Scale(1)) is model
    assert model.extend([Scale(2), Scale(3)]) is model
    assert model.insert(1, Scale(9)) is model
    assert factors(model) == [0, 9, 1, 2, 3]
    model.insert(-1, Scale(8)).insert(6, Scale(7))
    assert factors(model) == [0, 9, 1, 2, 8, 3, 7]
    del model[1]
    del model[-1]
    del model[2:4]
    assert factors(model) == [0, 1, 3]
    model[1], model[-1] = Scale(5), Scale(6)
    assert factors(model) == [0, 5, 6]
    assert [name for name, _ in model.named_children()] == ["0", "1", "2"]
    for index in (4, -4):
        with pytest.raises(IndexError, match=r"Sequential: expected an index from -3 to 3"):
            model.insert(index, Scale(1))


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.append(3),
        lambda m: m.extend([Scale(1), 3]),
        lambda m: m.insert(0, np.tanh),
        lambda m: m.__setitem__(0, "x"),
        lambda m: Sequential(Scale(1), None),
    ],
)
def test_what_is_no_module_is_refused_and_changes_nothing(change):
    model = scales(1, 2)
    with pytest.raises(TypeError, match=r"Sequential: expected a Module"):
        change(model)
    assert factors(model) == [1, 2]
    assert model(np.float64(1)) == 2


def test_changes_after_the_first_call_are_followed():
    model, one = scales(2, 3), np.float64(1)
    assert model(one) == 6
    model.append(Scale(5))
    assert model(one) == 30
    model[0] = Scale(7)
    assert model(one) == 105
    del model[1]
    assert model(one) == 35
    assert model.backward(input_grad=True) == 35
    inner = scales(2)
    model.append(inner)
    assert model(one) == 70
    inner.append(Scale(0.5))
    assert model(one) == 35


def test_graphs_and_sequentials_nest_to_any_depth():
    graph = Graph(dtype=np.float64)
    a = graph.input("a")
    fc = Linear(2, 2, dtype=np.float64)
    graph.output(fc(a) * a)

    class Composite(Module):
        def __init__(self):
            super().__init__()
            self.inner = Sequential(graph, Tanh())

        def forward(self, x):
            return self.inner(x) + x

    model = Sequential(Scale(0.5), Sequential(Composite(), Sequential(Sequential(Scale(2.0)))))
    x, g = np.array([[1.0, -0.5], [0.3, 0.9]]), np.array([[1.0, 2.0], [3.0, -1.0]])
    h = x / 2
    z = h @ fc.weight.data.T + fc.bias.data
    np.testing.assert_allclose(model(x), 2 * (np.tanh(z * h) + h), rtol=1e-14)
    dx = model.backward(g, input_grad=True)
    inner = 2 * g * (1 - np.tanh(z * h) ** 2)
    dh = 2 * g + inner * z + (inner * h) @ fc.weight.data
    np.testing.assert_allclose(dx, dh / 2, rtol=1e-13)
    np.testing.assert_allclose(fc.weight.grad, (inner * h).T @ h, rtol=1e-13)
    np.testing.assert_allclose(fc.bias.grad, (inner * h).sum(0), rtol=1e-13)
    assert [p is q for p, q in zip(model.parameters(), fc.parameters(), strict=True)] == [True] * 2


@pytest.mark.torch
def test_lists_methods_are_torchs():
    torch = pytest.importorskip("torch")
    texts = []
    for kind, relu, tanh in (
        (Sequential, ReLU, Tanh),
        (torch.nn.Sequential, torch.nn.ReLU, torch.nn.Tanh),
    ):
        model = kind(OrderedDict([("a", relu()), ("b", tanh())]))
        texts.append([repr(model), repr(model[1:])])
        model.append(relu())
        texts[-1].append(repr(model))
        model = kind(relu(), tanh(), relu())
        model.insert(1, tanh())
        texts[-1].append(repr(model))
        del model[0]
        texts[-1].append(repr(model))
        model[0] = relu()
        model.extend([tanh()])
        texts[-1] += [repr(model), len(model), list(model.state_dict())]
        both = model + kind(tanh())
        model += kind(relu())
        texts[-1] += [repr(both), repr(both.pop(1)), repr(both), repr(model)]
        model *= 2
        texts[-1] += [repr(model), repr(kind(tanh()) * 3), repr(2 * kind(tanh(), relu()))]
    assert texts[0] == texts[1]


def test_sums_and_multiples_hold_the_same_modules():
    first, second = scales(2, 3), scales(5)
    both = first + second
    assert [layer is other for layer, other in zip(both, [*first, *second], strict=True)] == [1] * 3
    assert both(np.float64(1)) == 30
    twice = 2 * first
    assert factors(twice) == [2, 3, 2, 3]
    assert twice[0] is twice[2] is first[0]
    assert twice(np.float64(1)) == 36
    held = first
    first += second
    first *= 2
    assert held is first
    assert factors(held) == [2, 3, 5, 2, 3, 5]
    assert held.pop().factor == 5
    assert held.pop(slice(1, 4))[0].factor == 3
    assert factors(held) == [2, 3]


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda m: m + ReLU(), ValueError, "expected a Sequential to add, got ReLU"),
        (lambda m: m.__iadd__(3), ValueError, "expected a Sequential to add, got 3"),
        (lambda m: m * 1.5, TypeError, "expected an int to multiply with, got 1.5"),
        (lambda m: m * 0, ValueError, "a factor of at least 1, got 0"),
        (lambda m: m.__imul__(-1), ValueError, "a factor of at least 1, got -1"),
        (lambda m: Sequential(OrderedDict(a=ReLU(), b=3)), TypeError, "expected a Module, got int"),
        (lambda m: m.extend(3), TypeError, "expected an iterable of Modules, got int"),
        (lambda m: m.pop(2), IndexError, "index 2 is out of range for 2 parts"),
    ],
)
def test_what_else_is_refused(change, kind, message):
    model = scales(1, 2)
    with pytest.raises(kind, match=f"^Sequential: .*{message}"):
        change(model)
    assert factors(model) == [1, 2]


def test_an_error_names_the_layers_it_is_in():
    inner = Sequential(OrderedDict(first=Linear(3, 4), second=Linear(5, 2)))
    model = Sequential(Linear(3, 3), inner)
    with pytest.raises(ValueError, match=r"^Linear: expected x of shape \(B, 5\)") as caught:
        model(np.ones((2, 3)))
    assert caught.value.__notes__ == [
        "in layer second of the Sequential",
        "in layer 1 of the Sequential",
    ]


def test_an_error_says_how_many_operands_a_layer_was_handed():
    x = np.ones((2, 3))
    with pytest.raises(TypeError, match=r"^Linear: expected 1 operand \(x\), got 2") as caught:
        Sequential(Linear(3, 3))(x, x)
    assert caught.value.__notes__ == [
        "in layer 0 of the Sequential, which was handed 2 operands",
    ]
    with pytest.raises(TypeError) as caught:
        Sequential(Linear(3, 3))()
    assert caught.value.__notes__ == ["in layer 0 of the Sequential, which was handed 0 operands"]

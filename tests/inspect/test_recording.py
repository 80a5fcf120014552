"""A recording has the numbers of a run, and leaves the Module as it was."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings

import npnet
from npnet import Graph, Linear, Module, Parameter, ReLU, Sequential
from npnet.inspect import Backward, Forward, Recording, Seed, record
from tests.layers.cases import CASES
from tests.support.case import close, seeds_for
from tests.support.programs import ProgramModule, cases
from tests.support.reference import answer

TIGHT = {"rtol": 1e-12, "atol": 1e-13}


def expression(w=2.0, x=1.0, b=0.5):
    """Return (w e^(bx) + ln(wx)) b, after a run, with its nodes."""
    g = Graph(dtype=np.float64)
    nodes = {name: g.input(name, requires_grad=True) for name in "wxb"}
    w_, x_, b_ = nodes.values()
    nodes["s"] = w_ * np.exp(b_ * x_) + np.log(w_ * x_)
    nodes["f"] = nodes["s"] * b_
    g.output(nodes["f"])
    g(w, x, b)
    return g, nodes


# ------------------------------------------------------------------ the same numbers as a run


@settings(max_examples=60, deadline=None)
@given(cases())
def test_random_programs_have_the_numbers_of_a_plan(case):
    module = ProgramModule(case)
    x, y = case.leaves[:2]
    outputs = module(x, y)
    seeds = (*case.seeds, np.zeros(())) if len(case.seeds) < len(outputs) else case.seeds
    grads = module.backward(*seeds, input_grad=True)
    found = {slot: parameter.grad for slot, parameter in module.named_parameters()}
    module.zero_grad()
    recording = record(module, x, y, gradients=tuple(seeds))
    for slot, wanted in zip(recording.outputs, outputs, strict=True):
        np.testing.assert_allclose(slot.value, wanted, **TIGHT)
    for slot, wanted in zip(recording.inputs, grads, strict=True):
        assert (slot.gradient is None) == (wanted is None)
        if wanted is not None:
            np.testing.assert_allclose(slot.gradient, wanted, **TIGHT)
    for slot in recording.parameters:
        wanted = found[slot.name]
        assert (slot.gradient is None) == (wanted is None)
        if wanted is not None:
            np.testing.assert_allclose(slot.gradient, wanted, **TIGHT)


@settings(max_examples=40, deadline=None)
@given(cases())
def test_random_programs_have_the_numbers_of_an_interpreter_of_the_tests(case):
    # Dual reference: expressions over NumPy that share nothing with the kernels.
    recording = record(ProgramModule(case), *case.leaves[:2], gradients=tuple(case.seeds))
    wanted = answer(case)
    for slot, value in zip(recording.outputs, wanted.outputs, strict=True):
        np.testing.assert_allclose(slot.value, value.value, **TIGHT)


@settings(max_examples=40, deadline=None)
@given(cases())
def test_contributions_add_up_to_gradients(case):
    recording = record(ProgramModule(case), *case.leaves[:2], gradients=tuple(case.seeds))
    for slot in recording.slots:
        parts = recording.contributions(slot)
        assert [(part.number, part.of) for part in parts] == [
            (number, len(parts)) for number in range(1, len(parts) + 1)
        ]
        total = np.zeros(slot.shape)
        for part in parts:
            total = total + part.value
            np.testing.assert_allclose(part.total, total, **TIGHT)
        if parts:
            assert parts[-1].complete and parts[-1].total is slot.gradient
        else:
            assert slot.gradient is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_layer_has_the_numbers_of_its_run_and_stays_as_it_was(case):
    layer, arrays = case.make(), case.arrays()
    outputs = layer(*arrays)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    seeds = seeds_for([np.asarray(y) for y in outputs])
    layer.backward(*seeds, input_grad=True)
    state = copy.deepcopy(layer.state_dict())
    stream = copy.deepcopy(getattr(layer, "generator", None))
    recording = record(layer, gradients=tuple(seeds))
    for slot, wanted in zip(recording.outputs, outputs, strict=True):
        close(slot.value, np.asarray(wanted), slot.name)
        assert slot.value.dtype == np.asarray(wanted).dtype
    for slot, (name, parameter) in zip(recording.parameters, layer.named_parameters(), strict=True):
        assert slot.name == name
        close(slot.gradient, parameter.grad, name)
    for name, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, state[name])
    if stream is not None:
        assert npnet.rand(3, generator=stream).tolist() == (
            npnet.rand(3, generator=layer.generator).tolist()
        )


def test_every_value_of_a_graph_is_what_it_shows():
    g, nodes = expression()
    g.backward()
    recording = record(g, names={nodes["s"]: "inner", nodes["f"]: "f"})
    for name, node in nodes.items():
        slot = recording["inner" if name == "s" else name]
        assert slot.value == pytest.approx(g.value(node), rel=1e-15)
        assert slot.gradient == pytest.approx(g.grad(node), rel=1e-15)


# ------------------------------------------------------------------ what a run is started from


def test_the_last_run_draws_the_same_numbers_again():
    npnet.manual_seed(3)
    g = Graph()
    x = g.input("x")
    y = npnet.Dropout(0.5)(x)
    g.output(y)
    first = g(np.ones(50))
    following = npnet.rand(4)
    assert record(g).outputs[0].value.tolist() == first.tolist()
    npnet.manual_seed(3)
    assert g(np.ones(50)).tolist() == first.tolist()
    record(g)
    assert npnet.rand(4).tolist() == following.tolist()


def test_batch_norm_is_recorded_from_the_same_buffers():
    norm = npnet.BatchNorm1d(2)
    x = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    norm(x)
    buffers = {name: array.copy() for name, array in norm.named_buffers()}
    record(norm)
    record(norm, x)
    for name, array in norm.named_buffers():
        np.testing.assert_array_equal(array, buffers[name])


def test_rows_that_an_embedding_scaled_stay_scaled_after_and_are_not_before():
    embedding = npnet.Embedding(3, 2, max_norm=1.0)
    embedding.weight.data[:] = [[3, 4], [0.1, 0], [6, 8]]
    x = np.array([0, 1])
    recording = record(embedding, x)
    np.testing.assert_array_equal(embedding.weight.data, np.float32([[3, 4], [0.1, 0], [6, 8]]))
    np.testing.assert_allclose(recording.outputs[0].value, [[0.6, 0.8], [0.1, 0]], rtol=1e-5)


def test_a_failure_puts_everything_back():
    class Failing(npnet.layers.Elementwise):
        def forward_kernel(self, x, *, out, scratch):
            raise ArithmeticError("no")

        def backward_kernel(self, dy, x, y, *, dx, scratch):
            """Never come to."""

    norm = npnet.BatchNorm1d(2)
    npnet.manual_seed(1)
    following = npnet.rand(3).tolist()
    npnet.manual_seed(1)
    model = Sequential(norm, npnet.Dropout(0.5), Failing())
    with pytest.raises(ArithmeticError, match="no"):
        record(model, np.float32([[1, 2], [3, 5]]))
    assert norm.running_mean.tolist() == [0, 0]
    assert npnet.rand(3).tolist() == following


def test_parameters_are_read_as_they_are_now():
    g = Graph()
    w = g.parameter("w", [2.0])
    g.output(w * g.input("x"))
    g([3.0])
    w.data = [5.0]
    assert record(g).outputs[0].value.tolist() == [15]


def test_inputs_may_be_given_by_name_as_numbers_and_lists():
    g, _ = expression()
    assert record(g, b=1, x=0.5, w=[2.0])["x"].value == 0.5
    model = Sequential(Linear(2, 1))
    assert record(model, [[1, 2]]).outputs[0].value.shape == (1, 1)


def test_dtypes_are_kept_and_integers_stay():
    model, loss = Linear(3, 2), npnet.CrossEntropyLoss()
    g = Graph()
    g.output(loss(model(g.input("x")), g.input("y")))
    recording = record(g, np.ones((2, 3)), np.array([0, 1]))
    dtypes = {slot.value.dtype.name for slot in recording.slots}
    assert dtypes == {"float32", "int64"}
    assert recording["y"].gradient is None
    assert {s.gradient.dtype.name for s in recording.slots if s.gradient is not None} == {"float32"}


def test_values_are_copies_that_cannot_be_written_to():
    model, x = Linear(2, 1), np.ones((1, 2), np.float32)
    recording = record(model, x, gradients=[[1.0]])
    before = recording["weight"].value.copy()
    model.weight.data[...] = 7
    x[...] = 7
    np.testing.assert_array_equal(recording["weight"].value, before)
    assert recording["x"].value.tolist() == [[1, 1]]
    for event in recording.backward:
        for part in event.contributions:
            for array in (part.slot.value, part.value, part.total):
                with pytest.raises(ValueError, match="read-only"):
                    array[...] = 0
    assert model.weight.grad is None


# ------------------------------------------------------------------ what is differentiated


def test_an_input_of_a_graph_has_a_gradient_where_it_is_asked_for():
    g = Graph()
    w, x = g.input("w", requires_grad=True), g.input("x")
    g.output(w * x)
    recording = record(g, 2.0, 3.0)
    assert recording["w"].gradient == 3 and recording["x"].gradient is None
    assert record(npnet.Multiply(), 2.0, 3.0)["b"].gradient == 2


def test_a_frozen_parameter_has_none():
    model = Linear(2, 1)
    model.weight.requires_grad = False
    recording = record(model, np.ones((1, 2)), gradients=[[1.0]])
    assert recording["weight"].gradient is None and not recording["weight"].trained
    assert recording["bias"].gradient.tolist() == [1] and recording["bias"].trained


def test_what_leads_to_no_differentiated_output_has_no_event():
    g = Graph()
    x = g.input("x", requires_grad=True)
    left, right = np.exp(x), -x
    g.output(left, right)
    recording = record(g, 0.0, gradients=(None, 2.0))
    assert [e.step.kind for e in recording.backward if isinstance(e, Backward)] == ["Negate"]
    assert recording["p"].gradient is None and recording["x"].gradient == -2


def test_an_output_that_is_read_gets_its_own_gradient_too():
    g = Graph()
    x = g.input("x", requires_grad=True)
    y = x * 2.0
    g.output(y, y * 3.0)
    recording = record(g, 1.0, gradients=(10.0, 1.0))
    assert [float(c.value) for c in recording.contributions(recording["p"])] == [10, 3]
    assert recording["x"].gradient == 26


def test_events_come_in_order_with_their_index():
    g, _ = expression()
    events = record(g).events
    assert [event.index for event in events] == list(range(15))
    assert [type(event) for event in events] == [Forward] * 7 + [Seed] + [Backward] * 7
    assert [event.step.number for event in events[:7]] == list(range(7))
    assert [event.step.number for event in events[8:]] == [6, 5, 4, 3, 2, 1, 0]


def test_steps_know_paths_roles_and_parameters():
    class Net(Module):
        def __init__(self):
            super().__init__()
            self.body = Sequential(Linear(2, 3), ReLU())
            self.scale = Parameter(np.ones(3, np.float32))

        def forward(self, x):
            return self.body(x) * self.scale

    recording = record(Net(), np.ones((1, 2)), gradients=np.ones((1, 3)))
    linear, relu, product = recording.steps
    assert (linear.path, linear.kind, linear.parameters) == ("body.0", "Linear", 9)
    assert [(o.role, o.name) for o in linear.operands] == [
        ("x", "x"),
        ("weight", "body.0.weight"),
        ("bias", "body.0.bias"),
    ]
    assert (relu.path, product.path, product.parameters) == ("body.1", "", 3)
    assert (linear.id, recording["scale"].id) == ("step0", f"slot{recording['scale'].number}")
    assert recording["h1"].step == 0 and recording["h1"].readers == ((1, 0),)
    assert recording.outputs[0].is_output and not recording["h1"].is_output


def test_terms_of_a_variadic_layer_are_numbered():
    recording = record(npnet.Sum(), 1.0, 2.0, 3.0)
    assert [o.role for o in recording.steps[0].operands] == ["terms0", "terms1", "terms2"]
    assert recording["terms2"].gradient == 1


def test_an_absent_operand_is_left_out_and_positions_stay():
    recording = record(npnet.BatchNorm1d(1, bias=False), np.float32([[1], [3]]))
    assert [(o.position, o.role) for o in recording.steps[0].operands] == [(0, "x"), (1, "weight")]


def test_hooks_are_called_and_what_they_replace_is_recorded():
    model, seen = Sequential(Linear(1, 1), ReLU()), []
    handle = model[0].register_forward_hook(lambda *given: seen.append(1) or given[2] * 0 + 5)
    recording = record(model, np.ones((1, 1)), gradients=[[1.0]])
    assert seen and recording.outputs[0].value.tolist() == [[5]]
    handle.remove()


# ------------------------------------------------------------------ what is refused


def test_who_has_not_run_is_told_so():
    with pytest.raises(RuntimeError, match=r"record: Graph has not run in this thread; call it"):
        record(Graph())
    with pytest.raises(RuntimeError, match=r"npnet.inspect.record\(model, x, ...\)"):
        record(Linear(1, 1))


def test_what_is_no_module_is_refused():
    with pytest.raises(TypeError, match="record: expected a Graph or another Module, got int"):
        record(3)


def test_a_name_that_is_not_there_is_refused():
    g, _ = expression()
    with pytest.raises(KeyError, match="nothing is called 'k'; there are w, x, b, p"):
        record(g)["k"]
    assert repr(record(g)) == "<Recording of Graph: 7 steps, 15 events>"


def test_shapes_that_do_not_fit_are_refused_by_the_layer():
    with pytest.raises(ValueError, match=r"Linear: expected x of shape \(B, 3\), got \(2, 2\)"):
        record(Linear(3, 1), np.ones((2, 2)))


def test_a_recording_prints_the_tape():
    model = Sequential(Linear(2, 3), ReLU())
    assert str(record(model, np.ones((4, 2)))).splitlines() == [
        "Sequential(x0)                            shape   parameters",
        "       x0                                 (4, 2)",
        "    0  h1 = Linear(x0, 0.weight, 0.bias)  (4, 3)           9",
        "    1  h2 = ReLU(h1)                      (4, 3)",
        "  return h2                                                9",
    ]


def test_inputs_may_be_called_anything():
    g = Graph()
    g.output(g.input("module") * g.input("graph"))
    assert record(g, module=2.0, graph=3.0).outputs[0].value == 6
    assert len(npnet.inspect.trace(g, module=2.0, graph=3.0)) == 2
    assert len(npnet.inspect.table(g, module=2.0, graph=3.0).rows) == 1


def test_a_recording_is_passed_on_as_it_is():
    g, _ = expression()
    recording = record(g)
    assert isinstance(recording, Recording)
    assert str(npnet.inspect.table(recording)) == str(npnet.inspect.table(g))
    with pytest.raises(TypeError, match="table: a Recording has its inputs"):
        npnet.inspect.table(recording, 1.0)

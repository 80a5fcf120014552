import numpy as np
import pytest

import npnet
from npnet import CrossEntropyLoss, Dropout, Graph, Linear, Module, MSELoss, ReLU, Sequential
from npnet.inspect.linting.view import view_of, written


def model():
    return Sequential(Linear(4, 8), ReLU(), Dropout(0.5), Linear(8, 3))


def kinds(view):
    return [type(step.layer).__name__ for step in view.tape.steps]


def test_records_a_model_and_its_loss_behind_it_without_running():
    net = model()
    view = view_of(net, CrossEntropyLoss(), [], [])
    assert kinds(view) == ["Linear", "ReLU", "Dropout", "Linear", "CrossEntropyLoss"]
    assert view.specs is None and view.shape(view.tape.outputs[0]) is None
    assert net.execution.ran is None


def test_shapes_are_those_given_or_of_the_last_calls():
    net, loss = model(), CrossEntropyLoss()
    x, y = np.zeros((6, 4), np.float32), np.zeros(6, int)
    given = view_of(net, loss, [], [x, y])
    assert given.shape(given.tape.steps[-2].writes[0]) == (6, 3)
    assert view_of(net, None, [], [(2, 4)]).specs[0].shape == (2, 4)
    loss(net(x), y)
    ran = view_of(net, loss, [], [])
    assert ran.shape(ran.tape.steps[-1].reads[1]) == (6,)


def test_paths_and_programs_name_layers():
    net, loss = model(), CrossEntropyLoss()
    view = view_of(net, loss, [], [])
    first, last = view.tape.steps[0].layer, view.tape.steps[-1].layer
    assert (view.path(first), view.said(first)) == ("0", "model[0]")
    assert (view.path(last), view.said(last)) == ("loss", "loss")
    assert view.without(net[1]) == "del model[1]"
    assert view.name(net[3].weight) == "3.weight"
    assert written("blocks.0.fc.bias") == "model.blocks[0].fc.bias"


def test_a_part_of_a_part_is_left_out_there():
    class Outer(Module):
        def __init__(self):
            super().__init__()
            self.inner, self.last = model(), ReLU()

        def forward(self, x):
            return self.last(self.inner(x))

    outer = Outer()
    view = view_of(outer, None, [], [])
    assert view.without(outer.inner[1]) == "del model.inner[1]"
    assert view.without(outer.last).startswith("leave model.last out")


def test_behind_a_slot_is_what_computes_it():
    view = view_of(model(), None, [], [])
    linear, relu, dropout, last = view.tape.steps
    assert view.behind(last.reads[0]) is relu
    assert view.reads_directly(last.reads[0]) is dropout
    assert view.behind(linear.reads[0]) is None and view.behind(None) is None
    assert view.reads_directly(view.tape.outputs[0]) is None


def test_a_graph_is_seen_as_it_is_with_a_loss_too():
    g = Graph()
    g.output(Linear(4, 1)(g.input("x")))
    view = view_of(g, MSELoss(), [], [])
    assert kinds(view) == ["Linear", "MSELoss"]
    assert view.path(view.tape.steps[0].layer) == "linear1"


class Asks(Module):
    def __init__(self):
        super().__init__()
        self.fc = Linear(4, 3)

    def forward(self, x, scale=1.0):
        return self.fc(x) * (1.0 / x.shape[-1])


def test_a_forward_that_asks_for_shapes_has_to_be_given_some():
    net = Asks()
    with pytest.raises(RuntimeError, match="lint: forward of Asks asks for shapes; call the mod"):
        view_of(net, None, [], [])
    assert kinds(view_of(net, None, [], [(6, 4)])) == ["Linear", "Multiply"]
    net(np.zeros((2, 4), np.float32))
    assert view_of(net, None, [], []).specs[0].shape == (2, 4)


def test_errors_of_forward_are_passed_on():
    class Wrong(Module):
        def forward(self, x):
            return self.missing(x)

    with pytest.raises(AttributeError, match="missing"):
        view_of(Wrong(), None, [], [])
    for loss in (None, MSELoss()):  # what the model itself refuses is not the loss's affair
        with pytest.raises(ValueError, match="Linear: expected x of shape"):
            view_of(Linear(4, 3), loss, [], [(6, 5), (6, 3)][: 1 + (loss is not None)])


def test_a_loss_that_refuses_its_target_is_quoted():
    view = view_of(Linear(4, 1), MSELoss(), [], [(6, 4), (6,)])
    assert view.refusal.said.startswith("MSELoss: expected target of the shape of x")
    assert (view.refusal.prediction.shape, view.refusal.target.shape) == ((6, 1), (6,))
    assert kinds(view) == ["Linear", "MSELoss"] and view.specs is None


def test_hooks_are_recorded_with_the_rest():
    net = model()
    handle = net[1].register_forward_hook(lambda module, inputs, output: None)
    view = view_of(net, None, [], [(6, 4)])
    handle.remove()
    assert "ReLU" in kinds(view)


def test_a_module_that_holds_itself_in_a_list_of_parts_is_found_once():
    shared = Linear(4, 4)
    view = view_of(Sequential(shared, npnet.Tanh(), shared), None, [], [])
    assert [view.path(step.layer) for step in view.tape.steps] == ["0", "1", "0"]

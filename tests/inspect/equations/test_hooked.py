import numpy as np

import npnet
from npnet import Linear, ReLU, Sequential
from npnet.inspect import record, table, trace
from npnet.inspect.rendering import text


def hooked():
    """Return a model with hooks of both kinds, none of which changes anything."""
    model = Sequential(Linear(2, 2), ReLU())
    model[0].register_forward_hook(lambda module, given, output: None)
    model[1].register_full_backward_hook(lambda module, given, received: None)
    return model


def test_steps_that_call_hooks_show_what_passes_and_nothing_else():
    recording = record(hooked(), np.ones((1, 2)), gradients=np.ones((1, 2)))
    lines = [[text(e) for e in step.rule.forward] for step in recording.steps]
    assert lines[1:] == [["h2 = hook(h1)"], ["h4 = h2"], ["h6 = max(0, h4)"], ["h7 = h6"]]
    back = [[text(e) for e in step.rule.backward.values()] for step in recording.steps]
    assert back[1:3] == [["dh1 = dh2 ⊙ ∂hook/∂h1"], ["dh2 = hook(dh4)"]]
    assert [len(event.contributions) for event in recording.backward] == [1, 1, 1, 1, 1, 3]
    assert "empty" not in str(trace(recording)) and "empty" not in str(table(recording))


def test_what_a_hook_computed_for_nothing_is_kept_by_a_step_that_passes_on():
    class Branch(npnet.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = Linear(2, 1), Linear(2, 1)

        def forward(self, x):
            self.right(x)
            return self.left(x)

    model = Branch()
    model.right.register_forward_hook(lambda module, given, output: None)
    recording = record(model, np.ones((1, 2)), gradients=[[1.0]])
    last = recording.steps[-1]
    passed = [text(e) for e in last.rule.forward]
    assert passed == [f"{last.outputs[0].name} = {last.operands[0].name}"]
    assert last.kind == "HookStep" and last.operands[0].slot.step == 2
    np.testing.assert_array_equal(recording.outputs[0].value, model(np.ones((1, 2), np.float32)))


def test_what_a_forward_hook_replaced_has_its_gradient():
    model = Sequential(Linear(2, 2))
    model[0].register_forward_hook(lambda module, given, output: output * 3.0)
    x = np.ones((1, 2), np.float32)
    recording = record(model, x, gradients=[[1.0, 2.0]])
    assert recording["h1"].gradient.tolist() == [[3, 6]]
    np.testing.assert_allclose(recording.outputs[0].value, model(x), rtol=1e-6)

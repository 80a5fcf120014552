import numpy as np
import pytest

import npnet
from npnet import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    Dropout,
    Flatten,
    Hardtanh,
    KLDivLoss,
    LeakyReLU,
    Linear,
    LogSigmoid,
    LogSoftmax,
    MSELoss,
    NLLLoss,
    ReLU,
    ReLU6,
    Scale,
    Sequential,
    Sigmoid,
    Softmax,
    SoftmaxCrossEntropy,
    Softsign,
    Tanh,
)
from npnet.inspect import lint

SOFTMAX = Softmax(dim=1)


def net(*last):
    return Sequential(Linear(4, 8), ReLU(), Linear(8, 3), *last)


@pytest.mark.parametrize(
    "last, loss, code",
    [
        (SOFTMAX, CrossEntropyLoss(), "softmax-before-cross-entropy"),
        (SOFTMAX, SoftmaxCrossEntropy(), "softmax-before-cross-entropy"),
        (LogSoftmax(dim=1), CrossEntropyLoss(), "log-softmax-before-cross-entropy"),
        (ReLU(), CrossEntropyLoss(), "relu-before-cross-entropy"),
        (ReLU6(), SoftmaxCrossEntropy(), "relu-before-cross-entropy"),
        (Sigmoid(), CrossEntropyLoss(), "bounded-before-cross-entropy"),
        (Tanh(), CrossEntropyLoss(), "bounded-before-cross-entropy"),
        (Softsign(), CrossEntropyLoss(), "bounded-before-cross-entropy"),
        (Hardtanh(), CrossEntropyLoss(), "bounded-before-cross-entropy"),
        (Sigmoid(), BCEWithLogitsLoss(), "sigmoid-before-bce-with-logits"),
        (SOFTMAX, BCEWithLogitsLoss(), "sigmoid-before-bce-with-logits"),
        (LogSigmoid(), BCEWithLogitsLoss(), "sigmoid-before-bce-with-logits"),
        (ReLU(), BCEWithLogitsLoss(), "relu-before-bce-with-logits"),
        (SOFTMAX, NLLLoss(), "softmax-before-log-probabilities"),
        (SOFTMAX, KLDivLoss(), "softmax-before-log-probabilities"),
    ],
)
def test_finds_what_must_not_stand_before_a_loss(last, loss, code):
    (found,) = lint(net(last), loss)
    assert (found.code, found.path) == (code, "3")
    assert type(last).__name__ in found.message and found.why
    dim = "LogSoftmax(dim=1)"
    assert "del model[3]" in found.instead or found.instead.startswith(dim)


@pytest.mark.parametrize(
    "loss, code", [(BCELoss(), "logits-before-bce"), (NLLLoss(), "logits-before-nll")]
)
def test_finds_logits_before_a_loss_of_probabilities(loss, code):
    (found,) = lint(net(), loss)
    assert (found.code, found.path) == (code, "loss")
    assert "loss = " in found.instead


@pytest.mark.parametrize(
    "last, loss",
    [
        ((), CrossEntropyLoss()),
        ((LeakyReLU(),), CrossEntropyLoss()),
        ((Tanh(), Scale(10.0)), CrossEntropyLoss()),
        ((LogSoftmax(dim=1),), NLLLoss()),
        ((LogSoftmax(dim=1),), KLDivLoss()),
        ((Sigmoid(),), BCELoss()),
        ((), BCEWithLogitsLoss()),
        ((ReLU(),), MSELoss()),
        ((SOFTMAX,), MSELoss()),
    ],
)
def test_finds_nothing_where_the_loss_takes_what_it_is_given(last, loss):
    assert lint(net(*last), loss).ok


def test_sees_through_what_only_hands_on():
    (found,) = lint(net(SOFTMAX, Dropout(0.1), Flatten()), CrossEntropyLoss())
    assert found.path == "3"


def test_finds_it_within_a_module_and_names_its_path():
    class Model(npnet.Module):
        def __init__(self):
            super().__init__()
            self.body = Sequential(Linear(4, 3))
            self.head = Softmax(dim=-1)
            self.criterion = CrossEntropyLoss()

        def forward(self, x, y):
            return self.criterion(self.head(self.body(x)), y)

    (found,) = lint(Model())
    assert found.path == "head" and "leave model.head out" in found.instead


def test_names_the_step_of_a_function():
    class Model(npnet.Module):
        def __init__(self):
            super().__init__()
            self.fc = Linear(4, 3)

        def forward(self, x):
            return npnet.functional.softmax(self.fc(x), -1)

    (found,) = lint(Model(), CrossEntropyLoss())
    assert found.path == "step 1 (Softmax)" and "leave Softmax out" in found.instead


def test_says_how_small_the_loss_can_get():
    x, y = np.zeros((5, 4), np.float32), np.zeros(5, int)
    (softmax,) = lint(net(SOFTMAX), CrossEntropyLoss(), inputs=[x, y])
    sure = CrossEntropyLoss()(np.array([[1.0, 0.0, 0.0]]), np.array([0]))
    assert f"of 3 classes the loss cannot fall below {sure:.3g}" in softmax.why
    (tanh,) = lint(net(Tanh()), CrossEntropyLoss(), inputs=[x, y])
    sure = CrossEntropyLoss()(np.array([[1.0, -1.0, -1.0]]), np.array([0]))
    assert f"cannot fall below {sure:.3g}" in tanh.why


def test_tells_what_the_loss_says_of_shapes_that_do_not_fit():
    model, loss = Sequential(Linear(4, 1)), MSELoss()
    (found,) = lint(model, loss, inputs=[(6, 4), (6,)])
    assert (found.code, found.path) == ("shapes-do-not-fit", "loss")
    assert found.message.endswith("(6, 1), got (6,)") and found.instead == "target.reshape((6, 1))"
    assert found.why.startswith("NumPy would make (6, 6) of (6, 1) and (6,)")
    assert lint(model, loss, inputs=[(6, 4), (6, 1)]).ok and lint(model, loss).ok


@pytest.mark.parametrize(
    "outputs, target, loss, why, instead",
    [
        (3, (6,), MSELoss(), "its first step would fail", "give a target of shape (6, 3), or let"),
        (3, (6, 1), MSELoss(), "NumPy would make (6, 3) of (6, 3) and (6, 1)", "give a target of"),
        (3, (5, 3), MSELoss(), "its first step would fail", "give as many targets as predictions"),
        (3, (3, 6), MSELoss(), "its first step would fail", "target.transpose()"),
        (3, (6, 1), CrossEntropyLoss(), "its first step would fail", "target.reshape((6,))"),
        (3, (6, 2), CrossEntropyLoss(), "first step would fail", "give one label a prediction"),
    ],
)
def test_says_what_is_true_of_the_shapes_at_hand(outputs, target, loss, why, instead):
    model = Sequential(Linear(4, outputs))
    labels = isinstance(loss, CrossEntropyLoss)
    given = np.zeros(target, int if labels else np.float32)
    (found,) = lint(model, loss, inputs=[(6, 4), given])
    assert why in found.why and found.instead.startswith(instead)
    if instead.startswith("target"):  # what is written there mends it
        scope = {"target": given}
        mended = eval(found.instead.split("    #")[0], scope)
        assert lint(model, loss, inputs=[(6, 4), mended]).ok

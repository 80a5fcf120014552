"""Mistakes: every row is one, with what is called, the error's type, and its message."""

import pickle

import numpy as np

import npnet
from npnet import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    Graph,
    Linear,
    Module,
    MSELoss,
    Parameter,
    Regularization,
    ReLU,
    Sequential,
    Sigmoid,
    SoftmaxCrossEntropy,
    Sum,
)
from npnet.optim import SGD

ONES = np.ones((4, 3), np.float32)
LABELS = np.array([0, 1, 2, 0])


class World:
    """A small model in the middle of training, with everything that a failed call must leave."""

    def __init__(self):
        self.fc1, self.fc2, self.criterion = Linear(3, 5), Linear(5, 3), CrossEntropyLoss()
        self.model = Sequential(self.fc1, Sigmoid(), self.fc2)
        self.objective = Objective(self.model)
        self.optimizer = SGD(self.model.parameters(), lr=0.1, momentum=0.9)
        self.graph = g = Graph()
        self.x, self.y = g.input("x", requires_grad=True), g.input("y")
        self.loss, self.probabilities = SoftmaxCrossEntropy()(self.model(self.x), self.y)
        g.output(self.loss)
        for _ in range(2):
            self.step()

    def step(self):
        """One right training step; return the loss."""
        loss = self.objective(ONES, LABELS)
        self.optimizer.zero_grad()
        self.objective.backward()
        self.optimizer.step()
        return loss

    def state(self):
        """Everything a failed call must leave, as copies."""
        parameters = list(self.model.parameters())
        found = [p.data.copy() for p in parameters]
        found += [None if p.grad is None else p.grad.copy() for p in parameters]
        found += [p.requires_grad for p in parameters]
        saved = self.optimizer.state_dict()
        found += [a for entry in saved["state"].values() for a in entry.values()]
        found.append(repr(saved["param_groups"]))
        found.append(pickle.dumps(npnet.random.default_generator().get_state()))
        found += [repr(self.model), repr(self.graph), len(self.optimizer.param_groups)]
        return found


class Objective(Module):
    def __init__(self, model):
        super().__init__()
        self.model, self.loss, self.penalty = model, CrossEntropyLoss(), Regularization(0.01)

    def forward(self, x, y):
        return self.loss(self.model(x), y) + self.penalty(self.model[0].weight)


def graph_of(*names, output=lambda *nodes: sum(nodes[1:], nodes[0])):
    graph = Graph()
    graph.output(output(*[graph.input(name) for name in names]))
    return graph


def without_output():
    graph = Graph()
    graph.input("x")
    return graph(1.0)


def with_unused_input():
    graph = graph_of("x")
    graph.input("unused")
    return graph(1.0, 2.0)


def with_foreign_node(world):
    other = Graph().input("other")
    world.graph.output(world.x + other)


def ran(module, *arrays):
    """Return the module after a forward."""
    module(*arrays)
    return module


INPUTS = [
    (
        lambda w: w.fc1(np.ones((4, 2))),
        ValueError,
        r"Linear: expected x of shape \(B, 3\), got "
        r"\(4, 2\); in_features is 3",
    ),
    (lambda w: w.fc1(np.float32(1)), ValueError, r"Linear: expected x of shape .*got \(\);"),
    (lambda w: w.model(np.ones((4, 5))), ValueError, r"Linear: expected x .*got \(4, 5\);"),
    (
        lambda w: w.model(ONES.astype(object)),
        TypeError,
        r"Sequential: expected inputs of real "
        r"numbers, got dtype object",
    ),
    (lambda w: w.model({"x": ONES}), TypeError, r"Sequential: expected inputs .*, got dict"),
    (lambda w: w.model(ONES * 1j), TypeError, r"Sequential: expected inputs .*got dtype complex"),
    (lambda w: w.model([["a", "b", "c"]]), TypeError, r"Sequential: expected inputs .*got dtype"),
    (lambda w: w.fc1(None), TypeError, r"Linear: expected operands .*, got None; leave it out"),
    (lambda w: w.fc1([[1], [1, 2]]), TypeError, r"Linear: expected inputs of real numbers; "),
    (lambda w: w.fc1(ONES, ONES), TypeError, r"Linear: expected 1 operand \(x\), got 2"),
    (lambda w: w.fc1(), TypeError, r"Linear: expected 1 operand \(x\), got 0"),
    (lambda w: ReLU()("word"), TypeError, r"ReLU: expected operands of real numbers, got dtype <U"),
    (lambda w: Sum()(np.ones(2), 1j), TypeError, r"Sum: expected inputs of real numbers, got dty"),
    (lambda w: Linear(-1, 2), ValueError, r"Linear: expected in_features .*>= 0, got -1"),
    (lambda w: Linear(2, 2.5), ValueError, r"Linear: expected out_features .*integer.*got 2\.5"),
    (lambda w: Linear(2, 2, dtype=int), TypeError, r"\w+: dtype must be floating, got int64; use"),
]

LOSSES = [
    (
        lambda w: w.objective(ONES, LABELS[:3]),
        ValueError,
        r"CrossEntropyLoss: expected integer la"
        r"bels of shape \(4,\) .*got int64 of shape \(3,\); the batch sizes are 4 and 3",
    ),
    (
        lambda w: w.objective(ONES, LABELS[:, None]),
        ValueError,
        r"CrossEntropyLoss: expected .*of "
        r"shape \(4, 1\)",
    ),
    (lambda w: w.objective(ONES, LABELS + 1), IndexError, r"CrossEntropyLoss: .*3.*0 to 2"),
    (lambda w: w.objective(ONES, LABELS - 1), IndexError, r"CrossEntropyLoss: .*-1.*0 to 2"),
    (
        lambda w: w.objective(ONES, LABELS.astype(float)),
        TypeError,
        r"CrossEntropyLoss: expected i"
        r"nteger labels .*; labels are integers: target\.astype\(np\.int64\)",
    ),
    (lambda w: w.objective(ONES, LABELS.astype(bool)), TypeError, r"CrossEntropyLoss: expected in"),
    (lambda w: w.graph(x=ONES, y=LABELS + 1), IndexError, r"SoftmaxCrossEntropy: .*3.*0 to 2"),
    (lambda w: w.graph(x=ONES, y=LABELS * -5), IndexError, r"SoftmaxCrossEntropy: .*-5.*0 to 2"),
    (lambda w: w.criterion(ONES, LABELS + 9), IndexError, r"CrossEntropyLoss: .*\b9|1[01]\b.*"),
    (
        lambda w: BCELoss()([0.5, 1.5], [0.0, 1.0]),
        ValueError,
        r"BCELoss: expected all elements of "
        r"x between 0 and 1, got 1\.5; for logits use BCEWithLogitsLoss",
    ),
    (
        lambda w: BCELoss()([0.5, -0.1], [0.0, 1.0]),
        ValueError,
        r"BCELoss: .*between 0 and 1, got -",
    ),
    (lambda w: BCELoss()([0.5, np.nan], [0.0, 1.0]), ValueError, r"BCELoss: .*0 and 1, got nan"),
    (lambda w: BCELoss()([0.5], [2.0]), ValueError, r"BCELoss: .*target between 0 and 1, got 2\.0"),
    (
        lambda w: MSELoss()(np.ones(3), np.ones((3, 1))),
        ValueError,
        r"MSELoss: expected target of t"
        r"he shape of x, \(3,\), got \(3, 1\); target\.reshape\(\(3,\)\) fits",
    ),
    (lambda w: MSELoss()(np.ones(3), np.ones(2)), ValueError, r"MSELoss: .*got \(2,\)"),
    (
        lambda w: BCEWithLogitsLoss()(np.ones((3, 1)), np.ones(3)),
        ValueError,
        r"BCEWithLogitsLoss: "
        r"expected target of the shape of x, \(3, 1\), got \(3,\)",
    ),
    (lambda w: MSELoss("average"), ValueError, r"MSELoss: expected reduction .*, got 'average'"),
    (lambda w: Regularization(-1.0), ValueError, r"Regularization: expected .*0 or more, got -1"),
    (lambda w: Regularization("1"), TypeError, r"Regularization: expected strength .*number"),
]

BACKWARD = [
    (
        lambda w: ran(w.model, ONES).backward(),
        ValueError,
        r"Sequential: backward\(\) starts from 1 "
        r"and needs a scalar, the output has shape \(4, 3\); give its gradient: backward\(g\)",
    ),
    (
        lambda w: ran(w.model, ONES).backward(np.ones((3, 4))),
        ValueError,
        r"Sequential: expected an output gradient of shape \(4, 3\), got \(3, 4\); it has the "
        r"shape of what forward returned",
    ),
    (lambda w: ran(w.model, ONES).backward(1.0), ValueError, r"Sequential: expected .*got \(\)"),
    (
        lambda w: ran(w.model, ONES).backward(ONES * 1j),
        TypeError,
        r"Sequential: expected gradients "
        r"of real numbers, got dtype complex",
    ),
    (
        lambda w: ran(w.model, ONES).backward(ONES, ONES),
        ValueError,
        r"Sequential: expected 1 output"
        r" gradients?, got 2",
    ),
    (
        lambda w: ran(w.model, ONES).backward(None),
        ValueError,
        r"Sequential: backward needs a gradi",
    ),
    (
        lambda w: Linear(3, 3, generator=npnet.Generator(0)).backward(ONES),
        RuntimeError,
        r"Linear: "
        r"backward before forward; call it on arrays first",
    ),
    (lambda w: graph_of("x").backward(), RuntimeError, r"Graph: backward before forward; call it"),
    (
        lambda w: graph_of("x").grad(w.x),
        RuntimeError,
        r"Graph: grad before forward; call the graph",
    ),
    (
        lambda w: setattr(w.fc1.weight, "grad", np.ones((3, 5))),
        ValueError,
        r"Parameter 'weight': ex"
        r"pected grad of shape \(5, 3\), got \(3, 5\); a parameter keeps its shape",
    ),
    (
        lambda w: setattr(w.fc1.bias, "grad", 1j * np.ones(5)),
        TypeError,
        r"Parameter 'bias': expected real ",
    ),
]

GRAPHS = [
    (
        with_foreign_node,
        ValueError,
        r"Graph: input 'other' belongs to another graph, .*; make it with "
        r"this graph's g\.input",
    ),
    (
        lambda w: ran(w.graph, ONES, LABELS).value(Graph().input("z")),
        ValueError,
        r"Graph: input 'z'"
        r" is not on this tape",
    ),
    (
        lambda w: without_output(),
        ValueError,
        r"Graph: has no output; say what is asked for with g\.",
    ),
    (
        lambda w: with_unused_input(),
        ValueError,
        r"Graph: input 'unused' reaches no output; leave it",
    ),
    (lambda w: w.graph.input("x"), ValueError, r"Graph: input 'x' is there already; every input "),
    (
        lambda w: w.graph(ONES, LABELS, x=ONES),
        TypeError,
        r"Graph: input 'x' given twice; its input",
    ),
    (lambda w: w.graph(ONES), TypeError, r"Graph: expected 2 inputs \(x, y\), got 1"),
    (lambda w: w.graph(x=ONES), TypeError, r"Graph: missing input 'y'; its inputs are x, y"),
    (lambda w: w.graph(x=ONES, y=LABELS, z=1), TypeError, r"Graph: unknown input 'z'; its inputs "),
    (lambda w: w.graph.output(ONES), TypeError, r"Graph: expected Nodes as outputs, got ndarray; "),
    (lambda w: bool(w.x), TypeError, r"Node: has no truth value"),
]

PARAMETERS = [
    (
        lambda w: setattr(w.fc1, "weight", Parameter(np.ones((3, 5)))),
        ValueError,
        r"Linear: expected"
        r" a Parameter of shape \(5, 3\) as 'weight', got \(3, 5\)",
    ),
    (
        lambda w: setattr(w.fc1, "weight", np.ones((5, 3))),
        TypeError,
        r"Linear: cannot assign ndarra"
        r"y as parameter 'weight'",
    ),
    (
        lambda w: setattr(w.fc1.weight, "data", np.ones((3, 5))),
        ValueError,
        r"Parameter 'weight': ex"
        r"pected data of shape \(5, 3\), got \(3, 5\)",
    ),
    (lambda w: Parameter("word"), TypeError, r"Parameter: expected real numbers, got dtype <U4"),
    (
        lambda w: Parameter(1.0, dtype=int),
        TypeError,
        r"Parameter: dtype must be floating, got int6",
    ),
    (
        lambda w: w.model.load_state_dict({}),
        RuntimeError,
        r"Error\(s\) in loading state_dict for Se"
        r"quential:\n\tMissing key\(s\) in state_dict: \"0\.weight\"",
    ),
    (lambda w: w.model.append("x"), TypeError, r"Sequential: expected a Module, got str"),
    (lambda w: w.model.train(1), ValueError, r"Sequential: expected mode True or False, got 1"),
]

OPTIMIZERS = [
    (lambda w: SGD(w.fc1.parameters(), lr=-0.1), ValueError, r"SGD: lr must be .*got -0\.1"),
    (lambda w: SGD(w.fc1.parameters(), lr=np.nan), ValueError, r"SGD: lr must be .*got nan"),
    (lambda w: SGD(w.fc1.parameters(), lr=np.inf), ValueError, r"SGD: lr must be .*got inf"),
    (
        lambda w: SGD(w.fc1.parameters(), lr="fast"),
        TypeError,
        r"SGD: expected a number as lr, got s",
    ),
    (lambda w: SGD(w.fc1.parameters(), momentum=-1), ValueError, r"SGD: momentum must be .*got -1"),
    (lambda w: SGD(w.fc1.parameters(), weight_decay=-1), ValueError, r"SGD: weight_decay must be "),
    (lambda w: SGD([]), ValueError, r"SGD: expected parameters, got none"),
    (lambda w: SGD([w.fc1.weight, w.fc1.weight]), ValueError, r"SGD: expected each parameter once"),
    (
        lambda w: SGD(w.fc1.weight),
        TypeError,
        r"SGD: expected .*list of Parameters, got Parameter",
    ),
    (lambda w: SGD([ONES]), TypeError, r"SGD: expected a Parameter .*got ndarray"),
    (lambda w: SGD(w.fc1.parameters(), nesterov=True), ValueError, r"SGD: nesterov needs momentum"),
    (
        lambda w: SGD(w.fc1.parameters(), momentum=0.9, dampening=0.1, nesterov=True),
        ValueError,
        r"SGD: nesterov needs momentum above 0 and no dampening",
    ),
    (
        lambda w: w.optimizer.add_param_group({"params": [w.fc1.weight]}),
        ValueError,
        r"SGD: expected"
        r" each parameter once",
    ),
    (lambda w: w.optimizer.load_state_dict({}), (TypeError, ValueError), r"SGD: expected"),
]

ROWS = [*INPUTS, *LOSSES, *BACKWARD, *GRAPHS, *PARAMETERS, *OPTIMIZERS]

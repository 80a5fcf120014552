"""scikit-learn's side: MLPClassifier with plain SGD, a partial_fit a batch.

partial_fit is the only way to train on a batch of one's own. It does more than a step: it validates
the arrays, makes the labels one-hot and keeps its books, and all of that is timed.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

from benchmarks.machine import blas_threads
from benchmarks.problem import Array, Problem

__all__ = ["build", "threads", "versions"]

# A short last batch is no mistake.
warnings.filterwarnings("ignore", "Got `batch_size` less than 1 or larger than sample size")


class Training:
    """The classifier, with the problem's weights in place of those that it drew."""

    def __init__(self, problem: Problem) -> None:
        if problem.momentum or problem.penalty:
            raise ValueError("sklearn: takes part in plain SGD without penalties only")
        if problem.sizes[-1] < 3:
            raise ValueError("sklearn: gives two classes one output, unlike the other sides")
        self.classifier = MLPClassifier(
            problem.sizes[1:-1],
            solver="sgd",
            alpha=0.0,
            batch_size=problem.batch,
            learning_rate_init=problem.lr,
            momentum=0.0,
            nesterovs_momentum=False,
            shuffle=False,
        )
        # The first call makes the arrays; without momentum the step it takes leaves nothing else.
        x, y = problem.cut()[0]
        self.classifier.partial_fit(x, y, classes=np.arange(problem.sizes[-1]))
        for layer, (weight, bias) in enumerate(problem.weights):
            self.classifier.coefs_[layer][...] = weight.T
            self.classifier.intercepts_[layer][...] = bias

    def convert(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Arrays are what scikit-learn takes."""
        return x, y

    whole = convert

    def loader(self, x: Array, y: Array, rows: int, seed: int) -> list[tuple[Array, Array]]:
        """Return all samples as one batch, which partial_fit shuffles and cuts into its own."""
        del rows  # the batch_size it was made with
        self.classifier.set_params(shuffle=True, random_state=seed)
        return [(x, y)]

    def step(self, x: Array, y: Array) -> float:
        """Train on one batch; return the loss."""
        self.classifier.partial_fit(x, y)
        loss: float = self.classifier.loss_
        return loss

    def wait(self, result: Any) -> None:
        """Nothing runs on."""

    def number(self, loss: float) -> float:
        """Return a loss as a float."""
        return float(loss)

    def evaluate(self) -> None:
        """Nothing to prepare."""

    def infer(self, x: Array) -> Array:
        """Return the probabilities: the logits are not to be had."""
        probabilities: Array = self.classifier.predict_proba(x)
        return probabilities

    probabilities = infer


def build(problem: Problem) -> Training:
    """Return the training of a problem."""
    return Training(problem)


def versions() -> dict[str, str]:
    """Return what the side's numbers depend on."""
    return {"scikit-learn": sklearn.__version__}


threads = blas_threads

"""Rules on layers and what stands next to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from npnet.inspect.linting.advice import Advice
from npnet.inspect.linting.view import View
from npnet.layers import (
    Add,
    BatchNorm1d,
    Divide,
    Linear,
    Log,
    Multiply,
    Sigmoid,
    Softmax,
    Subtract,
)

__all__ = [
    "bias_before_batch_norm",
    "broadcast_rows",
    "linear_after_linear",
    "log_of_probabilities",
]


def log_of_probabilities(view: View) -> Iterator[Advice]:
    """Find the logarithm of a softmax or a sigmoid, computed in two steps."""
    for step in view.steps(Log):
        source = view.behind(step.reads[0])
        layer: Any = None if source is None else source.layer
        if isinstance(layer, (Softmax, Sigmoid)):
            kind, better, function = type(layer).__name__, "LogSigmoid()", "logsigmoid(x)"
            if isinstance(layer, Softmax):
                better, function = f"LogSoftmax(dim={layer.dim})", f"log_softmax(x, {layer.dim})"
            yield Advice(
                f"log-of-{kind.lower()}",
                view.path(step.layer),
                f"Log of {kind} ({view.path(layer)})",
                "a probability that is rounded to 0 has the logarithm -inf, and a gradient of NaN",
                f"{better}(x)    # or npnet.functional.{function}",
            )


def linear_after_linear(view: View) -> Iterator[Advice]:
    """Find two affine maps without anything between them that is not affine.

    A narrow layer between two wide ones is a product of low rank, which one layer is not.
    """
    for step in view.steps(Linear):
        first = view.reads_directly(step.reads[0])
        if first is None or not isinstance(first.layer, Linear):
            continue
        one, two = first.layer, step.layer
        assert isinstance(two, Linear)
        if one is two or one.out_features < min(one.in_features, two.out_features):
            continue
        yield Advice(
            "linear-after-linear",
            view.path(two),
            f"Linear feeds on Linear ({view.path(one)}) without an activation between them",
            "two affine maps are one affine map: the second adds parameters and no power",
            f"{view.said(two)}(ReLU()({view.said(one)}(x)))",
        )


def bias_before_batch_norm(view: View) -> Iterator[Advice]:
    """Find biases whose sum the batch normalization takes away again."""
    for step in view.steps(BatchNorm1d):
        source = view.reads_directly(step.reads[0])
        if source is None or not isinstance(source.layer, Linear) or source.layer.bias is None:
            continue
        fc, norm, shape = source.layer, step.layer, view.shape(step.reads[0])
        assert isinstance(norm, BatchNorm1d)
        rows = len(shape) == 2 if shape is not None else True
        if rows and fc.out_features == norm.num_features:
            yield Advice(
                "bias-before-batch-norm",
                view.path(fc),
                f"the bias of Linear is followed by BatchNorm1d ({view.path(norm)})",
                "the batch's mean is subtracted, and the bias with it: it never has a gradient "
                "but rounding",
                f"Linear({fc.in_features}, {fc.out_features}, bias=False)",
            )


def broadcast_rows(view: View) -> Iterator[Advice]:
    """Find a column (N, 1) that meets a row (N,) of targets, which makes (N, N)."""
    for step in view.steps(Subtract, Add, Multiply, Divide):
        shapes = [view.shape(slot) for slot in step.reads]
        kinds = [None if slot is None else view.tape.slots[slot].kind for slot in step.reads]
        if sorted(map(str, kinds)) not in (["input", "value"], ["constant", "value"]):
            continue
        flat = [s for s in shapes if s is not None and len(s) == 1 and s[0] > 1]
        column = [s for s in shapes if s is not None and len(s) == 2 and s[1] == 1]
        if len(flat) == len(column) == 1 and flat[0][0] == column[0][0]:
            n = flat[0][0]
            given = shapes[0] if kinds[0] in ("input", "constant") else shapes[1]
            computed = shapes[1] if given is shapes[0] else shapes[0]
            yield Advice(
                "rows-broadcast",
                view.path(step.layer),
                f"{type(step.layer).__name__} of {shapes[0]} and {shapes[1]} is ({n}, {n})",
                "every prediction meets every target: the loss falls until all predictions are "
                "the mean target, without an error",
                f"target.reshape({computed})    # the target is {given}",
            )

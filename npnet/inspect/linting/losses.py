"""Rules on what a loss is fed with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from npnet.inspect.linting.advice import Advice
from npnet.inspect.linting.view import View
from npnet.layers import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    Hardtanh,
    KLDivLoss,
    Linear,
    LogSigmoid,
    LogSoftmax,
    NLLLoss,
    ReLU,
    ReLU6,
    Sigmoid,
    Softmax,
    SoftmaxCrossEntropy,
    Softsign,
    Tanh,
)

__all__ = ["before_binary", "before_cross_entropy", "before_log_probabilities", "refused"]

_BOUNDED = (Sigmoid, Tanh, Hardtanh, Softsign)
_ENTROPIES = (CrossEntropyLoss, SoftmaxCrossEntropy)


def before_cross_entropy(view: View) -> Iterator[Advice]:
    """Find what must not stand before a cross-entropy, which takes logits."""
    for step in view.steps(*_ENTROPIES):
        source = view.behind(step.reads[0])
        if source is None:
            continue
        layer: Any = source.layer
        kind, loss = type(layer).__name__, type(step.layer).__name__
        shape = view.shape(step.reads[0])
        if isinstance(layer, Softmax):
            yield Advice(
                "softmax-before-cross-entropy",
                view.path(layer),
                f"{kind} feeds {loss}, which takes the softmax of its logits itself",
                f"the softmax of probabilities is nearly flat: {_floor(shape)}, and gradients "
                "vanish where the model is sure",
                f"{view.without(layer)}    # probabilities, where wanted: "
                "npnet.functional.softmax(logits, -1)",
            )
        elif isinstance(layer, LogSoftmax):
            yield Advice(
                "log-softmax-before-cross-entropy",
                view.path(layer),
                f"{kind} feeds {loss}, which takes the logarithm of the softmax itself",
                "the numbers stay the same, and every step computes them twice",
                f"{view.without(layer)}    # or keep it, with NLLLoss() as the loss",
            )
        elif isinstance(layer, (ReLU, ReLU6)):
            yield _cut_off(view, layer, loss)
        elif isinstance(layer, _BOUNDED):
            yield Advice(
                "bounded-before-cross-entropy",
                view.path(layer),
                f"{kind} feeds {loss} with logits that lie within {_range(layer)}",
                "logits so close together never make a class nearly certain: "
                f"{_least(shape, layer)}",
                view.without(layer),
            )


def _cut_off(view: View, layer: Any, loss: str) -> Advice:
    """Advise to leave a ReLU behind the last layer out."""
    kind = type(layer).__name__
    return Advice(
        f"relu-before-{'bce-with-logits' if 'BCE' in loss else 'cross-entropy'}",
        view.path(layer),
        f"{kind} behind the last layer feeds {loss}",
        "logits are of either sign; what is cut off at 0 cannot speak against a class, and has no "
        "gradient there to learn it",
        view.without(layer),
    )


def _range(layer: Any) -> str:
    """Return the range of an activation."""
    if isinstance(layer, Hardtanh):
        return f"[{layer.min_val:g}, {layer.max_val:g}]"
    return "(0, 1)" if isinstance(layer, Sigmoid) else "(-1, 1)"


def _floor(shape: tuple[int, ...] | None) -> str:
    """Say how small the loss can get where the logits are probabilities."""
    if shape is None or len(shape) < 2:
        return "the loss cannot come near 0"
    least = math.log(1 + (shape[1] - 1) / math.e)
    return f"of {shape[1]} classes the loss cannot fall below {least:.3g}"


def _least(shape: tuple[int, ...] | None, layer: Any) -> str:
    """Say how small the loss can get where the logits are bounded."""
    if shape is None or len(shape) < 2 or isinstance(layer, Hardtanh):
        return "the loss cannot come near 0"
    width = 1.0 if isinstance(layer, Sigmoid) else 2.0
    least = math.log(1 + (shape[1] - 1) * math.exp(-width))
    return f"of {shape[1]} classes the loss cannot fall below {least:.3g}"


def before_binary(view: View) -> Iterator[Advice]:
    """Find what must not stand before a binary cross-entropy."""
    for step in view.steps(BCEWithLogitsLoss):
        source = view.behind(step.reads[0])
        layer: Any = None if source is None else source.layer
        if isinstance(layer, (Sigmoid, Softmax, LogSigmoid)):
            kind = type(layer).__name__
            yield Advice(
                "sigmoid-before-bce-with-logits",
                view.path(layer),
                f"{kind} feeds BCEWithLogitsLoss, which takes the sigmoid of its logits itself",
                "the sigmoid of a probability lies between 0.5 and 0.73: no sample is ever judged "
                "to be of class 0"
                if not isinstance(layer, LogSigmoid)
                else "the sigmoid of a log-probability is never above 0.5: no sample is ever "
                "judged to be of class 1",
                f"{view.without(layer)}    # probabilities, where wanted: "
                "npnet.functional.sigmoid(logits)",
            )
        elif isinstance(layer, (ReLU, ReLU6)):
            yield _cut_off(view, layer, "BCEWithLogitsLoss")
    for step in view.steps(BCELoss):
        source = view.behind(step.reads[0])
        if source is not None and isinstance(source.layer, Linear):
            yield Advice(
                "logits-before-bce",
                view.path(step.layer),
                f"BCELoss takes probabilities, and {view.path(source.layer)} gives logits",
                "numbers outside of [0, 1] have no logarithm: the first one ends the training",
                "loss = BCEWithLogitsLoss()    # takes logits, and is stable",
            )


def before_log_probabilities(view: View) -> Iterator[Advice]:
    """Find losses of log-probabilities that are fed with something else."""
    for step in view.steps(NLLLoss, KLDivLoss):
        source = view.behind(step.reads[0])
        layer: Any = None if source is None else source.layer
        loss = type(step.layer).__name__
        if isinstance(layer, Softmax):
            yield Advice(
                "softmax-before-log-probabilities",
                view.path(layer),
                f"{loss} takes log-probabilities, and Softmax gives probabilities",
                "without the logarithm it is no cross-entropy: its gradient does not grow where "
                "the model is wrong",
                f"LogSoftmax(dim={layer.dim})    # in place of Softmax(dim={layer.dim})",
            )
        elif isinstance(layer, Linear) and isinstance(step.layer, NLLLoss):
            yield Advice(
                "logits-before-nll",
                view.path(step.layer),
                f"NLLLoss takes log-probabilities, and {view.path(layer)} gives logits",
                "nothing holds the logits together: the loss falls without end as they grow",
                "loss = CrossEntropyLoss()    # takes logits",
            )


def refused(view: View) -> Iterator[Advice]:
    """Tell what the loss itself says of shapes that do not fit."""
    if view.refusal is not None:
        said, prediction, target = view.refusal
        why = "the loss pairs predictions with targets by their places: its first step would fail"
        instead = "give the loss a target of the shape that it expects"
        if prediction is not None and target is not None:
            labels = target.dtype.kind != "f"
            why = why if labels else _made_of(prediction.shape, target.shape) or why
            instead = _fitting(prediction.shape, target.shape, labels)
        yield Advice("shapes-do-not-fit", "loss", said.partition("; ")[0], why, instead)


def _made_of(prediction: tuple[int, ...], target: tuple[int, ...]) -> str:
    """Say what NumPy would make of two shapes that it broadcasts."""
    try:
        both = np.broadcast_shapes(prediction, target)
    except ValueError:
        return ""
    return (
        f"NumPy would make {both} of {prediction} and {target}, where targets meet predictions "
        "that are not theirs, without an error"
    )


def _fitting(prediction: tuple[int, ...], target: tuple[int, ...], labels: bool) -> str:
    """Say what to write, or to give, for a target that fits."""
    wanted = (*prediction[:1], *prediction[2:]) if labels else prediction
    if target == wanted[::-1] and 1 not in target and target != wanted:
        return f"target.transpose()    # {target} becomes {wanted}"
    if math.prod(target) == math.prod(wanted):
        return f"target.reshape({wanted})"
    if prediction[:1] != target[:1]:
        return f"give as many targets as predictions: a target of shape {wanted}"
    if labels:
        return f"give one label a prediction: a target of shape {wanted}"
    return f"give a target of shape {wanted}, or let the model end in outputs of shape {target}"

"""Metrics: figures over a stream of batches, the same however the stream is cut."""

from npnet.training.metrics.base import Metric
from npnet.training.metrics.confusion import F1, ConfusionMatrix, Precision, Recall
from npnet.training.metrics.correct import Accuracy, TopK
from npnet.training.metrics.regression import R2, MeanAbsoluteError, RootMeanSquaredError

__all__ = [
    "F1",
    "R2",
    "Accuracy",
    "ConfusionMatrix",
    "MeanAbsoluteError",
    "Metric",
    "Precision",
    "Recall",
    "RootMeanSquaredError",
    "TopK",
]

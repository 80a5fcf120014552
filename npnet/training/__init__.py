"""Training: epochs with metrics, history and checkpoints, and help where a run goes wrong."""

from npnet.training.anomaly import Anomaly, detect_anomaly
from npnet.training.callbacks import Callback, EarlyStopping
from npnet.training.history import History
from npnet.training.metrics import (
    F1,
    R2,
    Accuracy,
    ConfusionMatrix,
    MeanAbsoluteError,
    Metric,
    Precision,
    Recall,
    RootMeanSquaredError,
    TopK,
)
from npnet.training.trainer import Trainer
from npnet.training.trouble import NonFiniteError

__all__ = [
    "F1",
    "R2",
    "Accuracy",
    "Anomaly",
    "Callback",
    "ConfusionMatrix",
    "EarlyStopping",
    "History",
    "MeanAbsoluteError",
    "Metric",
    "NonFiniteError",
    "Precision",
    "Recall",
    "RootMeanSquaredError",
    "TopK",
    "Trainer",
    "detect_anomaly",
]

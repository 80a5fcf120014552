"""Layers: leaf Modules with array kernels."""

from npnet.layers.activation import Identity, ReLU, Sigmoid, Tanh
from npnet.layers.arithmetic import (
    Add,
    Divide,
    MatMul,
    Multiply,
    Power,
    Subtract,
)
from npnet.layers.base import Elementwise, Layer
from npnet.layers.cross_entropy import CrossEntropyLoss, SoftmaxCrossEntropy
from npnet.layers.elementwise import Abs, Exp, Log, Negate, Scale, Sqrt, Square
from npnet.layers.linear import Linear
from npnet.layers.loss import BCELoss, BCEWithLogitsLoss, MSELoss
from npnet.layers.reduction import Mean, Sum
from npnet.layers.regularization import Regularization
from npnet.layers.shape import Concatenate, Flatten, Reshape
from npnet.layers.softmax import LogSoftmax, Softmax

__all__ = [
    "Abs",
    "Add",
    "BCELoss",
    "BCEWithLogitsLoss",
    "Concatenate",
    "CrossEntropyLoss",
    "Divide",
    "Elementwise",
    "Exp",
    "Flatten",
    "Identity",
    "Layer",
    "Linear",
    "Log",
    "LogSoftmax",
    "MSELoss",
    "MatMul",
    "Mean",
    "Multiply",
    "Negate",
    "Power",
    "ReLU",
    "Regularization",
    "Reshape",
    "Scale",
    "Sigmoid",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Sqrt",
    "Square",
    "Subtract",
    "Sum",
    "Tanh",
]

"""Layers: leaf Modules with array kernels."""

from npnet.layers import methods as methods
from npnet.layers import pieces as pieces
from npnet.layers.activation import Identity, ReLU, Sigmoid, Tanh
from npnet.layers.arithmetic import (
    Add,
    Divide,
    MatMul,
    Multiply,
    Power,
    Subtract,
)
from npnet.layers.axes import Permute, Squeeze, Transpose, Unsqueeze
from npnet.layers.base import Elementwise, Layer
from npnet.layers.batch_normalization import BatchNorm1d
from npnet.layers.bilinear import Bilinear
from npnet.layers.binary import BCELoss, BCEWithLogitsLoss
from npnet.layers.bounds import Clamp, Maximum, Minimum
from npnet.layers.clipped import Hardtanh, ReLU6
from npnet.layers.cross_entropy import CrossEntropyLoss, SoftmaxCrossEntropy
from npnet.layers.divergence import KLDivLoss
from npnet.layers.dropout import Dropout
from npnet.layers.elementwise import Abs, Exp, Log, Negate, Scale, Sqrt, Square
from npnet.layers.embedding import Embedding
from npnet.layers.gated import GELU, Hardswish, Mish, SiLU
from npnet.layers.indexing import Index
from npnet.layers.likelihood import NLLLoss
from npnet.layers.linear import Linear
from npnet.layers.normalization import LayerNorm, RMSNorm
from npnet.layers.random_like import RandLike, RandnLike
from npnet.layers.rectifiers import ELU, SELU, LeakyReLU, PReLU
from npnet.layers.reduction import Mean, Sum
from npnet.layers.regression import HuberLoss, L1Loss, MSELoss, SmoothL1Loss
from npnet.layers.regularization import Regularization
from npnet.layers.shape import Concatenate, Flatten, Reshape, Unflatten
from npnet.layers.smooth import LogSigmoid, Softplus, Softsign
from npnet.layers.softmax import LogSoftmax, Softmax

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Abs",
    "Add",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "Bilinear",
    "Clamp",
    "Concatenate",
    "CrossEntropyLoss",
    "Divide",
    "Dropout",
    "Elementwise",
    "Embedding",
    "Exp",
    "Flatten",
    "Hardswish",
    "Hardtanh",
    "HuberLoss",
    "Identity",
    "Index",
    "KLDivLoss",
    "L1Loss",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "Log",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MatMul",
    "Maximum",
    "Mean",
    "Minimum",
    "Mish",
    "Multiply",
    "NLLLoss",
    "Negate",
    "PReLU",
    "Permute",
    "Power",
    "RMSNorm",
    "RandLike",
    "RandnLike",
    "ReLU",
    "ReLU6",
    "Regularization",
    "Reshape",
    "Scale",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Square",
    "Squeeze",
    "Subtract",
    "Sum",
    "Tanh",
    "Transpose",
    "Unflatten",
    "Unsqueeze",
]

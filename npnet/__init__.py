"""npnet: neural networks in NumPy, with PyTorch's face and a tape you can see."""

from npnet import functional, init, layers, optim, random
from npnet.containers import Sequential
from npnet.functional import exp, log, sqrt, square
from npnet.gradcheck import GradientError, gradcheck
from npnet.graph import Graph
from npnet.layers import *  # noqa: F403
from npnet.layers import __all__ as _layers
from npnet.module import Module
from npnet.parameter import Parameter
from npnet.random import Generator, manual_seed

__version__ = "0.1.0"

__all__ = [
    "Generator",
    "GradientError",
    "Graph",
    "Module",
    "Parameter",
    "Sequential",
    "exp",
    "functional",
    "gradcheck",
    "init",
    "layers",
    "log",
    "manual_seed",
    "optim",
    "random",
    "sqrt",
    "square",
    *_layers,
]

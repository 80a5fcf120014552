"""npnet: neural networks in NumPy, with PyTorch's face and a tape you can see."""

from npnet import functional, init, layers, optim, random, utils
from npnet.checkpoint import CheckpointError, load, save
from npnet.containers import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from npnet.functional import exp, log, sqrt, square
from npnet.gradcheck import GradientError, gradcheck
from npnet.graph import Graph
from npnet.layers import *  # noqa: F403
from npnet.layers import __all__ as _layers
from npnet.module import Module
from npnet.parameter import Parameter
from npnet.random import Generator, bernoulli, manual_seed, rand, randint, randn, randperm

__version__ = "0.1.0"

__all__ = [
    "CheckpointError",
    "Generator",
    "GradientError",
    "Graph",
    "Module",
    "ModuleDict",
    "ModuleList",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "Sequential",
    "bernoulli",
    "exp",
    "functional",
    "gradcheck",
    "init",
    "layers",
    "load",
    "log",
    "manual_seed",
    "optim",
    "rand",
    "randint",
    "randn",
    "random",
    "randperm",
    "save",
    "sqrt",
    "square",
    "utils",
    *_layers,
]

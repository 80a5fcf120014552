"""npnet: neural networks in NumPy, with PyTorch's face and a tape you can see."""

from typing import TYPE_CHECKING

from npnet import functional, init, layers, optim, random, utils
from npnet.containers import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from npnet.functional import exp, log, sqrt, square
from npnet.graph import Graph
from npnet.layers import *  # noqa: F403
from npnet.layers import __all__ as _layers
from npnet.module import Module
from npnet.parameter import Parameter
from npnet.random import Generator, bernoulli, manual_seed, rand, randint, randn, randperm

__version__ = "0.1.0"

__all__ = [
    "CheckError",
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
    "check_gradients",
    "check_layer",
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

if TYPE_CHECKING:
    from npnet import check as check
    from npnet import inspect as inspect
    from npnet.check import CheckError, GradientError, check_gradients, check_layer, gradcheck
    from npnet.checkpoint import CheckpointError, load, save
else:
    #: Where to find what is imported when it is first asked for; who trains needs none of it.
    _LATER = {
        "check": "npnet.check",
        "inspect": "npnet.inspect",
        **dict.fromkeys(("CheckpointError", "load", "save"), "npnet.checkpoint"),
        **dict.fromkeys(("CheckError", "GradientError"), "npnet.check"),
        **dict.fromkeys(("check_gradients", "check_layer", "gradcheck"), "npnet.check"),
    }

    def __getattr__(name):
        """Import what is rarely needed when it is first asked for."""
        if name not in _LATER:
            raise AttributeError(f"module 'npnet' has no attribute {name!r}")
        from importlib import import_module

        module = import_module(_LATER[name])
        return module if module.__name__ == f"npnet.{name}" else getattr(module, name)

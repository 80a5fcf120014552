"""npnet: neural networks in NumPy, with PyTorch's face and a tape you can see."""

from typing import TYPE_CHECKING

from npnet import init, layers, optim, random
from npnet.containers import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
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
    from npnet import functional as functional
    from npnet import inspect as inspect
    from npnet import utils as utils
    from npnet.check import CheckError, GradientError, check_gradients, check_layer, gradcheck
    from npnet.checkpoint import CheckpointError, load, save
    from npnet.functional import exp, log, sqrt, square
else:
    #: Where to find what is imported when it is first asked for; who trains needs none of it.
    _LATER = {
        **{name: f"npnet.{name}" for name in ("check", "functional", "inspect", "utils")},
        **dict.fromkeys(("exp", "log", "sqrt", "square"), "npnet.functional"),
        **dict.fromkeys(("CheckpointError", "load", "save"), "npnet.checkpoint"),
        **dict.fromkeys(("CheckError", "GradientError"), "npnet.check"),
        **dict.fromkeys(("check_gradients", "check_layer", "gradcheck"), "npnet.check"),
    }

    def __getattr__(name):
        """Import what is rarely needed when it is first asked for."""
        if name not in _LATER:
            raise AttributeError(f"module 'npnet' has no attribute {name!r}")
        from importlib import import_module

        found = import_module(_LATER[name])
        if found.__name__ != f"npnet.{name}":
            found = getattr(found, name)
        return globals().setdefault(name, found)

    def __dir__():
        """List what is imported later too."""
        return sorted({*globals(), *__all__})

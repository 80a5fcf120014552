"""npnet: neural networks in NumPy, with PyTorch's face and a tape you can see."""

from typing import TYPE_CHECKING

from npnet import init, layers, optim
from npnet import random as random
from npnet.containers import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from npnet.grad_mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
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
    "add",
    "bernoulli",
    "cat",
    "check_gradients",
    "check_layer",
    "chunk",
    "clamp",
    "clip",
    "detach",
    "div",
    "enable_grad",
    "exp",
    "flatten",
    "functional",
    "gradcheck",
    "inference_mode",
    "init",
    "is_grad_enabled",
    "layers",
    "load",
    "log",
    "log_softmax",
    "manual_seed",
    "matmul",
    "maximum",
    "mean",
    "minimum",
    "mul",
    "neg",
    "no_grad",
    "optim",
    "permute",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "relu",
    "reshape",
    "save",
    "set_grad_enabled",
    "sigmoid",
    "softmax",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "sub",
    "tanh",
    "transpose",
    "unbind",
    "unflatten",
    "unsqueeze",
    "utils",
    *_layers,
]

if TYPE_CHECKING:
    from npnet import check as check
    from npnet import checkpoint as checkpoint
    from npnet import data as data
    from npnet import functional as functional
    from npnet import inspect as inspect
    from npnet import training as training
    from npnet import utils as utils
    from npnet.check import CheckError, GradientError, check_gradients, check_layer, gradcheck
    from npnet.checkpoint import CheckpointError, load, save
    from npnet.functional import abs as abs
    from npnet.functional import (
        add,
        cat,
        chunk,
        clamp,
        clip,
        detach,
        div,
        exp,
        flatten,
        log,
        log_softmax,
        matmul,
        maximum,
        mean,
        minimum,
        mul,
        neg,
        permute,
        rand_like,
        randn_like,
        relu,
        reshape,
        sigmoid,
        softmax,
        split,
        sqrt,
        square,
        squeeze,
        stack,
        sub,
        tanh,
        transpose,
        unbind,
        unflatten,
        unsqueeze,
    )
    from npnet.functional import pow as pow
    from npnet.functional import sum as sum
else:
    #: Where to find what is imported when it is first asked for; who trains needs none of it.
    _ROOMS = ("check", "checkpoint", "data", "functional", "inspect", "training", "utils")
    _LATER = {
        **{name: f"npnet.{name}" for name in _ROOMS},
        **dict.fromkeys(("CheckpointError", "load", "save"), "npnet.checkpoint"),
        **dict.fromkeys(("CheckError", "GradientError"), "npnet.check"),
        **dict.fromkeys(("check_gradients", "check_layer", "gradcheck"), "npnet.check"),
    }

    #: What is left are functions of tensors, and three of them that would shadow builtins where
    #: somebody writes ``from npnet import *``.
    _functions = {*__all__, "abs", "pow", "sum"} - {*globals()} - {*_LATER}
    _LATER |= dict.fromkeys(_functions, "npnet.functional")

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
        return sorted({*globals(), *__all__, *_LATER})

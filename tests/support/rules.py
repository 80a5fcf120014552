"""Optimizers of npnet and of torch, made alike and stepped side by side."""

import numpy as np
import pytest

from npnet import Parameter, optim

#: By optimizer options that together name every one it has, and every way through its rule.
OPTIONS = {
    "SGD": [
        {"lr": 0.05},
        {"lr": 0.05, "momentum": 0.9, "dampening": 0.3},
        {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01, "maximize": True},
    ],
    "Adam": [
        {},
        {"lr": 0.05, "weight_decay": 0.1},
        {"lr": 0.05, "betas": (0.3, 0.7), "eps": 0.1, "maximize": True},
        {"lr": 0.05, "betas": (0.5, 0.9), "amsgrad": True, "weight_decay": 0.1, "maximize": True},
        {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True, "eps": 0.0},
    ],
    "AdamW": [
        {},
        {"lr": 0.05, "weight_decay": 0.1, "maximize": True},
        {"lr": 0.05, "betas": (0.0, 0.9), "eps": 1e-3, "weight_decay": 0.0, "amsgrad": True},
    ],
    "RMSprop": [
        {},
        {"lr": 0.05, "alpha": 0.4, "eps": 1e-3, "weight_decay": 0.1},
        {"lr": 0.05, "momentum": 0.9, "maximize": True, "weight_decay": 0.1},
        {"lr": 0.05, "alpha": 0.7, "centered": True, "eps": 0.0},
        {"lr": 0.05, "alpha": 0.3, "centered": True, "momentum": 0.5, "maximize": True},
    ],
    "Adagrad": [
        {},
        {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1},
        {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3, "maximize": True},
        {"lr": 0.1, "eps": 0.0, "weight_decay": 0.1, "maximize": True},
    ],
}
EACH = [(kind, options) for kind, rows in OPTIONS.items() for options in rows]


def arrays(rng, dtype):
    """Return arrays of all kinds: Fortran and permuted orders, 0-d, empty."""
    shapes = [(3, 4), (4,), (), (0, 3), (7,)]
    found = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    found[0] = np.asfortranarray(found[0])
    return [*found, rng.standard_normal((4, 2, 3)).astype(dtype).transpose(1, 2, 0)]


def pair(kind, options, given, group=None):
    """Return (npnet's parameters and optimizer) and torch's, the last third in its own group."""
    torch = pytest.importorskip("torch")
    mine = [Parameter(array) for array in given]
    theirs = [torch.nn.Parameter(torch.tensor(array)) for array in given]
    cut = len(given) * 2 // 3
    return [
        (members, getattr(module, kind)(groups(members, cut, group), **options))
        for module, members in ((optim, mine), (torch.optim, theirs))
    ]


def groups(members, cut, own):
    """Return two groups, the second with options of its own."""
    return [{"params": members[:cut]}, {"params": members[cut:], **(own or {})}]


def give(rng, mine, theirs, missing=0.0):
    """Give twins the same random gradients, or none."""
    torch = pytest.importorskip("torch")
    for own, twin in zip(mine, theirs, strict=True):
        grad = rng.standard_normal(own.shape).astype(own.dtype)
        absent = rng.random() < missing
        own.grad = None if absent else grad
        twin.grad = None if absent else torch.tensor(grad)


def lockstep(kind, options, given, steps, missing=0.0, group=None):
    """Step twins along random gradients; yield both parameters and optimizers after each step."""
    rng = np.random.default_rng(7)
    (mine, own), (theirs, twin) = pair(kind, options, given, group)
    for _ in range(steps):
        give(rng, mine, theirs, missing)
        own.step()
        twin.step()
        yield mine, theirs, own, twin


def numbers(state_dict):
    """Return torch's state_dict with arrays for tensors."""
    state = {
        index: {name: value.numpy() for name, value in kept.items()}
        for index, kept in state_dict["state"].items()
    }
    return {**state_dict, "state": state}


def tensors(state_dict):
    """Return npnet's state_dict with tensors for arrays."""
    torch = pytest.importorskip("torch")
    state = {
        index: {name: torch.tensor(value) for name, value in kept.items()}
        for index, kept in state_dict["state"].items()
    }
    return {**state_dict, "state": state}

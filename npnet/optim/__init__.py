"""Optimizers: rules that step parameters along their gradients."""

from typing import TYPE_CHECKING

from npnet.optim.adagrad import Adagrad
from npnet.optim.adam import Adam, AdamW
from npnet.optim.base import Optimizer
from npnet.optim.rmsprop import RMSprop
from npnet.optim.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]

if TYPE_CHECKING:
    from npnet.optim import lr_scheduler as lr_scheduler
else:

    def __getattr__(name):
        """Import the schedules when they are first asked for."""
        if name != "lr_scheduler":
            raise AttributeError(f"module 'npnet.optim' has no attribute {name!r}")
        from importlib import import_module

        return import_module("npnet.optim.lr_scheduler")

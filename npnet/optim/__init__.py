"""Optimizers: rules that step parameters along their gradients."""

from npnet.optim.base import Optimizer
from npnet.optim.sgd import SGD

__all__ = ["SGD", "Optimizer"]

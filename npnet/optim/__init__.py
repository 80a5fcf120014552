"""Optimizers: rules that step parameters along their gradients."""

from npnet.optim import lr_scheduler
from npnet.optim.adagrad import Adagrad
from npnet.optim.adam import Adam, AdamW
from npnet.optim.base import Optimizer
from npnet.optim.rmsprop import RMSprop
from npnet.optim.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]

"""Schedules of learning rates, with torch's names and its rates to the last digit."""

from npnet.optim.lr_scheduler.base import LRScheduler
from npnet.optim.lr_scheduler.composite import ChainedScheduler, SequentialLR
from npnet.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from npnet.optim.lr_scheduler.cyclic import CyclicLR
from npnet.optim.lr_scheduler.decay import ExponentialLR, MultiStepLR, PolynomialLR, StepLR
from npnet.optim.lr_scheduler.functions import LambdaLR, MultiplicativeLR
from npnet.optim.lr_scheduler.one_cycle import OneCycleLR
from npnet.optim.lr_scheduler.plateau import ReduceLROnPlateau
from npnet.optim.lr_scheduler.warmup import ConstantLR, LinearLR

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]

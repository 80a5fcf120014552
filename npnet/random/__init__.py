"""Random numbers: torch's CPU stream, bit by bit, without torch."""

from npnet.random.functions import bernoulli, rand, randint, randn, randperm
from npnet.random.generator import Generator, default_generator, manual_seed

__all__ = [
    "Generator",
    "bernoulli",
    "default_generator",
    "manual_seed",
    "rand",
    "randint",
    "randn",
    "randperm",
]

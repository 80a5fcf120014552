"""Block: a Module with parts of every kind, some of them shared, absent or not kept."""

import numpy as np

from npnet import Linear, Module, Parameter, ReLU, Sequential


class Block(Module):
    def __init__(self):
        super().__init__()
        self.scale = Parameter(np.ones(2))
        self.fc = Linear(2, 2, dtype=np.float64)
        self.register_buffer("mean", np.zeros(2))
        self.register_buffer("noise", np.ones(2), persistent=False)
        self.register_buffer("later", None)
        self.inner = Sequential(ReLU(), Linear(2, 1, bias=False, dtype=np.float64))
        self.again = self.fc
        self.shift = Parameter(np.zeros(2))

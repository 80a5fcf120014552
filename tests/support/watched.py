"""A network, and hooks of every kind on every Module of it."""

import numpy as np

from npnet import Linear, ReLU, Sequential, Tanh

X = np.array([[1.0, -2.0], [0.5, 3.0], [-1.0, 0.25]])
G = np.array([[1.0, 2.0], [3.0, -4.0], [0.5, 1.0]])


def network():
    return Sequential(
        Linear(2, 4, dtype=np.float64),
        Tanh(),
        Sequential(Linear(4, 4, dtype=np.float64), ReLU()),
        Linear(4, 2, dtype=np.float64),
    )


def arrays(value):
    """Return arrays of either library as lists, in their tuples."""
    if isinstance(value, tuple):
        return tuple(arrays(part) for part in value)
    if value is None:
        return None
    return (value.detach().numpy() if hasattr(value, "detach") else value).tolist()


def watch(model, log):
    """Register every kind of hook on every Module."""
    for name, module in model.named_modules():

        def note(kind, name=name):
            return lambda module, *values: log.append((kind, name, arrays(values)))

        module.register_forward_pre_hook(note("before"))
        module.register_forward_hook(note("after"))
        module.register_full_backward_pre_hook(note("back before"))
        module.register_full_backward_hook(note("back"))

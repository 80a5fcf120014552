"""The samples that torch's own tests of its modules use, run on npnet's layers."""

import numpy as np
import pytest

import npnet
from tests.support.samples import database

pytestmark = pytest.mark.torch

SEEDS = range(5)
DTYPES = ("float32", "float64")

#: Samples that are not run, by layer and description: why.
SKIPS: dict[tuple[str, str], str] = {}

#: Layers of torch.nn that torch has no samples of: arguments, options and the shape of the input.
OWN = {
    "Dropout": [((), {}, (4, 3)), ((0.9,), {}, (50,)), ((0.2, True), {}, ()), ((1.0,), {}, (5,))],
    "Flatten": [((), {}, (4, 3, 2)), ((0,), {}, ()), ((), {"end_dim": 2}, (2, 3, 2, 2))],
    "Identity": [((54,), {"unused": 1}, (4, 3))],
    "Unflatten": [((1, (2, -1)), {}, (3, 8)), ((), {"dim": -1, "unflattened_size": [2, 2]}, (4,))],
}


@pytest.fixture(scope="module")
def infos():
    """Return torch's entries by the name of the layer."""
    found = {info.name: info for info in database("common_modules", "module_db")}
    return {name: found.get(f"nn.{name}") for name in npnet.layers.__all__}


def samples(info, name, dtype, training, seed):
    """Yield description, arguments of the layer and of its call, drawn from this seed."""
    torch = pytest.importorskip("torch")
    dtype = getattr(torch, dtype)
    torch.manual_seed(seed)
    if info is None:
        for arguments, options, shape in OWN.get(name, ()):
            yield f"{arguments} {options}", arguments, options, [torch.randn(shape, dtype=dtype)]
        return
    for number, sample in enumerate(
        info.module_inputs_func(info, "cpu", dtype, requires_grad=True, training=training)
    ):
        built, given = sample.constructor_input, sample.forward_input
        tensors = [*given.args, *given.kwargs.values()]
        yield f"{number} {sample.desc}", built.args, built.kwargs, tensors


def arrays(value):
    """Return what torch was given as npnet takes it."""
    torch = pytest.importorskip("torch")
    if isinstance(value, torch.Tensor):
        return value.detach().numpy()
    if isinstance(value, dict):
        return {name: arrays(entry) for name, entry in value.items()}
    return tuple(arrays(entry) for entry in value) if isinstance(value, tuple) else value


def leaf(value):
    """Return the same numbers, floating ones to be differentiated by."""
    torch = pytest.importorskip("torch")
    if isinstance(value, torch.Tensor):
        return value.detach().requires_grad_(value.is_floating_point())
    return value

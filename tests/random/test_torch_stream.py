"""The stream is torch's: every distribution, dtype, size and seed."""

import numpy as np
import pytest

from npnet import random
from npnet.random import Generator, default_generator, manual_seed

pytestmark = pytest.mark.torch

DTYPES = (np.float32, np.float64)
SIZES = (0, 1, 2, 3, 15, 16, 17, 31, 32, 33, 1000, 4096, 8200, 8205)


def torch_and_stream(seed):
    """Return torch and its generator for a seed, where it computes with AVX2 and FMA."""
    torch = pytest.importorskip("torch")
    if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
        pytest.skip("torch rounds otherwise without AVX2")
    return torch, torch.Generator().manual_seed(seed)


def assert_same(ours, theirs):
    """Assert equality of dtype, shape and every bit, the sign of zero too."""
    theirs = theirs.numpy()
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    assert ours.tobytes() == theirs.tobytes()


RANGES = {"narrow": (-5, 2**28 - 6), "long": (0, 2**28), "wide": (-(2**63), 2**60)}
SCALES = {"uniform": (-0.3, 1.7), "normal": (0.5, 1.3), "standard normal": (0.0, 1.0)}
PROBABILITIES = {"seldom": 0.03, "often": 0.7, "always": 1.0, "never": 0.0}
KINDS = (*RANGES, *SCALES, *PROBABILITIES, "randperm")


def draw(generator, kind, size, dtype, torch=None):
    """Draw from a Generator; with torch, from torch's."""
    if kind == "randperm":
        return torch.randperm(size, generator=generator) if torch else generator.randperm(size)
    if kind in RANGES:
        limits = RANGES[kind]
        if torch:
            return torch.randint(*limits, (size,), generator=generator)
        return generator.randint(*limits, size)
    tensor = torch and torch.empty(size, dtype=getattr(torch, np.dtype(dtype).name))
    if kind in PROBABILITIES:
        p = PROBABILITIES[kind]
        if torch:
            return tensor.bernoulli_(p, generator=generator)
        return generator.bernoulli(p, size, dtype)
    method = kind.split()[-1]
    if torch:
        return getattr(tensor, f"{method}_")(*SCALES[kind], generator=generator)
    return getattr(generator, method)(*SCALES[kind], size, dtype)


@pytest.mark.parametrize("seed", range(20))
def test_mixed_calls_give_torchs_numbers_and_leave_its_place(seed):
    torch, theirs = torch_and_stream(seed)
    ours, choice = Generator(seed), np.random.default_rng(seed)
    for _ in range(60):
        kind = KINDS[choice.integers(len(KINDS))]
        size, dtype = int(choice.choice(SIZES)), DTYPES[choice.integers(2)]
        assert_same(draw(ours, kind, size, dtype), draw(theirs, kind, size, dtype, torch))
    assert_same(ours.normal(shape=3), torch.randn(3, generator=theirs))


@pytest.mark.parametrize("seed", range(20))
def test_up_to_a_hundred_thousand_numbers_are_torchs(seed):
    torch, theirs = torch_and_stream(seed)
    ours, choice = Generator(seed), np.random.default_rng(seed)
    for kind in choice.permutation(KINDS):
        dtype = DTYPES[choice.integers(2)]
        size = 100_000 if kind == KINDS[seed % len(KINDS)] else int(10 ** choice.uniform(0, 5))
        assert_same(draw(ours, kind, size, dtype), draw(theirs, kind, size, dtype, torch))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(20))
def test_uniform_bounds_of_all_magnitudes_round_as_in_torch(seed, dtype):
    torch, theirs = torch_and_stream(seed)
    choice, ours = np.random.default_rng(seed), Generator(seed)
    for _ in range(10):
        low = float(choice.normal() * 10.0 ** choice.integers(-6, 7))
        high = low + float(abs(choice.normal()) * 10.0 ** choice.integers(-6, 7))
        tensor = torch.empty(1000, dtype=torch.float32 if dtype is np.float32 else torch.float64)
        tensor.uniform_(low, high, generator=theirs)
        assert_same(ours.uniform(low, high, 1000, dtype), tensor)


@pytest.mark.parametrize("n", [*range(8), 100, 1437, 4095, 4096, 4097, 4098, 20_000])
def test_randperm_is_torchs(n):
    torch, theirs = torch_and_stream(n)
    ours = Generator(n)
    assert_same(ours.randperm(n), torch.randperm(n, generator=theirs))
    assert_same(ours.uniform(shape=2), torch.rand(2, generator=theirs))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(20))
def test_bernoulli_of_an_array_is_torchs(seed, dtype):
    torch, theirs = torch_and_stream(seed)
    p = np.random.default_rng(seed).random((40, 25)).astype(dtype)
    ours = Generator(seed)
    assert_same(
        ours.bernoulli(p, dtype=dtype), torch.bernoulli(torch.from_numpy(p), generator=theirs)
    )
    assert_same(ours.uniform(shape=2), torch.rand(2, generator=theirs))


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**32 + 5, 2**63, 2**64 - 1, -1, -2, -(2**63)])
def test_seeds_are_torchs(seed):
    torch, theirs = torch_and_stream(seed)
    ours = Generator(seed)
    assert ours.initial_seed() == theirs.initial_seed()
    assert_same(ours.uniform(shape=5), torch.rand(5, generator=theirs))


def test_a_stream_nobody_seeded_is_torchs():
    torch = pytest.importorskip("torch")
    assert Generator().initial_seed() == torch.Generator().initial_seed()


def test_the_default_stream_is_torchs():
    torch, _ = torch_and_stream(0)
    torch.manual_seed(4)
    assert manual_seed(4) is default_generator()
    assert_same(default_generator().normal(shape=(2, 9)), torch.randn(2, 9))
    tensor = torch.empty((), dtype=torch.int64).random_()
    assert default_generator().randint(0, 2**63).item() == tensor.item()


@pytest.mark.parametrize("seed", range(3))
def test_functions_of_torchs_names_draw_torchs_numbers(seed):
    torch, _ = torch_and_stream(seed)
    torch.manual_seed(seed)
    manual_seed(seed)
    for dtype in DTYPES:
        theirs = getattr(torch, np.dtype(dtype).name)
        p = np.linspace(0, 1, 30, dtype=dtype)
        assert_same(random.rand(2, 3, dtype=dtype), torch.rand(2, 3, dtype=theirs))
        assert_same(random.randn((4, 5), dtype=dtype), torch.randn((4, 5), dtype=theirs))
        assert_same(random.randn(3, dtype=dtype), torch.randn(3, dtype=theirs))
        assert_same(random.bernoulli(p), torch.bernoulli(torch.from_numpy(p)))
        assert_same(random.bernoulli(p, 0.4), torch.bernoulli(torch.from_numpy(p), 0.4))
    assert_same(random.randint(10, (2, 3)), torch.randint(10, (2, 3)))
    assert_same(random.randint(-4, 4, (5,)), torch.randint(-4, 4, (5,)))
    assert_same(random.randperm(9), torch.randperm(9))

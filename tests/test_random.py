import copy
import pickle
import threading
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from npnet import random
from npnet.random import Generator, default_generator, manual_seed

DTYPES = (np.float32, np.float64)
SIZES = (0, 1, 2, 3, 15, 16, 17, 31, 32, 33, 1000, 4096, 8200, 8205)
BAD_CALLS = [
    ("uniform", (1.0, 0.0), ValueError, "low <= high"),
    ("uniform", (float("nan"), 1.0), ValueError, "low <= high"),
    ("uniform", (-3e38, 3e38), ValueError, "within float32"),
    ("uniform", (0.0, 1e39), ValueError, "within float32"),
    ("uniform", (-1e308, 1e308, 2, np.float64), ValueError, "within float64"),
    ("uniform", (0.0, 1.0, (2, -1)), ValueError, r"negative sizes, got \(2, -1\)"),
    ("uniform", (0.0, 1.0, 2.0), TypeError, "integer"),
    ("uniform", (0.0, 1.0, 2, np.float16), TypeError, "float32 or float64, got float16"),
    ("normal", (0.0, -1.0), ValueError, "std >= 0"),
    ("normal", (0.0, float("nan")), ValueError, "std >= 0"),
    ("normal", (float("inf"), 1.0), ValueError, "within float32"),
    ("normal", (0.0, 1.0, 2, np.int64), TypeError, "float32 or float64, got int64"),
    ("randint", (3, 3), ValueError, "low < high"),
    ("randint", (0, 2**63 + 1), ValueError, "2\\*\\*63"),
    ("randint", (0.5, 2), TypeError, "integer"),
    ("randperm", (-1,), ValueError, "negative"),
    ("bernoulli", (1.5, 3), ValueError, "from 0 to 1, got 1.5"),
    ("bernoulli", (float("nan"), 3), ValueError, "from 0 to 1"),
    ("bernoulli", (np.full(3, 0.5), 4), ValueError, "broadcast"),
]

# What torch 2.13 gives for the calls in test_numbers_that_torch_gave.
TORCH = {
    "uniform": [0.49625658988952637, 0.7682217955589294, 0.08847743272781372],
    "randperm": [5, 0, 3, 4, 1, 7, 9, 6, 8, 2],
    "float64": [-0.08778934505607527, -0.05508909868646992],
    "few normal": [0.39229682087898254, -0.223564013838768, -0.31950026750564575],
    "many normal": [-1.0408011674880981, -0.8109861612319946, -0.7395675778388977],
    "randint": [6, 8, 7, 7, 0, 0],
    "long randint": [455570294424, 1073054410371],
    "bernoulli": [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
}


def words(seed, count):
    """Return MT19937's first words for a seed, 32 bits each, from NumPy."""
    return np.random.RandomState(seed).randint(0, 2**32, count, dtype=np.uint32).astype(object)


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


def nearest(exact, dtype):
    """Return the floating number nearest to a fraction, the even one of two."""
    guess = dtype(float(exact))
    around = (np.nextafter(guess, dtype(-np.inf)), guess, np.nextafter(guess, dtype(np.inf)))
    bits = np.dtype(f"u{guess.itemsize}")
    return min(
        around, key=lambda a: (abs(Fraction(float(a)) - exact), int(np.asarray(a).view(bits)) & 1)
    )


RANGES = {"narrow": (-5, 2**28 - 6), "long": (0, 2**28), "wide": (-(2**63), 2**60)}
SCALES = {"uniform": (-0.3, 1.7), "normal": (0.5, 1.3), "standard normal": (0.0, 1.0)}
KINDS = (*RANGES, *SCALES, "randperm")


def draw(generator, kind, size, dtype, torch=None):
    """Draw from a Generator; with torch, from torch's."""
    if kind == "randperm":
        return torch.randperm(size, generator=generator) if torch else generator.randperm(size)
    if kind in RANGES:
        limits = RANGES[kind]
        if torch:
            return torch.randint(*limits, (size,), generator=generator)
        return generator.randint(*limits, size)
    method = kind.split()[-1]
    if torch is None:
        return getattr(generator, method)(*SCALES[kind], size, dtype)
    tensor = torch.empty(size, dtype=torch.float32 if dtype is np.float32 else torch.float64)
    return getattr(tensor, f"{method}_")(*SCALES[kind], generator=generator)


@pytest.mark.torch
@pytest.mark.parametrize("seed", range(20))
def test_mixed_calls_give_torchs_numbers_and_leave_its_place(seed):
    torch, theirs = torch_and_stream(seed)
    ours, choice = Generator(seed), np.random.default_rng(seed)
    for _ in range(60):
        kind = KINDS[choice.integers(len(KINDS))]
        size, dtype = int(choice.choice(SIZES)), DTYPES[choice.integers(2)]
        assert_same(draw(ours, kind, size, dtype), draw(theirs, kind, size, dtype, torch))
    assert_same(ours.normal(shape=3), torch.randn(3, generator=theirs))


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_hundred_thousand_numbers_are_torchs(kind, dtype):
    torch, theirs = torch_and_stream(11)
    ours = draw(Generator(11), kind, 100_000, dtype)
    assert_same(ours, draw(theirs, kind, 100_000, dtype, torch))


@pytest.mark.torch
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


@pytest.mark.torch
@pytest.mark.parametrize("n", [*range(8), 100, 1437, 4095, 4096, 4097, 4098, 20_000])
def test_randperm_is_torchs(n):
    torch, theirs = torch_and_stream(n)
    ours = Generator(n)
    assert_same(ours.randperm(n), torch.randperm(n, generator=theirs))
    assert_same(ours.uniform(shape=2), torch.rand(2, generator=theirs))


@pytest.mark.torch
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


@pytest.mark.torch
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(20))
def test_bernoulli_of_a_number_is_torchs(seed, p):
    torch, theirs = torch_and_stream(seed)
    torch.empty(64).bernoulli_(0.5, generator=theirs)
    follower = Generator(seed)
    follower.uniform(shape=128)
    if follower.uniform(shape=()).item() != torch.rand((), generator=theirs).item():
        pytest.skip("torch draws from MKL's stream on Intel's processors")
    ours, theirs = Generator(seed), torch.Generator().manual_seed(seed)
    assert_same(ours.bernoulli(p, 1000), torch.empty(1000).bernoulli_(p, generator=theirs))
    assert_same(ours.uniform(shape=2), torch.rand(2, generator=theirs))


@pytest.mark.torch
@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**32 + 5, 2**63, 2**64 - 1, -1, -2, -(2**63)])
def test_seeds_are_torchs(seed):
    torch, theirs = torch_and_stream(seed)
    ours = Generator(seed)
    assert ours.initial_seed() == theirs.initial_seed()
    assert_same(ours.uniform(shape=5), torch.rand(5, generator=theirs))


@pytest.mark.torch
def test_a_stream_nobody_seeded_is_torchs():
    torch = pytest.importorskip("torch")
    assert Generator().initial_seed() == torch.Generator().initial_seed()


@pytest.mark.torch
def test_the_default_stream_is_torchs():
    torch, _ = torch_and_stream(0)
    torch.manual_seed(4)
    assert manual_seed(4) is default_generator()
    assert_same(default_generator().normal(shape=(2, 9)), torch.randn(2, 9))
    tensor = torch.empty((), dtype=torch.int64).random_()
    assert default_generator().randint(0, 2**63).item() == tensor.item()


def test_numbers_that_torch_gave():
    generator = Generator(0)
    assert generator.uniform(shape=3).tolist() == TORCH["uniform"]
    assert generator.manual_seed(7).randperm(10).tolist() == TORCH["randperm"]
    assert generator.manual_seed(1).uniform(-0.1, 0.1, 2, np.float64).tolist() == TORCH["float64"]
    assert generator.manual_seed(2).normal(shape=3).tolist() == TORCH["few normal"]
    assert generator.manual_seed(2).normal(shape=17).tolist()[::8] == TORCH["many normal"]
    assert generator.manual_seed(3).randint(0, 10, 6).tolist() == TORCH["randint"]
    assert generator.manual_seed(3).randint(0, 2**40, 2).tolist() == TORCH["long randint"]
    assert generator.manual_seed(5).bernoulli(np.full(8, 0.3)).tolist() == TORCH["bernoulli"]


@given(
    st.floats(-(2.0**60), 2.0**60, width=32),
    st.floats(0, 2.0**60, width=32),
    st.integers(-60, 960).map(lambda power: 2.0**power),
    st.sampled_from(DTYPES),
)
@example(-(2.0**59), 1.1 * 2.0**59, 2.0**960, np.float64)
def test_uniform_rounds_the_exact_value_once(low, extent, unit, dtype):
    if dtype is np.float64:
        low, extent = low * unit, extent * unit
    low, high = dtype(low), dtype(low) + dtype(extent)
    drawn = Generator(3).uniform(shape=20, dtype=dtype)
    scale = Fraction(float(dtype(high - low)))
    exact = [Fraction(float(u)) * scale + Fraction(float(low)) for u in drawn]
    if dtype is np.float64:
        assume(not any(0 < abs(bound) < 2.0**-900 for bound in (low, scale)))
    expected = [nearest(value, dtype) for value in exact]
    expected = [low if value == high else value for value in expected]
    assert Generator(3).uniform(low, high, 20, dtype).tolist() == [float(e) for e in expected]


def test_a_sum_just_below_the_middle_of_two_numbers_rounds_down():
    x = np.array([2.0**-24 * (1 - 2.0**-18)], np.float32)
    factor, term = np.float32(1 + 2.0**-18), np.float32(1 + 2.0**-23)
    assert random._fused(x, factor, term).tolist() == [1 + 2.0**-23]
    assert random._fused(-x, factor, -term).tolist() == [-1 - 2.0**-23]


def test_a_negative_zero_plus_zero_is_positive():
    assert not np.signbit(random._scaled(np.array([-0.0]), 1.0, 0.0)).any()


def test_uniform_never_reaches_its_upper_bound():
    low, high = np.float32(1), np.nextafter(np.float32(1), np.float32(2))
    assert set(Generator(0).uniform(low, high, 100).tolist()) == {1.0}
    assert Generator(0).uniform(2.5, 2.5, 3).tolist() == [2.5] * 3


def test_uniform_takes_24_bits_of_a_word_and_53_of_two():
    expected = [(word & 0xFFFFFF) / 2**24 for word in words(9, 4)]
    assert Generator(9).uniform(shape=4).tolist() == expected
    first, second = words(9, 2)
    expected = [(first << 32 | second) % 2**53 / 2**53]
    assert Generator(9).uniform(shape=1, dtype=np.float64).tolist() == expected


@pytest.mark.parametrize("n", [1, 2, 3, 50, 4096, 4097, 4100])
def test_a_very_long_permutation_is_shuffled_from_inside_out(n, monkeypatch):
    monkeypatch.setattr(random, "LONG_PERMUTATION", 1)
    drawn, order = words(6, 2 * n), []
    for i in range(n):
        j = (drawn[2 * i] << 32 | drawn[2 * i + 1]) % (i + 1)
        order.append(i)
        order[i] = order[j]
        order[j] = i
    assert Generator(6).randperm(n).tolist() == order


@pytest.mark.parametrize("dtype", DTYPES)
def test_normal_numbers_have_the_moments_and_tails_of_the_normal_distribution(dtype):
    z = Generator(0).normal(1.0, 2.0, 100_000, dtype).astype(np.float64)
    z = (z - 1) / 2
    for power, moment in ((1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0)):
        spread = np.std(z**power) / np.sqrt(z.size)
        assert abs(np.mean(z**power) - moment) < 4 * spread
    assert abs(np.mean(abs(z) > 2) - 0.0455) < 4 * np.sqrt(0.0455 / z.size)


def test_a_normal_number_left_over_waits_for_the_next_call():
    parts, together = Generator(1), Generator(1)
    numbers = [*parts.normal(shape=1), *parts.normal(shape=2), *parts.normal(shape=3)]
    assert numbers == together.normal(shape=6).tolist()


def test_a_new_seed_forgets_the_normal_number_left_over():
    generator = Generator(1)
    generator.normal()
    assert generator.manual_seed(1).normal().item() == Generator(1).normal().item()


def test_normal_overflows_to_infinity_in_silence():
    assert np.isinf(Generator(0).normal(3e38, 3e38, 1000)).any()
    assert np.isinf(Generator(0).normal(3e38, 3e38, 10)).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.bool_, np.int8])
def test_bernoulli_gives_ones_and_zeros_of_the_dtype(dtype):
    mask = Generator(0).bernoulli(0.25, (100, 100), dtype)
    assert mask.dtype == dtype
    assert abs(mask.mean(dtype=np.float64) - 0.25) < 4 * np.sqrt(0.25 * 0.75 / mask.size)


def test_bernoulli_broadcasts_probabilities_and_takes_their_shape():
    assert Generator(0).bernoulli(np.array([0.0, 1.0]), (3, 2)).tolist() == [[0.0, 1.0]] * 3
    assert Generator(0).bernoulli(np.array([[1.0], [0.0]])).tolist() == [[1.0], [0.0]]


def test_a_numpy_number_as_probability_counts_as_a_number():
    masks = (Generator(0).bernoulli(half, 100).tolist() for half in (0.5, np.float32(0.5)))
    assert next(masks) == next(masks)


@pytest.mark.parametrize(
    "shape, expected",
    [((), ()), (3, (3,)), ([2, 3], (2, 3)), ((2, 0), (2, 0)), (np.int64(2), (2,))],
)
def test_shapes_are_ints_or_tuples(shape, expected):
    generator = Generator(0)
    assert generator.uniform(shape=shape).shape == expected
    assert generator.normal(shape=shape).shape == expected
    assert generator.randint(0, 3, shape).shape == expected
    assert generator.bernoulli(0.5, shape).shape == expected


@pytest.mark.parametrize("method, arguments, error, message", BAD_CALLS)
def test_a_bad_call_says_why_and_draws_nothing(method, arguments, error, message):
    generator = Generator(5)
    generator.normal()
    with pytest.raises(error, match=message):
        getattr(generator, method)(*arguments)
    again = Generator(5)
    assert generator.normal(shape=3).tolist() == again.normal(shape=4)[1:].tolist()


@pytest.mark.parametrize("seed", [1.5, True, "3", None])
def test_a_seed_that_is_no_integer_is_refused(seed):
    with pytest.raises(TypeError, match="expected an integer as seed"):
        Generator(seed)


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1])
def test_a_seed_out_of_range_is_refused_and_changes_nothing(seed):
    generator = Generator(1)
    with pytest.raises(ValueError, match=r"from -2\*\*63 to 2\*\*64 - 1"):
        generator.manual_seed(seed)
    assert generator.initial_seed() == 1
    assert generator.uniform().item() == Generator(1).uniform().item()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))])
def test_a_copy_goes_on_alone_from_the_same_place(copied):
    generator = Generator(8)
    generator.normal()
    other = copied(generator)
    expected = generator.normal(shape=4).tolist(), generator.randperm(5).tolist()
    assert (other.normal(shape=4).tolist(), other.randperm(5).tolist()) == expected
    assert other.initial_seed() == 8


def test_a_state_brings_the_stream_back_any_number_of_times():
    generator = Generator(8)
    generator.normal()
    state, expected = generator.get_state(), generator.normal(shape=15).tolist()
    other = Generator()
    for _ in range(2):
        generator.uniform(shape=700)
        for stream in (generator, other):
            stream.set_state(state)
            assert stream.normal(shape=15).tolist() == expected
            assert stream.initial_seed() == 8


@pytest.mark.parametrize("state", [{}, {"words": {}, "seed": 1}, 3, {"words": (1, 2)}])
def test_a_state_that_is_none_is_refused_and_changes_nothing(state):
    generator = Generator(8)
    with pytest.raises((KeyError, TypeError, ValueError)):
        generator.set_state(state)
    assert generator.uniform(shape=3).tolist() == Generator(8).uniform(shape=3).tolist()


def test_threads_share_the_words_between_them():
    generator, blocks, lock = Generator(2), [], threading.Lock()

    def work():
        for _ in range(50):
            block = tuple(generator.normal(shape=20, dtype=np.float64).tolist())
            with lock:
                blocks.append(block)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = Generator(2)
    expected = {tuple(alone.normal(shape=20, dtype=np.float64).tolist()) for _ in range(300)}
    assert set(blocks) == expected

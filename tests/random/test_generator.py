import copy
import pickle
import threading

import numpy as np
import pytest

from npnet.random import Generator
from npnet.random import generator as module

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
    ("fill_bernoulli", (np.zeros(3), 1.5), ValueError, "from 0 to 1, got 1.5"),
    ("fill_uniform", (np.zeros(3), 1.0, 0.0), ValueError, "low <= high"),
    ("fill_uniform", (np.zeros(3, np.int64),), TypeError, "float32 or float64, got int64"),
    ("fill_normal", (np.zeros(3), 0.0, -1.0), ValueError, "std >= 0"),
    ("fill_normal", (np.zeros(3, np.float16),), TypeError, "float32 or float64, got float16"),
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
    monkeypatch.setattr(module, "LONG_PERMUTATION", 1)
    drawn, order = words(6, 2 * n), []
    for i in range(n):
        j = (drawn[2 * i] << 32 | drawn[2 * i + 1]) % (i + 1)
        order.append(i)
        order[i] = order[j]
        order[j] = i
    assert Generator(6).randperm(n).tolist() == order


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


@pytest.mark.parametrize(
    "part",
    [{"seed": -(2**63) - 1}, {"seed": "8"}, {"seed": 1.0}, {"seed": True}]
    + [{"next_normal": value} for value in ("1", [1.0], 1j, True, {})],
    ids=repr,
)
def test_a_state_with_a_part_that_is_none_is_refused_and_changes_nothing(part):
    generator = Generator(8)
    with pytest.raises((TypeError, ValueError), match=r"^Generator: expected"):
        generator.set_state({**Generator(9).get_state(), **part})
    assert generator.initial_seed() == 8
    assert generator.normal(shape=3).tolist() == Generator(8).normal(shape=3).tolist()


def test_numbers_of_a_state_may_be_numpys():
    generator = Generator(8)
    generator.normal()
    state = generator.get_state()
    same = {**state, "seed": np.int64(8), "next_normal": np.array(state["next_normal"])}
    other = Generator()
    other.set_state(same)
    assert other.initial_seed() == 8 and type(other.get_state()["next_normal"]) is float
    assert other.normal(shape=3).tolist() == generator.normal(shape=3).tolist()


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


def test_a_mark_brings_the_stream_back_any_number_of_times():
    generator = Generator(8)
    generator.normal()
    mark, expected = generator.mark(), generator.normal(shape=15).tolist()
    generator.manual_seed(9)
    for _ in range(2):
        generator.rewind(mark)
        assert generator.mark() == mark
        assert generator.initial_seed() == 8
        assert generator.normal(shape=15).tolist() == expected


def test_bernoulli_is_one_below_p_and_not_at_it():
    first, second = words(9, 2)
    u = (first << 32 | second) % 2**53 / 2**53
    assert Generator(9).bernoulli(u, ()).item() == 0
    assert Generator(9).bernoulli(np.nextafter(u, 1.0).item(), ()).item() == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 15, 16, 17, 4096, 4097, 8200])
def test_an_array_is_filled_with_what_is_drawn_alone(size, dtype):
    for name, numbers in (("uniform", (-2.0, 3.0)), ("normal", (1.0, 0.5))):
        drawing, filling = Generator(9), Generator(9)
        out = np.full((size, 1), np.nan, dtype)
        getattr(filling, f"fill_{name}")(out, *numbers)
        expected = getattr(drawing, name)(*numbers, (size, 1), dtype)
        np.testing.assert_array_equal(out, expected, strict=True)
        assert filling.mark() == drawing.mark()


@pytest.mark.parametrize("size", [0, 1, 4096, 4097, 10_000])
@pytest.mark.parametrize("p", [0.0, 2.0**-53, 0.3, 1.0])
def test_ones_of_bernoulli_are_where_53_bits_of_two_words_lie_below_p(p, size):
    drawn = words(9, 2 * size)
    expected = [float((a << 32 | b) % 2**53 < p * 2**53) for a, b in drawn.reshape(-1, 2)]
    assert Generator(9).bernoulli(p, size).tolist() == expected
    filled = np.full(size, np.nan)
    Generator(9).fill_bernoulli(filled, p, 2.5)
    assert filled.tolist() == [2.5 * one for one in expected]


def test_a_generator_prints_its_seed_and_draws_nothing():
    generator, twin = Generator(7), Generator(7)
    assert repr(generator) == "Generator(7)" and repr(Generator(-1)) == f"Generator({2**64 - 1})"
    assert generator.uniform() == twin.uniform() and repr(generator) == "Generator(7)"

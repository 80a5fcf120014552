import numpy as np
import pytest

import npnet
from npnet import random
from npnet.random import Generator


def test_functions_draw_from_the_default_stream_or_the_one_given():
    for draw in (
        lambda g: random.rand(3, generator=g),
        lambda g: random.randn(3, generator=g),
        lambda g: random.randint(100, 3, generator=g),
        lambda g: random.randperm(5, generator=g),
        lambda g: random.bernoulli(np.full(9, 0.5), generator=g),
    ):
        npnet.manual_seed(6)
        assert draw(None).tolist() == draw(Generator(6)).tolist()
        assert draw(None).tolist() != draw(Generator(6)).tolist()


@pytest.mark.parametrize("size", [(), (3,), (2, 0), (2, 3)])
def test_a_size_is_numbers_or_one_tuple(size):
    for draw in (random.rand, random.randn):
        assert draw(*size).shape == draw(size).shape == draw(list(size)).shape == size
        assert draw(size, dtype=np.float64).dtype == np.float64


def test_randint_draws_from_zero_unless_told():
    drawn = random.randint(3, (100,), generator=Generator(0))
    assert set(drawn.tolist()) == {0, 1, 2}
    assert set(random.randint(5, 7, 100, generator=Generator(0)).tolist()) == {5, 6}


def test_bernoulli_takes_shape_and_dtype_of_its_input():
    drawn = random.bernoulli(np.array([[0.0, 1.0]]))
    assert drawn.tolist() == [[0.0, 1.0]] and drawn.dtype == np.float64
    assert random.bernoulli(np.zeros(3, np.float32), 1.0).tolist() == [1.0] * 3


@pytest.mark.parametrize(
    "draw, error, message",
    [
        (lambda: random.rand(-1), ValueError, "negative sizes"),
        (lambda: random.randn(2, generator=3), TypeError, "randn: expected a npnet.random.Gen"),
        (lambda: random.rand(2, dtype=np.int64), TypeError, "float32 or float64, got int64"),
        (lambda: random.randint(0, (3,)), ValueError, "low < high"),
        (lambda: random.bernoulli(np.ones(2), 2.0), ValueError, "from 0 to 1, got 2.0"),
    ],
)
def test_a_bad_call_says_why_and_draws_nothing(draw, error, message):
    before = npnet.random.default_generator().mark()
    with pytest.raises(error, match=message):
        draw()
    assert npnet.random.default_generator().mark() == before

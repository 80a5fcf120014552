import subprocess
import sys

import numpy as np
import pytest

from npnet.random import words
from npnet.random.words import Words


def numpys(seed, count):
    return np.random.RandomState(seed).randint(0, 2**32, count, dtype=np.uint32).tolist()


def test_words_are_those_of_the_reference():
    # From mt19937ar.out, for the seed of the reference's init_genrand.
    assert Words(5489).draw(5).tolist() == [
        *(3499211612, 581869302, 3890346734, 3586334585, 545404204),
    ]


def test_words_drawn_in_parts_are_those_drawn_at_once():
    stream = Words(3)
    parts = [word for count in (0, 1, 623, 2, 5000) for word in stream.draw(count).tolist()]
    assert parts == numpys(3, 5626)


@pytest.mark.parametrize("reach", [0, 10, 700, 10**6])
def test_a_place_can_be_gone_back_to_whatever_was_drawn_meanwhile(reach, monkeypatch):
    monkeypatch.setattr(words, "REACH", reach)
    monkeypatch.setattr(words, "SKIPPED", 64)
    stream, expected, at = Words(4), numpys(4, 20_000), 0
    places = []
    for count in (3, 0, 650, 1, 1300, 64, 9):
        places.append((at, stream.place))
        stream.draw(count)
        at += count
    for at, place in (*places, *reversed(places)):
        for _ in range(2):
            stream.place = place
            assert stream.place == place
            assert stream.draw(900).tolist() == expected[at : at + 900]


def test_a_state_is_numpys_and_a_place_of_its_own():
    stream, other = Words(4), Words(0)
    stream.draw(1000)
    other.state = stream.state
    place = other.place
    twin = np.random.RandomState(0)
    twin.set_state(stream.state)
    expected = twin.randint(0, 2**32, 2000, dtype=np.uint32).tolist()
    assert stream.draw(2000).tolist() == expected == other.draw(2000).tolist()
    other.place = place
    assert other.draw(2000).tolist() == expected


def test_nothing_is_made_before_the_first_draw():
    code = (
        "import sys, npnet\n"
        "npnet.manual_seed(3), npnet.Generator(4).mark()\n"
        "assert 'numpy.random' not in sys.modules\n"
        "assert npnet.rand(1).item() == npnet.manual_seed(3).uniform().item()\n"
    )
    if int(np.__version__.split(".")[0]) < 2:
        pytest.skip("NumPy 1 loads numpy.random by itself")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr

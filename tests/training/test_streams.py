import numpy as np
import pytest

import npnet
from npnet import Dropout, Generator, Linear, Sequential
from npnet.data import DataLoader
from npnet.random import default_generator
from npnet.training.streams import Streams, states_at


class Sampler:
    """Draws an order from a stream of its own."""

    def __init__(self, generator):
        self.generator = generator

    def __iter__(self):
        return iter(self.generator.randperm(4).tolist())

    def __len__(self):
        return 4


def streams():
    """Return Streams of layers, loaders and a sampler, and all their generators."""
    shared, alone, sampling = Generator(1), Generator(2), Generator(3)
    model = Sequential(Dropout(generator=shared), Linear(2, 2), Dropout())
    train = DataLoader(np.arange(4), sampler=Sampler(sampling), generator=shared)
    held = Streams(model, train=train, validation=DataLoader(np.arange(4), generator=alone))
    return held, [default_generator(), shared, sampling, alone]


def test_every_stream_is_found_once_whoever_shares_it():
    found, _ = streams()
    assert found.names == {
        "default": "default",
        "model.0.generator": "model.0.generator",
        "train.generator": "model.0.generator",
        "train.sampler.generator": "train.sampler.generator",
        "validation.generator": "validation.generator",
    }
    assert sorted(found.states()) == sorted(set(found.names.values()))


@pytest.mark.parametrize("way", ["states", "marks", "states at marks"])
def test_streams_go_back_to_where_they_were(way):
    found, generators = streams()
    for count, generator in enumerate(generators):
        generator.uniform(shape=count + 5)
        generator.normal()  # leaves a number that waits
    states, marks = found.states(), found.marks()
    drawn = [generator.normal(shape=3).tolist() for generator in generators]
    if way == "marks":
        found.rewind(marks)
    else:
        found.go_to(states if way == "states" else states_at(marks))
    assert [generator.normal(shape=3).tolist() for generator in generators] == drawn


def test_asking_where_a_stream_was_moves_nothing():
    found, generators = streams()
    marks = found.marks()
    expected = Generator(1).uniform(shape=3).tolist()
    states_at(marks)
    assert generators[1].uniform(shape=3).tolist() == expected


def test_streams_without_a_place_stay():
    found, generators = streams()
    states = found.states()
    generators[1].uniform()
    generators[3].uniform()
    there = generators[3].get_state()
    del states["validation.generator"]
    found.go_to(states)
    assert repr(generators[3].get_state()) == repr(there)
    assert generators[1].uniform() == Generator(1).uniform()


def test_other_streams_are_named():
    found, _ = streams()
    found.check(dict(found.names))
    apart = {**found.names, "train.generator": "train.generator"}
    with pytest.raises(ValueError, match=r"they differ in train.generator. Give"):
        found.check(apart)
    with pytest.raises(ValueError, match=r"differ in model\.0\.generator, train"):
        Streams(npnet.Linear(2, 2)).check(found.names)

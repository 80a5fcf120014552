"""Batches gathered ahead: the same batches, orders and streams, and a thread that ends."""

import copy
import gc
import itertools
import threading

import numpy as np
import pytest

from npnet.data import DataLoader, Dataset, TensorDataset
from npnet.data.prefetch import Ahead
from npnet.random import Generator, default_generator, manual_seed

X, Y = np.arange(22.0).reshape(11, 2), np.arange(11)


def threads():
    """Return the threads that gather."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("npnet.data")]


@pytest.fixture(autouse=True)
def no_thread_stays():
    yield
    gc.collect()
    for thread in threads():
        thread.join(10)
    assert threads() == []


class Rows(Dataset):
    """Samples made one by one, which remember the thread that asked."""

    def __init__(self, bad=()):
        self.bad, self.asked_by = bad, set()

    def __len__(self):
        return len(X)

    def __getitem__(self, index):
        self.asked_by.add(threading.current_thread().name)
        if index in self.bad:
            raise OSError(f"no sample {index}")
        return X[index], index


def coming(generator):
    """Return what a stream would draw next."""
    return generator and copy.copy(generator).randint(0, 2**62, (2,)).tolist()


SETTINGS = {
    "in order": {"batch_size": 3},
    "shuffled": {"batch_size": 3, "shuffle": True},
    "shuffled, a whole last batch": {"batch_size": 11, "shuffle": True, "generator": 5},
    "own stream": {"batch_size": 3, "shuffle": True, "generator": 5},
    "own stream, drop last": {"batch_size": 4, "shuffle": True, "drop_last": True, "generator": 5},
    "own stream, one short batch": {"batch_size": 40, "shuffle": True, "generator": 5},
    "sampler": {"batch_size": 2, "sampler": [5, 2, 2, 0, 10]},
    "batch sampler": {"batch_sampler": [[1], [], [3, 4]][::2]},
    "range of every other": {"batch_sampler": [range(0, 10, 2), range(10, 0, -3)]},
    "one by one": {"batch_size": None, "shuffle": True},
    "one by one, own stream": {"batch_size": None, "shuffle": True, "generator": 5},
}


@pytest.mark.parametrize("depth", [1, 2, 30])
@pytest.mark.parametrize("name", list(SETTINGS))
@pytest.mark.parametrize("kind", ["arrays", "dataset", "own dataset"])
def test_batches_and_streams_are_those_without_it_at_every_step(kind, name, depth):
    def passes(prefetch):
        setting = dict(SETTINGS[name], prefetch=prefetch)
        if "generator" in setting:
            setting["generator"] = Generator(setting["generator"])
        manual_seed(3)
        data = {"arrays": (X, Y), "dataset": TensorDataset(X, Y), "own dataset": Rows()}[kind]
        loader = DataLoader(*data if kind == "arrays" else [data], **setting)
        seen = []
        for _ in range(2):
            for batch in loader:
                seen.append([np.asarray(part).tolist() for part in batch])
                seen += [coming(default_generator()), coming(loader.generator)]
        return [*seen, coming(default_generator()), coming(loader.generator)]

    assert passes(depth) == passes(0)


def test_a_sampler_that_draws_is_asked_in_its_turn():
    class Drawn:
        def __iter__(self):
            return (int(default_generator().randint(0, 11)) for _ in range(6))

    def run(prefetch):
        manual_seed(1)
        found = []
        for batch in DataLoader(X, batch_size=2, sampler=Drawn(), prefetch=prefetch):
            found += [batch.tolist(), int(default_generator().randint(0, 99))]
        return found

    assert run(4) == run(0)


def test_batches_are_gathered_by_one_thread_that_is_not_this_one():
    data = Rows()
    assert len(list(DataLoader(data, 2, prefetch=3))) == 6
    (name,) = data.asked_by
    assert name.startswith("npnet.data") and name != threading.current_thread().name


def test_the_next_batches_are_gathered_before_they_are_asked_for():
    reached, gathered = [threading.Event() for _ in range(6)], []

    def gather(item):
        gathered.append(item)
        reached[item].set()
        return item

    ahead = Ahead(iter(range(6)), gather, depth=2)
    assert ahead.gather(next(ahead)) == 0
    assert reached[1].wait(10) and reached[2].wait(10)
    # The fourth is not even submitted.
    assert not reached[3].is_set()
    assert list(map(ahead.gather, ahead)) == [1, 2, 3, 4, 5]
    assert gathered == [0, 1, 2, 3, 4, 5]


def test_what_is_not_known_is_asked_for_in_its_turn():
    asked = []

    def order():
        for item in range(5):
            asked.append(item)
            yield item

    ahead = Ahead(order(), lambda item: item, depth=9, known=3)
    assert asked == []
    assert ahead.gather(next(ahead)) == 0 and asked == [0, 1, 2]
    assert [ahead.gather(next(ahead)) for _ in range(2)] == [1, 2] and asked == [0, 1, 2]
    assert ahead.gather(next(ahead)) == 3 and asked == [0, 1, 2, 3]


def test_numbers_that_nobody_gathers_are_skipped():
    gathered = []
    ahead = Ahead(iter("abcdef"), lambda item: gathered.append(item) or item, depth=1)
    assert list(itertools.islice(ahead, 3)) == ["a", "b", "c"] and gathered == []
    assert ahead.gather(next(ahead)) == "d"
    assert next(ahead) == "e"
    # Another one than the one that came last.
    assert ahead.gather("a") == "a"
    assert next(ahead) == "f" and ahead.gather("f") == "f"
    assert next(ahead, None) is None
    # Even after the end, which let the thread go.
    assert ahead.gather("b") == "b"


def test_what_goes_wrong_is_raised_where_the_batch_has_its_turn():
    loader = DataLoader(Rows(bad={4}), 2, prefetch=5)
    order, gather = loader.start()
    assert [gather(next(order))[1].tolist() for _ in range(2)] == [[0, 1], [2, 3]]
    index = next(order)
    with pytest.raises(OSError, match="no sample 4"):
        gather(index)
    # Who goes on may.
    assert gather(next(order))[1].tolist() == [6, 7]


def test_an_order_that_goes_wrong_does_so_in_its_turn():
    def order():
        yield 1
        yield 2
        raise LookupError("no more")

    ahead = Ahead(order(), str, depth=7)
    assert [ahead.gather(next(ahead)) for _ in range(2)] == ["1", "2"]
    with pytest.raises(LookupError, match="no more"):
        next(ahead)
    assert next(ahead, None) is None


def test_a_pass_that_is_left_ends_its_thread():
    batches = iter(DataLoader(X, batch_size=1, prefetch=3))
    next(batches)
    (thread,) = threads()
    del batches
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


def test_a_pass_that_is_left_gathers_no_more_than_it_is_at():
    gathered, begun, go_on = [], threading.Event(), threading.Event()

    def gather(item):
        gathered.append(item)
        if item == 1:
            begun.set()
            go_on.wait(10)
        return item

    ahead = Ahead(iter(range(9)), gather, depth=4)
    assert ahead.gather(next(ahead)) == 0 and begun.wait(10)
    (thread,) = threads()
    del ahead
    gc.collect()
    go_on.set()
    thread.join(10)
    assert gathered == [0, 1]


def test_an_order_that_has_ended_is_not_asked_again():
    class Order:
        asked = 0

        def __iter__(self):
            return self

        def __next__(self):
            self.asked += 1
            if self.asked > 2:
                raise StopIteration
            return self.asked

    order = Order()
    ahead = Ahead(order, str, depth=9)
    assert list(map(ahead.gather, ahead)) == ["1", "2"] and order.asked == 3


def test_batches_are_the_callers_own():
    batches = iter(DataLoader(X, batch_size=2, prefetch=2))
    first = next(batches)
    first[...] = -1
    assert next(batches).tolist() == X[2:4].tolist() and X[0].tolist() == [0, 1]


@pytest.mark.parametrize("prefetch", [-1, 1.5, True, "2", None])
def test_a_prefetch_that_is_no_count_is_refused(prefetch):
    with pytest.raises(ValueError, match="expected prefetch to be an integer >= 0, got"):
        DataLoader(X, prefetch=prefetch)

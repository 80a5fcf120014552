import numpy as np
import pytest

import npnet
from npnet import Generator, Linear
from npnet.data import DataLoader
from npnet.training.passes import Pass, check_batches, numbers_of, shape_of
from npnet.training.streams import Streams

MODEL = Linear(1, 1)


class Sampler:
    """Draws an order from NumPy's stream, which nobody puts back."""

    def __init__(self):
        self.random = np.random.default_rng(0)

    def __iter__(self):
        return iter(self.random.permutation(10).tolist())

    def __len__(self):
        return 10


def loader_of(kind):
    arrays = np.arange(10.0), np.arange(10)
    options = {
        "in order": {},
        "shuffled": {"shuffle": True},
        "own stream": {"shuffle": True, "generator": Generator(4)},
        "dropping": {"shuffle": True, "generator": Generator(4), "drop_last": True},
        "ahead": {"shuffle": True, "generator": Generator(4), "prefetch": 2},
        "sampler": {"sampler": [3, 1, 4, 1, 5, 9, 2, 6]},
    }
    return DataLoader(*arrays, 3, **options[kind])


@pytest.mark.parametrize(
    "kind", ["in order", "shuffled", "own stream", "dropping", "ahead", "sampler"]
)
def test_a_pass_goes_on_as_if_it_had_never_stopped(kind):
    npnet.manual_seed(0)
    whole, streams = loader_of(kind), None
    streams = Streams(MODEL, train=whole)
    list(whole)
    start, first = streams.states(), Pass(whole)
    given = [(numbers_of(index), first.gather(index)) for index in first.order]
    after = streams.states()
    assert len(given) == len(whole)
    for place in range(len(given) + 1):
        streams.go_to(start)
        broken = Pass(whole)
        for _ in range(place):
            broken.gather(next(broken.order))
        now = streams.states()
        last = given[place - 1][0] if place else None
        again = Pass.resumed(whole, streams, start, place, last)
        assert repr(streams.states()) == repr(now)
        rest = [(numbers_of(index), again.gather(index)) for index in again.order]
        assert repr(rest) == repr(given[place:])
        assert repr(streams.states()) == repr(after)


def test_batches_of_a_list_are_skipped():
    batches = [(np.full(2, i), np.zeros(2)) for i in range(4)]
    streams = Streams(MODEL, train=batches)
    again = Pass.resumed(batches, streams, streams.states(), 3, None)
    assert not again.numbered
    assert [again.gather(index)[0].tolist() for index in again.order] == [[3, 3]]


def test_another_order_is_noticed_and_moves_no_stream():
    loader = DataLoader(np.arange(10), batch_size=5, sampler=Sampler())
    streams = Streams(MODEL, train=loader)
    start, first = streams.states(), Pass(loader)
    index = next(first.order)
    npnet.rand(1)
    now = streams.states()
    with pytest.raises(ValueError, match=r"another order.*batch 0 was of .*npnet.Generator"):
        Pass.resumed(loader, streams, start, 1, numbers_of(index))
    assert repr(streams.states()) == repr(now)


def test_a_shorter_loader_is_noticed():
    streams = Streams(MODEL)
    with pytest.raises(ValueError, match=r"at least 5 batches.*got one of 4"):
        Pass.resumed(loader_of("in order"), streams, streams.states(), 5, None)


def test_batches_are_named_by_their_samples():
    data = Pass(loader_of("in order"))
    index = next(data.order)
    assert data.name(index, 0) == "batch 0, of samples [0, 1, 2]"
    assert data.numbers(index, [2, 0]) == [2, 0]
    large = Pass(DataLoader(np.arange(100), batch_size=100))
    assert large.name(next(large.order), 0).endswith("8, 9, 10, 11, ...]")
    other = Pass([np.zeros(3)])
    assert other.name(next(other.order), 7) == "batch 7"
    assert other.numbers(None, [1, 2]) == [1, 2]


def test_the_shape_says_what_must_stay():
    assert shape_of(loader_of("dropping")) == {
        "samples": 10,
        "batch_size": 3,
        "shuffle": True,
        "drop_last": True,
    }
    assert shape_of([1, 2]) == {"batches": 2}
    assert shape_of(iter([1])) == {"batches": None}


X, Y = np.zeros((6, 2), np.float32), np.zeros(6, int)


@pytest.mark.parametrize(
    "data, found",
    [
        (X, r"an array of shape \(6, 2\)"),
        ((X, Y), r"a tuple of arrays of shapes \(6, 2\), \(6,\)"),
        ([X, Y], r"a list of arrays of shapes \(6, 2\), \(6,\)"),
        ([X, X, Y, Y], r"a list of arrays of shapes \(6, 2\), \(6, 2\), \(6,\), \.\.\."),
    ],
)
def test_data_in_place_of_a_loader_are_refused_with_the_mend(data, found):
    words = (
        rf"^fit: expected data as batches, .* got {found}; give DataLoader\(x, y, batch_size=32\)"
    )
    with pytest.raises(TypeError, match=words):
        check_batches(data, "fit", "data", 2)


@pytest.mark.parametrize(
    "batches",
    [
        [(X, Y)],
        [[X, Y], [X, Y]],
        ((X, Y), (X, Y)),
        [],
        DataLoader(X, Y, 2),
        ((X, Y) for _ in range(2)),
        [([[1.0, 2.0]], [0])],
    ],
)
def test_batches_of_any_kind_are_none_of_its_affair(batches):
    check_batches(batches, "fit", "data", 2)


def test_one_array_a_batch_is_right_for_one_operand():
    check_batches([X, X], "fit", "data", 1)
    check_batches(np.stack([X, X]), "fit", "data", 1)


def test_what_cannot_be_gone_through_is_no_loader():
    with pytest.raises(TypeError, match=r"^fit: expected data as a DataLoader or .* got int$"):
        check_batches(3, "fit", "data", 2)

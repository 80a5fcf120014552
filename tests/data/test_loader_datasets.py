"""DataLoader over datasets: batches, orders and streams beside torch's."""

import inspect

import numpy as np
import pytest

from npnet.data import DataLoader, Dataset, Subset, TensorDataset, random_split
from npnet.random import Generator, default_generator, manual_seed


class Pictures(Dataset):
    """Samples made one by one: a dict of an array and a number, and a name."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if not 0 <= index < self.count:
            raise IndexError(index)
        return {"picture": np.full((2, 2), float(index)), "label": index % 3}, f"n{index}"


def kinds(data, from_numpy, count=11):
    """Return datasets of either library with the same samples."""
    x, y = np.arange(3.0 * count).reshape(count, 3), np.arange(count)
    tensors = data.TensorDataset(from_numpy(x), from_numpy(y))
    return {
        "arrays": tensors,
        "subset": data.Subset(tensors, list(range(count - 1, 0, -2))),
        "subset of subset": data.Subset(data.Subset(tensors, [3, 1, 4, 1, 5, 9, 2, 6]), [7, 0, 2]),
        "split": data.random_split(tensors, [count - 4, 4])[0],
        "sum": tensors + tensors,
        "own": Pictures(count),
        "subset of own": data.Subset(Pictures(count), [5, 0, 3, 10]),
        "list of tuples": [(float(i), i) for i in range(count)],
        "list of dicts": [{"a": float(i), "b": (i, i)} for i in range(count)],
    }


def plain(value, named=True):
    """Return a batch of either library as Python's own values, with the dtypes."""
    if isinstance(value, dict):
        return {key: plain(part, named) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [type(value).__name__ * named, *(plain(part, named) for part in value)]
    array = value.numpy() if hasattr(value, "numpy") else value
    return (array.dtype.name, array.tolist()) if hasattr(array, "tolist") else array


@pytest.mark.torch
@pytest.mark.parametrize("name", list(kinds(__import__("npnet.data").data, np.asarray)))
@pytest.mark.parametrize("own", [False, True])
def test_batches_and_streams_are_torchs(name, own):
    torch = pytest.importorskip("torch")
    import npnet.data

    data = torch.utils.data
    settings = [
        {"batch_size": 4},
        {"batch_size": 4, "shuffle": True},
        {"batch_size": 3, "shuffle": True, "drop_last": True},
        {"batch_size": None, "shuffle": True},
        {"batch_size": 2, "sampler": [2, 0, 1, 2, 2]},
        {"batch_size": 2, "sampler": [2, 0, 1], "drop_last": True},
        {"batch_sampler": [[0, 1], [2], [1, 1, 1]]},
        {"batch_size": 3, "shuffle": True, "collate_fn": len},
        {"batch_size": None, "collate_fn": id},
    ]
    for seed, setting in enumerate(settings * 2):
        torch.manual_seed(seed)
        manual_seed(seed)
        theirs = torch.Generator().manual_seed(seed + 1) if own else None
        ours = Generator(seed + 1) if own else None
        other = data.DataLoader(kinds(data, torch.from_numpy)[name], generator=theirs, **setting)
        loader = DataLoader(kinds(npnet.data, np.asarray)[name], generator=ours, **setting)
        assert len(loader) == len(other)
        for _ in range(3):
            found, expected = list(loader), list(other)
            if setting.get("collate_fn") is id:
                assert len(found) == len(expected)
            else:
                # torch makes a list of a tuple that it does not batch; here samples stay.
                named = setting.get("batch_size", 1) is not None
                pairs = zip(found, expected, strict=True)
                assert all(plain(a, named) == plain(b, named) for a, b in pairs)
            assert default_generator().uniform().item() == torch.rand(()).item()
            if own:
                assert ours.uniform().item() == torch.rand((), generator=theirs).item()


@pytest.mark.torch
def test_torchs_places_of_arguments():
    torch = pytest.importorskip("torch")
    import npnet.data

    found = []
    for data, seed, from_numpy in (
        (npnet.data, manual_seed, np.asarray),
        (torch.utils.data, torch.manual_seed, torch.from_numpy),
    ):
        seed(3)
        dataset = kinds(data, from_numpy)["arrays"]
        loaders = [data.DataLoader(dataset, 4), data.DataLoader(dataset, 4, True)]
        found.append([plain(batch) for loader in loaders for batch in loader])
        assert loaders[0].dataset is dataset
        assert (loaders[1].batch_size, len(loaders[1].dataset)) == (4, 11)
    assert found[0] == found[1]


@pytest.mark.torch
def test_torchs_arguments_are_taken_at_torchs_defaults():
    """Every argument of torch's is one, and its default makes the same loader."""
    torch = pytest.importorskip("torch")
    theirs = inspect.signature(torch.utils.data.DataLoader.__init__).parameters
    defaults = {name: p.default for name, p in theirs.items() if p.default is not p.empty}
    assert len(defaults) >= 16
    samples = TensorDataset(np.arange(5))
    loader = DataLoader(samples, **defaults)
    assert [batch[0].tolist() for batch in loader] == [[0], [1], [2], [3], [4]]
    assert loader.shuffle is False


@pytest.mark.parametrize(
    "name, value, why",
    [
        ("num_workers", 2, r"expected num_workers=0, got 2; there are no worker .* prefetch=2"),
        ("prefetch_factor", 2, "expected prefetch_factor=None, got 2; there are no worker"),
        ("persistent_workers", True, "expected persistent_workers=False, got True; there"),
        ("timeout", 1.5, "expected timeout=0, got 1.5; there are no worker processes"),
        ("worker_init_fn", print, "expected worker_init_fn=None, got <built-in function print>"),
        ("multiprocessing_context", "fork", "multiprocessing_context=None, got 'fork'; there are"),
        ("in_order", False, "expected in_order=True, got False; there are no worker processes"),
        ("pin_memory", True, "expected pin_memory=False, got True; arrays stay on the CPU"),
        ("pin_memory_device", "cuda", "pin_memory_device='', got 'cuda'; arrays stay on the CPU"),
    ],
)
def test_worker_processes_and_pinned_memory_are_refused(name, value, why):
    with pytest.raises(ValueError, match=f"DataLoader: .*{why}"):
        DataLoader(np.zeros(3), **{name: value})
    with pytest.raises(ValueError, match=f"DataLoader: expected {name}="):
        DataLoader(np.zeros(3), **{name: np.zeros(2)})


def test_an_argument_that_nobody_has_is_refused():
    with pytest.raises(TypeError, match="DataLoader: got an unexpected argument 'num_worker'"):
        DataLoader(np.zeros(3), num_worker=0)
    for name, close in (("num_worker", "num_workers"), ("shufle", "shuffle")):
        message = f"'{name}'; there are dataset, targets, .*, prefetch; do you mean '{close}'"
        with pytest.raises(TypeError, match=message):
            DataLoader(np.zeros(3), **{name: 0})


def test_batches_of_arrays_and_of_their_dataset_are_the_same_numbers():
    x, y = np.arange(12.0).reshape(6, 2), np.arange(6)
    for shuffle in (False, True):
        first = DataLoader(x, y, 4, shuffle, generator=Generator(1))
        second = DataLoader(TensorDataset(x, y), 4, shuffle, generator=Generator(1))
        for (a, b), (c, d) in zip(first, second, strict=True):
            np.testing.assert_array_equal(a, c)
            np.testing.assert_array_equal(b, d)
    assert len(first.dataset) == 6


def test_single_samples_of_arrays_are_copies():
    x, y = np.arange(6.0).reshape(3, 2), np.arange(3)
    for inputs, target in DataLoader(x, y, batch_size=None):
        assert inputs.tolist() == x[target].tolist()
        inputs[:] = -1
    assert x.min() == 0
    assert list(DataLoader(y, batch_size=None)) == [0, 1, 2]


def test_a_subset_that_changes_shows_in_the_next_pass():
    subset = Subset(TensorDataset(np.arange(5)), [0, 1])
    loader = DataLoader(subset, 2)
    assert [part.tolist() for (part,) in loader] == [[0, 1]]
    subset.indices = [4, 3, 2]
    assert [part.tolist() for (part,) in loader] == [[4, 3], [2]]


def test_a_batch_of_a_dataset_belongs_to_the_caller():
    x = np.zeros((4, 2))
    for dataset in (TensorDataset(x), Subset(TensorDataset(x), range(4)), Pictures(3)):
        for batch in DataLoader(dataset, 2):
            part = batch[0]["picture"] if isinstance(batch[0], dict) else batch[0]
            part[:] = 1
    assert not x.any()


def test_parts_of_one_split_are_loaded_apart():
    samples = TensorDataset(np.arange(10))
    parts = random_split(samples, [0.5, 0.5], Generator(0))
    seen = [int(i) for part in parts for (batch,) in DataLoader(part, 2, True) for i in batch]
    assert sorted(seen) == list(range(10))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sampler": [0], "shuffle": True}, "expected sampler or shuffle, got both"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler says it all"),
        ({"batch_sampler": [[0]], "shuffle": True}, "batch_sampler says it all"),
        ({"batch_sampler": [[0]], "drop_last": True}, "batch_sampler says it all"),
        ({"batch_sampler": [[0]], "sampler": [0]}, "batch_sampler says it all"),
        ({"batch_size": None, "drop_last": True}, "drop_last needs batches"),
    ],
)
def test_what_contradicts_itself_is_refused(arguments, message):
    with pytest.raises(ValueError, match=f"^DataLoader: {message}"):
        DataLoader(Pictures(3), **arguments)

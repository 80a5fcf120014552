"""Datasets, their parts and their sums: beside torch's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet.data import ConcatDataset, Dataset, Subset, TensorDataset, random_split
from npnet.data.dataset import as_arrays
from npnet.random import Generator, default_generator, manual_seed

LENGTHS = [
    (10, [7, 3]),
    (10, [0.7, 0.3]),
    (10, [0.33, 0.33, 0.34]),
    (7, [0.5, 0.5]),
    (5, [5]),
    (5, [1.0]),
    (1, [1]),
    (8, [0, 8]),
    (1000, [0.8, 0.1, 0.1]),
    (11, [1 / 3, 1 / 3, 1 / 3]),
]


@pytest.mark.torch
@pytest.mark.parametrize(("count", "lengths"), LENGTHS)
@pytest.mark.parametrize("own", [False, True])
def test_parts_are_torchs_for_the_same_seed(count, lengths, own):
    torch = pytest.importorskip("torch")
    for seed in range(20):
        torch.manual_seed(seed)
        manual_seed(seed)
        theirs = torch.Generator().manual_seed(seed + 1) if own else torch.default_generator
        ours = Generator(seed + 1) if own else None
        expected = torch.utils.data.random_split(range(count), lengths, theirs)
        found = random_split(range(count), lengths, ours)
        assert [part.indices for part in found] == [part.indices for part in expected]
        assert [list(part) for part in found] == [list(part) for part in expected]
        assert default_generator().uniform().item() == torch.rand(()).item()


@given(st.lists(st.integers(0, 20), min_size=1), st.integers(0, 2**32))
def test_parts_share_nothing_and_leave_nothing_out(lengths, seed):
    count = sum(lengths)
    parts = random_split(range(count), lengths, Generator(seed)) if count != 1 else []
    assert [len(part) for part in parts] == lengths or count == 1
    assert sorted(i for part in parts for i in part) == list(range(count)) or count == 1


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([3, 3], r"the 5 samples.*got \[3, 3\]"),
        ([0.5, 0.2], r"fractions that sum up to 1, got \[0.5, 0.2\]"),
        ([-1, 6], "got"),
        ([2.5, 2.5], "got"),
        ([], "got"),
        ([1.5, -0.5], "fractions from 0 to 1, got 1.5"),
    ],
)
def test_lengths_that_do_not_fit_are_refused_and_draw_nothing(lengths, message):
    manual_seed(5)
    with pytest.raises(ValueError, match=f"^random_split: .*{message}"):
        random_split(range(5), lengths)
    assert default_generator().uniform().item() == Generator(5).uniform().item()


def test_a_part_without_samples_warns():
    with pytest.warns(UserWarning, match="random_split: part 1 has no samples"):
        random_split(range(1), [0.5, 0.5])


def test_a_tensor_dataset_reads_arrays_where_they_lie():
    x, y = np.arange(6.0).reshape(3, 2), [7, 8, 9]
    samples = TensorDataset(x, y)
    assert len(samples) == 3
    assert [part.tolist() for part in samples[1]] == [[2, 3], 8]
    assert [part.tolist() for part in samples[1:]] == [[[2, 3], [4, 5]], [8, 9]]
    assert [part.tolist() for part in samples[[2, 0]]] == [[[4, 5], [0, 1]], [9, 7]]
    x[1] = -1
    assert samples[1][0].tolist() == [-1, -1]
    assert samples.tensors[0] is x
    assert len(list(samples)) == 3
    for arguments, message in (
        ((), "at least one array, got none"),
        ((x, 3), r"array 1 of shape \(N, ...\), got a single number"),
        ((x, [1, 2]), "arrays of one length, got 3, 2"),
    ):
        with pytest.raises(ValueError, match=f"^TensorDataset: expected {message}"):
            TensorDataset(*arguments)


def test_subsets_of_subsets():
    samples = TensorDataset(np.arange(10) * 10)
    inner = Subset(Subset(samples, [9, 7, 5, 3, 1]), np.array([4, 0, -1]))
    assert [int(inner[i][0]) for i in range(3)] == [10, 90, 10]
    assert len(inner) == 3
    arrays, rows = as_arrays(inner)
    assert (arrays[0] is samples.tensors[0], rows.tolist()) == (True, [1, 9, 1])
    assert inner[[1, 2]][0].tolist() == [90, 10]
    assert [int(sample[0]) for sample in inner.__getitems__([0, 1])] == [10, 90]
    assert as_arrays(Subset(range(3), [0])) is None

    class AtOnce(Dataset):
        def __getitems__(self, indices):
            return [("at once", index) for index in indices]

    assert Subset(AtOnce(), [5, 6]).__getitems__([1]) == [("at once", 6)]


def test_an_heir_says_itself_what_a_sample_is():
    class Doubled(TensorDataset):
        def __getitem__(self, index):
            return super().__getitem__(index)[0] * 2

    class Backward(Subset):
        def __getitem__(self, index):
            return super().__getitem__(-1 - index)

    assert as_arrays(Backward(TensorDataset(np.arange(3)), [0, 1])) is None
    assert as_arrays(Doubled(np.arange(3))) is None
    assert as_arrays(Subset(Doubled(np.arange(3)), [1])) is None


@pytest.mark.torch
def test_one_after_the_other_as_torchs():
    torch = pytest.importorskip("torch")
    parts = [range(3), range(0), [7, 8], range(4)]
    ours, theirs = ConcatDataset(parts), torch.utils.data.ConcatDataset(parts)
    assert ours.cumulative_sizes == theirs.cumulative_sizes
    assert [ours[i] for i in range(-9, 9)] == [theirs[i] for i in range(-9, 9)]
    assert len(ours) == len(theirs)
    for index in (9, -10):
        with pytest.raises(
            IndexError, match=rf"ConcatDataset: index {index} is out of range for 9"
        ):
            ours[index]
    with pytest.raises(ValueError, match="ConcatDataset: expected at least one dataset"):
        ConcatDataset([])


def test_a_dataset_says_what_it_lacks():
    for lacks in (lambda: Dataset()[0], lambda: len(Dataset())):
        with pytest.raises(NotImplementedError, match=r"^Dataset: has no __"):
            lacks()
    both = TensorDataset([1, 2]) + TensorDataset([3])
    assert [int(sample[0]) for sample in both] == [1, 2, 3]

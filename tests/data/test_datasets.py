from pathlib import Path

import numpy as np
import pytest

import npnet.data
from npnet.data import DataLoader, Samples, load_digits, train_test_split
from npnet.random import Generator, default_generator, manual_seed

FILE = Path(npnet.data.__file__).with_name("digits.npz")


def test_digits_are_scikit_learns():
    datasets = pytest.importorskip("sklearn.datasets")
    expected, digits = datasets.load_digits(), load_digits()
    np.testing.assert_array_equal(digits.inputs * 16, expected.data)
    np.testing.assert_array_equal(digits.targets, expected.target)


def test_digits_are_whole_sixteenths_of_ten_classes():
    inputs, targets = load_digits()
    assert (inputs.shape, inputs.dtype) == ((1797, 64), np.float32)
    assert (targets.shape, targets.dtype) == ((1797,), np.int64)
    assert (inputs.min(), inputs.max()) == (0, 1)
    assert np.array_equal(inputs * 16, np.round(inputs * 16))
    # The class counts that the UCI repository states for its test set.
    assert np.bincount(targets).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_the_first_digit_is_the_zero_of_the_documentation():
    image = (load_digits().inputs[0].reshape(8, 8) * 16).astype(int)
    assert image[:3].tolist() == [
        [0, 0, 5, 13, 9, 1, 0, 0],
        [0, 0, 13, 15, 10, 15, 5, 0],
        [0, 3, 15, 2, 0, 11, 8, 0],
    ]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_inputs_are_equal_in_every_dtype(dtype):
    inputs, _ = load_digits(dtype)
    assert inputs.dtype == dtype
    assert np.array_equal(inputs, load_digits().inputs)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.complex128])
def test_a_dtype_that_is_not_floating_is_refused(dtype):
    with pytest.raises(TypeError, match="dtype must be floating"):
        load_digits(dtype)


def test_edits_do_not_reach_the_next_call():
    first = load_digits()
    first.inputs[...] = 7
    first.targets[...] = 7
    assert load_digits().inputs.max() == 1
    assert load_digits().targets[:3].tolist() == [0, 1, 2]


def test_the_file_is_small_names_its_source_and_needs_no_pickle():
    assert FILE.stat().st_size < 60_000
    with np.load(FILE, allow_pickle=False) as file:
        assert sorted(file.files) == ["images", "labels", "source"]
        assert file["images"].dtype == file["labels"].dtype == np.uint8
        source = str(file["source"])
    for words in ("Optical Recognition of Handwritten Digits", "Alpaydin", "Kaynak", "CC BY 4.0"):
        assert words in source
        assert words in load_digits.__doc__


def test_a_split_parts_the_samples_and_keeps_pairs_together():
    inputs, targets = np.arange(30.0).reshape(10, 3), np.arange(10)
    train, test = train_test_split(inputs, targets, 0.3, Generator(0))
    assert (len(train.inputs), len(test.inputs)) == (7, 3)
    assert sorted([*train.targets, *test.targets]) == list(range(10))
    for part in (train, test):
        assert isinstance(part, Samples)
        np.testing.assert_array_equal(part.inputs, inputs[part.targets])
        assert not np.shares_memory(part.inputs, inputs)
        assert (part.inputs.dtype, part.targets.dtype) == (np.float64, targets.dtype)


def test_a_split_takes_the_first_of_a_permutation_for_testing():
    train, test = train_test_split(np.zeros(10), np.arange(10), generator=Generator(7))
    # torch.randperm(10) after torch.manual_seed(7)
    assert test.targets.tolist() == [5, 0]
    assert train.targets.tolist() == [3, 4, 1, 7, 9, 6, 8, 2]


def test_a_split_draws_from_the_default_stream_unless_told_otherwise():
    inputs, targets = load_digits()
    manual_seed(5)
    _, test = train_test_split(inputs, targets)
    assert test.targets.tolist() == targets[Generator(5).randperm(1797)[:360]].tolist()
    manual_seed(5)
    train_test_split(inputs, targets, generator=Generator(0))
    assert default_generator().uniform().item() == Generator(5).uniform().item()


@pytest.mark.parametrize(
    "count, fraction, size", [(100, 0.07, 7), (10, 0.3, 3), (1797, 0.2, 360), (3, 0.01, 1)]
)
def test_a_part_is_rounded_up_but_not_for_rounding_errors(count, fraction, size):
    _, test = train_test_split(np.zeros(count), np.zeros(count), fraction)
    assert len(test.inputs) == size


@pytest.mark.parametrize(
    "inputs, targets, fraction, message",
    [
        (np.zeros(3), np.zeros(4), 0.5, r"one length, got shapes \(3,\) and \(4,\)"),
        (np.zeros(()), np.zeros(()), 0.5, "one length"),
        (np.zeros(3), np.zeros(3), 0.0, "test_fraction=0.0 of 3"),
        (np.zeros(3), np.zeros(3), 1.0, "test_fraction=1.0 of 3"),
        (np.zeros(3), np.zeros(3), -0.5, "on both sides"),
        (np.zeros(3), np.zeros(3), float("nan"), "on both sides"),
        (np.zeros(3), np.zeros(3), 0.9, "on both sides"),
        (np.zeros(1), np.zeros(1), 0.5, "on both sides"),
        (np.zeros(0), np.zeros(0), 0.5, "on both sides"),
    ],
)
def test_a_split_that_cannot_be_is_refused_and_draws_nothing(inputs, targets, fraction, message):
    manual_seed(5)
    with pytest.raises(ValueError, match=message):
        train_test_split(inputs, targets, fraction)
    assert default_generator().uniform().item() == Generator(5).uniform().item()


def test_samples_go_into_a_loader_as_they_are():
    inputs, targets = next(iter(DataLoader(*load_digits(), batch_size=32)))
    assert (inputs.shape, targets.shape) == ((32, 64), (32,))

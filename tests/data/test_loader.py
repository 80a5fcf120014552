import math
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet.data import DataLoader
from npnet.random import Generator, default_generator, manual_seed

ROOT = Path(__file__).parents[2]
# What torch 2.13's DataLoader gives in the first two passes after torch.manual_seed(0).
TORCH_ORDERS = [[[6, 7, 1, 4], [2, 0, 9, 8], [3, 5]], [[2, 4, 7, 0], [8, 9, 5, 3], [6, 1]]]


def samples(count, dtype=np.float32):
    """Return inputs (N, 3) and targets (N,) that tell which sample they are."""
    targets = np.arange(count)
    return (targets[:, None] + np.array([0.0, 0.25, 0.5])).astype(dtype), targets


def order(loader):
    """Return the targets of one pass, batch by batch."""
    return [targets.tolist() for _, targets in loader]


@pytest.mark.torch
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(
    "count, batch_size", [(1, 1), (7, 3), (8, 4), (5, 8), (100, 7), (1437, 64)]
)
def test_passes_are_torchs_and_leave_the_stream_where_torch_does(
    count, batch_size, own, drop_last, shuffle
):
    torch = pytest.importorskip("torch")
    inputs, targets = samples(count)
    dataset = torch.utils.data.TensorDataset(torch.from_numpy(inputs), torch.from_numpy(targets))
    for seed in range(20 if count < 1000 else 3):
        torch.manual_seed(seed)
        manual_seed(seed)
        theirs = torch.Generator().manual_seed(seed + 1) if own else None
        ours = Generator(seed + 1) if own else None
        settings = {"batch_size": batch_size, "shuffle": shuffle, "drop_last": drop_last}
        other = torch.utils.data.DataLoader(dataset, generator=theirs, **settings)
        loader = DataLoader(inputs, targets, generator=ours, **settings)
        assert len(loader) == len(other)
        for _ in range(3):
            for (x, y), (other_x, other_y) in zip(loader, other, strict=True):
                assert x.tobytes() == other_x.numpy().tobytes()
                assert y.tolist() == other_y.tolist()
                assert (x.shape, x.dtype) == (tuple(other_x.shape), np.float32)
            assert default_generator().uniform().item() == torch.rand(()).item()
            if own:
                assert ours.uniform().item() == torch.rand((), generator=theirs).item()


@pytest.mark.torch
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("batches", range(5))
def test_a_pass_left_early_has_drawn_what_torchs_has(batches, own):
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    manual_seed(1)
    theirs = torch.default_generator if own else None
    ours = default_generator() if own else None
    dataset = torch.utils.data.TensorDataset(torch.arange(8))
    other = iter(torch.utils.data.DataLoader(dataset, 3, shuffle=True, generator=theirs))
    loader = iter(DataLoader(np.arange(8), None, 3, True, generator=ours))
    for _ in range(batches):
        batch = next(loader, None)
        assert (batch is None) == (next(other, None) is None)
    assert default_generator().uniform().item() == torch.rand(()).item()


def test_an_order_that_torch_gave():
    manual_seed(0)
    loader = DataLoader(*samples(10), batch_size=4, shuffle=True)
    assert [order(loader), order(loader)] == TORCH_ORDERS


@given(st.integers(0, 40), st.integers(1, 45), st.booleans(), st.integers(0, 2**32))
def test_every_sample_comes_once_or_is_dropped(count, batch_size, drop_last, seed):
    inputs, targets = samples(count)
    generator = Generator(seed)
    for shuffle in (False, True) if count else (False,):
        loader = DataLoader(inputs, targets, batch_size, shuffle, drop_last, generator)
        batches = list(loader)
        sizes = [len(y) for _, y in batches]
        kept = count - count % batch_size if drop_last else count
        assert sizes == [min(batch_size, kept - i) for i in range(0, kept, batch_size)]
        assert len(loader) == len(batches) == math.ceil(kept / batch_size)
        drawn = [int(y) for _, targets in batches for y in targets]
        assert len(set(drawn)) == kept
        assert all((x[:, 0] == y).all() for x, y in batches)
        if not shuffle:
            assert drawn == list(range(kept))


def test_passes_differ_and_come_again_with_the_seed():
    manual_seed(3)
    loader = DataLoader(*samples(20), batch_size=6, shuffle=True)
    first, second = order(loader), order(loader)
    assert first != second
    manual_seed(3)
    assert [order(loader), order(loader)] == [first, second]


def test_making_a_loader_draws_nothing_and_starting_a_pass_draws():
    state = manual_seed(3).get_state()
    loader = DataLoader(*samples(20), batch_size=6, shuffle=True)
    assert (
        default_generator().get_state()["words"]["state"]["pos"] == state["words"]["state"]["pos"]
    )
    iter(loader)
    assert default_generator().uniform().item() != Generator(3).uniform().item()


def test_two_passes_at_once_do_not_disturb_one_another():
    inputs, targets = samples(9)
    loader = DataLoader(inputs, targets, 2)
    pairs = [(a[1].tolist(), b[1].tolist()) for a, b in zip(loader, loader, strict=True)]
    assert all(a == b for a, b in pairs)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [2, 8])
def test_a_batch_belongs_to_the_caller(shuffle, batch_size):
    inputs, targets = samples(8)
    for x, y in DataLoader(inputs, targets, batch_size, shuffle):
        assert x.flags.writeable
        assert x.flags.c_contiguous
        assert not np.shares_memory(x, inputs)
        assert not np.shares_memory(y, targets)


def test_what_is_written_into_the_arrays_shows_in_later_batches():
    inputs = np.zeros(4)
    loader = iter(DataLoader(inputs, batch_size=2))
    first = next(loader)
    inputs[:] = 1
    assert (first.tolist(), next(loader).tolist()) == ([0.0, 0.0], [1.0, 1.0])


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.uint8, np.bool_])
def test_dtypes_are_kept(dtype, shuffle):
    x, y = next(iter(DataLoader(np.ones((5, 2), dtype), np.ones(5, np.int32), 2, shuffle)))
    assert (x.dtype, y.dtype) == (dtype, np.int32)


@pytest.mark.parametrize("shuffle", [False, True])
def test_any_layout_and_number_of_axes_will_do(shuffle):
    inputs = np.arange(120.0).reshape(5, 4, 3, 2)
    for array in (inputs, np.asfortranarray(inputs), np.repeat(inputs, 2, axis=0)[::2]):
        loader = DataLoader(array, np.arange(5), 2, shuffle, generator=Generator(0))
        for x, y in loader:
            np.testing.assert_array_equal(x, inputs[y])


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_memory_map_gives_plain_arrays(tmp_path, shuffle):
    inputs, targets = samples(10)
    np.save(tmp_path / "inputs.npy", inputs)
    mapped = np.load(tmp_path / "inputs.npy", mmap_mode="r")
    loader = DataLoader(mapped, targets, 4, shuffle)
    assert np.shares_memory(loader.dataset.tensors[0], mapped)
    for x, y in loader:
        assert type(x) is np.ndarray
        assert x.flags.writeable
        np.testing.assert_array_equal(x, inputs[y])


def test_one_array_comes_alone_and_several_as_one_tuple():
    a, b, c = np.arange(3), np.arange(3) + 10, np.arange(3) + 20
    assert [x.tolist() for x in DataLoader(a, batch_size=2)] == [[0, 1], [2]]
    assert [x.tolist() for x in DataLoader((a,), batch_size=3)] == [[0, 1, 2]]
    (batch,) = DataLoader((a, b), c, batch_size=3)
    assert [part.tolist() for part in batch] == [a.tolist(), b.tolist(), c.tolist()]
    assert isinstance(batch, tuple)


def test_lists_are_taken_as_arrays():
    assert [x.tolist() for x in DataLoader([[1.5], [2.5]])] == [[[1.5]], [[2.5]]]


def test_nothing_makes_no_batches():
    loader = DataLoader(np.empty((0, 3)), np.empty(0), batch_size=2)
    assert (len(loader), list(loader)) == (0, [])


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ((np.zeros((5, 2)), np.zeros(4)), ValueError, "one length, got 5 inputs, 4 targets"),
        (((np.zeros(5), np.zeros(3)), None), ValueError, r"5 inputs\[0\], 3 inputs\[1\]"),
        ((np.float32(1),), ValueError, r"expected inputs of shape \(N, ...\)"),
        ((np.zeros(3), 4), ValueError, "expected targets of shape"),
        (((),), ValueError, "at least one array"),
        ((np.zeros(3), None, 0), ValueError, "integer >= 1, got 0"),
        ((np.zeros(3), None, -1), ValueError, "integer >= 1, got -1"),
        ((np.zeros(3), None, 1.5), ValueError, "integer >= 1, got 1.5"),
        ((np.zeros(3), None, True), ValueError, "integer >= 1, got True"),
        ((np.zeros(3), None, 1, 2), TypeError, "expected shuffle to be True or False, got 2"),
        ((np.zeros(3), None, 1, True, None), TypeError, "expected drop_last to be True or False"),
        ((np.zeros(3), None, 1, True, True, 0), TypeError, "npnet.random.Generator, got int"),
        ((np.zeros((0, 2)), None, 1, True), ValueError, "at least one sample to shuffle"),
        ((np.zeros(3), None, None, False, True), ValueError, "drop_last needs batches"),
        ((range(3), np.zeros(3), 2), ValueError, "a Dataset has its targets in its samples"),
    ],
)
def test_bad_arguments_are_refused_and_draw_nothing(arguments, error, message):
    manual_seed(6)
    with pytest.raises(error, match=f"DataLoader: .*{message}"):
        DataLoader(*arguments)
    assert default_generator().uniform().item() == Generator(6).uniform().item()


def test_a_loader_pickles_with_its_place_in_the_stream():
    loader = DataLoader(*samples(10), 3, True, generator=Generator(4))
    order(loader)
    other = pickle.loads(pickle.dumps(loader))
    assert order(other) == order(loader)


def test_numpy_integers_and_bools_will_do():
    loader = DataLoader(np.arange(5), None, np.int64(2), np.bool_(False), np.bool_(True))
    assert [x.tolist() for x in loader] == [[0, 1], [2, 3]]


def test_import_is_cheap():
    code = "import sys, npnet.data; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in run.stdout.split()}
    assert loaded.isdisjoint({"scipy", "sklearn", "tqdm", "torch"})


def test_a_loader_prints_how_its_samples_come():
    x = np.zeros((10, 3), np.float32)
    printed = repr(DataLoader(x, x, 4, shuffle=True, drop_last=True))
    assert printed == "DataLoader(10 samples, batch_size=4, shuffle=True, drop_last=True)"
    assert repr(DataLoader(x)) == "DataLoader(10 samples, batch_size=1)"
    printed = repr(DataLoader(x, sampler=[2, 1], collate_fn=np.stack))
    assert printed == "DataLoader(10 samples, batch_size=1, sampler=list, collate_fn=stack)"

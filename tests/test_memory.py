"""Arena: blocks laid out before they are allocated."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet.kernel import Spec
from npnet.memory import Arena

SHAPES = st.lists(st.integers(0, 5), max_size=3).map(tuple)
DTYPES = st.sampled_from([np.float32, np.float64, np.bool_, np.longdouble]).map(np.dtype)
SPECS = st.builds(Spec, SHAPES, DTYPES)


@given(st.lists(st.tuples(SPECS, st.integers(0, 3)), max_size=12))
def test_blocks_in_use_at_one_time_never_overlap(requests):
    """Each array lives from its own turn on, for a number of turns."""
    arena, living, held = Arena(), [], []
    for turn, (spec, turns) in enumerate(requests):
        for block, end in [pair for pair in living if pair[1] < turn]:
            arena.give(block)
            living.remove((block, end))
        block = arena.take(spec)
        living.append((block, turn + turns))
        held.append((block, spec, turn, turn + turns))
    views = [(arena.view(block, spec), start, end) for block, spec, start, end in held]
    for (_, spec, _, _), (view, _, _) in zip(held, views, strict=True):
        assert (view.shape, view.dtype) == spec
        assert view.flags.c_contiguous
        assert view.flags.writeable
        assert view.size == 0 or view.ctypes.data % 64 == 0
    for i, (a, start, end) in enumerate(views):
        for b, from_, to in views[i + 1 :]:
            if max(start, from_) <= min(end, to):
                assert not np.shares_memory(a, b)


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=20))
def test_a_chain_takes_its_two_largest_arrays_at_most(sizes):
    arena, before = Arena(), None
    for size in sizes:
        block = arena.take(Spec((size,), np.dtype(np.float32)))
        if before is not None:
            arena.give(before)
        before = block
    assert arena.nbytes <= 4 * sum(sorted(sizes)[-2:])


def test_smallest_fitting_block_is_taken_and_the_largest_grown():
    arena = Arena()

    def floats(n):
        return Spec((n,), np.dtype(np.float32))

    small, large = arena.take(floats(1)), arena.take(floats(10))
    arena.give(small)
    arena.give(large)
    assert arena.take(floats(5)) == large
    arena.give(large)
    assert arena.take(floats(20)) == large
    assert arena.take(floats(1)) == small
    assert arena.nbytes == 4 * 21


def test_writing_a_view_stays_inside_it():
    arena = Arena()
    specs = [Spec((3, n), np.dtype(np.float64)) for n in range(4)]
    views = [arena.view(arena.take(spec), spec) for spec in specs[:1]]
    assert views[0].shape == (3, 0)
    arena = Arena()
    blocks = [arena.take(spec) for spec in specs]
    views = [arena.view(block, spec) for block, spec in zip(blocks, specs, strict=True)]
    for number, view in enumerate(views):
        view[...] = number
    assert [view.sum() for view in views] == [0, 3, 12, 27]


@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0,), (4, 0, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.bool_, np.int64])
def test_spec_counts_bytes(shape, dtype):
    assert Spec(shape, np.dtype(dtype)).nbytes == math.prod(shape) * np.dtype(dtype).itemsize

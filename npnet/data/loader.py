"""DataLoader: samples in batches, in the order torch's would have."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from npnet.data.collate import default_collate
from npnet.data.dataset import TensorDataset, as_arrays
from npnet.data.sources import Gather, as_source, gatherer
from npnet.parameter import Array
from npnet.random import Generator, default_generator
from npnet.spelling import unexpected

__all__ = ["DataLoader"]

#: What gathers the rows of each array, and which rows are meant; None stands for all.
_Found: TypeAlias = tuple[list[Gather], Array | None]

#: torch's arguments that say how other processes gather batches, at the values that say: none do.
_ALONE = {
    "num_workers": 0,
    "timeout": 0,
    "worker_init_fn": None,
    "multiprocessing_context": None,
    "persistent_workers": False,
    "prefetch_factor": None,
    "in_order": True,
}
#: And how batches get to a GPU.
_UNPINNED = {"pin_memory": False, "pin_memory_device": ""}


class DataLoader:
    """Passes over samples in batches, in their order or shuffled anew in every pass.

    batch k = a[order[k * B : (k + 1) * B]] for each array a, order = 0, ..., N - 1 or `randperm(N)`

    Shapes: arrays (N, ...), batches (B, ...), the last one shorter where B does not divide N.
    Dtypes are kept. Batches are copies, the caller's own; nothing else is copied, and what is
    written into the arrays shows in later batches. A memory map is read batch by batch, and no more
    than some 32 MiB of it stay resident (not on Windows, and not of a copy-on-write map, mode "c").

    Parameters
    ----------
    dataset : array, tuple of arrays, or Dataset
        A Dataset is what has ``__getitem__`` and ``__len__`` and is no array, or a list of tuples
        or dicts. Its samples become batches by `collate_fn`. It has no `targets`: batch_size and
        shuffle may be the second and third argument, as in torch.
    targets : array, optional
        With it a batch is the tuple (inputs, targets), with a tuple as inputs (first, second, ...,
        targets); without it and for one array just that array's batch.
    batch_size : int or None, default 1
        B; None gives one sample at a time, as it is.
    shuffle : bool, default False
        As in torch, None is False.
    drop_last : bool, default False
        Leave a last batch out that would be shorter.
    generator : npnet.random.Generator, optional
        Where orders come from; by default each pass draws the seed of its order from the stream
        that `npnet.manual_seed` sets. As in torch, starting a pass draws a number (torch's seed
        for workers) even without shuffling; making a DataLoader draws nothing.
    sampler : iterable of int, optional
        The order of a pass, instead of shuffle.
    batch_sampler : iterable of lists of int, optional
        The batches of a pass, instead of batch_size, shuffle, drop_last and sampler.
    collate_fn : function, optional
        Makes a batch of a list of samples; by default `default_collate`, with batch_size=None
        nothing.
    prefetch : int, default 0
        How many batches a thread gathers ahead of the one asked for. Orders, batches and the random
        stream are the same as without it, so a sampler or batch_sampler that is no sequence is not
        asked early, and nothing gathered ahead. A Dataset of one's own is read in that thread: it
        must not draw from a random stream that others draw from.
    **processes
        torch's num_workers, timeout, worker_init_fn, multiprocessing_context, persistent_workers,
        prefetch_factor, in_order, pin_memory and pin_memory_device, at torch's defaults only: it is
        this process that reads, and for the CPU.

    Errors
    ------
    ValueError
        For arrays of different lengths or without an axis, a batch_size that is no integer >= 1,
        a prefetch that is none >= 0, for shuffling nothing, for arguments that contradict each
        other, and for worker processes and pinned memory.
    TypeError
        For shuffle and drop_last that are no bools, another kind of generator, and arguments that
        torch has not either.

    Source: torch.utils.data.DataLoader with its RandomSampler and BatchSampler, in one process.

    Examples
    --------
    >>> loader = DataLoader(np.arange(5.0), np.arange(5), batch_size=2)
    >>> [(inputs.tolist(), targets.tolist()) for inputs, targets in loader]
    [([0.0, 1.0], [0, 1]), ([2.0, 3.0], [2, 3]), ([4.0], [4])]
    >>> loader = DataLoader(np.arange(5), batch_size=2, shuffle=True, generator=Generator(0))
    >>> len(loader), sorted(np.concatenate(list(loader)).tolist())
    (3, [0, 1, 2, 3, 4])
    >>> samples = TensorDataset(np.arange(4.0), np.arange(4))
    >>> [[part.tolist() for part in batch] for batch in DataLoader(samples, 3)]
    [[[0.0, 1.0, 2.0], [0, 1, 2]], [[3.0], [3]]]
    """

    def __init__(
        self,
        dataset: Any,
        targets: Any = None,
        batch_size: Any = 1,
        shuffle: bool | None = False,
        drop_last: bool = False,
        generator: Generator | None = None,
        *,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        prefetch: int = 0,
        **processes: Any,
    ) -> None:
        _check_processes(processes)
        self._packed: Callable[[list[Any]], Any] = list
        if not _is_dataset(dataset):
            dataset, self._packed = _as_dataset(dataset, targets), _alone_or_tuple
        elif targets is not None:
            # torch's places: (dataset, batch_size, shuffle).
            if isinstance(batch_size, bool):
                shuffle = batch_size
            elif batch_size != 1:
                raise ValueError("DataLoader: a Dataset has its targets in its samples; give none")
            batch_size = targets
        shuffle = False if shuffle is None else shuffle
        for name, flag in (("shuffle", shuffle), ("drop_last", drop_last)):
            if not isinstance(flag, bool | np.bool_):
                raise TypeError(f"DataLoader: expected {name} to be True or False, got {flag!r}")
        if generator is not None and not isinstance(generator, Generator):
            kind = type(generator).__name__
            raise TypeError(f"DataLoader: expected a npnet.random.Generator, got {kind}")
        self.dataset = dataset
        self.batch_size = None if batch_size is None else _whole("batch_size", batch_size, 1)
        self.prefetch = _whole("prefetch", prefetch, 0)
        self.shuffle, self.drop_last, self.generator = bool(shuffle), bool(drop_last), generator
        self.sampler, self.batch_sampler, self.collate_fn = sampler, batch_sampler, collate_fn
        self._check()

    def __len__(self) -> int:
        """Return the number of batches in a pass."""
        order: Any = self.dataset if self.sampler is None else self.sampler
        if self.batch_sampler is not None:
            batches: Any = self.batch_sampler
            return len(batches)
        if self.batch_size is None:
            return len(order)
        whole, rest = divmod(len(order), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __repr__(self) -> str:
        """Return how many samples there are, and how they come."""
        given = [f"{len(self.dataset)} samples", f"batch_size={self.batch_size}"]
        given += [f"{name}=True" for name in ("shuffle", "drop_last") if getattr(self, name)]
        for name in ("sampler", "batch_sampler", "collate_fn"):
            part = getattr(self, name)
            if part is not None:
                given.append(f"{name}={getattr(part, '__name__', type(part).__name__)}")
        return f"DataLoader({', '.join(given)})"

    def __iter__(self) -> Iterator[Any]:
        """Start a pass."""
        order, gather = self.start()
        return map(gather, order)

    def start(self) -> tuple[Iterator[Any], Callable[[Any], Any]]:
        """Start a pass: return the numbers of its samples, batch by batch, and what gathers them.

        ``map(gather, order)`` is the pass. Who goes on in the middle of one skips numbers without
        gathering their samples, and who finds a bad batch knows which samples it is of.

        >>> order, gather = DataLoader(np.arange(5.0), batch_size=2).start()
        >>> next(order), gather(next(order)).tolist()
        (range(0, 2), [2.0, 3.0])
        """
        stream = self.generator or default_generator()
        # torch draws its workers' seed here, with or without workers.
        stream.randint(0, 2**63)
        rows = as_arrays(self.dataset) if self.collate_fn is None else None
        found = rows and ([gatherer(array) for array in rows[0]], rows[1])
        order = self._order(stream) if self.batch_sampler is None else iter(self.batch_sampler)
        gather = partial(self._batch, found=found)
        if self.batch_size is None:
            order, gather = itertools.chain.from_iterable(order), partial(self._sample, found=found)
        if not self.prefetch:
            return order, gather
        from npnet.data.prefetch import Ahead

        ahead = Ahead(order, gather, self.prefetch, self._known())
        return ahead, ahead.gather

    def _known(self) -> float:
        """Return how many batches' numbers may be asked for early, with no effect but that."""
        sampler: Any = self.sampler if self.batch_sampler is None else self.batch_sampler
        if sampler is not None:
            return math.inf if isinstance(sampler, Sequence | np.ndarray) else 0
        if self.shuffle and self.generator is not None:
            return len(self.dataset) // (self.batch_size or 1)
        return math.inf

    def _order(self, stream: Generator) -> Iterator[Any]:
        """Pass over the numbers of the samples, batch by batch."""
        size, count = self.batch_size or 1, len(self.dataset)
        if self.sampler is not None:
            numbers = iter(self.sampler)
            while index := list(itertools.islice(numbers, size)):
                if len(index) == size or not self.drop_last:
                    yield index
        elif self.shuffle:
            yield from self._shuffled(stream, size, count)
        else:
            stop = count - count % size if self.drop_last else count
            for start in range(0, stop, size):
                yield range(start, min(start + size, stop))

    def _shuffled(self, stream: Generator, size: int, count: int) -> Iterator[Array]:
        """Pass over an order drawn when the first batch is asked for."""
        if self.generator is None:
            stream = Generator(int(stream.randint(0, 2**63)))
        order = stream.randperm(count)
        whole = count - count % size
        for start in range(0, whole, size):
            yield order[start : start + size]
        if self.generator is not None:
            # torch's sampler draws one more order where it ends, and uses none of it.
            stream.randperm(count)
        if whole < count and not self.drop_last:
            yield order[whole:]

    def _batch(self, index: Any, found: _Found | None) -> Any:
        """Return the batch of the samples at these numbers."""
        if found is None:
            numbers = [int(number) for number in index]
            at_once = getattr(self.dataset, "__getitems__", None)
            samples = at_once(numbers) if at_once else [self.dataset[i] for i in numbers]
            return (self.collate_fn or default_collate)(samples)
        gather, rows = found
        # The ranges of `_order` are what lies one after the other; others may be any numbers.
        near = isinstance(index, range) and rows is None and self.batch_sampler is None
        places = slice(index.start, index.stop) if near else np.asarray(index, np.int64)
        if rows is not None:
            places = rows[places]
        return self._packed([rows_of(places) for rows_of in gather])

    def _sample(self, number: Any, found: _Found | None) -> Any:
        """Return one sample as it is, or what a sampler asks for instead of a number."""
        sample = self.dataset[int(number) if isinstance(number, np.integer) else number]
        if self.collate_fn is not None:
            return self.collate_fn(sample)
        return sample if found is None else self._packed([np.copy(part)[()] for part in sample])

    def _check(self) -> None:
        """Refuse what contradicts itself."""
        if self.sampler is not None and self.shuffle:
            raise ValueError("DataLoader: expected sampler or shuffle, got both")
        if self.batch_sampler is not None and (
            self.batch_size != 1 or self.shuffle or self.drop_last or self.sampler is not None
        ):
            raise ValueError(
                "DataLoader: batch_sampler says it all; give no batch_size, shuffle, drop_last or "
                "sampler beside it"
            )
        if self.batch_size is None and self.drop_last:
            raise ValueError("DataLoader: drop_last needs batches, got batch_size=None")
        if self.shuffle and len(self.dataset) == 0:
            raise ValueError("DataLoader: expected at least one sample to shuffle, got none")


def _is_dataset(value: Any) -> bool:
    """Whether samples are taken from it one by one, instead of from an array of them."""
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], (tuple, dict))
    if isinstance(value, (tuple, str, bytes, np.ndarray, np.generic)) or hasattr(
        value, "__array__"
    ):
        return False
    return hasattr(value, "__getitem__") and hasattr(value, "__len__")


def _as_dataset(inputs: Any, targets: Any) -> TensorDataset:
    """Return arrays as a dataset, or say which of them does not fit."""
    several = isinstance(inputs, tuple)
    named = {f"inputs[{i}]": a for i, a in enumerate(inputs)} if several else {"inputs": inputs}
    if targets is not None:
        named["targets"] = targets
    arrays = {name: as_source(array) for name, array in named.items()}
    if not arrays:
        raise ValueError("DataLoader: expected at least one array, got an empty tuple")
    for name, array in arrays.items():
        if array.ndim == 0:
            raise ValueError(f"DataLoader: expected {name} of shape (N, ...), got a single number")
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{len(array)} {name}" for name, array in arrays.items())
        raise ValueError(f"DataLoader: expected arrays of one length, got {lengths}")
    return TensorDataset(*arrays.values())


def _check_processes(given: dict[str, Any]) -> None:
    """Refuse workers and pinned memory, and say why there are none."""
    for name, value in given.items():
        if name not in _ALONE and name not in _UNPINNED:
            raise unexpected(DataLoader, name, [*_ALONE, *_UNPINNED])
        none = _ALONE.get(name, _UNPINNED.get(name))
        if value is none or (isinstance(value, (int, float, str)) and value == none):
            continue
        why = "there are no worker processes; leave it out, a thread gathers ahead with prefetch=2"
        if name in _UNPINNED:
            why = "arrays stay on the CPU, so no memory is pinned; leave it out"
        raise ValueError(f"DataLoader: expected {name}={none!r}, got {value!r}; {why}")


def _whole(name: str, value: Any, least: int) -> int:
    """Return a number of samples or batches as an int, or say what is wrong with it."""
    whole = hasattr(value, "__index__") and not isinstance(value, bool)
    if not whole or operator.index(value) < least:
        raise ValueError(f"DataLoader: expected {name} to be an integer >= {least}, got {value!r}")
    return operator.index(value)


def _alone_or_tuple(parts: list[Array]) -> Any:
    """Return one array as it is, several as a tuple."""
    return parts[0] if len(parts) == 1 else tuple(parts)

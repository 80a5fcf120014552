"""Checkpoints: states written to files and read from them, torch's own too, without torch."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, BinaryIO

from npnet.checkpoint.files import CheckpointError, Target, format_of, opened, replacing

__all__ = ["CheckpointError", "load", "save"]

#: How a zip file begins, and one without members.
_ZIP = (b"PK\3\4", b"PK\5\6")


def save(state: Any, file: Target, *, format: str | None = None) -> None:
    """Write a state to a file: all of it or, on an error, nothing.

    - ``.npz``: a dict of arrays; `numpy.load` reads it.
    - ``.safetensors``: a dict of arrays; needs the package safetensors, ``npnet[weights]``.
    - ``.pt`` and ``.pth``: any state; `torch.load` reads it, with ``weights_only=True`` too.

    A ``.pt`` file may hold arrays in dicts, OrderedDicts, Counters, lists and tuples, in each other
    too, along with str, int, float, bool and None; keys are strings or integers. A Parameter is
    written as its data, a NumPy scalar as the number it is (in ``.npz`` and ``.safetensors``, as an
    array of no axes). An array that is there twice is one storage in the file, so that tied
    weights are tied in torch. Dtypes: bool, (u)int8 to (u)int64, float16 to float64, complex64 and,
    but in ``.safetensors``, complex128.

    A path is written to a temporary file next to it, which then takes its place: the old file stays
    whole whatever happens. A file object gets everything in one `write`, from memory.

    Parameters
    ----------
    state : dict
        As `state_dict` of a Module or an optimizer returns it; ``.pt`` takes any of the above.
    file : path or binary file object
        Where to write.
    format : {"npz", "safetensors", "pt"}, optional
        In place of the suffix; a file object needs it.

    Errors
    ------
    TypeError
        For what the format cannot hold; the message says where in the state it is.
    ValueError
        For a suffix that is no format, and for names that the format has no room for.
    OSError
        Where the file cannot be written.
    ImportError
        For ``.safetensors`` without the package.

    Source: torch.save; safetensors.numpy.save_file; numpy.savez.

    Examples
    --------
    >>> import io, numpy as np
    >>> file = io.BytesIO()
    >>> save({"model": {"weight": np.ones((2, 3))}, "epoch": 3}, file, format="pt")
    >>> checkpoint = load(io.BytesIO(file.getvalue()))
    >>> checkpoint["epoch"], checkpoint["model"]["weight"].shape
    (3, (2, 3))
    """
    write = _writer(format_of(file, format))
    if hasattr(file, "write"):
        buffer = io.BytesIO()
        write(state, buffer)
        file.write(buffer.getbuffer())
    else:
        with replacing(file) as stream:
            write(state, stream)


def load(
    file: Target,
    map_location: Any = None,
    *,
    weights_only: bool | None = True,
    mmap: bool | None = None,
) -> Any:
    """Return what a file holds, with arrays for tensors; it never runs code.

    Reads ``.npz``, ``.safetensors`` and the zip files of `torch.save`, told apart by how they
    begin, whatever they are called. Every array is new, writable and in memory of its own, also
    where tensors shared theirs. float16 and bfloat16 become float32, which holds all their values;
    every other dtype stays. Tensors of all devices become arrays. The names come in the order of
    the file; ``.safetensors`` has none, there they are sorted.

    A ``.pt`` file is read by an interpreter of the few pickle instructions that build arrays,
    dicts, OrderedDicts (with the ``_metadata`` of torch's state_dicts), Counters, lists, tuples,
    strings, numbers and None. It refuses every other global by its name. No format is read by
    `pickle`.

    Memory stays below a multiple of the file's size: sizes are checked against the file before
    anything is allocated. Arrays may take 8 times the file's size and 16 MiB more; what goes
    beyond (zeros that were compressed, one number expanded to a large tensor) is refused.

    Parameters
    ----------
    file : path or binary file object
        A file object is read from where it stands to its end.
    map_location : None or "cpu", default None
        Where the arrays shall be: there is no other place.
    weights_only : bool, default True
        Accepted for torch's sake: nothing else is read, and no code of the file is run, either way.
    mmap : None or False, default None
        Accepted for torch's sake: every array has memory of its own.

    Errors
    ------
    ValueError
        For another device as map_location, and for mmap=True.
    TypeError
        For a map_location that is no device: arrays have no place that it could change. For a
        weights_only that is no bool.
    CheckpointError
        For a file that is damaged, cut off, of another kind, or holds what is not read; nothing is
        returned in part. Files of torch before 1.6 and TorchScript archives are of another kind:
        the message says how to convert them.
    OSError
        Where the file cannot be opened.
    ImportError
        For ``.safetensors`` without the package safetensors; ``npnet[weights]`` brings it.

    Source: torch.load with ``weights_only=True``; safetensors.numpy.load_file; numpy.load.

    Examples
    --------
    >>> import io, numpy as np
    >>> file = io.BytesIO()
    >>> save({"weight": np.float32([1, 2]), "bias": np.zeros(2)}, file, format="npz")
    >>> state = load(io.BytesIO(file.getvalue()))
    >>> state["weight"], state["bias"].dtype.name
    (array([1., 2.], dtype=float32), 'float64')
    >>> load(io.BytesIO(b"GIF89a"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    npnet.checkpoint.files.CheckpointError: load: file object: expected a file of .npz, ...
    """
    _check_options(map_location, weights_only, mmap)
    with opened(file) as (stream, size, name):
        try:
            return _read(stream, size)
        except CheckpointError as error:
            raise CheckpointError(f"load: {name}: {error}") from error.__cause__


def _check_options(map_location: Any, weights_only: Any, mmap: Any) -> None:
    """Refuse what asks for anything else than what is done."""
    if map_location is not None and str(map_location).split(":")[0] != "cpu":
        raise (ValueError if isinstance(map_location, str) else TypeError)(
            f"load: expected map_location None or 'cpu', got {map_location!r}; arrays of all "
            "devices come to the CPU"
        )
    if weights_only is not None and not isinstance(weights_only, bool):
        raise TypeError(f"load: expected weights_only True or False, got {weights_only!r}")
    if mmap:
        raise ValueError(f"load: expected mmap None or False, got {mmap!r}; files are read whole")


def _writer(format: str) -> Callable[[Any, BinaryIO], None]:
    """Return what writes a format; only that is imported."""
    if format == "npz":
        from npnet.checkpoint.npz import write
    elif format == "safetensors":
        from npnet.checkpoint.safetensor_file import write
    else:
        from npnet.checkpoint.torch_zip import write
    return write


def _read(stream: BinaryIO, size: int) -> Any:
    """Return what a file holds, by what it begins with."""
    start = stream.read(9)
    stream.seek(0)
    if start[:4] in _ZIP:
        return _read_zip(stream, size)
    if start[8:] == b"{":
        from npnet.checkpoint import safetensor_file

        return safetensor_file.read(stream)
    if start[:1] == b"\x80":
        raise CheckpointError(
            "is a pickle, not a zip file, as torch.save wrote before torch 1.6; convert it where "
            "torch is: torch.save(torch.load(path, weights_only=True), new_path)"
        )
    raise CheckpointError(
        f"expected a file of .npz, .safetensors or torch.save, got one of {size} bytes that begins "
        f"with {start!r}"
    )


def _read_zip(stream: BinaryIO, size: int) -> Any:
    """Return what a zip file holds, by the names in it."""
    from npnet.checkpoint import npz, torch_zip
    from npnet.checkpoint.archive import Archive

    archive = Archive(stream, size)
    return torch_zip.read(archive) if torch_zip.is_torch(archive) else npz.read(archive)

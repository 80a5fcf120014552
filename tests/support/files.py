"""Files made by hand: zip files, torch's among them, with what no writer of them would write."""

import io
import struct
import zipfile
from collections import Counter, OrderedDict

import numpy as np

#: The types of all that a checkpoint may consist of, and no heirs of them.
PLAIN = {type(None), bool, int, float, str, tuple, list, dict, OrderedDict, Counter, np.ndarray}
DTYPES = {*"?bhilqBHILQfdFD"}


def zipped(members, compression=zipfile.ZIP_STORED):
    """Return a zip file of (name, bytes) pairs or a dict."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members.items() if isinstance(members, dict) else members:
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return file.getvalue()


def torch_file(pickle, storages=(), compression=zipfile.ZIP_STORED, **records):
    """Return a file like torch.save's, of a pickle and the bytes of storages."""
    members = {"x/data.pkl": pickle, "x/byteorder": b"little", "x/version": b"3\n"}
    members |= {f"x/data/{key}": bytes(data) for key, data in enumerate(storages)}
    members |= {f"x/{name}": data for name, data in records.items()}
    members = {name: data for name, data in members.items() if data is not None}
    return zipped(members, compression)


def tensor(
    shape=(3,),
    stride=(1,),
    offset=0,
    size=3,
    key="0",
    storage=("torch", "FloatStorage"),
    dtype=None,
    tail=b"",
):
    """Return the pickle instructions of a tensor."""
    kind = "v3" if dtype else "v2"
    return b"".join(
        [
            f"ctorch._utils\n_rebuild_tensor_{kind}\n(".encode(),
            b"(" + text("storage") + "c{}\n{}\n".format(*storage).encode(),
            text(key) + text("cpu") + integer(size) + b"tQ",
            integer(offset),
            b"(" + b"".join(map(integer, shape)) + b"t",
            b"(" + b"".join(map(integer, stride)) + b"t",
            b"\x89ccollections\nOrderedDict\n)R",
            f"ctorch\n{dtype}\n".encode() if dtype else b"",
            tail + b"tR",
        ]
    )


def text(value):
    """Return the instruction of a string."""
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def integer(value):
    """Return the instruction of an integer."""
    size = value.bit_length() // 8 + 1
    return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)


def pickled(instructions):
    """Return a pickle of protocol 2."""
    return b"\x80\x02" + instructions + b"."


def patched(archive, name, **fields):
    """Return a zip file with other numbers in its directory: sizes, method, flags or offset."""
    places = {"flags": (8, "<H"), "method": (10, "<H"), "crc": (16, "<L")}
    places |= {"compress_size": (20, "<L"), "file_size": (24, "<L"), "offset": (42, "<L")}
    data, at = bytearray(archive), archive.index(b"PK\1\2")
    while data[at + 46 : at + 46 + len(name)] != name.encode():
        at = archive.index(b"PK\1\2", at + 1)
    for field, value in fields.items():
        shift, form = places[field]
        struct.pack_into(form, data, at + shift, value)
    return bytes(data)


def check_plain(value):
    """Raise unless a value consists of arrays of numbers and plain containers only."""
    seen, waiting = set(), [value]
    while waiting:
        value = waiting.pop()
        assert type(value) in PLAIN, type(value)
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, np.ndarray):
            assert value.dtype.isnative and value.dtype.char in DTYPES, value.dtype
            assert value.flags.writeable and value.flags.c_contiguous
        elif isinstance(value, dict):
            waiting += [*value, *value.values(), *getattr(value, "__dict__", {}).values()]
        elif isinstance(value, list | tuple):
            waiting += value

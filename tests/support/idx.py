"""IDX files made by hand, of a shape and bytes that need not fit."""

import gzip
import struct

import numpy as np

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(array, shape=None, code=None):
    """Return the bytes of an IDX file of an array, as the format's description has them."""
    array = np.asarray(array)
    shape = array.shape if shape is None else shape
    code = CODES[array.dtype.str[1:]] if code is None else code
    head = bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write(path, data):
    """Write the bytes of a file, packed where its name ends in .gz; return the path."""
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path

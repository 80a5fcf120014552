"""Pickler: writes a state in the instructions and globals that torch.load reads weights_only."""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import numpy as np

from npnet.checkpoint.arrays import BY_NAME, Kind, given
from npnet.parameter import Array

__all__ = ["Pickler"]

_MAX_DEPTH = 100
_MAX_INTEGER = 255


class Pickler:
    """Writes one pickle of protocol 2; `storages` are the arrays that belong beside it."""

    def __init__(self) -> None:
        self.storages: list[Array] = []
        self._out = bytearray()
        self._memo: dict[tuple[str, str], int] = {}
        self._keys: dict[int, int] = {}
        self._path: list[Any] = []

    def dump(self, state: Any) -> bytes:
        """Return the pickle of a state."""
        self._out += b"\x80\x02"
        self._value(state)
        self._out += b"."
        return bytes(self._out)

    def _value(self, value: Any) -> None:
        """Write any value that may be in a state."""
        write = _WRITERS.get(type(value))
        if write is not None:
            write(self, value)
            return
        array = given(value)
        if array is None:
            self._refuse(value)
        if isinstance(value, np.generic):
            self._value(value.item())
        else:
            self._array(array)

    def _refuse(self, value: Any) -> NoReturn:
        """Say what cannot be written, and where it is."""
        called = type(value).__name__
        if isinstance(value, np.ndarray | np.generic):
            called = f"{called} of dtype {value.dtype}"
        raise TypeError(
            "save: expected arrays, dicts, OrderedDicts, Counters, lists, tuples, str, int, float, "
            f"bool and None, got {called} as {self._place()}; give the state_dict() of a Module or "
            "optimizer, and plain containers"
        )

    def _place(self) -> str:
        """Return where in the state the value is, for messages."""
        return "state" + "".join(f"[{key!r}]" for key in self._path)

    def _nested(self, key: Any, value: Any) -> None:
        """Write a value within another."""
        self._path.append(key)
        if len(self._path) > _MAX_DEPTH:
            raise ValueError(
                f"save: expected a state of at most {_MAX_DEPTH} levels; {self._place()[:80]}... "
                "goes deeper, or holds itself"
            )
        self._value(value)
        self._path.pop()

    # ------------------------------------------------------------------ containers

    def _items(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        """Write the items of the dict before."""
        self._out += b"("
        for key, value in pairs:
            if type(key) not in (str, int):
                raise TypeError(
                    f"save: expected strings and integers as keys, got {key!r} in {self._place()}"
                )
            self._value(key)
            self._nested(key, value)
        self._out += b"u"

    def _dict(self, value: dict[Any, Any]) -> None:
        self._out += b"}"
        self._items(value.items())

    def _ordered_dict(self, value: OrderedDict[Any, Any]) -> None:
        attributes = vars(value)
        if attributes.keys() - {"_metadata"}:
            raise TypeError(
                f"save: expected no attributes but _metadata of the OrderedDict {self._place()}, "
                f"got {sorted(attributes)}"
            )
        self._global("collections", "OrderedDict")
        self._out += b")R"
        self._items(value.items())
        if attributes:
            self._dict(attributes)
            self._out += b"b"

    def _counter(self, value: Counter[Any]) -> None:
        self._global("collections", "Counter")
        self._dict(dict(value))
        self._out += b"\x85R"

    def _list(self, value: list[Any]) -> None:
        self._out += b"]("
        self._sequence(value)
        self._out += b"e"

    def _tuple(self, value: tuple[Any, ...]) -> None:
        self._out += b"("
        self._sequence(value)
        self._out += b"t"

    def _sequence(self, values: Iterable[Any]) -> None:
        for index, value in enumerate(values):
            self._nested(index, value)

    # ------------------------------------------------------------------ scalars

    def _none(self, value: None) -> None:
        self._out += b"N"

    def _bool(self, value: bool) -> None:
        self._out += b"\x88" if value else b"\x89"

    def _int(self, value: int) -> None:
        if 0 <= value < 1 << 8:
            self._out += b"K" + struct.pack("<B", value)
        elif 0 <= value < 1 << 16:
            self._out += b"M" + struct.pack("<H", value)
        elif -(1 << 31) <= value < 1 << 31:
            self._out += b"J" + struct.pack("<i", value)
        else:
            size = value.bit_length() // 8 + 1
            if size > _MAX_INTEGER:
                raise ValueError(
                    f"save: expected integers of at most {_MAX_INTEGER} bytes, {self._place()} has "
                    f"{size}"
                )
            self._out += b"\x8a" + struct.pack("<B", size)
            self._out += value.to_bytes(size, "little", signed=True)

    def _float(self, value: float) -> None:
        self._out += b"G" + struct.pack(">d", value)

    def _str(self, value: str) -> None:
        data = value.encode("utf-8", "surrogatepass")
        self._remembered(("str", value), b"X" + struct.pack("<I", len(data)) + data)

    def _global(self, module: str, name: str) -> None:
        self._remembered(("global", f"{module}.{name}"), f"c{module}\n{name}\n".encode())

    def _remembered(self, what: tuple[str, str], instruction: bytes) -> None:
        """Write an instruction once, and later only which one it was."""
        index = self._memo.get(what)
        if index is not None:
            self._out += _indexed(b"h", b"j", index)
            return
        self._memo[what] = index = len(self._memo)
        self._out += instruction + _indexed(b"q", b"r", index)

    # ------------------------------------------------------------------ arrays

    def _array(self, array: Array) -> None:
        """Write a tensor of a storage of its own, or of that of the same array before."""
        kind = BY_NAME[array.dtype.name]
        rebuild = "_rebuild_tensor_v2" if kind.storage else "_rebuild_tensor_v3"
        self._global("torch._utils", rebuild)
        self._out += b"("
        self._storage(array, kind)
        self._int(0)
        self._integers(array.shape)
        self._integers(_steps(array.shape))
        self._bool(False)
        self._ordered_dict(OrderedDict())
        if not kind.storage:
            self._global("torch", kind.name)
        self._out += b"tR"

    def _storage(self, array: Array, kind: Kind) -> None:
        """Write the persistent id of an array's storage."""
        key = self._keys.setdefault(id(array), len(self.storages))
        if key == len(self.storages):
            self.storages.append(array)
        self._out += b"("
        self._str("storage")
        if kind.storage:
            self._global("torch", kind.storage)
        else:
            self._global("torch.storage", "UntypedStorage")
        self._str(str(key))
        self._str("cpu")
        self._int(array.size if kind.storage else array.nbytes)
        self._out += b"tQ"

    def _integers(self, values: Iterable[int]) -> None:
        self._out += b"("
        for value in values:
            self._int(value)
        self._out += b"t"


def _indexed(short: bytes, long: bytes, index: int) -> bytes:
    """Return an instruction with a number, in its short form where that will do."""
    return short + struct.pack("<B", index) if index < 256 else long + struct.pack("<I", index)


def _steps(shape: tuple[int, ...]) -> list[int]:
    """Return the strides of a contiguous tensor, in numbers, as torch has them."""
    steps = [1] * len(shape)
    for axis in range(len(shape) - 1, 0, -1):
        steps[axis - 1] = steps[axis] * max(shape[axis], 1)
    return steps


_P = Pickler
_WRITERS: dict[type, Callable[[Pickler, Any], None]] = {
    type(None): _P._none,
    bool: _P._bool,
    int: _P._int,
    float: _P._float,
    str: _P._str,
    list: _P._list,
    tuple: _P._tuple,
    dict: _P._dict,
    OrderedDict: _P._ordered_dict,
    Counter: _P._counter,
}

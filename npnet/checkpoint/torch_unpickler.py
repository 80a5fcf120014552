"""Unpickler: the few pickle instructions of torch.save, run without ever calling what is named."""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

from npnet.checkpoint.files import CheckpointError

__all__ = ["Global", "Marker", "Unpickler"]

_STOP = ord(".")
_PROTOCOL = 2
_MAX_MARKS = 1000
_MAX_NAME = 200
#: Bytes of memory of a container, beyond its items.
_CONTAINER = 100
_KEYS = (str, int)


class Marker:
    """What stands for something of torch's and must not be left in the result."""


class Global(Marker):
    """A global that is known: what to do when it is called with arguments, None if it must not."""

    def __init__(self, name: str, build: Callable[..., Any] | None = None) -> None:
        self.name = name
        self.build = build


class _Arguments(tuple[Any, ...]):
    """A tuple with Markers in it, or with such tuples: arguments, never a value."""

    __slots__ = ()


#: All that may be left in the result. Subclasses are none of these.
_PLAIN = frozenset(
    (type(None), bool, int, float, str, tuple, list, dict, OrderedDict, Counter, np.ndarray)
)


class Unpickler:
    """A stack machine for pickles of protocol 2.

    It knows the globals it is given and those of plain containers, by name; it imports none. Only
    `Global.build` is ever called, on checked arguments.

    Parameters
    ----------
    data : bytes
        The pickle.
    names : mapping
        Dotted name -> Marker: the globals beyond those of containers.
    persistent : callable
        Turns the persistent id of a storage into a Marker.
    spend : callable
        Is told how much memory will be taken.
    """

    def __init__(
        self,
        data: bytes,
        names: Mapping[str, Marker],
        persistent: Callable[[tuple[Any, ...]], Marker],
        spend: Callable[[int], None],
    ) -> None:
        self._data, self._at = data, 0
        self._names = {
            "collections.OrderedDict": Global("collections.OrderedDict", _ordered_dict),
            "collections.Counter": Global("collections.Counter", self._counter),
            "torch.Size": Global("torch.Size", _size),
            **names,
        }
        self._persistent, self._spend = persistent, spend
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: list[Any] = []

    def run(self) -> Any:
        """Return what the pickle builds."""
        try:
            while True:
                code = self._take(1)[0]
                if code == _STOP:
                    break
                action = _ACTIONS.get(code)
                if action is None:
                    self._fail(
                        f"has the instruction {bytes([code])!r}, which torch.save does not write"
                    )
                action(self)
        except UnicodeDecodeError as error:
            raise CheckpointError(f"data.pkl, byte {self._at}: {error}") from error
        value = self._pop(plain=True)
        if self._stack or self._marks or self._at != len(self._data):
            self._fail("goes on where it should end")
        return value

    # ------------------------------------------------------------------ reading and the stack

    def _fail(self, why: str) -> NoReturn:
        """Refuse the pickle."""
        raise CheckpointError(f"data.pkl, byte {self._at}: {why}")

    def _take(self, count: int) -> bytes:
        """Return the next bytes."""
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            self._fail("ends early")
        self._at += count
        return taken

    def _number(self, form: str) -> Any:
        """Return the next number, in the form of the module struct."""
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _line(self) -> str:
        """Return the next line."""
        end = self._data.find(b"\n", self._at, self._at + _MAX_NAME)
        if end < 0:
            self._fail("names a global by no line")
        line = self._take(end + 1 - self._at)
        return line[:-1].decode()

    def _pop(self, *, plain: bool = False) -> Any:
        """Return and remove the top of the stack."""
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            self._fail("takes more than there is")
        value = self._stack.pop()
        if plain:
            self._check_plain([value])
        return value

    def _pop_mark(self) -> list[Any]:
        """Return and remove all since the last mark."""
        if not self._marks:
            self._fail("takes from a mark that is not there")
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _top(self, *kinds: type) -> Any:
        """Return the top of the stack, which must be of a given type."""
        value = self._pop()
        self._stack.append(value)
        if kinds and type(value) not in kinds:
            self._fail(f"expected {' or '.join(k.__name__ for k in kinds)}, got {_called(value)}")
        return value

    def _check_plain(self, values: list[Any]) -> None:
        """Refuse values that only make sense to torch."""
        for value in values:
            if type(value) not in _PLAIN:
                self._fail(
                    f"holds {_called(value)} as a value; expected tensors, dicts, lists, tuples, "
                    "strings and numbers"
                )

    # ------------------------------------------------------------------ instructions

    def _proto(self) -> None:
        protocol = self._take(1)[0]
        if protocol != _PROTOCOL:
            self._fail(
                f"is a pickle of protocol {protocol}; expected {_PROTOCOL}: save it with "
                "torch.save(..., pickle_protocol=2), which is the default"
            )

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _container(self, value: Any) -> None:
        self._spend(_CONTAINER)
        self._stack.append(value)

    def _mark(self) -> None:
        if len(self._marks) == _MAX_MARKS:
            self._fail(f"nests more than {_MAX_MARKS} deep")
        self._marks.append(len(self._stack))

    def _tuple(self, items: list[Any]) -> None:
        plain = all(type(item) in _PLAIN for item in items)
        self._container(tuple(items) if plain else _Arguments(items))

    def _last(self, count: int) -> None:
        items = [self._pop() for _ in range(count)]
        self._tuple(items[::-1])

    def _append(self, items: list[Any]) -> None:
        self._check_plain(items)
        self._top(list).extend(items)

    def _set(self, items: list[Any]) -> None:
        self._check_plain(items)
        if len(items) % 2:
            self._fail("has a key without a value")
        target = self._top(dict, OrderedDict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            # Hashes of other types may take forever, or be made to collide.
            if type(key) not in _KEYS or (type(key) is int and not -(2**63) <= key < 2**63):
                self._fail(f"expected strings and integers of 64 bits as keys, got {_called(key)}")
            target[key] = value

    def _set_one(self) -> None:
        value, key = self._pop(), self._pop()
        self._set([key, value])

    def _text(self) -> None:
        length = self._number("<I")
        self._push(self._take(length).decode("utf-8", "surrogatepass"))

    def _long(self) -> None:
        length = self._take(1)[0]
        self._push(int.from_bytes(self._take(length), "little", signed=True))

    def _put(self, index: int) -> None:
        value = self._top()
        if index > len(self._memo):
            self._fail(f"remembers as number {index} with {len(self._memo)} before it")
        self._memo[index : index + 1] = [value]

    def _get(self, index: int) -> None:
        if index >= len(self._memo):
            self._fail(f"recalls number {index} of {len(self._memo)}")
        self._push(self._memo[index])

    def _global(self) -> None:
        name = f"{self._line()}.{self._line()}"
        found = self._names.get(name)
        if found is None:
            self._fail(
                f"refused the global {name!r}; dense tensors, dicts, OrderedDicts, Counters, "
                "lists, tuples, strings and numbers are read, and no code is run: save a state_dict"
            )
        self._push(found)

    def _reduce(self) -> None:
        arguments, function = self._pop(), self._pop()
        if not isinstance(arguments, tuple):
            self._fail(f"expected arguments as a tuple, got {_called(arguments)}")
        if not isinstance(function, Global) or function.build is None:
            self._fail(f"calls {_called(function)}, which is none to be called")
        self._spend(_CONTAINER)
        try:
            self._push(function.build(*arguments))
        except TypeError as error:
            raise CheckpointError(
                f"data.pkl, byte {self._at}: {function.name} has arguments of other types or number"
            ) from error

    def _build(self) -> None:
        state = self._pop(plain=True)
        ordered = self._top(OrderedDict)
        if type(state) is not dict or [*state] != ["_metadata"]:
            self._fail("sets attributes of an OrderedDict other than _metadata")
        vars(ordered).update(state)

    def _persistent_id(self) -> None:
        found = self._pop()
        if type(found) is not _Arguments:
            self._fail(f"expected a storage, got {_called(found)}")
        self._spend(_CONTAINER)
        self._push(self._persistent(found))

    def _counter(self, counts: Any) -> Counter[Any]:
        if type(counts) is not dict or any(type(count) is not int for count in counts.values()):
            raise TypeError
        self._spend(_CONTAINER * len(counts))
        return Counter(counts)


def _called(value: Any) -> str:
    """Return what a value is, for messages."""
    return value.name if isinstance(value, Global) else type(value).__name__.strip("_").lower()


def _ordered_dict() -> OrderedDict[Any, Any]:
    """Build an OrderedDict, which is filled later."""
    return OrderedDict()


def _size(sizes: Any) -> tuple[int, ...]:
    """Build a torch.Size as a tuple."""
    if type(sizes) is not tuple or any(type(size) is not int for size in sizes):
        raise TypeError
    return sizes


_U = Unpickler
_ACTIONS: dict[int, Callable[[Unpickler], None]] = {
    ord(code): action
    for code, action in {
        "\x80": _U._proto,
        "c": _U._global,
        "(": _U._mark,
        ")": lambda u: u._push(()),
        "]": lambda u: u._container([]),
        "}": lambda u: u._container({}),
        "t": lambda u: u._tuple(u._pop_mark()),
        "\x85": lambda u: u._last(1),
        "\x86": lambda u: u._last(2),
        "\x87": lambda u: u._last(3),
        "N": lambda u: u._push(None),
        "\x88": lambda u: u._push(True),
        "\x89": lambda u: u._push(False),
        "K": lambda u: u._push(u._take(1)[0]),
        "M": lambda u: u._push(u._number("<H")),
        "J": lambda u: u._push(u._number("<i")),
        "G": lambda u: u._push(u._number(">d")),
        "\x8a": _U._long,
        "X": _U._text,
        "a": lambda u: u._append([u._pop()]),
        "e": lambda u: u._append(u._pop_mark()),
        "s": _U._set_one,
        "u": lambda u: u._set(u._pop_mark()),
        "q": lambda u: u._put(u._take(1)[0]),
        "r": lambda u: u._put(u._number("<I")),
        "h": lambda u: u._get(u._take(1)[0]),
        "j": lambda u: u._get(u._number("<I")),
        "R": _U._reduce,
        "b": _U._build,
        "Q": _U._persistent_id,
    }.items()
}

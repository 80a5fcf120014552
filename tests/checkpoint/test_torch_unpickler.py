import os
import pickle
import pickletools
import tracemalloc
from collections import Counter, OrderedDict

import pytest
from hypothesis import given

from npnet.checkpoint.files import CheckpointError
from npnet.checkpoint.torch_unpickler import Global, Marker, Unpickler
from tests.support.files import integer, pickled, text
from tests.support.states import plain_states


class Storage(Marker):
    pass


NAMES = {
    "torch.FloatStorage": Global("torch.FloatStorage"),
    "torch.make": Global("torch.make", list),
}


def load(data, spent=None):
    """Run a pickle; `spent` gets what it would take of memory."""
    spent = [] if spent is None else spent
    return Unpickler(data, NAMES, lambda identity: Storage(), spent.append).run()


@given(plain_states)
def test_builds_what_pickle_builds(state):
    assert repr(load(pickle.dumps(state, protocol=2))) == repr(state)
    assert repr(load(pickletools.optimize(pickle.dumps(state, protocol=2)))) == repr(state)


def test_containers_are_shared_and_may_hold_themselves():
    inner = [1]
    found = load(pickle.dumps([inner, inner], protocol=2))
    assert found[0] is found[1]
    found = load(pickled(b"]q\0h\0a"))
    assert found[0] is found


def test_many_are_remembered():
    state = [str(number) for number in range(66_000)]
    assert load(pickle.dumps([*state, *state], protocol=2)) == state + state


def test_an_ordered_dict_keeps_its_metadata():
    state = OrderedDict(a=1)
    state._metadata = OrderedDict({"": {"version": 1}})
    found = load(pickle.dumps(state, protocol=2))
    assert found == state and found._metadata == state._metadata
    assert type(found._metadata) is OrderedDict


def test_a_torch_size_is_a_tuple():
    assert load(pickled(b"ctorch\nSize\nK\2K\3\x86\x85R")) == (2, 3)


ORDERED = b"ccollections\nOrderedDict\n"


@pytest.mark.parametrize(
    ("instructions", "message"),
    [
        (
            b"cos\nsystem\nX\4\0\0\0true\x85R",
            "refused the global 'os.system'; dense tensors, dicts",
        ),
        (b"cposix\nsystem\n", "refused the global 'posix.system'"),
        (b"c__builtin__\neval\n", "refused the global '__builtin__.eval'"),
        (b"ctorch._utils\n_rebuild_sparse_tensor\n", "'torch._utils._rebuild_sparse_tensor'"),
        (b"ctorch.FloatStorage\n__reduce__\n", "'torch.FloatStorage.__reduce__'"),
        (b"c" + b"x" * 500, "names a global by no line"),
        (b"c\xff\n\n", "can't decode byte 0xff"),
        (b"ios\nsystem\n", "instruction b'i'"),
        (b"(o", "instruction b'o'"),
        (ORDERED + b")\x81", r"instruction b'\\x81', which torch.save does not write"),
        (b"X\2\0\0\0osX\6\0\0\0system\x93", r"instruction b'\\x93'"),
        (b"\x82\1", r"instruction b'\\x82'"),
        (b"P1\n", "instruction b'P'"),
        (b"\x96\xff\xff\xff\xff\xff\xff\xff\x7f", r"instruction b'\\x96'"),
        (b"\x8b\xff\xff\xff\x7f", r"instruction b'\\x8b'"),
        (b"\x80\4", "pickle of protocol 4; expected 2: save it with torch.save"),
        (b"X\xff\xff\xff\xffx", "ends early"),
        (b"\x8a\xffx", "ends early"),
        (b"J\0", "ends early"),
        (b"X\1\0\0\0\xff", "can't decode byte 0xff"),
        (b"", "takes more than there is"),
        (b"a", "takes more than there is"),
        (b"](K\1a", "takes more than there is"),
        (b"K\1K\2", "goes on where it should end"),
        (b"K\1(", "takes more than there is"),
        (b"K\1.", "goes on where it should end"),
        (b"t", "takes from a mark that is not there"),
        (b"(" * 1001, "nests more than 1000 deep"),
        (b"h\0", "recalls number 0 of 0"),
        (b"K\1q\1", "remembers as number 1 with 0 before it"),
        (b"K\1r\xff\xff\xff\xff", "remembers as number 4294967295 with 0 before it"),
        (b"q\0", "takes more than there is"),
        (b"}K\1a", "expected list, got dict"),
        (b")K\1a", "expected list, got tuple"),
        (b"]K\1K\2s", "expected dict or OrderedDict, got list"),
        (b"}(K\1u", "has a key without a value"),
        (b"})K\1s", "as keys, got tuple"),
        (b"}NK\1s", "as keys, got nonetype"),
        (b"}\x88K\1s", "as keys, got bool"),
        (b"}" + integer(2**63) + b"K\1s", "integers of 64 bits as keys, got int"),
        (ORDERED + b"]R", "expected arguments as a tuple, got list"),
        (ORDERED + b"K\1\x85R", "collections.OrderedDict has arguments of other types or number"),
        (b"ccollections\nCounter\n]\x85R", "collections.Counter has arguments of other types"),
        (b"ccollections\nCounter\n}K\1Ns\x85R", "collections.Counter has arguments of other"),
        (b"ctorch\nSize\n]\x85R", "torch.Size has arguments of other types or number"),
        (b"ctorch\nSize\nN\x85\x85R", "torch.Size has arguments of other types or number"),
        (b"ctorch\nFloatStorage\n)R", "calls torch.FloatStorage, which is none to be called"),
        (b"]" + b")R", "calls list, which is none to be called"),
        (b"}}b", "expected OrderedDict, got dict"),
        (ORDERED + b")R]b", "sets attributes of an OrderedDict other than _metadata"),
        (ORDERED + b")R}" + text("keys") + b"]sb", "attributes of an OrderedDict other than _meta"),
        (b"K\1Q", "expected a storage, got int"),
        (b"K\1K\2\x86Q", "expected a storage, got tuple"),
        (b"ctorch\nFloatStorage\n", "holds torch.FloatStorage as a value; expected tensors"),
        (b"]ctorch\nFloatStorage\na", "holds torch.FloatStorage as a value"),
        (b"](ctorch\nFloatStorage\ne", "holds torch.FloatStorage as a value"),
        (b"}K\1ctorch\nFloatStorage\ns", "holds torch.FloatStorage as a value"),
        (b"ctorch\nFloatStorage\n\x85", "holds arguments as a value"),
        (b"ctorch\nFloatStorage\n\x85\x85\x85", "holds arguments as a value"),
        (b"](ctorch\nFloatStorage\ntK\1\x86a", "holds arguments as a value"),
        (b"ctorch\nFloatStorage\n\x85Q", "holds storage as a value"),
        (ORDERED + b")R}" + text("_metadata") + ORDERED + b"sb", "OrderedDict as a value"),
    ],
)
def test_pickles_that_are_refused(instructions, message):
    with pytest.raises(CheckpointError, match=f"data.pkl, byte \\d+: .*{message}"):
        load(pickled(instructions))


@pytest.mark.parametrize("length", range(30))
def test_pickles_that_are_cut_off(length):
    data = pickle.dumps({"a": [1.5, (2, "b")], "c": None}, protocol=2)
    assert len(data) > 31
    with pytest.raises(CheckpointError, match=r"ends early|takes"):
        load(data[:length])


class Call:
    def __init__(self, function, *arguments, state=None):
        self.reduced = function, arguments, state

    def __reduce__(self):
        return self.reduced[: 3 if self.reduced[2] else 2]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "call",
    [Call(os.mkdir, "ran"), Call(eval, "__import__('os').mkdir('ran')"), Call(Counter, "ab")],
    ids=["mkdir", "eval", "Counter"],
)
def test_no_protocol_runs_code(call, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError):
        load(pickle.dumps([call], protocol))
    assert [*tmp_path.iterdir()] == []


def test_only_known_globals_are_called():
    assert load(pickled(b"ctorch\nmake\n)R")) == []


@pytest.mark.parametrize(
    "instructions",
    [
        b"](" + b"]" * 10_000 + b"e",
        b"](" + b"}" * 10_000 + b"e",
        b")" + b"\x85" * 10_000,
        b"](" + (ORDERED + b")R") * 5_000 + b"e",
    ],
    ids=["lists", "dicts", "tuples", "OrderedDicts"],
)
def test_containers_are_paid_for(instructions):
    spent = []
    tracemalloc.start()
    try:
        found = load(pickled(instructions), spent)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found and held < 1.5 * sum(spent) + 22 * len(instructions)


def test_copies_of_a_counter_are_paid_for():
    items = b"".join(integer(number) + b"K\1" for number in range(1000))
    counter = b"ccollections\nCounter\nq\0}(" + items + b"u\x85q\1R"
    spent = []
    load(pickled(b"](" + counter + b"h\0h\1R" * 100 + b"e"), spent)
    assert sum(spent) >= 101 * 1000 * 100

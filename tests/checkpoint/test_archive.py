import io
import zipfile

import numpy as np
import pytest

from npnet.checkpoint.archive import Archive, Budget
from npnet.checkpoint.files import CheckpointError
from tests.support.files import patched, zipped

MEMBERS = {"a": b"12345", "b/c": b"", "d": bytes(1000)}


def opened(data):
    return Archive(io.BytesIO(data), len(data))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_reads_what_zipfile_wrote(compression):
    archive = opened(zipped(MEMBERS, compression))
    assert archive.names == [*MEMBERS]
    for name, data in MEMBERS.items():
        assert archive.size(name) == len(data) and archive.read(name) == data


def test_reads_a_member_in_parts():
    data = bytes(range(256)) * 9000
    archive = opened(zipped({"a": data}))
    with archive.open("a") as member:
        assert member.take(3) == data[:3]
        array = np.empty((2, 1000, 500), ">i2")
        member.fill(array)
        assert array.tobytes() == data[3:2_000_003]
        assert member.take(member.left) == data[2_000_003:]
        with pytest.raises(CheckpointError, match="a ends early: 1 bytes to read, 0 left"):
            member.take(1)


def test_what_is_not_there():
    with pytest.raises(CheckpointError, match="e is missing in the zip file"):
        opened(zipped(MEMBERS)).read("e")


GOOD = zipped(MEMBERS)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cut off"),
        (b"PK", "cut off"),
        (GOOD[:-1], "cut off, or bytes follow"),
        (GOOD[: len(GOOD) // 2], "cut off"),
        (GOOD[40:], "a begins before the file"),
        (GOOD + b"x", "bytes follow its end"),
        (GOOD[:-2] + b"\1\0x", "bytes follow its end"),
        (patched(GOOD, "d", file_size=2**32 - 2), "d declares 4294967294 bytes, but holds 1000"),
        (patched(GOOD, "d", compress_size=2**31, file_size=2**31), "d declares 2147483648 bytes"),
        (patched(GOOD, "d", offset=2**31), "d declares 1000 bytes beyond the file's"),
        (patched(GOOD, "d", method=99), "d is compressed by method 99"),
        (patched(GOOD, "d", flags=1), "d is encrypted"),
    ],
)
def test_directories_that_lie(data, message):
    with pytest.raises(CheckpointError, match=message):
        opened(data)


def test_names_that_are_there_twice():
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped([("a", b"1"), ("a", b"2")])
    with pytest.raises(CheckpointError, match="a is in the zip file twice"):
        opened(data)


def test_members_that_overlap():
    data = zipped([(str(number), bytes(100)) for number in range(9)])
    for number in range(1, 9):
        data = patched(data, str(number), offset=0, compress_size=800, file_size=800)
    with pytest.raises(CheckpointError, match="declares 800 bytes beyond the file's"):
        opened(data)


def test_members_that_are_damaged():
    at = GOOD.index(b"12345")
    damaged = GOOD[:at] + b"2" + GOOD[at + 1 :]
    with pytest.raises(CheckpointError, match="a is damaged: Bad CRC-32"):
        opened(damaged).read("a")
    with pytest.raises(CheckpointError, match="a is damaged: File name in directory"):
        opened(GOOD[: at - 1] + b"A" + GOOD[at:]).read("a")
    deflated = zipped(MEMBERS, zipfile.ZIP_DEFLATED)
    at = deflated.rindex(b"PK\3\4") + 31
    with pytest.raises(CheckpointError, match=r"d is damaged: Error -3|d ends early"):
        opened(deflated[:at] + b"\xff" * 5 + deflated[at + 5 :]).read("d")


def test_a_checksum_of_0_is_none():
    at = GOOD.index(b"12345")
    damaged = patched(GOOD[:at] + b"2" + GOOD[at + 1 :], "a", crc=0)
    assert opened(damaged).read("a") == b"22345"


@pytest.mark.parametrize("size", [4, 2000])
def test_a_deflated_member_gives_what_it_declares(size):
    honest = zipped({"a": bytes(1000)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(CheckpointError, match=r"a is damaged: Bad CRC|a ends early"):
        opened(patched(honest, "a", file_size=size)).read("a")


def test_a_budget_is_8_times_the_file_and_16_mib():
    budget = Budget(1000)
    budget.spend(8000)
    budget.spend(1 << 24)
    with pytest.raises(CheckpointError, match="takes 16785217 bytes of memory or more, the file 1"):
        budget.spend(1)


def test_inflated_members_are_paid_for_before_they_are_read():
    archive = opened(zipped({"a": bytes(1 << 25)}, zipfile.ZIP_DEFLATED))
    with pytest.raises(CheckpointError, match="a bomb, or save it uncompressed"):
        archive.read("a")

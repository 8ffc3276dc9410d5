"""ZIP as bytes: what others read of it, and numbers that do not fit."""

import io
import struct
import subprocess
import zipfile
import zlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from service.upkeep.zip_format import NO_TIME, Member, central_header, ending, local_header
from tests.support.packages import require

GIB = 2**30
AT = datetime(2026, 5, 1, 14, 30, 59, tzinfo=timezone(timedelta(hours=2)))


def written(files: dict[str, bytes], *, at: datetime = AT) -> bytes:
    whole, directory = bytearray(), bytearray()
    for name, body in files.items():
        member = Member(name, len(body), zlib.crc32(body), at)
        directory += central_header(member, len(whole))
        whole += local_header(member) + body
    return bytes(whole) + directory + ending(len(files), len(directory), len(whole))


def test_others_read_what_was_written(tmp_path: Path) -> None:
    files = {"a/0.png": b"one", "a/task.json": b"{}\n", "empty": b""}
    (tmp_path / "out.zip").write_bytes(written(files))
    with zipfile.ZipFile(tmp_path / "out.zip") as found:
        assert found.testzip() is None
        assert {name: found.read(name) for name in found.namelist()} == files
        [first, *_] = found.infolist()
        assert first.date_time == (2026, 5, 1, 12, 30, 58)
        assert first.external_attr >> 16 == 0o100644


@pytest.mark.parametrize("at", [NO_TIME, datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)])
def test_a_time_that_a_zip_cannot_say_is_no_failure(at: datetime) -> None:
    with zipfile.ZipFile(io.BytesIO(written({"a": b"x"}, at=at))) as found:
        assert found.testzip() is None


@pytest.mark.long
def test_many_members_take_the_larger_ending() -> None:
    files = {f"{number:05d}": b"" for number in range(70_000)}
    with zipfile.ZipFile(io.BytesIO(written(files))) as found:
        assert len(found.namelist()) == 70_000
        assert found.read("69999") == b""


def test_members_and_offsets_of_more_than_4_gib_are_continued(tmp_path: Path) -> None:
    """A sparse file stands for the bytes."""
    large, small = Member("large", 5 * GIB, 0, AT), Member("small", 3, zlib.crc32(b"abc"), AT)
    head = local_header(large)
    start = len(head) + large.size
    directory = central_header(large, 0) + central_header(small, start)
    tail = local_header(small) + b"abc"
    with (tmp_path / "out.zip").open("wb") as file:
        file.write(head)
        file.seek(start)
        file.write(tail + directory + ending(2, len(directory), start + len(tail)))
    with zipfile.ZipFile(tmp_path / "out.zip") as found:
        assert [one.file_size for one in found.infolist()] == [5 * GIB, 3]
        assert found.read("small") == b"abc"
    assert struct.unpack("<H", head[4:6]) == (45,)


def test_it_can_be_read_from_a_pipe() -> None:
    """Sizes stand before the bytes: whoever cannot seek finds the next member all the same."""
    whole = written({"a": b"one", "b": b"two"})
    names, place = [], 0
    while whole[place : place + 4] == b"PK\x03\x04":
        _, flags, _, _, _, _, size, _, name, extra = struct.unpack("<5H3L2H", whole[place + 4 : place + 30])
        assert flags == 0
        names.append(whole[place + 30 : place + 30 + name])
        place += 30 + name + extra + size
    assert names == [b"a", b"b"]


def test_unzip_finds_nothing_wrong(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    require(request, {"unzip": "unzip"})
    path = tmp_path / "out.zip"
    path.write_bytes(written({"a/0.png": b"one", "b": b""}))
    done = subprocess.run(["unzip", "-tqq", str(path)], check=False, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")

"""Exports on both databases and both kinds of store: what happens meanwhile, what goes wrong, and how they go on."""

import fcntl
import hashlib
import io
import json
import os
import random
import zipfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import IO

import pytest

from service.catalog.catalog import Catalog
from service.domain.asset import Stored
from service.domain.image import Image, ImageFormat
from service.errors import Conflict, StorageUnavailable
from service.intake.register import Told, tell
from service.storage import Blocks
from service.storage.filesystem import FilesystemStore
from service.upkeep.export import PAGE_ROWS, Piece
from service.upkeep.export_bytes import HELD_BYTES, Proven, Spoilt, begin, prove
from service.upkeep.export_file import open_export_file
from service.upkeep.export_zip import SUMS
from service.upkeep.findings import Finding, Kind
from tests.support.deliveries import RULES
from tests.support.memory_store import MemoryStore
from tests.upkeep.conftest import House
from tests.upkeep.exported import Killed, asked_for, exported, into_file
from tests.upkeep.kept_archive import Archive, link_to, picture

IDS = [f"task-{number:04d}" for number in range(4)]
IMAGE = Image(ImageFormat.PNG, 8, 6)
KINDS = [("sqlite", "bucket"), ("postgresql", "disk"), ("postgresql", "bucket")]


def names(archive: bytes) -> list[str]:
    return [name for name in zipfile.ZipFile(io.BytesIO(archive)).namelist() if name.endswith(".png")]


async def test_more_than_a_page_is_all_there_once_whatever_arrives_meanwhile(archive: Archive) -> None:
    many = [f"task-{number:04d}" for number in range(PAGE_ROWS + 10)]
    for task_id in many:
        await archive.complete(task_id)

    def arrive(piece: Piece) -> Awaitable[None] | None:
        return archive.complete("task-late") if piece.count == PAGE_ROWS and not piece.last else None

    text = await exported(archive, asked_for("ndjson"), heard=arrive)
    *lines, last = [json.loads(line) for line in text.splitlines()]
    assert [line["task_id"] for line in lines] == many[::-1]
    assert last == {"next": None, "count": len(many)}


@pytest.mark.parametrize(
    ("database", "store"),
    [("sqlite", "disk"), *(pytest.param(*kinds, marks=pytest.mark.long) for kinds in KINDS)],
)
async def test_every_engine_gives_the_same(house: House, database: str, store: str, tmp_path: Path) -> None:
    archive = house(database, store)
    for task_id in IDS:
        told = Told(task_id, "a lighthouse", None, None, {"team": "a"})
        await archive.catalog.write(partial(tell, told=told, rules=RULES))
    await archive.keep(*IDS, images=2)
    whole = zipfile.ZipFile(io.BytesIO(await exported(archive, asked_for("zip", q="light*", sort="oldest"))))
    listed = whole.read("SHA256SUMS").decode().splitlines()
    hashes = {name: digest for digest, name in (line.split("  ") for line in listed)}
    assert hashes == {name: hashlib.sha256(whole.read(name)).hexdigest() for name in whole.namelist() if name != SUMS}
    for number, task_id in enumerate(IDS):
        for index in range(2):
            key = await archive.key(index, task_id)
            assert whole.namelist()[3 * number : 3 * number + 3].count(key) == 1
            assert picture(link_to(task_id, index)) == whole.read(key)
    for form in ("ndjson", "csv"):
        path = tmp_path / f"out.{form}"
        await into_file(archive, asked_for(form, q="light*"), path)
        assert path.read_bytes().count(b"a lighthouse") == 2 * len(IDS)


async def test_an_image_deleted_meanwhile_is_neither_there_nor_missed(archive: Archive) -> None:
    await archive.keep(*IDS, images=2)
    gone = await archive.key(1, IDS[1])
    deleted: list[Finding] = []

    async def delete() -> None:
        await archive.delete(1, IDS[1])
        await archive.work()

    def at_the_first(piece: Piece) -> Awaitable[None] | None:
        return delete() if piece.count == 1 and piece.after is not None else None

    whole = await exported(archive, asked_for("zip"), found=deleted.append, heard=at_the_first)
    found = zipfile.ZipFile(io.BytesIO(whole))
    assert (len(names(whole)), gone in found.namelist(), deleted) == (2 * len(IDS) - 1, False, [])
    assert gone not in found.read("SHA256SUMS").decode()
    assert json.loads(found.read("export.json"))["left_out"] == 0


async def test_a_sidecar_is_there_once_however_the_images_are_ordered(archive: Archive) -> None:
    await archive.keep(*IDS, images=3)
    found = zipfile.ZipFile(io.BytesIO(await exported(archive, asked_for("zip", sort="smallest")))).namelist()
    assert len(found) == len(set(found)) == 4 * len(IDS) + 2


@pytest.mark.parametrize("form", ["ndjson", "csv", "zip"])
async def test_an_export_that_is_killed_anywhere_ends_as_if_it_had_not_been(
    archive: Archive, tmp_path: Path, form: str
) -> None:
    await archive.keep(*IDS, images=2)
    asked = asked_for(form, sort="largest", limit="7")
    expected = await exported(archive, asked)
    path = tmp_path / f"out.{form}"
    kills = 0
    while not path.exists():
        try:
            await into_file(archive, asked, path, killed_after=1 + 5 * (kills % 3) if kills < 9 else None)
        except Killed:
            kills += 1
            with path.with_name(f"{path.name}.part").open("ab") as torn:
                torn.write(b"half of what would have come")
    assert kills
    assert path.read_bytes() == expected
    assert list(tmp_path.glob(f"{path.name}.*")) == []


async def test_the_beginning_of_another_export_is_left_as_it_is(archive: Archive, tmp_path: Path) -> None:
    await archive.keep(*IDS)
    path = tmp_path / "out"
    with pytest.raises(Killed):
        await into_file(archive, asked_for("zip"), path, killed_after=8)
    before = path.with_name("out.part").read_bytes()
    with pytest.raises(Conflict, match="the beginning of another export"):
        await into_file(archive, asked_for("csv"), path)
    assert path.with_name("out.part").read_bytes() == before
    other = tmp_path / "other"
    with (
        open_export_file(other, {}, is_zip=False),
        pytest.raises(Conflict, match="writes"),
        open_export_file(other, {}, is_zip=False),
    ):
        pass


@pytest.mark.parametrize("taken_away", [False, True])
def test_a_file_that_another_run_finishes_meanwhile_is_not_touched(tmp_path: Path, taken_away: bool) -> None:
    path, whole = tmp_path / "out", tmp_path / "whole"
    waiting = [b"all of it"]

    def once_it_is_finished(file: IO[bytes], operation: int) -> None:
        if waiting:
            path.with_name("out.part").write_bytes(waiting.pop())
            os.rename(path.with_name("out.part"), whole if taken_away else path)
        fcntl.flock(file, operation)

    begun = open_export_file(path, {}, is_zip=True, lock=once_it_is_finished)
    if taken_away:
        with begun as file:
            assert file.size == 0
            assert path.with_name("out.part").exists()
    else:
        with pytest.raises(Conflict, match="exists already"), begun:
            pass
    assert (whole if taken_away else path).read_bytes() == b"all of it"


async def test_a_beginning_that_was_taken_away_is_made_anew(archive: Archive, tmp_path: Path) -> None:
    await archive.keep(*IDS)
    asked, path = asked_for("zip"), tmp_path / "out"
    with pytest.raises(Killed):
        await into_file(archive, asked, path, killed_after=8)
    path.with_name("out.part").unlink()
    await into_file(archive, asked, path)
    assert path.read_bytes() == await exported(archive, asked)


async def test_what_fails_while_a_file_is_open_is_not_lost(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="else"), open_export_file(tmp_path / "out", {}, is_zip=True):
        raise OSError("something else")


async def test_a_store_that_cannot_be_read_ends_an_export_and_one_bad_file_does_not(
    catalog: Catalog, tmp_path: Path
) -> None:
    ill: set[str] = set()

    def now_ill(verb: str, key: str) -> str | None:
        return "ill" if verb in ill and (verb == "list" or "0002" in key) else None

    archive = Archive(tmp_path, catalog, MemoryStore(tmp_path, ill=now_ill))
    await archive.keep(*IDS)
    ill.add("read")
    found: list[Finding] = []
    whole = await exported(archive, asked_for("zip"), found=found.append)
    assert [(finding.kind, finding.task_id) for finding in found] == [(Kind.UNREADABLE, IDS[2])]
    assert len(names(whole)) == len(IDS) - 1
    ill.add("list")
    with pytest.raises(StorageUnavailable):
        await exported(archive, asked_for("zip"))


class Leaving(MemoryStore):
    """An image leaves it before it is read again."""

    def __init__(self, staging: Path, leave: Callable[[], Awaitable[None]]) -> None:
        super().__init__(staging)
        self._leave = leave
        self._read: set[str] = set()

    async def read(self, key: str, start: int = 0, length: int | None = None) -> Blocks | None:
        if key in self._read:
            await self._leave()
        self._read.add(key)
        return await super().read(key, start, length)


@pytest.mark.parametrize("deleted", [True, False])
async def test_an_image_that_leaves_between_its_proof_and_its_header_ends_no_export(
    catalog: Catalog, tmp_path: Path, deleted: bool
) -> None:
    async def leave() -> None:
        if deleted:
            await archive.delete(0, IDS[1])
        del store.objects[gone]

    store = Leaving(tmp_path, leave)
    archive = Archive(tmp_path, catalog, store)
    for task_id in IDS:
        await archive.complete(task_id)
    link = link_to(IDS[1], 0)
    await archive.work({link: picture(link) + bytes(HELD_BYTES)})
    gone = await archive.key(0, IDS[1])
    found: list[Finding] = []
    whole = await exported(archive, asked_for("zip"), found=found.append)
    assert (len(names(whole)), gone in names(whole)) == (len(IDS) - 1, False)
    assert [finding.kind for finding in found] == ([] if deleted else [Kind.MISSING])
    assert (gone in zipfile.ZipFile(io.BytesIO(whole)).read(SUMS).decode()) == (not deleted)


async def taken(store: FilesystemStore, proven: Proven) -> bytes:
    blocks = await begin(store, proven)
    assert not isinstance(blocks, Spoilt)
    return b"".join([block async for block in blocks])


async def test_a_large_image_is_read_twice_and_never_given_as_another(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path)
    store.open()
    body = random.Random(1).randbytes(HELD_BYTES + 1000)
    path = tmp_path / "a" / "0.png"
    path.parent.mkdir()
    path.write_bytes(body)
    stored = Stored("a/0.png", hashlib.sha256(body).hexdigest(), len(body), IMAGE)
    proven = await prove(store, stored)
    assert isinstance(proven, Proven)
    assert proven.blocks is None
    assert await taken(store, proven) == body
    for other in (body[:-1] + bytes([body[-1] ^ 1]), body[:-1], body + b"x"):
        path.write_bytes(other)
        with pytest.raises(StorageUnavailable, match="changed while it was exported"):
            await taken(store, proven)
        assert isinstance(await prove(store, stored), Spoilt)
    path.write_bytes(body)
    begun = await begin(store, proven)
    path.unlink()
    assert not isinstance(begun, Spoilt)
    assert b"".join([block async for block in begun]) == body
    gone = await begin(store, proven)
    assert isinstance(gone, Spoilt)
    assert gone.kind is Kind.MISSING

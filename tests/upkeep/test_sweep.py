"""The sweep: what nobody needs is removed and written down, and what might be an image stays."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from service.domain.audit import command_of
from service.domain.thumbnail import thumbnail_key
from service.upkeep.findings import Finding, Kind
from service.upkeep.sweep import Orphan, Sweep, is_orphan
from tests.support.deliveries import TASK
from tests.upkeep.kept_archive import Archive

ME = command_of("me")
OTHER = "0" * 12


async def swept(archive: Archive, *, dry_run: bool = False) -> list[str]:
    heard: list[Orphan] = []
    work = Sweep(
        catalog=archive.catalog,
        store=archive.store,
        by=ME,
        swept=heard.append,
        tell=lambda _: None,
        dry_run=dry_run,
        look_again_after=0,
    )
    await work.run()
    return [one.key for one in heard]


async def trail(archive: Archive) -> list[tuple[str | None, Mapping[str, str]]]:
    found = await archive.catalog.read(
        lambda tx: tx.audit.page(filters={"action": "orphan.removed"}, after=None, limit=9)
    )
    return [(entry.subject, entry.detail) for _, entry in found.items]


def put(archive: Archive, key: str, body: bytes = b"bytes") -> Path:
    path = archive.path(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


async def test_bytes_beside_an_archived_image_go_and_are_written_down(archive: Archive) -> None:
    await archive.keep(images=2)
    key = f"{await archive.home()}/0-{OTHER}.png"
    leftover = put(archive, key)
    assert await swept(archive, dry_run=True) == [key]
    assert leftover.exists()
    assert await trail(archive) == []
    assert await swept(archive) == [key]
    assert not leftover.exists()
    assert await trail(archive) == [(TASK, {"key": key, "why": "not the bytes that were archived under this number"})]
    assert (await archive.verify()).findings == []
    assert await swept(archive) == []


async def test_they_stay_where_the_archived_ones_are_not_there(archive: Archive) -> None:
    await archive.keep()
    leftover = put(archive, f"{await archive.home()}/0-{OTHER}.png")
    archive.path(await archive.key()).unlink()
    assert await swept(archive) == []
    assert leftover.exists()


async def test_they_stay_where_the_archived_ones_are_not_what_was_archived(archive: Archive) -> None:
    await archive.keep()
    leftover = put(archive, f"{await archive.home()}/0-{OTHER}.png")
    archive.flip_a_byte(await archive.key())
    assert await swept(archive) == []
    assert leftover.exists()


async def test_what_has_been_archived_in_the_meantime_is_no_orphan(archive: Archive) -> None:
    await archive.keep()
    key = await archive.key()
    state = await archive.state()
    suspect = Finding(Kind.LEFTOVER, key, "it was one", TASK, 0)
    assert not is_orphan(suspect, state.assets[0])
    assert is_orphan(replace(suspect, key=f"{key}x"), state.assets[0])
    assert not is_orphan(replace(suspect, kind=Kind.DELETED_BYTES), state.assets[0])


async def test_what_a_deleted_image_left_goes(archive: Archive) -> None:
    await archive.keep(images=2)
    await archive.delete(0)
    await archive.work()
    key = f"{await archive.home()}/0-{OTHER}.png"
    left = [key, thumbnail_key(key, 256)]
    for key in left:
        put(archive, key)
    assert sorted(await swept(archive)) == sorted(left)
    assert (await archive.verify()).findings == []


async def test_what_might_be_an_image_that_the_catalog_has_lost_stays(archive: Archive) -> None:
    await archive.keep()
    home = await archive.home()
    kept = [
        put(archive, f"{home}/1-{OTHER}.png"),  # a number that the task does not have
        put(archive, f"{home.replace(TASK, 'task-unknown')}/0-{OTHER}.png"),
        put(archive, f"{home}/notes.txt"),
        put(archive, "somewhere/else.png"),
    ]
    assert await swept(archive) == []
    assert all(path.exists() for path in kept)

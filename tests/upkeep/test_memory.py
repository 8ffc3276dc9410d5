"""Upkeep takes the same memory whatever the archive holds."""

import hashlib
import tracemalloc
from dataclasses import replace

from service.domain.asset import Stored
from service.domain.image import Image, ImageFormat
from service.domain.object_key import asset_key
from tests.support.deliveries import TASK
from tests.upkeep.kept_archive import Archive

MIB = 2**20
LARGE = 200 * MIB


def zeros_hash(size: int) -> str:
    digest, block = hashlib.sha256(), bytes(MIB)
    for _ in range(size // MIB):
        digest.update(block)
    return digest.hexdigest()


async def grow(archive: Archive) -> None:
    """Let the archived image be of 200 MiB; its sidecar does not know that."""
    state = await archive.state()
    digest, day = zeros_hash(LARGE), state.task.archive_date
    assert day is not None
    key = asset_key("evolink", day, TASK, 0, digest, ImageFormat.PNG)
    archive.path(await archive.key()).rename(archive.path(key))
    with archive.path(key).open("r+b") as file:
        file.truncate(0)
        file.truncate(LARGE)
    large = replace(state.assets[0], stored=Stored(key, digest, LARGE, Image(ImageFormat.PNG, 8, 6)))
    task = replace(state.task, version=state.task.version + 1)
    await archive.catalog.write(lambda tx: tx.tasks.save([(state, replace(state, task=task, assets=(large,)))]))
    await archive.work()


async def test_an_image_of_200_mib_is_verified_in_a_few(archive: Archive) -> None:
    await archive.keep()
    await grow(archive)
    tracemalloc.start()
    report = await archive.verify()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (report.findings, report.seen.size) == ([], LARGE)
    assert peak < 16 * MIB


async def test_bytes_are_proven_by_a_rebuild_in_as_little(archive: Archive) -> None:
    await archive.keep()
    await grow(archive)
    async with archive.without_database() as new:
        tracemalloc.start()
        report = await new.rebuild(verify_bytes=True)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (report.findings, report.rebuilt.size) == ([], LARGE)
    assert peak < 16 * MIB

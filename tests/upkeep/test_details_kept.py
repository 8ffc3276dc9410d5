"""What is known of images is checked, restored and copied like all the rest."""

from pathlib import Path

from service.catalog.catalog import Catalog
from service.domain.likeness import quarters
from tests.support.deliveries import TASK
from tests.support.looking import HASH
from tests.support.migrated import put_migrated
from tests.upkeep.kept_archive import Archive
from tests.upkeep.moving import move

ALIKE = quarters(HASH)


async def found_alike(catalog: Catalog) -> int:
    """How many images of the looked-at hash the catalog finds."""
    assert ALIKE is not None
    candidates, _ = await catalog.read(lambda tx: tx.details.candidates(ALIKE, 0))
    return len(candidates)


async def test_verify_holds_them_against_the_sidecar(archive: Archive) -> None:
    await archive.keep(images=2)
    await archive.look()
    assert (await archive.verify()).findings == []


async def test_a_rebuild_brings_them_back_and_nothing_is_looked_at_again(archive: Archive) -> None:
    await archive.keep(images=2)
    await archive.look()
    told = [asset.details for asset in (await archive.state()).assets]
    assert None not in told
    async with archive.without_database() as new:
        await new.rebuild()
        assert [asset.details for asset in (await new.state(TASK)).assets] == told
        assert await found_alike(new.catalog) == 2
        version = (await new.state(TASK)).task.version
        await new.look()
        assert (await new.state(TASK)).task.version == version


async def test_a_copy_carries_them(archive: Archive, tmp_path: Path) -> None:
    await archive.keep(images=2)
    await archive.look()
    target = Catalog(put_migrated(tmp_path / "target.db"))
    target.open()
    report = await move(archive.catalog, into=target, journal=tmp_path / "journal")
    assert report.findings == []
    copied = await target.read(lambda tx: tx.tasks.get(TASK))
    assert copied == await archive.state()
    assert await found_alike(target) == 2
    target.close()

"""What `--repair` does, and what it leaves alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.domain.asset import AssetReason, AssetStatus, refuted
from service.upkeep.findings import Finding, Kind
from service.upkeep.repair import Repair
from tests.support.deliveries import TASK
from tests.upkeep.kept_archive import ASKING, Archive, link_to, picture

DAYS = timedelta(days=3)


async def test_an_image_whose_link_may_still_work_is_fetched_again(archive: Archive) -> None:
    await archive.keep(images=2)
    key = await archive.key(0)
    archive.path(key).unlink()
    [found] = (await archive.verify(repair=True)).findings
    assert found.done == "pending: it is fetched again"
    state = await archive.state()
    assert [asset.status for asset in state.assets] == [AssetStatus.PENDING, AssetStatus.ARCHIVED]
    assert state.task.settled_at is None
    await archive.work()
    assert archive.path(key).read_bytes() == picture(link_to(TASK, 0))
    assert (await archive.verify()).findings == []


async def test_damaged_bytes_are_replaced_by_the_same_image(archive: Archive) -> None:
    await archive.keep()
    archive.flip_a_byte(await archive.key())
    await archive.verify(repair=True)
    await archive.work()
    assert (await archive.verify()).findings == []
    assert archive.path(await archive.key()).read_bytes() == picture(link_to(TASK, 0))


async def test_an_image_whose_link_is_over_is_dead_with_a_reason_and_its_hash_is_in_the_history(
    archive: Archive,
) -> None:
    await archive.keep(age=DAYS)
    stored = (await archive.state()).assets[0].stored
    assert stored is not None
    archive.path(stored.object_key).unlink()
    [found] = (await archive.verify(repair=True)).findings
    assert found.done == "dead: lost"
    state = await archive.state()
    assert (state.assets[0].status, state.assets[0].reason) == (AssetStatus.DEAD, AssetReason.LOST)
    assert state.task.settled_at is not None
    [*_, last] = await archive.catalog.read(lambda tx: tx.tasks.history(TASK))
    assert stored.sha256 in (last.note or "")
    await archive.work()
    assert (await archive.verify()).findings == []


async def test_with_a_key_the_provider_is_asked_for_working_links_of_what_is_lost(archive: Archive) -> None:
    await archive.keep(age=DAYS)
    state = await archive.state()
    confirmed = replace(state, task=replace(state.task, confirmed=True))
    await archive.catalog.write(lambda tx: tx.tasks.save([(state, confirmed)]))
    archive.path(await archive.key()).unlink()
    await replace(archive, rules=ASKING).verify(repair=True)
    assert (await archive.state()).task.check.at is not None


async def test_an_end_that_the_provider_never_confirmed_is_not_asked_about_for_that(archive: Archive) -> None:
    """It would refute what it has forgotten."""
    await archive.keep(age=DAYS)
    archive.path(await archive.key()).unlink()
    await replace(archive, rules=ASKING).verify(repair=True)
    assert (await archive.state()).task.check.at is None


async def test_what_the_provider_refutes_is_not_fetched_again(archive: Archive) -> None:
    await archive.keep()
    state = await archive.state()
    lie = replace(state, assets=(refuted(state.assets[0]),))
    await archive.catalog.write(lambda tx: tx.tasks.save([(state, lie)]))
    archive.path(await archive.key()).unlink()
    await archive.verify(repair=True)
    asset = (await archive.state()).assets[0]
    assert (asset.status, asset.reason) == (AssetStatus.DEAD, AssetReason.REFUTED)


@pytest.mark.parametrize("damage", ["missing", "cut", "contradicting"])
async def test_a_sidecar_is_written_again(archive: Archive, damage: str) -> None:
    await archive.keep()
    path = archive.path(await archive.sidecar())
    text = path.read_text()
    path.unlink()
    if damage != "missing":
        path.write_text(text[:99] if damage == "cut" else text.replace("gpt-image-2", "gpt-image-9"))
    [found] = (await archive.verify(repair=True)).findings
    assert found.done == "due: the server writes it again"
    assert (await archive.verify()).findings == []
    await archive.work()
    assert (await archive.verify()).findings == []
    assert '"gpt-image-2"' in path.read_text()


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("darkroom/task/1", "darkroom/task/2", Kind.SIDECAR_NEWER),
        ('"version": 2', '"version": 9', Kind.SIDECAR_AHEAD),
    ],
)
async def test_a_sidecar_that_may_know_more_is_not_written_over(
    archive: Archive, old: str, new: str, kind: Kind
) -> None:
    await archive.keep()
    path = archive.path(await archive.sidecar())
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    before = path.read_text()
    [found] = (await archive.verify(repair=True)).findings
    assert (found.kind, found.done) == (kind, None)
    await archive.work()
    assert path.read_text() == before


async def test_a_sidecar_that_tells_of_an_image_which_the_catalog_lacks_is_not_written_over(archive: Archive) -> None:
    """The database came from a backup, and has gone on since to the same version."""
    await archive.keep()
    path = archive.path(await archive.sidecar())
    before = path.read_text()
    state = await archive.state()
    behind = replace(state.assets[0], status=AssetStatus.DEAD, reason=AssetReason.UNREACHABLE, stored=None)
    await archive.catalog.write(lambda tx: tx.tasks.save([(state, replace(state, assets=(behind,)))]))
    report = await archive.verify(repair=True)
    assert [(finding.kind, finding.done) for finding in report.findings] == [
        (Kind.SIDECAR_AHEAD, None),
        (Kind.LEFTOVER, None),
    ]
    await archive.work()
    assert path.read_text() == before


async def test_bytes_of_deleted_images_go_and_unknown_ones_stay(archive: Archive) -> None:
    await archive.keep(images=2)
    key, body = await archive.key(1), archive.path(await archive.key(1)).read_bytes()
    await archive.delete(1)
    await archive.work()
    unknown = f"{await archive.home()}/5-{'a' * 12}.png"
    for one in (key, unknown):
        archive.path(one).write_bytes(body)
    report = await archive.verify(repair=True)
    assert {finding.key: finding.done for finding in report.findings} == {key: "removed", unknown: None}
    assert not archive.path(key).exists()
    assert archive.path(unknown).read_bytes() == body


async def test_what_has_changed_since_it_was_found_is_left_alone(archive: Archive) -> None:
    await archive.keep(images=2)
    keys = [await archive.key(0), await archive.key(1)]
    for key in keys:
        archive.path(key).unlink()
    outdated = [
        Finding(Kind.MISSING, f"{keys[0]}x", "of an earlier hash", TASK, 0),
        Finding(Kind.DELETED_BYTES, keys[1], "deleted no more", TASK, 1),
        Finding(Kind.MISSING, keys[0], "of a task that is not known", "task-none", 0),
    ]
    before = await archive.state()
    repair = Repair(catalog=archive.catalog, store=archive.store, rules=archive.rules)
    assert [await repair.repair(finding) for finding in outdated] == [None] * 3
    assert await archive.state() == before


async def test_a_sidecar_that_is_due_already_is_not_made_due_twice(archive: Archive) -> None:
    await archive.keep()
    finding = Finding(Kind.SIDECAR_MISSING, await archive.sidecar(), "gone", TASK)
    repair = Repair(catalog=archive.catalog, store=archive.store, rules=archive.rules)
    version = (await archive.state()).task.version
    for _ in range(2):
        assert await repair.repair(finding) is not None
    assert (await archive.state()).task.version == version + 1


async def test_without_being_asked_to_nothing_is_changed(archive: Archive) -> None:
    await archive.keep(images=2)
    archive.path(await archive.key(0)).unlink()
    archive.path(await archive.sidecar()).unlink()
    before, objects = await archive.state(), archive.objects()
    assert len((await archive.verify()).findings) == 2
    assert (await archive.state(), archive.objects()) == (before, objects)

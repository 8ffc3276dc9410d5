"""Retention by rules: what goes, what stays whatever the rules say, and what remains of what went."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from service.archive.deletion import delete
from service.archive.holding import hold, release
from service.background import Nudge
from service.catalog.catalog import Catalog
from service.domain.asset import AssetStatus
from service.domain.audit import command_of
from service.domain.retention import RetentionRule
from service.errors import Conflict
from service.intake.register import Told, register
from service.upkeep.raw_bodies import RawBodies
from service.upkeep.retention import DELETED_TOGETHER, REACHED, Going, Retention
from tests.support.archived import archived_task
from tests.support.deliveries import RULES, TASK
from tests.support.ledger import Clock
from tests.support.migrated import put_migrated
from tests.upkeep.kept_archive import Archive, opened_archive

DAY = timedelta(days=1)
DRAFTS = RetentionRule("drafts", tag="stage:draft", max_age=30 * DAY)
OLD = RetentionRule("old", max_age=30 * DAY)
ME = command_of("me")


@dataclass(frozen=True, slots=True)
class Years:
    """An archive whose clock a test moves."""

    archive: Archive
    clock: Clock

    @property
    def catalog(self) -> Catalog:
        return self.archive.catalog

    async def keep(self, task_id: str, *, images: int = 1, **tags: str) -> None:
        told = Told(task_id, tags=tags)
        await self.catalog.write(partial(register, told=told, rules=RULES))
        await self.archive.keep(task_id, images=images)

    async def wait(self, *, days: int) -> None:
        """Time passes, and with it the passes of every hour."""
        self.clock.move(days=days)
        await self.catalog.write(lambda tx: tx.marks.set(REACHED, tx.now))

    async def apply(self, *rules: RetentionRule) -> list[str]:
        """One pass; what went, by rule."""
        heard: list[Going] = []
        await Retention(catalog=self.catalog, rules=rules, deleted=heard.append).apply()
        return [f"{one.rule.name}: {one.image.task_id}.{one.image.index}" for one in heard]

    async def foresee(self, *rules: RetentionRule) -> list[str]:
        heard: list[Going] = []
        await Retention(catalog=self.catalog, rules=rules, deleted=heard.append).foresee()
        return [f"{one.rule.name}: {one.image.task_id}.{one.image.index}" for one in heard]

    async def archived(self) -> int:
        return (await self.catalog.read(lambda tx: tx.figures.count())).assets["archived"]


@pytest.fixture
def years(tmp_path: Path) -> Iterator[Years]:
    clock = Clock(datetime.now(UTC) + timedelta(minutes=1))  # what arrives meanwhile is due
    with closing(Catalog(put_migrated(tmp_path / "darkroom.db"), clock=clock)) as catalog:
        catalog.open()
        yield Years(opened_archive(tmp_path, catalog), clock)


async def test_what_is_too_old_goes_with_its_bytes_and_a_tombstone_that_says_why(years: Years) -> None:
    await years.keep("task-old", images=2)
    await years.wait(days=20)
    await years.keep("task-new")
    await years.wait(days=11)
    key = await years.archive.key(0, "task-old")
    assert await years.apply(OLD) == ["old: task-old.0", "old: task-old.1"]
    await years.archive.work()
    assert not years.archive.path(key).exists()
    gone = (await years.archive.state("task-old")).assets[0]
    assert (gone.status, gone.purged) == (AssetStatus.DELETED, True)
    assert gone.detail == "deleted by the retention rule old: older than 30 days"
    assert (await years.archive.verify()).findings == [], "the sidecar tells of it too"
    assert await years.apply(OLD) == []


async def test_only_images_with_its_tag_are_a_rules(years: Years) -> None:
    await years.keep("task-draft", stage="draft")
    await years.keep("task-final", stage="final")
    await years.keep("task-plain")
    await years.wait(days=31)
    assert await years.apply(DRAFTS) == ["drafts: task-draft.0"]


async def test_over_a_number_or_a_size_the_oldest_go_first(years: Years) -> None:
    for number in range(4):
        await years.keep(f"task-{number}", images=2)
        years.clock.move(seconds=1)
    assert await years.apply(RetentionRule("few", max_images=6)) == ["few: task-0.0", "few: task-0.1"]
    size = (await years.catalog.read(lambda tx: tx.figures.count())).archived_bytes
    gone = await years.apply(RetentionRule("room", max_bytes=size - 1))
    assert gone == ["room: task-1.0"]
    assert await years.archived() == 5


async def test_a_dry_run_names_what_a_pass_would_delete_and_changes_nothing(years: Years) -> None:
    await years.keep("task-a", stage="draft")
    await years.wait(days=31)
    rules = (DRAFTS, RetentionRule("few", max_images=1))
    assert await years.foresee(*rules) == ["drafts: task-a.0"]
    assert await years.archived() == 1
    assert await years.apply(*rules) == ["drafts: task-a.0"]


async def test_what_is_held_stays_for_rules_and_for_people_and_does_not_count(years: Years) -> None:
    await years.keep("task-held")
    await years.keep("task-free")
    await years.catalog.write(partial(hold, task_id="task-held", reason="claim 7", by=ME), by=ME)
    await years.wait(days=31)
    assert await years.apply(RetentionRule("few", max_images=1)) == []
    assert await years.apply(OLD) == ["old: task-free.0"]
    with pytest.raises(Conflict, match="hold"):
        await years.catalog.write(partial(delete, task_id="task-held", index=0))
    await years.catalog.write(partial(release, task_id="task-held"), by=ME)
    assert await years.apply(OLD) == ["old: task-held.0"]


async def test_a_hold_survives_a_rebuild_from_the_sidecars(years: Years) -> None:
    await years.keep(TASK)
    await years.catalog.write(partial(hold, task_id=TASK, reason="claim 7", by=ME), by=ME)
    await years.archive.work()
    before = (await years.archive.state()).task.hold
    async with years.archive.without_database() as new:
        assert (await new.rebuild()).findings == []
        assert (await new.state()).task.hold == before
        assert before is not None
        assert (before.by, before.reason) == ("(command: me)", "claim 7")


async def test_everything_that_goes_is_in_the_trail_with_its_rule(years: Years) -> None:
    await years.keep("task-old")
    await years.wait(days=31)
    await years.apply(OLD)
    trail = await years.catalog.read(lambda tx: tx.audit.page(filters={}, after=None, limit=9))
    [(_, entry)] = trail.items
    assert (entry.actor_id, entry.actor_name, entry.action) == ("retention", "old", "asset.deleted")
    assert entry.subject == "task-old.0"


async def test_what_went_is_not_brought_back_by_a_late_callback(years: Years) -> None:
    await years.keep("task-old")
    await years.wait(days=31)
    await years.apply(OLD)
    await years.archive.complete("task-old", images=2)
    await years.archive.work()
    assert [one.status.value for one in (await years.archive.state("task-old")).assets] == ["deleted", "archived"]


async def test_a_clock_that_is_a_year_ahead_deletes_a_day_more_with_each_pass_and_no_more(years: Years) -> None:
    assert await years.apply(OLD) == []
    await years.keep("task-new")
    years.clock.move(days=365)
    assert await years.foresee(OLD) == []
    assert [await years.apply(OLD) for _ in range(29)] == [[]] * 29
    assert await years.archived() == 1


async def test_a_first_pass_believes_the_clock_no_further_than_the_newest_image(years: Years) -> None:
    await years.keep("task-new")
    years.clock.move(days=365)
    assert await years.foresee(OLD) == []
    assert [await years.apply(OLD) for _ in range(29)] == [[]] * 29
    assert await years.apply(OLD) == []
    assert await years.apply(OLD) == ["old: task-new.0"], "after so many passes it must be true"


async def test_clearing_of_callbacks_and_of_images_go_by_times_of_their_own(years: Years) -> None:
    bodies = RawBodies(catalog=years.catalog, after=90 * DAY)
    await years.apply(OLD)
    await bodies.clear()
    await years.keep("task-new")
    years.clock.move(days=365)
    for _ in range(29):
        assert await years.apply(OLD) == []
        assert await bodies.clear() == 0


async def test_two_passes_beside_each_other_delete_no_more_than_one(years: Years) -> None:
    long_ago = years.clock.now - DAY
    states = [archived_task(f"task-{one:04}", at=long_ago + one * timedelta(seconds=1)) for one in range(400)]
    await years.catalog.write(lambda tx: tx.tasks.save([(None, state) for state in states]))
    few = RetentionRule("few", max_images=100)
    await asyncio.gather(years.apply(few), years.apply(few))
    assert await years.archived() == 100


async def test_what_a_clock_has_dated_that_knew_no_time_is_left_alone(years: Years) -> None:
    bogus = archived_task("task-bogus", at=datetime(1970, 1, 2, tzinfo=UTC))
    await years.catalog.write(lambda tx: tx.tasks.save([(None, bogus)]))
    await years.keep("task-new")
    assert await years.apply(OLD, RetentionRule("few", max_images=1)) == []


async def test_many_go_in_portions_and_whoever_clears_up_is_woken(years: Years) -> None:
    number = 2 * DELETED_TOGETHER + 1
    await years.wait(days=1)
    long_ago = years.clock.now - 31 * DAY
    states = [archived_task(f"task-{one:04}", at=long_ago, sizes=(5,) * 3) for one in range(number)]
    await years.catalog.write(lambda tx: tx.tasks.save([(None, state) for state in states]))
    woken: list[str] = []
    nudge = Nudge(tell=lambda: woken.append("woken"))
    await Retention(catalog=years.catalog, rules=[OLD], nudges=[nudge]).apply()
    assert await years.archived() == 0
    assert len(woken) == 7

"""Callbacks that are taken at their word while the provider is silent: which ones, when, and what confirming does."""

import json
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from service.domain.asset import AssetReason, AssetStatus, Stored, archived
from service.domain.image import Image, ImageFormat
from service.domain.rules import ConfirmMode
from service.domain.task import TaskReason, TaskStatus
from service.intake.answers import NobodyToAsk
from service.intake.batch import take_in
from service.provider.reading import Throttled
from tests.support.databases import Databases, on_sqlite
from tests.support.deliveries import LINK, RULES, delivery, task_object, token
from tests.support.ledger import CONFIRMING, MISSING, REQUIRING, SILENT, Ledger, found, ledger_in

PATIENCE, HORIZON = CONFIRMING.patience, CONFIRMING.horizon
SECOND = timedelta(seconds=1)
NOTE = "believed unconfirmed: the provider could not be asked"
OTHER = "https://files.evolink.ai/a/1.png"
EVIL = "https://evil.example/0.png"
STORED = Stored("key", "a" * 64, 10, Image(ImageFormat.PNG, 1, 1))


async def believed(ledger: Ledger, *links: str, status: str = "completed") -> None:
    """A callback arrives, and the provider is silent until it is believed."""
    await ledger.call_back(task_object(status, results=list(links)) if links else task_object(status))
    await ledger.keep_answering(SILENT, until=PATIENCE)
    assert (await ledger.answer(SILENT)).believed


async def archive_all(ledger: Ledger) -> None:
    state = await ledger.state()
    await ledger.save(
        state, replace(state, assets=tuple(archived(one, STORED, now=ledger.clock.now) for one in state.assets))
    )


async def links_of(ledger: Ledger) -> list[tuple[str, AssetReason | None]]:
    return [(asset.known_links[0], asset.reason) for asset in (await ledger.state()).assets]


async def believed_callbacks(ledger: Ledger) -> list[int | None]:
    """The rows of the callbacks that the history says were believed."""
    return [entry.callback_id for entry in await ledger.history() if entry.note == NOTE]


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
async def test_a_callback_is_believed_when_the_provider_was_silent_for_the_patience_and_not_before(
    ledger: Ledger, status: str
) -> None:
    await ledger.call_back(task_object(status))
    began = ledger.clock.now
    await ledger.keep_answering(SILENT, until=PATIENCE)
    assert (await ledger.task()).status is TaskStatus.PENDING
    concluded = await ledger.answer(SILENT)
    task = await ledger.task()
    assert (task.status.value, task.confirmed, task.conflict) == (status, False, False)
    assert (ledger.clock.now, concluded.believed) == (began + PATIENCE, True)
    assert concluded.wakes is (status == "completed")
    assert task.check.at is not None  # to be confirmed


async def test_what_is_believed_is_told_with_the_callback_it_came_from(ledger: Ledger) -> None:
    await believed(ledger)
    last = (await ledger.history())[-1]
    [row] = (await ledger.catalog.read(lambda tx: tx.query.callbacks(filters={}, after=None, limit=9))).items
    assert (last.callback_id, last.status) == (row["id"], "completed")
    assert last.note is not None
    assert "could not be asked" in last.note


async def test_what_was_known_of_a_task_that_is_believed_stays_and_the_callbacks_words_are_kept(ledger: Ledger) -> None:
    before = await ledger.tell(ref="order 7", tags={"team": "shop"})
    await believed(ledger)
    task = await ledger.task()
    assert (task.ref, task.tags, task.received_at) == ("order 7", {"team": "shop"}, before.received_at)
    assert task.provider_json is not None
    assert json.loads(task.provider_json) == task_object()


async def test_of_callbacks_that_say_the_same_the_first_is_told(ledger: Ledger) -> None:
    for number in (1, 2):
        await ledger.call_back(task_object("failed", n=number))
    await believed(ledger, status="failed")
    assert await believed_callbacks(ledger) == [1]


async def test_one_that_only_adds_an_image_is_told_too(ledger: Ledger) -> None:
    await ledger.call_back(task_object(results=[LINK]))
    await believed(ledger, LINK, OTHER)
    assert await believed_callbacks(ledger) == [1, 2]


async def test_a_body_that_cannot_be_read_any_more_hides_none_that_came_after_it(ledger: Ledger) -> None:
    """As when an older version runs again on what a newer one has kept."""
    arrived = replace(delivery(task_object("processing")), body=b"of a later kind", body_sha256="0" * 64)
    await ledger.catalog.write(partial(take_in, batch=[arrived], rules=ledger.rules))
    await believed(ledger)
    assert await links_of(ledger) == [(LINK, None)]


@pytest.mark.long
@on_sqlite  # its length lies in what is decided, not in the database
async def test_a_callback_is_believed_once_however_long_the_silence(ledger: Ledger) -> None:
    await believed(ledger)
    history = await ledger.history()
    answers = await ledger.keep_answering(SILENT, until=2 * HORIZON)
    assert not any(one.believed or one.deaths for one in answers)
    assert await ledger.history() == history


@pytest.mark.long
@on_sqlite  # its length lies in what is decided, not in the database
@pytest.mark.parametrize("patience", [SECOND, PATIENCE, HORIZON])
async def test_required_never_believes(databases: Databases, patience: timedelta) -> None:
    with ledger_in(databases, replace(REQUIRING, patience=patience)) as ledger:
        await ledger.call_back()
        answers = await ledger.keep_answering(SILENT, until=3 * HORIZON)
        assert not any(one.believed for one in answers)
        state = await ledger.state()
        assert (state.task.status, state.assets) == (TaskStatus.PENDING, ())


@on_sqlite  # its length lies in what is decided, not in the database
async def test_a_foreign_callback_is_never_believed(ledger: Ledger) -> None:
    await ledger.call_back(task_object("processing"))
    await ledger.call_back(task_object(), through=token("leaked"))
    answers = await ledger.keep_answering(SILENT, until=HORIZON)
    assert not any(one.believed for one in answers)
    assert (await ledger.state()).assets == ()


async def test_of_an_own_and_a_foreign_callback_only_the_own_is_believed(ledger: Ledger) -> None:
    await ledger.call_back(task_object("processing"))
    await ledger.call_back(task_object(results=[OTHER]), through=token("leaked"))
    await believed(ledger)
    assert await links_of(ledger) == [(LINK, None)]


async def test_links_to_other_hosts_are_not_fetched_on_the_word_of_a_callback(ledger: Ledger) -> None:
    await believed(ledger, EVIL, LINK)
    assert [(asset.links, asset.status) for asset in (await ledger.state()).assets] == [
        ((), AssetStatus.DEAD),
        ((LINK,), AssetStatus.PENDING),
    ]


async def test_neither_throttling_nor_not_knowing_is_a_silence_that_makes_anybody_believe(ledger: Ledger) -> None:
    await ledger.call_back()
    for reading in (Throttled(400), Throttled(400), MISSING, Throttled(200)):
        assert not (await ledger.answer(reading)).believed
    assert (await ledger.state()).assets == ()


async def test_an_unproven_key_that_knows_nothing_is_a_silence(databases: Databases) -> None:
    with ledger_in(databases) as ledger:
        await ledger.call_back()
        await ledger.keep_answering(MISSING, until=PATIENCE)
        assert (await ledger.answer(MISSING)).believed


async def test_silence_that_an_answer_broke_begins_anew(ledger: Ledger) -> None:
    await ledger.call_back()
    await ledger.keep_answering(SILENT, until=PATIENCE - SECOND)
    await ledger.answer(found("processing"))
    assert not (await ledger.answer(SILENT)).believed
    answers = await ledger.keep_answering(SILENT, until=PATIENCE)
    assert not any(one.believed for one in answers)
    assert (await ledger.answer(SILENT)).believed


async def test_a_callback_of_more_images_that_comes_after_belief_is_believed_too(ledger: Ledger) -> None:
    await believed(ledger)
    await ledger.call_back(task_object(results=[LINK, OTHER]))
    await ledger.keep_answering(SILENT, until=2 * PATIENCE)
    assert await links_of(ledger) == [(LINK, None), (OTHER, None)]


async def test_a_stronger_callback_that_comes_after_belief_is_believed_too(ledger: Ledger) -> None:
    await believed(ledger, status="failed")
    await ledger.call_back()
    assert (await ledger.answer(SILENT)).believed
    assert (await ledger.task()).status is TaskStatus.COMPLETED


async def test_believed_and_confirmed_alike_changes_only_that_it_is_confirmed(ledger: Ledger) -> None:
    await believed(ledger)
    await archive_all(ledger)
    before = await ledger.state()
    await ledger.answer(found())
    after = await ledger.state()
    assert after.assets == before.assets
    assert (after.task.status, after.task.confirmed, after.task.conflict) == (TaskStatus.COMPLETED, True, False)


@pytest.mark.parametrize("end", ["failed", "cancelled"])
async def test_believed_and_contradicted_keeps_the_bytes_marked_and_is_a_conflict(ledger: Ledger, end: str) -> None:
    await believed(ledger, LINK, OTHER)
    await archive_all(ledger)
    await ledger.answer(found(end))
    state = await ledger.state()
    assert (state.task.status.value, state.task.confirmed, state.task.conflict) == (end, True, True)
    assert [(a.status, a.reason, a.stored) for a in state.assets] == [
        (AssetStatus.ARCHIVED, AssetReason.REFUTED, STORED)
    ] * 2


async def test_believed_and_unknown_for_longer_than_the_patience_is_refuted(ledger: Ledger) -> None:
    await believed(ledger)
    await ledger.answer(MISSING)
    await ledger.keep_answering(MISSING, until=PATIENCE)
    assert (await ledger.task()).status is TaskStatus.COMPLETED
    died = await ledger.answer(MISSING)
    state = await ledger.state()
    assert (state.task.status, state.task.reason, state.task.conflict) == (TaskStatus.DEAD, TaskReason.REFUTED, True)
    assert [(a.status, a.reason) for a in state.assets] == [(AssetStatus.DEAD, AssetReason.REFUTED)]
    assert sorted(died.deaths) == ["refuted", "refuted"]
    assert state.task.settled_at is not None


async def test_what_was_refuted_is_not_believed_again_and_comes_back_on_the_providers_word(ledger: Ledger) -> None:
    await believed(ledger)
    await ledger.answer(MISSING)
    await ledger.keep_answering(MISSING, until=PATIENCE + SECOND)
    await ledger.call_back(task_object(results=[LINK], progress=100))
    await ledger.keep_answering(SILENT, until=3 * PATIENCE)
    assert await links_of(ledger) == [(LINK, AssetReason.REFUTED)]
    await ledger.answer(found())
    state = await ledger.state()
    assert (state.task.status, state.task.reason, state.task.conflict) == (TaskStatus.COMPLETED, None, False)
    assert [(a.status, a.reason) for a in state.assets] == [(AssetStatus.PENDING, None)]


async def test_believed_and_completed_with_other_links_keeps_only_the_providers(ledger: Ledger) -> None:
    await believed(ledger)
    await ledger.answer(found(results=[OTHER]))
    assert await links_of(ledger) == [(LINK, AssetReason.REFUTED), (OTHER, None)]
    task = await ledger.task()
    assert (task.status, task.confirmed, task.conflict) == (TaskStatus.COMPLETED, True, False)


async def test_with_the_mode_off_a_callback_is_believed_at_once_also_where_there_is_a_key(databases: Databases) -> None:
    with ledger_in(databases, replace(CONFIRMING, mode=ConfirmMode.OFF)) as ledger:
        assert (await ledger.call_back()).wakes
        task = await ledger.task()
        assert (task.status, task.confirmed, task.check.at) == (TaskStatus.COMPLETED, False, None)


@pytest.mark.parametrize("reading", [NobodyToAsk(), SILENT])
async def test_a_callback_that_waited_for_confirmation_is_believed_where_the_mode_was_turned_off(
    ledger: Ledger, reading: NobodyToAsk
) -> None:
    await ledger.call_back()
    ledger.rules = RULES if reading == NobodyToAsk() else replace(CONFIRMING, mode=ConfirmMode.OFF)
    await ledger.answer(reading)
    state = await ledger.state()
    assert [asset.status for asset in state.assets] == [AssetStatus.PENDING]
    assert (state.task.status, state.task.confirmed) == (TaskStatus.COMPLETED, False)

"""How many images there must be, by what callbacks say and what was asked for: fewer are not the last word at once."""

from datetime import timedelta

import pytest

from service.domain.asset import AssetReason
from service.domain.history import Effect
from service.domain.task import Check, TaskStatus
from tests.support.databases import on_sqlite
from tests.support.deliveries import LINK, task_object
from tests.support.ledger import CONFIRMING, MISSING, SILENT, Ledger, found

PATIENCE = CONFIRMING.patience
SECOND = timedelta(seconds=1)
OTHER = "https://files.evolink.ai/a/1.png"
TWO = [LINK, OTHER]


async def test_fewer_links_than_the_callback_told_are_fetched_and_the_others_asked_for(ledger: Ledger) -> None:
    await ledger.call_back(task_object(results=TWO))
    await ledger.answer(found())
    state = await ledger.state()
    assert (state.task.confirmed, [asset.links for asset in state.assets]) == (True, [(LINK,)])
    await ledger.keep_answering(found(), until=PATIENCE)
    await ledger.answer(found(results=TWO))
    state = await ledger.state()
    assert ([asset.links for asset in state.assets], state.task.check) == ([(link,) for link in TWO], Check())


async def test_fewer_links_than_told_are_asked_for_no_longer_than_the_patience(ledger: Ledger) -> None:
    await ledger.call_back(task_object(results=TWO))
    await ledger.keep_answering(found(), until=PATIENCE + SECOND)
    assert (await ledger.task()).check == Check()
    assert [entry.effect for entry in await ledger.history()] == [Effect.HINT, Effect.DECIDED]


async def test_fewer_links_than_were_asked_for_are_not_the_last_word(ledger: Ledger) -> None:
    await ledger.tell(parameters={"n": 2})
    await ledger.answer(found())
    assert (await ledger.task()).check.at is not None
    await ledger.answer(found(results=TWO))
    assert len((await ledger.state()).assets) == 2
    assert (await ledger.task()).check == Check()


@pytest.mark.parametrize("n", [0, -1, 17, 10**30, True, "2", 2.0, None, [2], {}])
async def test_a_number_that_cannot_be_one_of_images_asks_for_nothing(ledger: Ledger, n: object) -> None:
    await ledger.tell(parameters={"n": n})
    await ledger.answer(found())
    assert (await ledger.task()).check == Check()


async def test_what_was_asked_for_and_is_told_only_afterwards_is_asked_for_then(ledger: Ledger) -> None:
    await ledger.call_back()
    await ledger.answer(found())
    await ledger.tell(parameters={"n": 2})
    await ledger.answer(found(results=TWO))
    assert len((await ledger.state()).assets) == 2


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
async def test_telling_the_same_again_of_what_has_ended_asks_nothing_and_leaves_no_trace(
    ledger: Ledger, status: str
) -> None:
    await ledger.tell(parameters={"n": 2})
    await ledger.answer(found(status))
    await ledger.keep_answering(found(status), until=2 * PATIENCE)
    assert (await ledger.task()).check == Check()
    before, history = await ledger.state(), await ledger.history()
    await ledger.tell(parameters={"n": 2})
    assert (await ledger.state(), await ledger.history()) == (before, history)


@pytest.mark.long
@on_sqlite  # its length lies in what is decided, not in the database
async def test_a_callback_of_fewer_images_than_were_asked_for_is_believed_once(ledger: Ledger) -> None:
    await ledger.tell(parameters={"n": 2})
    await ledger.call_back()
    await ledger.keep_answering(SILENT, until=PATIENCE)
    assert (await ledger.answer(SILENT)).believed
    history = await ledger.history()
    answers = await ledger.keep_answering(SILENT, until=CONFIRMING.horizon)
    assert not any(one.believed for one in answers)
    assert await ledger.history() == history


async def test_what_the_provider_refuted_is_not_believed_again_with_one_image_more(ledger: Ledger) -> None:
    await ledger.call_back()
    await ledger.keep_answering(SILENT, until=PATIENCE + SECOND)
    await ledger.answer(MISSING)
    await ledger.keep_answering(MISSING, until=PATIENCE + SECOND)
    await ledger.call_back(task_object(results=TWO))
    await ledger.keep_answering(SILENT, until=2 * PATIENCE)
    state = await ledger.state()
    assert (state.task.status, state.task.conflict) == (TaskStatus.DEAD, True)
    assert [asset.reason for asset in state.assets] == [AssetReason.REFUTED]

"""Tags that somebody sets and removes, and what comes of them whatever callbacks say later."""

from collections.abc import Mapping
from functools import partial

import pytest

from service.catalog.catalog import Catalog
from service.catalog.filters import TaskFilter
from service.catalog.tasks import TaskState
from service.domain.subject import MOST_TAGS
from service.domain.task import TaskStatus
from service.domain.words import Search, exact
from service.errors import Conflict, NotFound
from service.intake.batch import take_in
from service.intake.register import Told, register
from service.intake.tagging import retag
from tests.support.deliveries import RULES, TASK, delivery, task_object, token
from tests.support.trail import SOMEBODY, trail

MINTED = token(tags={"team": "shop", "season": "fall"})


async def call_back(catalog: Catalog, status: str = "completed") -> None:
    arrived = delivery(task_object(status), through=MINTED)
    await catalog.write(partial(take_in, batch=[arrived], rules=RULES))


async def tag(catalog: Catalog, **changes: str | None) -> TaskState:
    return await catalog.write(partial(retag, task_id=TASK, changes=changes), by=SOMEBODY)


async def tags(catalog: Catalog) -> Mapping[str, str]:
    state = await catalog.read(lambda tx: tx.tasks.get(TASK))
    assert state is not None
    return state.task.tags


async def found_by(catalog: Catalog, *wanted: str) -> bool:
    search = Search(frozenset(exact("tag", one) for one in wanted))
    page = await catalog.read(lambda tx: tx.query.tasks(TaskFilter(search=search), limit=9))
    return [task.id for task in page.items] == [TASK]


async def test_tags_are_set_changed_and_removed_and_those_not_named_stay(catalog: Catalog) -> None:
    await call_back(catalog)
    before = await catalog.read(lambda tx: tx.tasks.get(TASK))
    after = await tag(catalog, team=None, season="winter", stage="draft", unknown=None)
    assert before is not None
    assert (after.task.tags, after.assets) == ({"season": "winter", "stage": "draft"}, before.assets)
    assert after.task.version == before.task.version + 1
    assert await tags(catalog) == after.task.tags


async def test_a_task_is_found_by_the_tags_that_it_has_now(catalog: Catalog) -> None:
    await call_back(catalog)
    await tag(catalog, team=None, stage="draft")
    assert await found_by(catalog, "stage:draft", "season:fall")
    assert not await found_by(catalog, "team")


async def test_what_changes_nothing_writes_nothing(catalog: Catalog) -> None:
    await call_back(catalog)
    before = await catalog.read(lambda tx: tx.tasks.get(TASK))
    assert await tag(catalog, team="shop", unknown=None) == before
    assert await tag(catalog) == before
    assert await trail(catalog) == []


async def test_a_change_of_tags_leaves_a_trail(catalog: Catalog) -> None:
    await call_back(catalog)
    await tag(catalog, stage="draft")
    assert await trail(catalog) == [("task.tagged", TASK)]


async def test_tags_that_were_removed_do_not_come_back_with_the_next_callback(catalog: Catalog) -> None:
    await call_back(catalog, "processing")
    await tag(catalog, team=None, season=None)
    await call_back(catalog)
    state = await catalog.read(lambda tx: tx.tasks.get(TASK))
    assert state is not None
    assert (state.task.status, state.task.tags) == (TaskStatus.COMPLETED, {})


async def test_who_tells_of_a_task_with_a_tag_that_was_removed_wants_it_again(catalog: Catalog) -> None:
    await call_back(catalog)
    await tag(catalog, team=None, season="winter")
    told = Told(TASK, tags={"team": "office", "season": "fall"})
    await catalog.write(partial(register, told=told, rules=RULES))
    assert await tags(catalog) == {"team": "office", "season": "winter"}


async def test_no_task_has_more_tags_than_are_counted(catalog: Catalog) -> None:
    await call_back(catalog)
    await tag(catalog, **{f"tag {number}": "" for number in range(MOST_TAGS - 2)})
    with pytest.raises(Conflict, match=f"at most {MOST_TAGS} tags, and this one would have {MOST_TAGS + 1}$") as raised:
        await tag(catalog, more="than that")
    assert raised.value.code == "too_many_tags"
    assert len((await tag(catalog, more="instead of another", team=None)).task.tags) == MOST_TAGS


async def test_a_task_that_was_told_of_with_more_tags_can_still_be_mended(catalog: Catalog) -> None:
    for many in ("a", "b"):
        told = Told(TASK, tags={f"{many}{number}": "" for number in range(MOST_TAGS)})
        await catalog.write(partial(register, told=told, rules=RULES))
    assert len((await tag(catalog, a0=None, a1="mended")).task.tags) == 2 * MOST_TAGS - 1


async def test_a_task_that_nobody_knows_has_no_tags_to_change(catalog: Catalog) -> None:
    with pytest.raises(NotFound, match=r"^no such task$") as raised:
        await tag(catalog, team="shop")
    assert raised.value.code == "task_not_found"

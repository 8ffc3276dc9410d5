"""Telling of a task."""

from functools import partial

import pytest

from service.catalog.catalog import Catalog
from service.domain.history import Effect
from service.domain.task import TaskStatus
from service.errors import Invalid
from service.intake.batch import take_in
from service.intake.register import Registered, Told, register
from tests.support.deliveries import RULES, TASK, delivery, token


async def tell(catalog: Catalog, told: Told) -> Registered:
    return await catalog.write(partial(register, told=told, rules=RULES))


async def test_a_told_task_waits_with_its_prompt(catalog: Catalog) -> None:
    registered = await tell(catalog, Told(TASK, "a cat", {"size": "1:1"}, "r", {"k": "v"}))
    assert registered.new
    task = registered.state.task
    assert (task.status, task.prompt, task.parameters) == (TaskStatus.PENDING, "a cat", {"size": "1:1"})
    history = await catalog.read(lambda tx: tx.tasks.history(TASK))
    assert [entry.effect for entry in history] == [Effect.TOLD]


async def test_telling_again_fills_gaps_and_overwrites_nothing(catalog: Catalog) -> None:
    await tell(catalog, Told(TASK, ref="first"))
    again = await tell(catalog, Told(TASK, "a cat", ref="second"))
    assert not again.new
    assert (again.state.task.prompt, again.state.task.ref) == ("a cat", "first")
    same = await tell(catalog, Told(TASK, "another"))
    assert same.state.task.version == again.state.task.version


async def test_a_callback_that_came_before_keeps_its_outcome_and_gains_the_prompt(catalog: Catalog) -> None:
    await catalog.write(partial(take_in, batch=[delivery()], rules=RULES))
    registered = await tell(catalog, Told(TASK, "a cat"))
    assert (registered.state.task.status, registered.state.task.prompt) == (TaskStatus.COMPLETED, "a cat")
    assert len(registered.state.assets) == 1


async def test_the_first_callback_of_a_told_task_becomes_its_owner(catalog: Catalog) -> None:
    await tell(catalog, Told(TASK))
    await catalog.write(partial(take_in, batch=[delivery(through=token("owner"))], rules=RULES))
    state = await catalog.read(lambda tx: tx.tasks.get(TASK))
    assert state is not None
    assert (state.task.status, state.task.token_id) == (TaskStatus.COMPLETED, "owner")


async def test_an_id_that_cannot_be_a_folder_is_refused(catalog: Catalog) -> None:
    with pytest.raises(Invalid, match="task id"):
        await tell(catalog, Told("../etc"))

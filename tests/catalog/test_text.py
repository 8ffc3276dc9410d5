"""What both databases make of odd text: the same."""

from functools import partial

from service.catalog.catalog import Catalog
from service.catalog.filters import TaskFilter
from service.intake.batch import take_in
from service.intake.register import Told, register
from tests.support.deliveries import RULES, delivery, task_object, token

NUL = "a\x00b"
KEPT = "a\ufffdb"


async def test_a_nul_is_kept_as_a_replacement_wherever_it_comes_from(catalog: Catalog) -> None:
    arrived = delivery(task_object(task_id="task-nul"), through=token(ref=NUL, tags={NUL: NUL}))
    await catalog.write(partial(take_in, batch=[arrived], rules=RULES))
    [row] = (await catalog.read(lambda tx: tx.query.callbacks(filters={}, after=None, limit=9))).items
    assert (row["ref"], row["tags"]) == (KEPT, {NUL: NUL})  # in JSON it is escaped, and no harm
    told = Told("task-told", prompt=NUL, parameters={"style": NUL}, ref=NUL)
    registered = await catalog.write(partial(register, told=told, rules=RULES))
    state = await catalog.read(lambda tx: tx.tasks.get("task-told"))
    assert state is not None
    assert (state.task.prompt, state.task.parameters) == (KEPT, registered.state.task.parameters)


async def test_a_filter_with_a_nul_finds_what_was_kept_of_one_and_is_no_error(catalog: Catalog) -> None:
    await catalog.write(partial(register, told=Told("task-told", ref=NUL), rules=RULES))
    found = await catalog.read(lambda tx: tx.query.tasks(TaskFilter(ref=NUL), after=None, limit=9))
    assert [task.id for task in found.items] == ["task-told"]


async def test_text_sorts_by_bytes(catalog: Catalog) -> None:
    for task_id in ("task-b", "task-B", "task-a", "Task-c"):
        await catalog.write(partial(register, told=Told(task_id), rules=RULES))
    loaded = await catalog.read(lambda tx: tx.tasks.load(["task-b", "task-B", "task-a", "Task-c"]))
    assert list(loaded) == ["Task-c", "task-B", "task-a", "task-b"]

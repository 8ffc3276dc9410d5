"""Kept callbacks run again: what changes, what does not, and that it is done in portions behind live ones."""

import asyncio
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.catalog.inbox_filter import InboxFilter
from service.catalog.tokens import MintedToken
from service.domain.allowance import ROW_BYTES, Spent, room
from service.domain.asset import AssetReason, AssetStatus
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import Origin, TaskStatus
from service.intake.accept import COMMIT_WITHIN
from service.intake.batch import take_in
from service.intake.callback_token import CallbackToken
from service.intake.replay import Progress, Replayed, replay
from service.intake.replay_plan import OldCallback, plan
from service.provider.payload import read_callback
from tests.support.databases import Databases, SqliteDatabases
from tests.support.deliveries import LINK, NOW, RULES, TASK, delivery, task_object, token
from tests.support.door import intake_of
from tests.support.ledger import CONFIRMING, SILENT, Ledger, ledger_in

ALL = InboxFilter()
ELSEWHERE = "https://images.example.com/0.png"
OPENED = replace(RULES, allowed_hosts=("*",))


@dataclass(slots=True)
class Past:
    """An inbox that was filled some time ago."""

    ledger: Ledger
    databases: Databases

    async def came(
        self,
        body: Mapping[str, Any] | bytes,
        *,
        by: CallbackToken | None = None,
        misread: bool = False,
        rules: Rules | None = None,
    ) -> int:
        """A callback was kept; `misread` by a version that could not read it. Returns its id."""
        arrived = delivery(body, through=by, at=self.ledger.clock.now)
        if misread:
            arrived = replace(arrived, event=None, detail="not readable as a task: KeyError")
        await self.ledger.catalog.write(partial(take_in, batch=[arrived], rules=rules or self.ledger.rules))
        [newest] = (
            await self.ledger.catalog.read(lambda tx: tx.query.callbacks(filters={}, after=None, limit=1))
        ).items
        return int(newest["id"])

    async def again(self, wanted: InboxFilter = ALL, *, rules: Rules | None = None, dry_run: bool = False) -> Replayed:
        return await replay(self.ledger.catalog, wanted, rules=rules or self.ledger.rules, dry_run=dry_run)

    async def row(self, callback_id: int) -> Mapping[str, Any] | None:
        found = await self.ledger.catalog.read(lambda tx: tx.query.callback(callback_id))
        return dict(found) if found is not None else None

    def dump(self) -> Any:
        return self.databases.dump()


def old_callback(callback_id: int, body: Mapping[str, Any]) -> OldCallback:
    """A kept callback as it reads now."""
    raw = json.dumps(body).encode()
    return OldCallback(callback_id, len(raw), read_callback(raw))


@contextmanager
def past(databases: Databases, rules: Rules = RULES) -> Iterator[Past]:
    with ledger_in(databases, rules) as ledger:
        yield Past(ledger, databases)


@pytest.fixture
def believing(databases: Databases) -> Iterator[Past]:
    """Callbacks are believed."""
    with past(databases) as opened:
        yield opened


@pytest.fixture
def confirming(databases: Databases) -> Iterator[Past]:
    """The provider is asked first."""
    with past(databases, CONFIRMING) as opened:
        yield opened


async def test_a_callback_that_can_be_read_by_now_becomes_its_tasks(believing: Past) -> None:
    unread = await believing.came(task_object(), by=token(ref="order 7", tags={"team": "shop"}), misread=True)
    believing.ledger.clock.move(days=2)
    assert await believing.again() == Replayed(
        dry_run=False,
        matched=1,
        readable=1,
        accepted=1,
        foreign=0,
        unreadable=0,
        without_body=0,
        changed=(TASK,),
        changed_total=1,
    )
    row = await believing.row(unread)
    assert row is not None
    assert (row["task_id"], row["verdict"], row["status"], row["detail"]) == (TASK, "accepted", "completed", None)
    state = await believing.ledger.state()
    assert (state.task.status, state.task.ref, state.task.token_id) == (TaskStatus.COMPLETED, "order 7", "tok-1")
    assert (state.task.received_at, [asset.links for asset in state.assets]) == (NOW, [(LINK,)])
    assert state.task.tags == {"team": "shop"}
    assert state.task.provider_json is not None
    assert json.loads(state.task.provider_json) == task_object()


async def test_the_history_tells_that_it_was_a_replay_when_it_was_and_of_which_callback(believing: Past) -> None:
    unread = await believing.came(task_object(), misread=True)
    believing.ledger.clock.move(days=2)
    await believing.again()
    [entry] = await believing.ledger.history()
    assert (entry.origin, entry.callback_id, entry.at) == (Origin.REPLAY, unread, NOW + timedelta(days=2))


async def test_what_still_cannot_be_read_stays_as_it_is(believing: Past) -> None:
    await believing.came(b"not json")
    before = believing.dump()
    done = await believing.again()
    assert (done.matched, done.unreadable, done.readable, done.changed_total) == (1, 1, 0, 0)
    assert believing.dump() == before


async def test_a_body_that_came_again_and_was_read_then_becomes_one_with_it(believing: Past) -> None:
    await believing.came(task_object("failed"), misread=True)
    believing.ledger.clock.move(minutes=5)
    read = await believing.came(task_object("failed"))
    done = await believing.again(InboxFilter(verdict="unreadable"))
    assert (done.accepted, done.changed_total) == (1, 0)
    [row] = (await believing.ledger.catalog.read(lambda tx: tx.query.callbacks(filters={}, after=None, limit=9))).items
    assert (row["id"], row["deliveries"], row["verdict"]) == (read, 2, "accepted")
    assert (row["received_at"], row["last_received_at"]) == (NOW, NOW + timedelta(minutes=5))


async def test_becoming_one_does_not_make_an_accepted_callback_foreign_and_may_make_a_foreign_one_accepted(
    believing: Past,
) -> None:
    await believing.came(task_object("processing", "task-a"), by=token("owner"))
    await believing.came(task_object("failed", "task-a"), by=token("other"), misread=True)
    accepted = await believing.came(task_object("failed", "task-a"), by=token("owner"))
    await believing.came(task_object("processing", "task-b"), by=token("owner"))
    await believing.came(task_object("failed", "task-b"), by=token("owner"), misread=True)
    foreign = await believing.came(task_object("failed", "task-b"), by=token("other"))
    done = await believing.again(InboxFilter(verdict="unreadable"))
    assert (done.accepted, done.foreign, done.changed) == (1, 1, ("task-b",))
    for callback_id in (accepted, foreign):
        row = await believing.row(callback_id)
        assert row is not None
        assert (row["verdict"], row["token_id"], row["deliveries"]) == ("accepted", "owner", 2)
    [entry] = [one for one in await believing.ledger.history("task-b") if one.origin is Origin.REPLAY]
    assert entry.callback_id == foreign


async def test_a_host_that_is_allowed_by_now_is_fetched_from(believing: Past) -> None:
    refused = await believing.came(task_object(results=[ELSEWHERE]))
    assert (await believing.ledger.state()).assets[0].reason is AssetReason.REFUSED_HOST
    assert (await believing.again()).changed_total == 0
    assert (await believing.again(rules=OPENED)).changed == (TASK,)
    state = await believing.ledger.state()
    assert (state.assets[0].status, state.task.settled_at) == (AssetStatus.PENDING, None)
    assert (await believing.ledger.history())[-1].callback_id == refused


async def test_a_foreign_callback_is_judged_again_and_stays_no_more_than_a_hint(believing: Past) -> None:
    await believing.came(task_object("processing"), by=token("owner"))
    await believing.came(task_object("completed"), by=token("leaked"))
    done = await believing.again(InboxFilter(verdict="foreign"))
    assert (done.foreign, done.changed_total) == (1, 0)
    assert (await believing.ledger.state()).assets == ()


async def test_a_foreign_callback_of_a_task_that_has_no_owner_any_more_is_accepted(believing: Past) -> None:
    await believing.came(task_object("processing"), by=token("owner"))
    mine = await believing.came(task_object("completed"), by=token("other"))
    state = await believing.ledger.state()
    await believing.ledger.save(state, replace(state, task=replace(state.task, token_id=None)))
    done = await believing.again(InboxFilter(ids=(mine,)))
    row = await believing.row(mine)
    assert row is not None
    assert (done.accepted, row["verdict"], row["token_id"]) == (1, "accepted", "other")
    assert (await believing.ledger.task()).status is TaskStatus.COMPLETED


async def test_a_token_that_was_minted_for_one_task_speaks_for_no_other_in_a_replay_either(believing: Past) -> None:
    await believing.ledger.catalog.write(
        lambda tx: tx.tokens.add(MintedToken("bound", "evolink", NOW, task_id="task-own"))
    )
    for task_id in ("task-other", "task-own"):
        await believing.came(task_object(task_id=task_id), by=token("bound", task_id="task-own"), misread=True)
    done = await believing.again()
    assert (done.foreign, done.accepted, done.changed) == (1, 1, ("task-own",))
    assert await believing.ledger.catalog.read(lambda tx: tx.tasks.get("task-other")) is None


async def test_what_came_through_a_url_that_was_revoked_since_is_not_believed(believing: Past) -> None:
    await believing.ledger.catalog.write(lambda tx: tx.tokens.add(MintedToken("tok-1", "evolink", NOW)))
    await believing.came(task_object(), misread=True)
    await believing.ledger.catalog.write(lambda tx: tx.tokens.revoke("tok-1", NOW))
    assert (await believing.again()).changed_total == 0
    assert await believing.ledger.catalog.read(lambda tx: tx.tasks.get(TASK)) is None


async def test_where_the_provider_can_be_asked_a_replay_has_it_asked_and_believes_nothing(confirming: Past) -> None:
    await confirming.came(task_object(), misread=True)
    confirming.ledger.clock.move(days=1)
    done = await confirming.again()
    state = await confirming.ledger.state()
    assert (done.accepted, done.changed) == (1, (TASK,))
    assert (state.task.status, state.assets) == (TaskStatus.PENDING, ())
    assert state.task.check.at == NOW + timedelta(days=1)
    await confirming.ledger.prove_key()
    await confirming.ledger.keep_answering(SILENT, until=CONFIRMING.patience)
    assert (await confirming.ledger.answer(SILENT)).believed  # its body is found under the task


async def test_a_body_that_is_gone_is_counted_and_nothing_else(believing: Past) -> None:
    await believing.came(task_object("failed"))
    await believing.ledger.catalog.write(lambda tx: tx.inbox.drop(bodies=[1], rows=[]))
    done = await believing.again()
    assert (done.matched, done.without_body, done.readable, done.unreadable) == (1, 1, 0, 0)


async def test_each_is_counted_by_what_became_of_it(believing: Past) -> None:
    for number in range(2):
        await believing.came(b"bad %d" % number)
        await believing.came(task_object("failed", f"task-{number}"))
        gone = await believing.came(task_object("failed", f"task-gone-{number}"))
        await believing.ledger.catalog.write(lambda tx, gone=gone: tx.inbox.drop(bodies=[gone], rows=[]))  # type: ignore[misc]
    done = await believing.again()
    assert (done.matched, done.unreadable, done.readable, done.without_body) == (6, 2, 2, 2)


async def test_of_two_tokens_whose_callbacks_can_be_read_by_now_the_first_becomes_the_owner(believing: Past) -> None:
    for name in ("first", "second"):
        await believing.came(task_object("processing", by=name), by=token(name), misread=True)
    done = await believing.again()
    assert (done.accepted, done.foreign) == (1, 1)
    assert (await believing.ledger.task()).token_id == "first"


async def test_whom_a_portion_before_has_made_the_owner_is_the_owner_in_the_next(believing: Past) -> None:
    callback_id = await believing.came(task_object("failed"), by=token("late"), misread=True)
    callbacks = [old_callback(callback_id, task_object("failed"))]
    for owner, verdict in (("early", "foreign"), ("late", "accepted")):
        work = partial(plan, callbacks=callbacks, rules=RULES, owners={TASK: owner})
        assert (await believing.ledger.catalog.read(work)).counts[verdict] == 1


async def test_a_callback_that_went_meanwhile_is_passed_over_and_the_next_is_not(believing: Past) -> None:
    callback_id = await believing.came(task_object("failed"), misread=True)
    callbacks = [old_callback(one, task_object("failed")) for one in (callback_id + 1, callback_id)]
    planned = await believing.ledger.catalog.read(partial(plan, callbacks=callbacks, rules=RULES, owners={}))
    assert (planned.counts["matched"], list(planned.after)) == (1, [TASK])


async def test_a_task_that_only_a_replay_brought_counts_for_the_token_that_named_it(confirming: Past) -> None:
    body = task_object(filler="x" * 3 * ROW_BYTES)
    await confirming.came(body, by=token("misread"), misread=True)
    await confirming.again()
    spent = await confirming.ledger.catalog.read(lambda tx: tx.usage.spent("misread"))
    assert spent == Spent(waiting=1, unproven=ROW_BYTES + room(len(json.dumps(body))))


async def test_filters_choose_what_is_run_again(believing: Past) -> None:
    ids = [await believing.came(b"bad")]
    for name, status in (("task-a", "failed"), ("task-b", "cancelled")):
        believing.ledger.clock.move(hours=1)
        ids.append(await believing.came(task_object(status, name), by=token(f"of-{name}")))
    hour = timedelta(hours=1)
    for wanted, matched in (
        (ALL, 3),
        (InboxFilter(verdict="unreadable"), 1),
        (InboxFilter(task_id="task-a"), 1),
        (InboxFilter(task_id="task-none"), 0),
        (InboxFilter(token_id="of-task-b"), 1),
        (InboxFilter(status="failed"), 1),
        (InboxFilter(received_after=NOW + hour), 2),
        (InboxFilter(received_before=NOW + hour), 1),
        (InboxFilter(received_after=NOW + hour, received_before=NOW + 2 * hour), 1),
        (InboxFilter(ids=(ids[0], ids[2], 999)), 2),
        (InboxFilter(ids=(999,)), 0),
        (InboxFilter(status="failed", token_id="of-task-b"), 0),
    ):
        assert (await believing.again(wanted, dry_run=True)).matched == matched, wanted


async def test_an_empty_inbox_has_nothing_to_run_again(believing: Past) -> None:
    assert (await believing.again()).matched == 0


async def test_many_and_large_ones_are_run_in_portions_each_once(believing: Past) -> None:
    bodies = [task_object("failed", f"task-{number:03}") for number in range(250)]
    bodies[10:14] = [task_object("failed", f"task-{n:03}", filler="x" * 1_500_000) for n in range(10, 14)]
    arrived = [replace(delivery(body), event=None) for body in bodies]
    for start in range(0, 250, 5):
        await believing.ledger.catalog.write(partial(take_in, batch=arrived[start : start + 5], rules=RULES))
    heard: list[Progress] = []
    done = await replay(believing.ledger.catalog, ALL, rules=RULES, dry_run=False, progress=heard.append)
    assert (done.matched, done.accepted, done.changed_total, len(done.changed)) == (250, 250, 250, 100)
    assert len(heard) == 4  # by a hundred, and by 4 MiB
    shares = [one.share for one in heard]
    assert (shares, shares[-1]) == (sorted(shares), 1.0)
    assert heard[-1].matched == 250


async def test_what_comes_while_it_runs_is_not_run_again(believing: Past) -> None:
    for number in range(3):
        await believing.came(task_object("failed", f"task-{number}"))
    running = asyncio.create_task(believing.again())
    await asyncio.sleep(0)
    late = [delivery(task_object("failed", f"task-late-{number}")) for number in range(50)]
    await believing.ledger.catalog.write(partial(take_in, batch=late, rules=RULES))
    assert (await running).matched <= 53  # those of before, and of after its first look at most


@pytest.mark.long
async def test_live_callbacks_go_on_while_it_runs(databases: Databases) -> None:
    with past(databases) as opened:
        catalog = opened.ledger.catalog
        for start in range(0, 1000, 250):
            misread = [replace(delivery(task_object("failed", f"task-{start + n:04}")), event=None) for n in range(250)]
            await catalog.write(partial(take_in, batch=misread, rules=RULES))
        intake = intake_of(catalog)
        loop = asyncio.create_task(intake.run())
        running = asyncio.create_task(opened.again())
        slowest = 0.0
        for number in range(20):
            began = asyncio.get_running_loop().time()
            await intake.accept(delivery(task_object("failed", f"task-live-{number}")))
            slowest = max(slowest, asyncio.get_running_loop().time() - began)
        assert not running.done()
        assert slowest < COMMIT_WITHIN / 2
        assert (await running).accepted >= 1000
        loop.cancel()
        await asyncio.wait([loop])


async def test_a_task_that_is_given_up_by_it_is_told(believing: Past) -> None:
    await believing.came(task_object(results=[ELSEWHERE]), misread=True)
    heard: list[Progress] = []
    await replay(believing.ledger.catalog, ALL, rules=RULES, dry_run=False, progress=heard.append)
    assert [one.deaths for one in heard] == [("refused_host",)]


TOKENS = [token("tok-a"), token("tok-b"), token("tok-c", task_id="task-0")]
BODIES = st.one_of(
    st.builds(
        lambda status, number, links, credits: json.dumps(
            {"id": f"task-{number}", "status": status, "results": links, "usage": {"credits_used": credits}}
        ).encode(),
        st.sampled_from(["processing", "completed", "failed", "cancelled", "resting"]),
        st.integers(0, 2),
        st.lists(st.sampled_from([LINK, f"{LINK}?sig=2", "https://files.evolink.ai/b.png", ELSEWHERE]), max_size=2),
        st.integers(0, 1),
    ),
    st.sampled_from([b"bad", b"[]"]),
)
ARRIVALS = st.lists(st.tuples(BODIES, st.sampled_from(TOKENS), st.booleans()), min_size=1, max_size=12)
MODES = st.sampled_from([RULES, CONFIRMING, OPENED, replace(CONFIRMING, mode=ConfirmMode.OFF)])


@pytest.mark.long
@given(ARRIVALS, MODES, MODES)
@settings(max_examples=25)
def test_a_dry_run_changes_no_row_and_tells_what_happens_and_the_second_time_nothing_does(
    arrivals: list[tuple[bytes, CallbackToken, bool]], then: Rules, now: Rules
) -> None:
    asyncio.run(_twice(arrivals, then, now))


async def _twice(arrivals: list[tuple[bytes, CallbackToken, bool]], then: Rules, now: Rules) -> None:
    with tempfile.TemporaryDirectory() as folder, past(SqliteDatabases(Path(folder)), then) as opened:
        await opened.ledger.catalog.write(
            lambda tx: tx.tokens.add(MintedToken("tok-c", "evolink", NOW, task_id="task-0"))
        )
        for body, by, misread in arrivals:
            await opened.came(body, by=by, misread=misread)
            opened.ledger.clock.move(minutes=1)
        before = opened.dump()
        would = await opened.again(rules=now, dry_run=True)
        assert opened.dump() == before
        done = await opened.again(rules=now)
        assert replace(would, dry_run=False) == done
        once = opened.dump()
        opened.ledger.clock.move(minutes=1)
        second = await opened.again(rules=now)
        assert (second.changed_total, opened.dump()) == (0, once)
        assert second.readable == second.accepted + second.foreign
        assert second.matched == second.readable + second.unreadable + second.without_body


@pytest.mark.long
async def test_a_dry_run_over_several_portions_tells_what_happens(believing: Past) -> None:
    """Who owns a task that only a portion before would have made is known to the next."""
    for number in range(150):
        body = task_object("processing" if number < 120 else "failed", "task-one", n=number)
        await believing.came(body, by=token(f"tok-{number // 120}"), misread=True)
    would = await believing.again(dry_run=True)
    assert (would.accepted, would.foreign, would.changed) == (120, 30, ("task-one",))
    assert replace(would, dry_run=False) == await believing.again()

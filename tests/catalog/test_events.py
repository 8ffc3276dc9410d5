"""Events and their deliveries: kept once, made in order, claimed by one, given up and made again, forgotten."""

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from service.catalog.catalog import Catalog, Transaction
from service.catalog.delivery_filter import Delivery, DeliveryFilter
from service.catalog.events import PUT_OFF, SEEN, TOGETHER, WINDOW, ClaimedDelivery, Untold
from service.domain.announcement import CALLER, Announcement, EventKind
from service.domain.lease import LEASE
from service.domain.submission import Submission
from service.domain.telling import DeliveryStatus, Progress
from tests.catalog.plans import statements_of
from tests.support.databases import Databases, on_shared, on_sqlite
from tests.support.deliveries import NOW, TASK
from tests.support.ledger import Clock

DELIVERED = Progress(DeliveryStatus.DELIVERED, 1)
DEAD = Progress(DeliveryStatus.DEAD, 9, detail="it did not want to")
ANYBODY = ("audit", "good", "other", "shop", "slow")
EVERYTHING = DeliveryFilter()
AGAIN = DeliveryFilter(status=DeliveryStatus.DEAD)


def told(
    name: str, *, task_id: str = TASK, kind: EventKind = EventKind.ASSET_ARCHIVED, at: datetime = NOW
) -> Announcement:
    index = None if kind is EventKind.TASK_SETTLED else 0
    return Announcement(f"evt_{task_id}_{name}", kind, task_id, index, at)


@dataclass(slots=True)
class Post:
    """A catalog under a clock that a test moves, and deliveries made step by step."""

    catalog: Catalog
    clock: Clock

    async def keep(self, *events: Announcement, to: Sequence[str] = ("shop",)) -> list[bool]:
        return await self.catalog.write(lambda tx: [tx.events.add(one, f'{{"of":"{one.id}"}}', to) for one in events])

    async def claim(self, places: int = 100, *, most: int = 100, **held: int) -> list[ClaimedDelivery]:
        return await self.catalog.write(
            lambda tx: tx.events.claim(places, names=ANYBODY, held=held, most=most, hosts={})
        )

    async def record(self, claimed: ClaimedDelivery, progress: Progress = DELIVERED) -> bool:
        """Write an outcome down as a courier does; whether it counted."""

        def work(tx: Transaction) -> bool:
            if tx.events.attempts(claimed) is None:
                return False
            tx.events.record(claimed, progress)
            return True

        return await self.catalog.write(work)

    async def fail(self, claimed: ClaimedDelivery, *, wait: float) -> None:
        at = self.clock.now + timedelta(seconds=wait)
        await self.record(claimed, Progress(DeliveryStatus.PENDING, 1, at, "no answer"))

    async def deliver_all(self, progress: Progress = DELIVERED) -> list[str]:
        """Make whatever is due, over and over, until nothing is; the ids of its events, as they come."""
        made = []
        while claimed := await self.claim():
            for one in claimed:
                made.append((await self.one(one.seq)).event_id)
                await self.record(one, progress)
        return made

    async def one(self, seq: int) -> Delivery:
        found = await self.catalog.read(lambda tx: tx.events.one(seq))
        assert found is not None
        return found

    async def all(self, wanted: DeliveryFilter = EVERYTHING) -> list[Delivery]:
        """The oldest first."""
        return (await self.catalog.read(lambda tx: tx.events.page(wanted, after=None, limit=1000))).items[::-1]

    async def again(self, wanted: DeliveryFilter) -> int:
        """Replay whatever matches, portion by portion."""

        def work(tx: Transaction) -> int:
            after, last = tx.events.span(wanted)
            changed = 0
            while after < last:
                found = tx.events.matching(wanted, after=after, last=last)
                changed += tx.events.again(found.seqs, wanted.status or DeliveryStatus.DEAD)
                after = found.end
            return changed

        return await self.catalog.write(work)


@pytest.fixture
def post(databases: Databases) -> Iterator[Post]:
    clock = Clock()
    catalog = Catalog(databases.new(), clock=clock)
    catalog.open()
    yield Post(catalog, clock)
    catalog.close()


async def names(post: Post, claimed: list[ClaimedDelivery]) -> list[str]:
    return [(await post.one(one.seq)).event_id.removeprefix("evt_") for one in claimed]


async def test_the_same_event_is_kept_once_and_with_its_first_data(post: Post) -> None:
    assert await post.keep(told("a")) == [True]
    assert await post.keep(told("a"), told("b"), to=("shop", "audit")) == [False, True]
    kept = [(one.event_id, one.endpoint) for one in await post.all()]
    assert kept == [(f"evt_{TASK}_{name}", to) for name, to in (("a", "shop"), ("b", "audit"), ("b", "shop"))]
    assert await post.catalog.read(lambda tx: tx.events.known([f"evt_{TASK}_a", "evt_none"])) == {f"evt_{TASK}_a"}


async def test_a_delivery_is_shown_with_its_event(post: Post) -> None:
    await post.keep(told("a", kind=EventKind.ASSET_DEAD, at=NOW - timedelta(hours=1)))
    [listed] = await post.all()
    assert listed == Delivery(
        seq=listed.seq,
        event_id=f"evt_{TASK}_a",
        kind=EventKind.ASSET_DEAD,
        task_id=TASK,
        index=0,
        endpoint="shop",
        status=DeliveryStatus.PENDING,
        attempts=0,
        next_attempt_at=NOW,
        detail=None,
        happened_at=NOW - timedelta(hours=1),
        ended_at=None,
    )
    assert await post.one(listed.seq) == replace(listed, data=f'{{"of":"evt_{TASK}_a"}}')
    assert await post.catalog.read(lambda tx: tx.events.one(listed.seq + 1)) is None


async def test_what_concerns_one_task_is_delivered_in_order_and_tasks_do_not_wait_for_each_other(post: Post) -> None:
    await post.keep(*(told(name, task_id=task) for name in "abc" for task in ("task-1", "task-2")))
    assert sorted(await names(post, await post.claim())) == ["task-1_a", "task-2_a"]
    post.clock.move(minutes=1)
    [first, second] = await post.claim()
    assert await post.claim() == []
    await post.record(first)
    assert await names(post, await post.claim()) == [f"{first.task_id}_b"]
    await post.record(second, DEAD)
    assert await names(post, await post.claim()) == [f"{second.task_id}_b"]


async def test_what_is_kept_behind_something_pending_waits_for_it_and_something_after_it_does_not(post: Post) -> None:
    await post.keep(told("a"))
    [a] = await post.claim()
    await post.keep(told("b"))
    await post.fail(a, wait=60)
    assert [one.next_attempt_at for one in await post.all()] == [NOW + timedelta(seconds=60), None]
    assert await post.claim() == []
    post.clock.move(seconds=60)
    assert await post.deliver_all() == [f"evt_{TASK}_a", f"evt_{TASK}_b"]
    await post.keep(told("c"))
    assert await names(post, await post.claim()) == [f"{TASK}_c"]


async def test_endpoints_do_not_wait_for_each_other(post: Post) -> None:
    await post.keep(told("a"), told("b"), to=("audit", "shop"))
    [audit, shop] = await post.claim()
    await post.fail(audit, wait=3600)
    await post.record(shop)
    assert [(one.endpoint, await names(post, [one])) for one in await post.claim()] == [("shop", [f"{TASK}_b"])]


async def test_the_longest_due_comes_first(post: Post) -> None:
    for number in (1, 2, 3):
        await post.keep(told("a", task_id=f"task-{number}"))
        post.clock.move(seconds=1)
    [one] = await post.claim(1)
    await post.fail(one, wait=1)
    assert [one.task_id for one in await post.claim(2)] == ["task-2", "task-3"]


async def test_a_delivery_is_claimed_once_until_its_lease_is_over_and_then_only_the_new_claim_counts(
    post: Post,
) -> None:
    await post.keep(told("a"))
    [old] = await post.claim()
    post.clock.now += LEASE - timedelta(seconds=1)
    assert await post.claim() == []
    await post.catalog.write(lambda tx: tx.events.renew([old]))
    post.clock.now += LEASE - timedelta(seconds=1)
    assert await post.claim() == []
    post.clock.move(seconds=1)
    [new] = await post.claim()
    assert new.seq == old.seq
    assert await post.record(old, DEAD) is False
    assert await post.record(new) is True
    assert (await post.one(new.seq)).status is DeliveryStatus.DELIVERED


async def test_an_outcome_is_shown(post: Post) -> None:
    await post.keep(told("a"))
    [claimed] = await post.claim()
    await post.fail(claimed, wait=5)
    shown = await post.one(claimed.seq)
    assert (shown.status, shown.attempts, shown.detail, shown.ended_at) == (
        DeliveryStatus.PENDING,
        1,
        "no answer",
        None,
    )
    post.clock.move(seconds=5)
    [claimed] = await post.claim()
    await post.record(claimed, DEAD)
    shown = await post.one(claimed.seq)
    assert (shown.status, shown.attempts, shown.next_attempt_at) == (DeliveryStatus.DEAD, 9, None)
    assert (shown.detail, shown.ended_at) == ("it did not want to", post.clock.now)


async def test_a_released_delivery_is_free_at_once_or_after_a_while_and_was_no_attempt(post: Post) -> None:
    await post.keep(told("a"))
    [claimed] = await post.claim()
    await post.catalog.write(lambda tx: tx.events.release(claimed))
    [claimed] = await post.claim()
    await post.catalog.write(lambda tx: tx.events.release(claimed, after=timedelta(minutes=5)))
    assert await post.claim() == []
    post.clock.move(minutes=5)
    [claimed] = await post.claim()
    assert (await post.one(claimed.seq)).attempts == 0


async def test_one_endpoint_leaves_places_to_the_others(post: Post) -> None:
    await post.keep(*(told("a", task_id=f"task-{number}") for number in range(9)), to=("slow",))
    assert len(await post.claim(8, most=4)) == 4
    assert await post.claim(4, most=4, slow=4) == []
    await post.keep(*(told("b", task_id=f"task-{number}") for number in range(9)), to=("good", "other"))
    claimed = await post.claim(4, most=4, slow=4)
    assert sorted(one.endpoint for one in claimed) == ["good", "good", "other", "other"]
    assert [one.endpoint for one in await post.claim(2, most=4, slow=3, other=2)] == ["good", "good"]


async def test_clearing_leases_frees_what_a_dead_server_held(post: Post) -> None:
    await post.keep(told("a"))
    await post.claim()
    await post.catalog.write(lambda tx: tx.events.clear_leases())
    assert len(await post.claim()) == 1


async def test_what_was_planned_by_a_clock_that_was_ahead_is_due_at_once(post: Post) -> None:
    post.clock.move(days=400)
    await post.keep(told("a"), told("b"), told("a", task_id="task-held"))
    claimed = {one.task_id: one for one in await post.claim()}
    await post.fail(claimed[TASK], wait=5)
    post.clock.move(days=-400)
    assert await post.claim() == []
    assert await post.catalog.write(lambda tx: tx.events.pull_in(tx.now + timedelta(hours=29))) == 3
    [free] = await post.claim()
    assert free.task_id == TASK
    await post.record(free, DEAD)
    post.clock.now += LEASE  # what was held is as if it had been claimed now
    assert "task-held" in [one.task_id for one in await post.claim()]
    assert await post.catalog.write(lambda tx: tx.events.pull_in(tx.now + timedelta(hours=29))) == 0


async def test_what_waits_is_counted_with_the_oldest_thing_to_tell(post: Post) -> None:
    assert await post.catalog.read(lambda tx: tx.events.waiting()) == Untold(0, None)
    await post.keep(told("a", at=NOW - timedelta(hours=2)), told("b"), to=("audit", "shop"))
    assert await post.catalog.read(lambda tx: tx.events.waiting()) == Untold(4, NOW - timedelta(hours=2))
    await post.deliver_all()
    assert await post.catalog.read(lambda tx: tx.events.waiting()) == Untold(0, None)


async def test_what_was_given_up_is_made_again_in_order_and_before_what_came_after_it(post: Post) -> None:
    await post.keep(told("a"), told("b"))
    await post.deliver_all(DEAD)
    await post.keep(told("c"))
    [c] = await post.claim()
    await post.fail(c, wait=60)
    assert await post.again(AGAIN) == 2
    shown = await post.all()
    assert [(one.status, one.attempts, one.next_attempt_at, one.ended_at) for one in shown] == [
        (DeliveryStatus.PENDING, 0, NOW, None),
        (DeliveryStatus.PENDING, 0, None, None),
        (DeliveryStatus.PENDING, 1, None, None),
    ]
    post.clock.move(seconds=60)
    assert await post.deliver_all() == [f"evt_{TASK}_{name}" for name in "abc"]
    assert await post.again(AGAIN) == 0


async def test_what_is_under_way_while_something_before_it_is_made_again_keeps_its_outcome(post: Post) -> None:
    await post.keep(told("a"), told("b"))
    [a] = await post.claim()
    await post.record(a, DEAD)
    [b] = await post.claim()
    assert await post.again(AGAIN) == 1
    await post.fail(b, wait=5)
    assert [one.next_attempt_at for one in await post.all()] == [NOW, None]
    assert await post.deliver_all() == [f"evt_{TASK}_a", f"evt_{TASK}_b"]


@pytest.mark.parametrize("after", [timedelta(), timedelta(seconds=5)])
async def test_what_is_given_back_while_something_before_it_is_made_again_stays_behind_it(
    post: Post, after: timedelta
) -> None:
    await post.keep(told("a"), told("b"))
    [a] = await post.claim()
    await post.record(a, DEAD)
    [b] = await post.claim()
    assert await post.again(AGAIN) == 1
    await post.catalog.write(lambda tx: tx.events.release(b, after=after))
    assert [one.next_attempt_at for one in await post.all()] == [NOW, None]
    assert await post.deliver_all() == [f"evt_{TASK}_a", f"evt_{TASK}_b"]


async def test_filters_narrow_lists_and_replays_alike(post: Post) -> None:
    await post.keep(told("a", task_id="task-1"), told("d", task_id="task-1", kind=EventKind.ASSET_DEAD))
    await post.keep(told("s", task_id="task-1", kind=EventKind.TASK_SETTLED), to=("audit", "shop"))
    await post.keep(told("a", task_id="task-2"))
    await post.deliver_all(DEAD)
    number = {(one.event_id, one.endpoint): str(one.seq) for one in await post.all()}
    ids = tuple(sorted(int(seq) for seq in number.values()))
    for wanted, expected in (
        (EVERYTHING, 5),
        (DeliveryFilter(status=DeliveryStatus.DEAD), 5),
        (DeliveryFilter(status=DeliveryStatus.PENDING), 0),
        (DeliveryFilter(kind=EventKind.ASSET_ARCHIVED), 2),
        (DeliveryFilter(kind=EventKind.ASSET_DEAD), 1),
        (DeliveryFilter(kind=EventKind.TASK_SETTLED), 2),
        (DeliveryFilter(kind=EventKind.TASK_SETTLED, endpoint="audit"), 1),
        (DeliveryFilter(task_id="task-1"), 4),
        (DeliveryFilter(task_id="task-none"), 0),
        (DeliveryFilter(task_id="task-1", endpoint="shop"), 3),
        (DeliveryFilter(endpoint="shop"), 4),
        (DeliveryFilter(ids=(*ids[:2], 10**12)), 2),
        (DeliveryFilter(ids=ids, task_id="task-2"), 1),
    ):
        listed = await post.all(wanted)
        after, last = await post.catalog.read(lambda tx, wanted=wanted: tx.events.span(wanted))  # type: ignore[misc]
        matching = partial(_matching, wanted=wanted, after=after, last=last)
        found = await post.catalog.read(matching)
        assert (len(listed), sorted(found)) == (expected, sorted(one.seq for one in listed)), wanted


def _matching(tx: Transaction, *, wanted: DeliveryFilter, after: int, last: int) -> tuple[int, ...]:
    return tx.events.matching(wanted, after=after, last=last).seqs if after < last else ()


@pytest.mark.parametrize("wanted", [EVERYTHING, DeliveryFilter(kind=EventKind.ASSET_ARCHIVED)])
async def test_pages_follow_each_other_without_gap_or_repetition_while_rows_arrive(
    post: Post, wanted: DeliveryFilter
) -> None:
    await post.keep(*(told(name) for name in "abcd"), to=("audit", "shop"))
    seen, after = [], None
    for _ in range(4):
        page = await post.catalog.read(partial(_page, wanted=wanted, after=after))
        seen += [(one.event_id[-1], one.endpoint) for one in page[0]]
        after = page[1]
        await post.keep(told(f"later-{after}"))
        if after is None:
            break
    assert seen == [(name, endpoint) for name in "dcba" for endpoint in ("shop", "audit")]
    assert after is None


def _page(tx: Transaction, *, wanted: DeliveryFilter, after: int | None) -> tuple[list[Delivery], int | None]:
    page = tx.events.page(wanted, after=after, limit=3)
    return page.items, page.next


async def test_a_replay_goes_through_many_in_portions_and_windows(post: Post) -> None:
    many = [told("a", task_id=f"task-{number:04}") for number in range(TOGETHER + 5)]
    await post.keep(*many)
    await post.deliver_all(DEAD)
    first = await post.catalog.read(lambda tx: tx.events.matching(AGAIN, after=0, last=WINDOW))
    assert (len(first.seqs), first.end) == (TOGETHER, first.seqs[-1])
    rest = await post.catalog.read(lambda tx: tx.events.matching(AGAIN, after=first.end, last=10**9))
    assert (len(rest.seqs), rest.end) == (5, first.end + WINDOW)
    assert await post.again(AGAIN) == TOGETHER + 5


async def test_what_was_delivered_long_ago_is_forgotten_and_what_is_dead_is_not(post: Post) -> None:
    await post.keep(told("both"), told("half"), to=("audit", "shop"))
    for _ in range(2):
        for one in await post.claim():
            dead = one.endpoint == "audit" and (await post.one(one.seq)).event_id.endswith("half")
            await post.record(one, DEAD if dead else DELIVERED)
    forget = partial(_forget, before=NOW)
    assert await post.catalog.write(forget) == 0
    later = partial(_forget, before=NOW + timedelta(seconds=1))
    assert await post.catalog.write(later) == 2
    assert await post.catalog.write(later) == 1
    assert await post.catalog.write(later) == 0
    assert [(one.event_id[-4:], one.endpoint) for one in await post.all()] == [("half", "audit")]
    known = [f"evt_{TASK}_both", f"evt_{TASK}_half"]
    assert await post.catalog.read(lambda tx: tx.events.known(known)) == {f"evt_{TASK}_half"}


def _forget(tx: Transaction, *, before: datetime) -> int:
    return tx.events.forget(before, limit=2)


@on_sqlite
async def test_what_is_for_an_endpoint_that_the_claimer_does_not_know_is_left_to_others(post: Post) -> None:
    await post.keep(told("a"), to=("zz", CALLER, "0"))
    names = ("0", CALLER)
    claimed = await post.catalog.write(lambda tx: tx.events.claim(9, names=names, held={}, most=9, hosts={}))
    assert sorted(one.endpoint for one in claimed) == [CALLER, "0"]


async def test_one_more_is_told_of_an_event_that_is_kept_and_of_no_other(post: Post) -> None:
    await post.keep(told("a"))
    added = partial(_added, told=told("a"), to="audit")
    assert [await post.catalog.write(added) for _ in range(2)] == [True, False]
    assert await post.catalog.write(partial(_added, told=told("none"), to="audit")) is False
    assert [(one.endpoint, one.next_attempt_at) for one in await post.all()] == [("shop", NOW), ("audit", NOW)]


def _added(tx: Transaction, *, told: Announcement, to: str) -> bool:
    return tx.events.add_missing(told, to)


@on_shared
async def test_two_couriers_never_get_the_same(databases: Databases) -> None:
    where = databases.new()
    catalogs = [Catalog(where), Catalog(where)]
    for one in catalogs:
        one.open()
    many = [told("a", task_id=f"task-{number:03}") for number in range(60)]
    await catalogs[0].write(lambda tx: [tx.events.add(one, "{}", ("shop",)) for one in many])
    found = await asyncio.gather(
        *(one.write(lambda tx: tx.events.claim(5, names=("shop",), held={}, hosts={}, most=5)) for one in catalogs * 10)
    )
    claimed = [one.seq for some in found for one in some]
    assert len(claimed) == len(set(claimed)) == 60
    for one in catalogs:
        one.close()


@on_shared
async def test_what_is_kept_while_what_is_before_it_ends_is_not_left_waiting(databases: Databases) -> None:
    where = databases.new()
    writer, courier = Catalog(where), Catalog(where)
    writer.open()
    courier.open()
    ended, kept = threading.Event(), threading.Event()

    def end(tx: Transaction) -> None:
        tx.events.record(claimed, DELIVERED)
        ended.set()
        kept.wait(0.3)  # it cannot be kept before this is committed

    def keep(tx: Transaction) -> None:
        tx.events.add(told("b"), "{}", ("shop",))
        kept.set()

    await writer.write(lambda tx: tx.events.add(told("a"), "{}", ("shop",)))
    [claimed] = await courier.write(lambda tx: tx.events.claim(1, names=("shop",), held={}, hosts={}, most=1))
    ending = asyncio.create_task(courier.write(end))
    assert await asyncio.to_thread(ended.wait, 10)
    await writer.write(keep)
    await ending
    assert len(await courier.write(lambda tx: tx.events.claim(1, names=("shop",), held={}, hosts={}, most=1))) == 1
    writer.close()
    courier.close()


@on_shared
async def test_many_that_are_kept_while_others_are_delivered_are_all_delivered(databases: Databases) -> None:
    where = databases.new()
    writer, courier = Catalog(where), Catalog(where)
    writer.open()
    courier.open()
    made: list[int] = []

    async def keep() -> None:
        for number in range(60):
            event = told(f"{number:03}", task_id=f"task-{number % 2}")
            await writer.write(lambda tx, event=event: tx.events.add(event, "{}", ("shop",)))  # type: ignore[misc]

    async def deliver() -> None:
        async with asyncio.timeout(60):
            while len(made) < 60:
                for one in await courier.write(
                    lambda tx: tx.events.claim(5, names=("shop",), held={}, hosts={}, most=5)
                ):
                    made.append(one.seq)
                    await courier.write(lambda tx, one=one: tx.events.record(one, DELIVERED))  # type: ignore[misc]

    await asyncio.gather(keep(), deliver())
    assert sorted(made) == sorted(set(made))
    writer.close()
    courier.close()


@on_sqlite
@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (DeliveryFilter(status=DeliveryStatus.DELIVERED, kind=EventKind.ASSET_DEAD), "ix_events_kind"),
        (DeliveryFilter(status=DeliveryStatus.DELIVERED, endpoint="none"), "ix_deliveries_endpoint_status"),
    ],
)
async def test_what_was_delivered_is_listed_in_the_order_of_an_index(
    databases: Databases, wanted: DeliveryFilter, index: str
) -> None:
    where = databases.new()
    catalog, engine = Catalog(where), sa.create_engine(f"sqlite:///{where}")
    catalog.open()
    [sent] = await statements_of(catalog, lambda tx: tx.events.page(wanted, after=None, limit=50), reading=True)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sent.sql}", tuple(sent.parameters))
        first, *others = [str(row.detail) for row in rows]
    assert index in first
    assert [step for step in others if step.endswith("FOR ORDER BY")] == []
    engine.dispose()
    catalog.close()


async def test_a_host_of_clients_that_never_answers_leaves_places_to_the_others(post: Post) -> None:
    await _called(post, "https://Slow.example.com/", *(f"task-{number:04}" for number in range(SEEN + 5)))
    post.clock.move(seconds=1)
    await _called(post, "https://good.example.com/", "task-good")
    claim = partial(_claim_of_callers, hosts={})
    first = await post.catalog.write(claim)
    assert [one.host for one in first] == ["slow.example.com"] * 2
    held = partial(_claim_of_callers, hosts={"slow.example.com": 2})
    assert [one.host for one in await post.catalog.write(held)] == ["good.example.com"]
    assert await post.catalog.write(held) == []
    post.clock.now += PUT_OFF
    assert [
        one.host for one in await post.catalog.write(partial(_claim_of_callers, hosts={"slow.example.com": 1}))
    ] == ["slow.example.com"]


def _claim_of_callers(tx: Transaction, *, hosts: Mapping[str, int]) -> list[ClaimedDelivery]:
    return tx.events.claim(16, names=(CALLER,), held={}, most=8, hosts=hosts)


async def _called(post: Post, url: str, *task_ids: str) -> None:
    """Tasks of a client that wants to be called there have ended."""

    def work(tx: Transaction) -> None:
        for one in task_ids:
            sent = Submission(f"sub-{one}", "evolink", "me", "f", b"{}", "gpt-image-2", NOW, NOW.date(), NOW)
            tx.submissions.add(replace(sent, task_id=one, callback_url=url), claim="mine")
            tx.events.add(told("s", task_id=one, kind=EventKind.TASK_SETTLED), "{}", (CALLER,))

    await post.catalog.write(work)

"""Tasks with images in a catalog under a clock that a test moves, and who is to be told of them."""

import base64
import functools
import ipaddress
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from service.catalog.catalog import Catalog, Transaction
from service.catalog.delivery_filter import Delivery, DeliveryFilter
from service.catalog.events import ClaimedDelivery
from service.catalog.tasks import TaskState
from service.domain.announcement import Listener
from service.domain.asset import Asset, AssetReason, AssetStatus, Stored
from service.domain.task import Task, TaskReason, TaskStatus
from service.domain.telling import DeliveryStatus, Progress
from service.intake.asset_link import AssetLinkSigner
from service.notify.courier import Courier
from service.notify.endpoint import Endpoint
from service.notify.letter import LetterWriter
from service.notify.outbox import Audience, publish
from service.outbound.address_policy import AddressPolicy
from service.outbound.connector import Lookup
from service.outbound.guarded_post import GuardedPost
from tests.outbound.origin import LOOPBACK, no_names, trusting_tls
from tests.support.databases import Databases
from tests.support.deliveries import LINK, NOW, TASK, task_object
from tests.support.fetching import IMAGE
from tests.support.ledger import Clock, known

PUBLIC_URL = "https://darkroom.example.com"
SIGNER = AssetLinkSigner(["a signing secret"])
DAWN = NOW - timedelta(days=1)
"""When the endpoints were configured."""


def secret(seed: int = 0) -> str:
    return "whsec_" + base64.b64encode(bytes([seed]) * 32).decode()


def endpoint(name: str = "shop", url: str = "https://shop.example.com/hooks", *secrets: str, **wants: Any) -> Endpoint:
    return Endpoint(name, url, secrets or (secret(),), **wants)


def image(index: int = 0, status: AssetStatus = AssetStatus.ARCHIVED, *, task_id: str = TASK, **members: Any) -> Asset:
    stored = Stored(f"evolink/{task_id}/{index}", f"{index}" * 64, 2_000_000, IMAGE)
    archived = {"stored": stored, "archived_at": NOW} if status is AssetStatus.ARCHIVED else {}
    dead = {"reason": AssetReason.LINK_EXPIRED, "attempts": 9} if status is AssetStatus.DEAD else {}
    given: dict[str, Any] = {"links": (LINK,), "deadline": NOW, "created_at": NOW, "status": status}
    return Asset(**{"task_id": task_id, "index": index, **given, **archived, **dead, **members})


def task(status: TaskStatus = TaskStatus.COMPLETED, *, task_id: str = TASK, **members: Any) -> Task:
    given: dict[str, Any] = {
        "model": "gpt-image-2",
        "ref": "order-1234",
        "tags": {"team": "shop"},
        "prompt": "a lighthouse at dusk",
        "settled_at": NOW,
        "created_at": NOW,
        "archive_date": NOW.date(),
        "reason": TaskReason.NEVER_FINISHED if status is TaskStatus.DEAD else None,
        "provider_json": json.dumps(task_object(status, task_id)) if status is not TaskStatus.DEAD else None,
    }
    return Task(**{"id": task_id, "source": "evolink", "received_at": NOW, "status": status, **given, **members})


@dataclass(slots=True)
class Tallied:
    """Counts what a courier's attempts came to."""

    outcomes: Counter[str] = field(default_factory=Counter)

    def delivery(self, outcome: str) -> None:
        self.outcomes[outcome] += 1


@dataclass(slots=True)
class World:
    """`callers` are the URLs that clients gave with the tasks that they submitted."""

    catalog: Catalog
    clock: Clock
    endpoints: Sequence[Endpoint] = ()
    callers: dict[str, str] = field(default_factory=dict)
    since: datetime = DAWN
    tally: Tallied = field(default_factory=Tallied)

    @property
    def audience(self) -> Audience:
        listeners = tuple(Listener(one.name, one.kinds, self.since) for one in self.endpoints)
        return Audience(listeners, lambda _tx, task_id: task_id in self.callers)

    async def have(self, of: Task, *assets: Asset) -> None:
        """Let the task be so, as an archiver would, and tell nobody."""

        def work(tx: Transaction) -> None:
            tx.tasks.save([(tx.tasks.get(of.id), TaskState(of, assets))])

        await self.catalog.write(work)

    async def publish(self, task_id: str = TASK) -> int:
        return await self.catalog.write(lambda tx: publish(tx, known(tx, task_id), self.audience))

    async def tell(self, of: Task, *assets: Asset) -> int:
        """Let the task be so, and follow it up; how many events are new."""
        await self.have(of, *assets)
        return await self.publish(of.id)

    async def tell_many(self, number: int) -> None:
        """So many tasks without images settle."""

        def work(tx: Transaction) -> None:
            many = [TaskState(task(task_id=f"task-{one:04}"), ()) for one in range(number)]
            tx.tasks.save([(None, one) for one in many])
            for one in many:
                publish(tx, one, self.audience)

        await self.catalog.write(work)

    async def deliveries(self, wanted: DeliveryFilter = DeliveryFilter()) -> list[Delivery]:  # noqa: B008 - frozen
        """The oldest first."""
        return (await self.catalog.read(lambda tx: tx.events.page(wanted, after=None, limit=1000))).items[::-1]

    async def told(self) -> list[tuple[str, int | None, str]]:
        """Kind, image and endpoint of each delivery, in the order in which they were kept."""
        return [(one.kind.value, one.index, one.endpoint) for one in await self.deliveries()]

    async def pretend(self, progress: Progress = Progress(DeliveryStatus.DELIVERED, 1)) -> None:  # noqa: B008 - frozen
        """Have everything end so, without sending it."""

        def work(tx: Transaction) -> None:
            while claimed := tx.events.claim(100, names=self.letters.names, held={}, most=100, hosts={}):
                for one in claimed:
                    tx.events.record(one, progress)

        await self.catalog.write(work)

    @property
    def letters(self) -> LetterWriter:
        def callback_url_of(_tx: Transaction, task_id: str) -> str | None:
            return self.callers.get(task_id)

        return LetterWriter(
            endpoints=self.endpoints, callback_url_of=callback_url_of, signer=SIGNER, public_url=PUBLIC_URL
        )

    @asynccontextmanager
    async def courier(
        self, *, places: int = 4, now: datetime | None = None, callers: dict[str, Any] | None = None, **guard: Any
    ) -> AsyncIterator[Courier]:
        """A courier without jitter, with another way out to clients where one is described.

        Its own clock is the machine's, as signatures are verified against that.
        """
        async with posting(**guard) as post, posting(**(guard if callers is None else callers)) as to_callers:
            yield Courier(
                catalog=self.catalog,
                to_endpoints=post,
                to_callers=to_callers,
                letters=self.letters,
                tally=self.tally,
                places=places,
                jitter=lambda: 0.5,
                now=lambda: now or datetime.now(UTC),
            )

    async def deliver(self, **guard: Any) -> list[ClaimedDelivery]:
        """One attempt at everything that is due, and at what becomes due by that; which they were, in that order."""
        async with self.courier(places=200, **guard) as courier:
            return [one async for one in _attempts(courier)]


async def _attempts(courier: Courier) -> AsyncIterator[ClaimedDelivery]:
    while claimed := await courier.claim(100):
        for one in claimed:
            await courier.work(one)
            yield one


@functools.cache  # it reads all certificates of the system
def _tls() -> ssl.SSLContext:
    return trusting_tls()


def posting(
    *, trusted: Iterable[str] = LOOPBACK, lookup: Lookup = no_names, total_timeout: float = 10.0
) -> GuardedPost:
    return GuardedPost(
        policy=AddressPolicy(tuple(ipaddress.ip_network(network) for network in trusted)),
        tls=_tls(),
        connect_timeout=5.0,
        total_timeout=total_timeout,
        user_agent="Darkroom/test (image archiver)",
        max_connections=8,
        lookup=lookup,
    )


@contextmanager
def world_in(databases: Databases, *endpoints: Endpoint) -> Iterator[World]:
    """A world in a new database."""
    clock = Clock()
    catalog = Catalog(databases.new(), clock=clock)
    catalog.open()
    yield World(catalog, clock, endpoints or (endpoint(),))
    catalog.close()


def dead_image(index: int = 0, **members: Any) -> Asset:
    return image(index, AssetStatus.DEAD, **members)


def deleted_image(index: int = 0) -> Asset:
    return replace(image(index), status=AssetStatus.DELETED)

"""Hours in a moment: a provider, its image host and our own side under one simulated clock. No socket, no real sleep.

The provider holds the truth and misbehaves as told; our side is the real intake, catalog, client, reconciler, sweeper
and archiver, worked off whenever something is due.
"""

import asyncio
import hashlib
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from service.archive.fetcher import Fetched
from service.background import Nudge
from service.catalog.catalog import Catalog
from service.catalog.engine import Priority
from service.catalog.filters import AssetFilter
from service.catalog.tasks import TaskState
from service.domain.attempt import Failed, Failure
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import Task, TaskStatus
from service.intake.batch import take_in
from service.intake.callback_token import CallbackToken
from service.intake.register import Told, register
from service.observability import Metrics
from service.provider.client import ProviderClient
from service.reconcile.catch_up import catch_up
from service.reconcile.reconciler import Reconciler
from service.reconcile.sweeper import Sweeper
from tests.support.deliveries import delivery
from tests.support.fetching import FakeFetcher, archive_due, archiver_for
from tests.support.memory_store import MemoryStore
from tests.support.migrated import put_migrated

START = datetime(2026, 5, 1, tzinfo=UTC)
HOST = "https://files.evolink.ai"


@dataclass(slots=True)
class Truth:
    """A task at the provider: when it was made and ends (seconds after START), and as what."""

    id: str
    created: float
    ends: float
    outcome: str = "completed"
    images: int = 2
    reads: int = 0


Misbehave = Callable[["World", httpx.Request], httpx.Response | None]
"""Given the world and a request, an answer in place of the true one."""

Links = Callable[[Truth, int], str]
"""The link of an image, at this read of the task."""


def plain_link(truth: Truth, index: int) -> str:
    return f"{HOST}/acc/{truth.id}/{index}.png"


def picture_of(truth: Truth, index: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + hashlib.sha256(f"{truth.id}/{index}".encode()).digest() * 4


@dataclass(slots=True)
class World:
    """`alive` says whether a link brings its image now; `callbacks` has what is to come in, by second."""

    folder: Path
    mode: ConfirmMode = ConfirmMode.REQUIRED
    misbehave: Misbehave = lambda _world, _request: None
    link: Links = plain_link
    alive: Callable[["World", str], bool] = lambda _world, _link: True
    order: Callable[[Truth, list[str]], list[str]] = lambda _truth, links: links
    sweeps: bool = False
    seconds: float = 0.0
    truths: dict[str, Truth] = field(default_factory=dict)
    callbacks: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    @property
    def rules(self) -> Rules:
        return Rules(timedelta(hours=24), ("*.evolink.ai",), self.mode, can_ask=True)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.seconds += seconds

    def shown(self, truth: Truth, *, links: bool = True) -> dict[str, Any]:
        """The task object as the provider shows it now."""
        ended = self.seconds >= truth.ends
        status = truth.outcome if ended else "processing"
        shown = {"id": truth.id, "type": "image", "status": status, "created": START.timestamp() + truth.created}
        if links and status == "completed":
            truth.reads += 1
            shown["results"] = self.order(truth, [self.link(truth, index) for index in range(truth.images)])
        return shown

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The provider's side of every request."""
        self.requests.append(f"{request.method} {request.url.path}")
        instead = self.misbehave(self, request)
        if instead is not None:
            return instead
        if request.method == "POST":
            ids = json.loads(request.content)["task_ids"]
            known = [self.truths[one] for one in ids if one in self.truths]
            return httpx.Response(200, json={"data": [self.shown(truth) for truth in known]})
        if request.url.path == "/v1/tasks":
            return self._page(int(request.url.params["page"]), int(request.url.params["page_size"]))
        truth = self.truths.get(request.url.path.rpartition("/")[2])
        if truth is None:
            return httpx.Response(404, json={"error": {"code": "task_not_found", "message": "no such task"}})
        return httpx.Response(200, json=self.shown(truth))

    def _page(self, page: int, size: int) -> httpx.Response:
        newest = sorted((one for one in self.truths.values() if one.created <= self.seconds), key=lambda t: -t.created)
        some = newest[(page - 1) * size : page * size]
        listed = [self.shown(truth, links=False) for truth in some]
        return httpx.Response(200, json={"data": listed, "has_more": len(newest) > page * size})


class HostOf(FakeFetcher):
    """The image host of a world."""

    def __init__(self, world: World, staging: Path) -> None:
        super().__init__(staging)
        self._world = world

    async def fetch(self, link: str) -> Fetched | Failed:
        self._world.fetched.append(link)
        path = link.partition("?")[0].removeprefix(f"{HOST}/acc/")
        task_id, _, name = path.partition("/")
        truth = self._world.truths.get(task_id)
        if truth is None or not self._world.alive(self._world, link):
            return Failed(Failure.LINK_GONE, "403")
        self._answers = {link: picture_of(truth, int(name.removesuffix(".png").split("-")[0]))}
        return await super().fetch(link)


@dataclass(slots=True)
class Outcome:
    """What a scenario came to; `lost` and `forged` name what must not be."""

    tasks: int
    settled: int
    lost: list[str]
    forged: list[str]
    requests: int
    hours: float
    states: Mapping[str, Task]

    def __str__(self) -> str:
        return (
            f"{self.tasks} told, {self.settled} settled, {len(self.lost)} lost, {len(self.forged)} forged, "
            f"{self.requests} requests ({self.requests / self.tasks:.2f} a task) in {self.hours:.1f} h"
        )


async def live(
    world: World, *, told: Sequence[str] | None = None, until: float = 30 * 3600, asleep_until: float = 0.0
) -> Outcome:
    """Let the world run until nothing is left to do.

    `told` are the tasks that we are told of, all where it is None; `asleep_until` is when our service starts.
    """
    catalog = Catalog(put_migrated(world.folder / "darkroom.db"), clock=lambda: world.now)
    catalog.open()
    store = MemoryStore(world.folder)
    provider = ProviderClient(
        api_url="https://api.evolink.test",
        api_key="sk-world",
        tls=ssl.create_default_context(),
        user_agent="tests",
        requests_per_second=5,
        transport=httpx.MockTransport(world.answer),
        clock=lambda: world.seconds,
        sleep=world.sleep,
        jitter=lambda: 0.5,
        now=lambda: world.now,
    )
    reconciler = Reconciler(
        catalog=catalog,
        provider=provider,
        rules=world.rules,
        key_mark="key",
        metrics=Metrics(),
        archive=Nudge(),
        sidecars=Nudge(),
    )
    sweeper = Sweeper(catalog=catalog, provider=provider, rules=world.rules, key_mark="key", nudge=Nudge())
    archiver = archiver_for(catalog, store, HostOf(world, world.folder))
    waiting = sorted(world.truths if told is None else told, key=lambda one: world.truths[one].created)
    world.seconds = max(world.seconds, asleep_until)
    swept = False
    while world.seconds < until:
        while waiting and world.truths[waiting[0]].created <= world.seconds:
            await catalog.write(partial(register, told=Told(waiting.pop(0)), rules=world.rules))
        await _deliver(world, catalog)
        if world.sweeps and not swept:
            swept = (await sweeper.sweep()).pages > 0
        await catch_up(catalog=catalog, provider=provider, reconciler=reconciler, sweeper=None)
        await archive_due(archiver)
        following = [*(world.truths[one].created for one in waiting[:1]), *await _next(world, catalog, provider)]
        if not following:
            break
        world.seconds = max(world.seconds + 1.0, min(following))  # a look a second is enough
    await provider.aclose()
    outcome = await _account(world, catalog, store)
    catalog.close()
    return outcome


async def _deliver(world: World, catalog: Catalog) -> None:
    due = [one for one in world.callbacks if one[0] <= world.seconds]
    world.callbacks = [one for one in world.callbacks if one[0] > world.seconds]
    for _, token_id, body in due:
        token = CallbackToken(id=token_id, source="evolink", issued_at=START)
        arrived = delivery(body, through=token, at=world.now)
        await catalog.write(partial(take_in, batch=[arrived], rules=world.rules), priority=Priority.INTAKE)


async def _next(world: World, catalog: Catalog, provider: ProviderClient) -> list[float]:
    """The seconds at which something is due."""
    check = (await catalog.read(lambda tx: tx.checks.waiting())).next_at
    attempts = [asset.next_attempt_at for asset in await _assets(catalog)]
    moments = [(at - START).total_seconds() for at in attempts if at is not None]
    if check is not None:
        moments.append(max((check - START).total_seconds(), world.seconds + provider.pause))
    return [*moments, *(at for at, _, _ in world.callbacks)]


async def _assets(catalog: Catalog) -> list[Any]:
    found, after = [], None
    while True:
        page = await catalog.read(partial(_page_of_assets, after=after))
        found += page.items
        if (after := page.next) is None:
            return found


def _page_of_assets(tx: Any, *, after: int | None) -> Any:
    return tx.query.assets(AssetFilter(conflicts=True), after=after, limit=500)


async def stored(world: World, task_id: str) -> TaskState:
    """A task as the catalog of a world that has ended has it."""
    catalog = Catalog(world.folder / "darkroom.db")
    catalog.open()
    state = await catalog.read(lambda tx: tx.tasks.get(task_id))
    catalog.close()
    assert state is not None
    return state


async def _account(world: World, catalog: Catalog, store: MemoryStore) -> Outcome:
    """Hold what is stored against the truth."""
    lost, settled, states = [], 0, {}
    states_of = await catalog.read(lambda tx: tx.tasks.load(world.truths))
    hashes = {hashlib.sha256(body).hexdigest() for key, body in store.objects.items() if not key.endswith(".json")}
    true_hashes = set()
    for truth in world.truths.values():
        state = states_of.get(truth.id)
        wanted = {hashlib.sha256(picture_of(truth, index)).hexdigest() for index in range(truth.images)}
        true_hashes |= wanted
        if state is None:
            lost.append(f"{truth.id} is not known")
            continue
        states[truth.id] = state.task
        settled += state.task.settled_at is not None
        if state.task.status.value != truth.outcome or state.task.settled_at is None:
            lost.append(f"{truth.id} is {state.task.status}, settled {state.task.settled_at}")
        elif truth.outcome == "completed":
            kept = [asset.stored.sha256 for asset in state.assets if asset.stored is not None]
            if sorted(kept) != sorted(wanted):
                lost.append(f"{truth.id} has {len(kept)} images of {len(wanted)}")
    strays = [f"stray bytes {digest[:12]}" for digest in hashes - true_hashes]
    believed = [
        one
        for one, task in states.items()
        if task.status is TaskStatus.COMPLETED and world.truths[one].outcome != "completed"
    ]
    evil = [link for link in world.fetched if "/acc/" not in link]
    forged = [*strays, *believed, *evil]
    return Outcome(len(world.truths), settled, lost, forged, len(world.requests), world.seconds / 3600, states)

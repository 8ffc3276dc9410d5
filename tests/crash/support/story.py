"""The same life for every server: callbacks of each kind at once and again, images, and what changes sidecars later.

It can be told in parts: what was answered is not done again, so that a second server goes on where the first one ended.
"""

import asyncio
import time
from dataclasses import dataclass, field

from tests.system.support.answers import Answer, whole
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import Job, new_job
from tests.system.support.pictures import Picture, a_picture
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.waiting import eventually

SIDE = 16
MOST_BYTES = 8 * 1024
SETTINGS = {"DOWNLOAD__MAX_BYTES": str(MOST_BYTES)}
TOO_LARGE = a_picture("too large", side=96)
_UNREADABLE = b'{"id": "task-unified'


@dataclass(frozen=True, slots=True)
class Sent:
    """One attempt to deliver, with the times between which it lay; by the machine's monotonic clock."""

    sent: float
    answered: float
    status: int


@dataclass(slots=True)
class Delivery:
    """A callback to deliver so many times; `wanted` are the statuses that end an attempt well."""

    body: bytes
    wanted: frozenset[int] = frozenset({200, 202})
    times: int = 1
    attempts: list[Sent] = field(default_factory=list)

    @property
    def taken(self) -> list[Sent]:
        return [attempt for attempt in self.attempts if attempt.status in self.wanted]

    @property
    def acknowledged(self) -> list[Sent]:
        return [attempt for attempt in self.attempts if 200 <= attempt.status < 300]

    @property
    def due(self) -> bool:
        return len(self.taken) < self.times


class Story:
    """What is done to a server, what it answered, and what must come of it. `later` tells the second half, too."""

    def __init__(self, host: ImageHost, *, later: bool) -> None:
        self.host = host
        self.later = later
        self.url: str | None = None
        self.one = new_job(host, _whole, side=SIDE)
        self.two = new_job(host, _whole, images=2, side=SIDE)
        self.large = new_job(host, lambda picture: (whole(TOO_LARGE), whole(picture)), side=SIDE)
        self.failed = new_task_id()
        processing = Delivery(task_object(self.two.task_id, status="processing"))
        failed = Delivery(task_object(self.failed, status="failed", error={"code": "service_error"}))
        unreadable = Delivery(_UNREADABLE, wanted=frozenset({422}))
        self.at_once = [Delivery(self.one.body), Delivery(self.two.body), processing, failed, unreadable]
        self.again = Delivery(self.one.body, times=2)
        self.in_turn = [Delivery(task_object(self.one.task_id, status="failed")), Delivery(self.large.body)]
        self.deleted = False
        self.retried = False

    @property
    def gone(self) -> dict[str, int]:
        """Which image of a task is to be deleted, by the task's id."""
        return {self.two.task_id: 1} if self.later else {}

    @property
    def owed(self) -> list[Job]:
        """Jobs whose completion was acknowledged."""
        told = [one.body for one in self.deliveries if one.acknowledged]
        return [job for job in self.jobs if job.body in told]

    @property
    def jobs(self) -> list[Job]:
        return [self.one, self.two, *([self.large] if self.later else [])]

    @property
    def deliveries(self) -> list[Delivery]:
        return [*self.at_once, self.again, *(self.in_turn if self.later else [])]

    async def live(self, service: Darkroom) -> None:
        """Do what is not done yet, each thing once. Raises httpx.TransportError when the server is gone."""
        if self.url is None:
            self.url = await eventually(lambda: _minted(service), what="a callback URL is minted", within=10)
        due = [self._deliver(service, one) for one in self.at_once if one.due]
        for outcome in await asyncio.gather(*due, return_exceptions=True):
            if outcome is not None:
                raise outcome
        await self._deliver_again(service)
        if self.later:
            await self._live_on(service)

    async def _deliver_again(self, service: Darkroom) -> None:
        for _ in range(self.again.times - len(self.again.taken)):
            await self._deliver(service, self.again)

    async def _live_on(self, service: Darkroom) -> None:
        for delivery in self.in_turn:
            if delivery.due:
                await self._deliver(service, delivery)
        await service.api.settled(self.two.task_id)
        if not self.deleted:
            answer = await service.api.client.delete(f"/v1/assets/{self.two.task_id}.{self.gone[self.two.task_id]}")
            self.deleted = answer.is_success
        await service.api.settled(self.large.task_id)
        if not self.retried:
            answer = await service.api.client.post(f"/v1/tasks/{self.large.task_id}/retry")
            # 409: the retry before the crash was kept although it was not answered, and the image is there by now
            self.retried = answer.status_code in (200, 202, 409)
        await service.api.settled(self.large.task_id)

    async def _deliver(self, service: Darkroom, delivery: Delivery) -> None:
        assert self.url is not None
        sent = time.monotonic()
        answer = await call_back(service.api.client, self.url, delivery.body)
        delivery.attempts.append(Sent(sent, time.monotonic(), answer.status_code))


async def _minted(service: Darkroom) -> str | None:
    answer = await service.api.client.post("/v1/callback-urls", json={"ref": "order-1"})
    if answer.status_code == 503:
        return None
    assert answer.status_code == 201, answer.text
    return service.api.noted(answer.json()["callback_url"])


def _whole(picture: Picture) -> tuple[Answer, ...]:
    return (whole(picture),)

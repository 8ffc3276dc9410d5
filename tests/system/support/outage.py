"""A service during an outage, as an operator sees it: ready or not and why, and how much it writes to its log."""

import json
from dataclasses import dataclass
from typing import Any

import httpx

from tests.system.support.darkroom import Darkroom
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.waiting import eventually

LINES_AT_ITS_BEGINNING = 16
"""What the parts of a service may say, all together, when something breaks and when it is over: a line each."""


async def problems(service: Darkroom) -> dict[str, str]:
    """Why it is not ready; nothing when it is."""
    answer = await service.api.client.get("/readyz")
    found: dict[str, str] = answer.json()["problems"]
    assert answer.status_code == (503 if found else 200)
    return found


async def not_ready(service: Darkroom, part: str, *words: str, within: float = 12.0) -> str:
    """Wait until a part is a problem that is told with these words."""

    async def look() -> str | None:
        problem = (await problems(service)).get(part, "")
        return problem if problem and all(word in problem for word in words) else None

    return await eventually(look, what=f"/readyz tells of {part}: {words}", within=within)


async def ready(service: Darkroom, *, within: float = 12.0) -> None:
    async def look() -> bool | None:
        return not await problems(service) or None

    await eventually(look, what="the service is ready again", within=within)


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls back with task after task, and remembers which were acknowledged."""

    service: Darkroom
    url: str
    acknowledged: list[str]

    async def call(self) -> httpx.Response:
        """One callback about a new task without images."""
        task_id = new_task_id()
        answer = await call_back(self.service.api.client, self.url, task_object(task_id, status="failed"))
        if answer.is_success:
            self.acknowledged.append(task_id)
        return answer

    async def until_refused(self) -> httpx.Response:
        """Call until the answer is no 2xx: it must be 503, and say when to come again."""

        async def look() -> httpx.Response | None:
            answer = await self.call()
            return None if answer.is_success else answer

        answer = await eventually(look, what="a callback is refused")
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["Retry-After"]) >= 1
        return answer

    async def until_taken(self, *, within: float = 12.0) -> None:
        async def look() -> bool | None:
            return (await self.call()).is_success or None

        await eventually(look, what="a callback is taken", within=within, every=0.2)

    async def assert_nothing_lost(self) -> None:
        """Every task that was acknowledged is known."""
        known = {task["id"] for task in await self.service.api.all("/v1/tasks")}
        assert set(self.acknowledged) <= known
        assert self.acknowledged


async def caller(service: Darkroom) -> Caller:
    return Caller(service, await service.api.mint(), [])


_USUAL = ("callback", "unavailable", "duty_taken", "duty_ended")
"""Lines that every callback has, and every life of a process for each of its duties."""


def said(service: Darkroom) -> list[dict[str, Any]]:
    """The lines of its log that are above debug, but for the usual ones."""
    lines = [json.loads(line) for line in service.log.splitlines()]
    return [line for line in lines if line["event"] not in _USUAL and line["level"] != "debug"]

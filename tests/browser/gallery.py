"""A service and a stand-in provider as processes, and images that come the whole way from the one to the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.system.support.authority import Authority
from tests.system.support.darkroom import Darkroom
from tests.system.support.kept import at_rest
from tests.system.support.ports import free_port
from tests.system.support.settings import settings_for
from tests.system.support.stand_in import StandIn
from tests.system.support.submitting import wish

PROMPTS = (
    "a lighthouse at dusk",
    "海边的灯塔与日落",
    "a fox in the snow",
    "灯塔与渔船",
    "a red bicycle against a wall",
    "비 오는 밤의 등대",
    '<b>not bold</b> & "quoted"',
    "a very long prompt " * 40,
)
EACH = 3


@dataclass(frozen=True, slots=True)
class Gallery:
    """Both of them; images are asked for through the service, as its users do."""

    service: Darkroom
    provider: StandIn

    async def submit(self, prompt: str, *, n: int = 1) -> str:
        """The id of a task that the provider works on."""
        answer = await self.service.api.client.post("/evolink/v1/images/generations", json=wish(prompt, n=n))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def add(self, *prompts: str, n: int = 1) -> list[str]:
        """Have these made and archived; the ids of the tasks."""
        tasks = [await self.submit(prompt, n=n) for prompt in prompts]
        for task_id in tasks:
            await at_rest(self.service, task_id, within=60)
        return tasks

    async def fill(self) -> None:
        await self.add(*PROMPTS, n=EACH)

    async def key(self, *scopes: str) -> tuple[str, str]:
        """A new key: its id and its secret."""
        made = await self.service.api.client.post("/v1/keys", json={"name": "visitor", "scopes": scopes})
        assert made.status_code == 201, made.text
        document: dict[str, Any] = made.json()
        return document["id"], document["key"]

    async def archived(self, task_id: str) -> bytes:
        """The bytes of a task's first image, as they lie in the archive."""
        asset = await self.service.api.get(f"/v1/assets/{task_id}.0")
        return self.service.archive.bytes_of(asset["object_key"])


@asynccontextmanager
async def serving(folder: Path, authority: Authority, **changed: str | None) -> AsyncIterator[Darkroom]:
    """A service of its own; its log has told no secret in the end."""
    folder.mkdir(exist_ok=True)
    settings = settings_for(folder, free_port(), authority=authority, tls=True, changed=changed)
    service = Darkroom(folder=folder, settings=settings, tls=authority.client_tls())
    try:
        await service.start()
        yield service
    finally:
        await service.close()
    assert service.leaked() == []


@asynccontextmanager
async def standing(folder: Path, authority: Authority, options: Sequence[str] = ()) -> AsyncIterator[Gallery]:
    (folder / "stand-in").mkdir()
    provider = StandIn(folder=folder / "stand-in", authority=authority, options=options)
    await provider.start()
    try:
        async with serving(folder / "service", authority, **provider.settings) as service:
            yield Gallery(service, provider)
    finally:
        await provider.close()

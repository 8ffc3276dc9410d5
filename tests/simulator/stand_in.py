"""A running stand-in with a client that trusts it, for tests: quick generation, small JPEG images, any free port."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from service.domain.image import ImageFormat
from service.simulator.options import SimulatorOptions
from service.simulator.server import Simulator

SMALL = "1024x640"
PATIENCE = 10.0
TERMINAL = ("completed", "failed", "cancelled")


def quick(**changes: Any) -> SimulatorOptions:
    """Options for tests."""
    defaults: dict[str, Any] = {
        "port": 0,
        "seed": 7,
        "generation_seconds": (0.0, 0.0),
        "formats": (ImageFormat.JPEG,),
        "allow_http_callbacks": True,
        "callback_retries": (0.01, 0.02, 0.04),
        "late_seconds": 0.1,
        "slow_seconds": 0.1,
    }
    return SimulatorOptions(**{**defaults, **changes})


@dataclass(frozen=True, slots=True)
class StandIn:
    """The stand-in and a client of it."""

    simulator: Simulator
    client: httpx.AsyncClient

    async def submit(self, **fields: Any) -> dict[str, Any]:
        body = {"model": "gpt-image-2", "prompt": "hills", "size": SMALL, **fields}
        answer = await self.client.post("/v1/images/generations", json=body)
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    async def refused(self, **fields: Any) -> dict[str, Any]:
        """The error that a wrong submission is answered with."""
        body = {"model": "gpt-image-2", "prompt": "hills", "size": SMALL, **fields}
        answer = await self.client.post("/v1/images/generations", json=body)
        assert answer.status_code == 400, answer.text
        error: dict[str, Any] = answer.json()["error"]
        return error

    async def ended(self, task_id: str) -> dict[str, Any]:
        """The task object once the task has ended."""
        async with asyncio.timeout(PATIENCE):
            while True:
                document: dict[str, Any] = (await self.client.get(f"/v1/tasks/{task_id}")).json()
                if document["status"] in TERMINAL:
                    return document
                await asyncio.sleep(0.01)

    async def made(self, **fields: Any) -> dict[str, Any]:
        """Submit and wait for the end."""
        return await self.ended((await self.submit(**fields))["id"])

    async def ledger(self) -> dict[str, Any]:
        document: dict[str, Any] = (await self.client.get("/simulator/ledger")).json()
        return document

    async def announced(self, task_id: str) -> dict[str, Any]:
        """The task's entry in the ledger once all its callbacks were sent."""
        async with asyncio.timeout(PATIENCE):
            while True:
                (entry,) = [entry for entry in (await self.ledger())["tasks"] if entry["id"] == task_id]
                if entry["callbacks"]["done"]:
                    assert isinstance(entry, dict)
                    return entry
                await asyncio.sleep(0.01)


@asynccontextmanager
async def stand_in(clock: Callable[[], float] = time.time, **changes: Any) -> AsyncIterator[StandIn]:
    """Start one, and stop it afterwards."""
    async with Simulator(quick(**changes), clock=clock) as simulator:
        tls = ssl.create_default_context(cafile=simulator.ca_file)
        headers = {"authorization": "Bearer a-key", "user-agent": "darkroom-tests/1"}
        async with httpx.AsyncClient(
            base_url=simulator.base_url, verify=tls, headers=headers, trust_env=False
        ) as client:
            yield StandIn(simulator, client)

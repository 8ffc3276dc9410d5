"""What a release would run, started here: the rendered command with the rendered environment, until it is ready.

Only addresses, ports and the data directory are other ones, as a pod has its own and a test has one machine.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.charts.environment import environment
from tests.charts.helm import render
from tests.charts.manifests import ROLES, Rendered
from tests.support.moto_bucket import S3Server
from tests.support.postgres import PostgresDatabases
from tests.system.support.ports import free_port
from tests.system.support.waiting import eventually

pytestmark = pytest.mark.long

COMMAND = (sys.executable, "-m", "service")
KEY = {"name": "me", "key": "a long random text", "scopes": ["admin"]}

IMAGE = {"model": "gpt-image-2", "prompt": "a lighthouse at dusk"}

Spawn = Callable[[Rendered, str], Awaitable["Process"]]


class Process:
    """One container as a process: it writes into a folder of its own and answers at ports of its own."""

    def __init__(self, rendered: Rendered, component: str, folder: Path) -> None:
        container = rendered.workload(component).main
        self._folder = folder
        self.port, self.metrics_port = free_port(), free_port()
        self._arguments: list[str] = container["args"]
        here = {"DATA_DIR": str(folder), "SERVER__HOST": "127.0.0.1"}
        here |= {"SERVER__PORT": str(self.port), "SERVER__METRICS_PORT": str(self.metrics_port)}
        self._environment = environment(rendered, container) | {
            f"DARKROOM_{name}": value for name, value in here.items()
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text("utf-8")

    def start(self) -> None:
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*COMMAND, *self._arguments], env=self._environment, cwd=self._folder, stdout=log, stderr=log
            )

    async def ended(self) -> int:
        assert self._process is not None
        return await asyncio.to_thread(self._process.wait, 60)

    async def ready(self) -> None:
        """Wait as a probe does; raises AssertionError with what it said when it ends before."""
        async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{self.metrics_port}") as client:

            async def look() -> bool | None:
                assert self._process is not None
                assert self._process.poll() is None, self.log
                try:
                    return (await client.get("/readyz")).status_code == 200 or None
                except httpx.TransportError:
                    return None

            await eventually(look, what=f"it is ready ({self._arguments})", within=60)

    async def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return await self.ended()


@pytest.fixture
async def spawn(tmp_path: Path) -> AsyncIterator[Spawn]:
    """Starts components of a release; afterwards none runs, and each has left as it was asked to."""
    started: list[Process] = []

    async def one(rendered: Rendered, component: str) -> Process:
        folder = tmp_path / component
        folder.mkdir()
        process = Process(rendered, component, folder)
        process.start()
        started.append(process)
        return process

    yield one
    codes = await asyncio.gather(*(process.stop() for process in started))
    assert codes == [0] * len(started), [process.log for process in started]


async def test_the_one_pod_of_the_shape_single_becomes_ready_and_makes_its_keys(spawn: Spawn, tmp_path: Path) -> None:
    process = await spawn(render("default-values.yaml"), "all")
    await process.ready()
    assert (tmp_path / "all" / "api-key").is_file()
    assert (tmp_path / "all" / "callback-secret").is_file()


def a_release(database: str, bucket: S3Server, **evolink: Any) -> Rendered:
    given = {
        "databaseUrl": {"value": database, "existingSecret": ""},
        "apiKeys": {"value": [KEY], "existingSecret": ""},
        "callbacks": {"secrets": {"value": ["a long random text to sign with"], "existingSecret": ""}},
        "storage": {"url": bucket.fresh_place(), "options": {"value": bucket.options, "existingSecret": ""}},
        "evolink": evolink,
    }
    return render("scaled-values.yaml", values={"settings": given})


@pytest.mark.parametrize("key", ["", "evk-of-nobody"])
async def test_the_job_migrates_and_all_four_components_become_ready(
    spawn: Spawn, tmp_path: Path, postgres: PostgresDatabases, moto: S3Server, key: str
) -> None:
    provider = {"apiUrl": f"http://127.0.0.1:{free_port()}", "apiKey": {"value": key, "existingSecret": ""}}
    rendered = a_release(postgres.new(migrated=False), moto, **provider)
    job = tmp_path / "migrate"
    job.mkdir()
    migrate = Process(rendered, "migrate", job)
    migrate.start()
    assert await migrate.ended() == 0, migrate.log
    processes = {component: await spawn(rendered, component) for component in ROLES}
    for process in processes.values():
        await process.ready()
    async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{processes['api'].port}") as client:
        headers = {"Authorization": f"Bearer {KEY['key']}"}
        minted = await client.post("/v1/callback-urls", json={"ref": "a"}, headers=headers)
        refused = await client.post("/evolink/v1/images/generations", json=IMAGE, headers=headers)
    assert minted.status_code == 201, minted.text
    assert refused.status_code == 503, refused.text
    assert ("has no key" in refused.text) is not bool(key), "whoever has the key tries to reach the provider"
    assert await known_to_the_receiver(processes["receiver"], minted.json()["callback_url"])


async def known_to_the_receiver(receiver: Process, callback_url: str) -> bool:
    """Whether the receiver takes a callback through a URL that the API has minted: they sign with one secret."""
    path = httpx.URL(callback_url).path
    body = json.dumps({"id": "task-unified-1", "object": "image.generation.task", "status": "processing"})
    async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{receiver.port}") as client:
        answer = await client.post(path, content=body)
    return answer.status_code in (200, 202)


async def test_a_receiver_answers_no_questions_and_an_archiver_takes_no_callbacks(
    spawn: Spawn, postgres: PostgresDatabases, moto: S3Server
) -> None:
    rendered = a_release(postgres.new(), moto)
    for component, path in (("receiver", "/v1/stats"), ("archiver", "/callbacks/evolink/forged")):
        process = await spawn(rendered, component)
        await process.ready()
        async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{process.port}") as client:
            answer = await client.get(path) if component == "receiver" else await client.post(path, json={})
        assert answer.status_code == 404, answer.text
        assert "code" in answer.json()

"""The stand-in provider as a process of its own: a service is told to trust it, and its ledger says what is true."""

import asyncio
import re
import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.system.support.authority import Authority
from tests.system.support.darkroom import COMMAND, STOP_WITHIN, environment
from tests.system.support.waiting import eventually

PROVIDER_KEY = "evk-key-of-the-account-in-these-tests"
SIZE = "1024x640"
"""The smallest images that the provider makes; they cost the least to draw."""

_URL = re.compile(r"https://localhost:\d+")


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the stand-in knows to be true, and how often it was asked; the shapes are its own."""

    requests: dict[str, int]
    answers: dict[str, int]
    totals: dict[str, Any]
    tasks: dict[str, Any]

    @property
    def reads(self) -> int:
        """Requests to all three routes that read tasks."""
        return sum(self.requests[route] for route in ("read_one", "read_several", "list_tasks"))

    @property
    def files(self) -> int:
        """Requests for images, whatever became of them."""
        return self.requests["files"]

    def images(self, task_id: str) -> list[Any]:
        """The true images of a task in their true order."""
        found: list[Any] = self.tasks[task_id]["images"]
        return found

    def hashes(self, task_id: str) -> list[str]:
        return [image["sha256"] for image in self.images(task_id)]

    def links(self, task_id: str) -> list[str]:
        return [image["url"] for image in self.images(task_id)]

    @property
    def names(self) -> frozenset[str]:
        """The unguessable last segments of all links, without their extension."""
        return frozenset(
            image["url"].rpartition("/")[2].partition(".")[0]
            for task in self.tasks.values()
            for image in task["images"]
        )


class StandIn:
    """One run of `darkroom simulator`; its tasks end at once unless `options` say otherwise."""

    def __init__(self, *, folder: Path, authority: Authority, options: Sequence[str]) -> None:
        self._folder = folder
        self._authority = authority
        self._options = ("--seconds", "0", "0", *options)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.client = httpx.AsyncClient()
        self._submitted = 0

    @property
    def settings(self) -> dict[str, str]:
        """What a service needs to ask it, to fetch from it, and to be called back by it."""
        return {
            "EVOLINK__API_URL": self.url,
            "EVOLINK__API_KEY": PROVIDER_KEY,
            "TLS__CA_FILE": str(self._folder / "both.pem"),
            "RECONCILE__REQUESTS_PER_SECOND": "100",
        }

    async def start(self) -> None:
        """Start it and wait until it answers."""
        output, own_ca = self._folder / "stand-in.log", self._folder / "stand-in-ca.pem"
        trust = ("--ca-out", str(own_ca), "--callback-ca", str(self._authority.ca_file))
        with output.open("wb") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "simulator", "--port", "0", *trust, *self._options],
                env=environment({}),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.url = await eventually(lambda: self._said(output), what="the stand-in says where it is")
        both = self._folder / "both.pem"
        both.write_bytes(own_ca.read_bytes() + self._authority.ca_file.read_bytes())
        await self.client.aclose()
        self.client = httpx.AsyncClient(
            base_url=self.url,
            verify=ssl.create_default_context(cafile=str(own_ca)),
            trust_env=False,
            timeout=30,
            headers={"Authorization": f"Bearer {PROVIDER_KEY}"},
        )

    async def _said(self, output: Path) -> str | None:
        assert self._process is not None
        text = output.read_text("utf-8")
        assert self._process.poll() is None, f"the stand-in ended at once:\n{text}"
        found = _URL.search(text)
        return found[0] if found else None

    async def close(self) -> None:
        """Leave nothing running."""
        await self.client.aclose()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            await asyncio.to_thread(self._process.wait, STOP_WITHIN)

    async def submit(self, prompt: str = "a lighthouse", *, callback_url: str | None = None, n: int = 1) -> str:
        """Submit a task as its user does; the id. Prompts are numbered, so that no two tasks are alike."""
        self._submitted += 1
        wish = {"model": "gpt-image-2", "prompt": f"{prompt} no. {self._submitted}", "size": SIZE, "n": n}
        answer = await self._post("/v1/images/generations", {**wish, "callback_url": callback_url})
        return str(answer["id"])

    async def submit_many(
        self, count: int, prompt: str = "a lighthouse", *, callback_url: str | None = None
    ) -> list[str]:
        return [await self.submit(prompt, callback_url=callback_url) for _ in range(count)]

    async def strangers(self, *tasks: dict[str, Any]) -> list[str]:
        """Tasks that somebody else has submitted in the same account; their ids."""
        answer = await self._post("/simulator/tasks", {"tasks": [{"size": SIZE, **task} for task in tasks]})
        ids: list[str] = answer["ids"]
        return ids

    async def turn(self, state: str, **members: Any) -> None:
        """Have the task API go through something; `ok` ends it."""
        await self._post("/simulator/api", {"state": state, **members})

    async def call_back(self, task_id: str) -> None:
        """Have it deliver the true callback of a finished task once more."""
        answer = await self._post(f"/simulator/tasks/{task_id}/callback", {})
        assert answer["delivered"], answer

    async def ledger(self) -> Ledger:
        answer = await self.client.get("/simulator/ledger")
        assert answer.status_code == 200, answer.text
        document = answer.json()
        tasks = {task["id"]: task for task in document["tasks"]}
        return Ledger(document["requests"], document["answers"], document["totals"], tasks)

    async def done(self, *task_ids: str) -> Ledger:
        """The ledger, as soon as these tasks have ended and their callbacks were delivered or given up."""

        async def look() -> Ledger | None:
            ledger = await self.ledger()
            return ledger if all(ledger.tasks[task_id]["callbacks"]["done"] for task_id in task_ids) else None

        return await eventually(look, what="the tasks have ended at the provider", every=0.2)

    async def _post(self, path: str, document: dict[str, Any]) -> Any:
        answer = await self.client.post(path, json=document)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

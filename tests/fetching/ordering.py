"""A process that fetches from the hosts of these tests."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from service.fetching.lines import Terms
from service.fetching.process import FetchProcess
from tests.outbound.origin import LOOPBACK, Request, authority, reply
from tests.support.processes import running
from tests.system.support.waiting import eventually


def terms_for(folder: Path, **changed: Any) -> Terms:
    """Anything on loopback, from hosts with a certificate of the tests' authority."""
    ca_file = folder / "authority.pem"
    authority().cert_pem.write_to_path(str(ca_file))
    usual: dict[str, Any] = {
        "allowed_hosts": ("*",),
        "trusted_networks": tuple(map(ipaddress.ip_network, LOOPBACK)),
        "ca_file": ca_file,
        "connect_timeout": 5.0,
        "read_timeout": 5.0,
        "total_timeout": 20.0,
        "user_agent": "Darkroom/test",
        "max_connections": 8,
        "proxy": None,
        "max_bytes": 10_000_000,
        "max_pixels": 1_000_000,
    }
    return Terms(**usual | changed)


def processes() -> Sequence[psutil.Process]:
    """Those that fetch for this one."""
    return running("service.fetching.child")


def staging(folder: Path) -> Path:
    return folder / "staging"


class Halted:
    """Sends the beginning of an image, and the rest when the gate opens."""

    def __init__(self, image: bytes) -> None:
        self._image = image
        self.gate = asyncio.Event()
        self.asked = 0

    async def __call__(self, _: Request, writer: asyncio.StreamWriter) -> None:
        answer = reply(self._image + b"\0" * 600_000)
        writer.write(answer[:-9])
        await writer.drain()
        self.asked += 1
        await self.gate.wait()
        writer.write(answer[-9:])


async def begun(folder: Path, number: int = 1) -> None:
    """Wait until so many downloads have reached the disk."""

    async def look() -> bool | None:
        return len(list(staging(folder).iterdir())) == number or None

    await eventually(look, what=f"{number} files are begun", within=20)


@asynccontextmanager
async def fetching(folder: Path, *, answer_late: float = 30.0, **changed: Any) -> AsyncIterator[FetchProcess]:
    """Fetches into `staging(folder)`; no process is left behind."""
    staging(folder).mkdir()
    process = FetchProcess(terms_for(folder, **changed), staging=staging(folder), answer_late=answer_late)
    async with aclosing(process) as fetcher:
        yield fetcher
    assert processes() == []

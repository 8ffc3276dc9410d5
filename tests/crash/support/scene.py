"""Where submissions are tried: a service, its provider, and what stands between them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.crash.support.servers import Servers
from tests.system.support.authority import Authority
from tests.system.support.darkroom import Darkroom
from tests.system.support.gateway import Gateway
from tests.system.support.stand_in import StandIn
from tests.system.support.submitting import gateway_before
from tests.system.support.wall_clock import WallClock

OPTIONS = ("--no-idempotency", "--allow-http-callbacks")
"""A provider that makes a task of whatever arrives."""


@dataclass(frozen=True, slots=True)
class Scene:
    """`clock` is what the second server goes by."""

    service: Darkroom
    provider: StandIn
    gateway: Gateway
    clock: WallClock

    @property
    def data(self) -> Path:
        return Path(self.service.settings["DATA_DIR"])


@asynccontextmanager
async def new_scene(servers: Servers, authority: Authority, folder: Path) -> AsyncIterator[Scene]:
    """A provider that runs and a service that does not yet; afterwards nothing runs."""
    place = folder / "provider"
    place.mkdir()
    provider = StandIn(folder=place, authority=authority, options=OPTIONS)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(provider.close)
        await provider.start()
        gateway = await stack.enter_async_context(gateway_before(provider, authority))
        service = servers.new(folder, {**provider.settings, "EVOLINK__API_URL": gateway.url})
        stack.push_async_callback(service.close)
        yield Scene(service, provider, gateway, WallClock(folder))

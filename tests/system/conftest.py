"""What the black-box tests share: certificates, an image host, and the service itself as a process."""

from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Protocol

import pytest

from tests.system.support.authority import Authority, new_authority
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.ports import free_port
from tests.system.support.settings import settings_for
from tests.system.support.stand_in import StandIn


class Start(Protocol):
    """Makes a service with a data directory of its own; settings go by their names without prefix.

    `asks` is the provider that it has a key for.
    """

    def __call__(
        self, *, tls: bool = True, running: bool = True, asks: StandIn | None = None, **changed: str | None
    ) -> Awaitable[Darkroom]: ...


class Begin(Protocol):
    """Starts a stand-in provider; options go as its command takes them."""

    def __call__(self, *options: str) -> Awaitable[StandIn]: ...


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return new_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def image_host(authority: Authority) -> AsyncIterator[ImageHost]:
    """An image host at https://localhost, which the services under test may fetch from."""
    host = ImageHost(tls=authority.server_tls())
    await host.open()
    yield host
    await host.close()


@pytest.fixture
async def start(tmp_path: Path, authority: Authority, image_host: ImageHost) -> AsyncIterator[Start]:
    """Starts services; afterwards none runs, and no log has told a secret."""
    made: list[Darkroom] = []

    async def start_one(
        *, tls: bool = True, running: bool = True, asks: StandIn | None = None, **changed: str | None
    ) -> Darkroom:
        folder = tmp_path / f"service-{len(made)}"
        folder.mkdir()
        changed = {**(asks.settings if asks else {}), **changed}
        settings = settings_for(folder, free_port(), authority=authority, tls=tls, changed=changed)
        service = Darkroom(folder=folder, settings=settings, tls=authority.client_tls() if tls else None)
        made.append(service)
        if running:
            await service.start()
        return service

    yield start_one
    for service in made:
        await service.close()
    for service in made:
        assert service.leaked(image_host.names) == []


@pytest.fixture
async def stand_in(tmp_path: Path, authority: Authority) -> AsyncIterator[Begin]:
    """Starts stand-in providers, which services under test trust by their `settings`; afterwards none runs."""
    made: list[StandIn] = []

    async def begin(*options: str) -> StandIn:
        folder = tmp_path / f"stand-in-{len(made)}"
        folder.mkdir()
        one = StandIn(folder=folder, authority=authority, options=options)
        made.append(one)
        await one.start()
        return one

    yield begin
    for one in made:
        await one.close()

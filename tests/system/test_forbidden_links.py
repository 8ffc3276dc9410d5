"""Links to places that nobody may make us visit: no connection is opened, and the image is dead with the reason."""

from collections.abc import AsyncIterator

import pytest

from tests.system.conftest import Start
from tests.system.support.answers import redirect, whole
from tests.system.support.authority import Authority
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.pictures import a_picture
from tests.system.support.ports import can_listen
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.settings import list_setting
from tests.system.support.waiting import eventually

SPELLINGS = (
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "127.8.9.10",
    "0.0.0.0",
    "0",
    "localhost",
    "LocalHost.",
    "user:password@127.0.0.1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::5efe:7f00:1]",
    "[::ffff:169.254.169.254]",
    "169.254.169.254",
    "10.0.0.1",
    "192.168.1.1",
    "[fd00:ec2::254]",
)
"""This machine and its neighbours, as a host may be written in a link."""

PER_TASK = 10


@pytest.fixture
async def wire(authority: Authority) -> AsyncIterator[ImageHost]:
    """A host that nobody may connect to; it listens on all loopback addresses that this machine has."""
    addresses = [address for address in ("127.0.0.1", "127.0.0.2", "::1") if can_listen(address)]
    host = ImageHost(tls=authority.server_tls(), addresses=addresses)
    await host.open()
    yield host
    await host.close()


async def fates(service: Darkroom, links: list[str]) -> dict[str, tuple[str, str | None]]:
    """Call back about tasks with these links; status and reason of each, once all is settled."""
    url = await service.api.mint()
    found: dict[str, tuple[str, str | None]] = {}
    for first in range(0, len(links), PER_TASK):
        some, task_id = links[first : first + PER_TASK], new_task_id()
        answer = await call_back(service.api.client, url, task_object(task_id, links=some))
        assert answer.status_code == 202
        task = await service.api.settled(task_id)
        states = [(asset["status"], asset["reason"]) for asset in task["assets"]]
        found |= dict(zip(some, states, strict=True))
    return found


@pytest.mark.parametrize("with_port", [True, False], ids=["listening port", "port 443"])
async def test_no_spelling_of_an_address_in_this_network_is_ever_connected_to(
    start: Start, wire: ImageHost, with_port: bool
) -> None:
    service = await start(DOWNLOAD__ALLOWED_HOSTS=list_setting("*"), DOWNLOAD__TRUSTED_NETWORKS=None)
    port = f":{wire.port}" if with_port else ""
    links = [f"https://{spelling}{port}/{number}.png" for number, spelling in enumerate(SPELLINGS)]
    assert await fates(service, links) == dict.fromkeys(links, ("dead", "refused_address"))
    assert wire.connections == 0
    assert service.leaked(["user:password"]) == []


@pytest.mark.long
async def test_a_link_without_tls_and_one_to_the_service_itself_are_refused(start: Start, wire: ImageHost) -> None:
    service = await start(DOWNLOAD__ALLOWED_HOSTS=list_setting("*"), DOWNLOAD__TRUSTED_NETWORKS=None)
    links = [f"http://127.0.0.1:{wire.port}/0.png", f"{service.url}/livez", f"file:///{service.port}/etc/passwd"]
    fate = await fates(service, links)
    assert fate[links[0]] == fate[links[1]] == ("dead", "refused_address")
    assert fate[links[2]][0] == "dead"
    assert wire.connections == 0


async def test_a_host_that_is_not_allowed_is_refused_even_in_a_trusted_network(start: Start, wire: ImageHost) -> None:
    service = await start(DOWNLOAD__ALLOWED_HOSTS=list_setting("*.localhost"))
    links = [wire.put(whole(a_picture(host)), host=host) for host in ("localhost", "127.0.0.1")]
    assert await fates(service, links) == dict.fromkeys(links, ("dead", "refused_host"))
    assert wire.connections == 0


@pytest.mark.long
async def test_a_redirect_is_judged_like_a_link(start: Start, image_host: ImageHost, wire: ImageHost) -> None:
    service = await start(DOWNLOAD__ALLOWED_HOSTS=list_setting("localhost", "127.0.0.2", "10.0.0.1"))
    there = wire.put(whole(a_picture("there")), host="127.0.0.2")
    unlisted = image_host.put(whole(a_picture("unlisted")), host="127.0.0.1")
    good = image_host.put(whole(a_picture("good")))
    link_to = {target: image_host.put(redirect(target)) for target in (there, unlisted, good)}
    neighbour, plain = image_host.put(redirect("https://10.0.0.1/0.png")), image_host.put(redirect("http://localhost/"))
    fate = await fates(service, [*link_to.values(), neighbour, plain])
    assert fate == {
        link_to[there]: ("dead", "refused_address"),
        link_to[unlisted]: ("dead", "refused_host"),
        link_to[good]: ("archived", None),
        neighbour: ("dead", "refused_address"),
        plain: ("dead", "refused_address"),
    }
    assert wire.connections == 0
    assert image_host.asked_for(unlisted) == 0


@pytest.mark.long
async def test_at_most_three_redirects_are_followed(start: Start, image_host: ImageHost) -> None:
    service = await start()
    links = [image_host.put(whole(a_picture("far away")))]
    for _ in range(4):
        links.insert(0, image_host.put(redirect(links[0])))
    task_id = new_task_id()
    await call_back(service.api.client, await service.api.mint(), task_object(task_id, links=[links[0], links[1]]))

    async def attempts() -> list[str] | None:
        assets = (await service.api.get(f"/v1/tasks/{task_id}"))["assets"]
        return [asset["status"] for asset in assets] if all(asset["attempts"] for asset in assets) else None

    assert await eventually(attempts, what="both were attempted") == ["pending", "archived"]

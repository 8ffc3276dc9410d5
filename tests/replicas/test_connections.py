"""How many connections each process has to the database: no more than its pools take, whatever the load."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.replicas.conftest import Build
from tests.replicas.house import House
from tests.support.postgres import rows_of
from tests.system.support.answers import Answer, slow
from tests.system.support.authority import Authority
from tests.system.support.burden import process_id
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import new_job
from tests.system.support.load import Tally, Target, keep_posting
from tests.system.support.pictures import Picture
from tests.system.support.provider import call_back

pytestmark = pytest.mark.long

MOST = 2 + 8 + 1 + 1
"""For intake, for all else, for migrations, and to listen."""

CLIENTS, READERS = 24, 12
SECONDS = 6.0


def slowly(picture: Picture) -> tuple[Answer, ...]:
    return (slow(picture, parts=2, pause=0.3),)


def of_processes(house: House) -> dict[str, int]:
    """How many connections each process holds, seen from its side."""
    found = {}
    for name, replica in house.replicas.items():
        held = psutil.Process(process_id(replica)).net_connections("tcp4")
        open_ones = (one for one in held if one.status == psutil.CONN_ESTABLISHED)
        found[name] = sum(one.raddr.port == house.to_database.port for one in open_ones)
    return found


def of_server(house: House) -> int:
    """How many there are of all processes, seen from the server."""
    query = (
        f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{house.database}' AND application_name ^@ 'darkroom'"
    )
    [(number,)] = rows_of(house.direct, query)
    return int(number)


async def read_on(house: House) -> None:
    """Read until nobody takes the connection any more."""
    with suppress(httpx.TransportError):
        while True:
            await house.api.get("/v1/tasks", limit=200)


async def most_under_load(house: House, target: Target, tally: Tally) -> tuple[int, int]:
    """The most of any process, and of all together."""
    of_one = of_all = 0
    async with asyncio.TaskGroup() as load:
        for _ in range(CLIENTS):
            load.create_task(keep_posting(target, tally, keep_alive=True))
        for _ in range(READERS):
            load.create_task(read_on(house))
        until = asyncio.get_running_loop().time() + SECONDS
        while asyncio.get_running_loop().time() < until:
            of_one = max(of_one, *(await asyncio.to_thread(of_processes, house)).values())
            of_all = max(of_all, await asyncio.to_thread(of_server, house))
            await asyncio.sleep(0.1)
        await house.balancer.close()  # so the load ends
    await house.balancer.open()
    return of_one, of_all


async def test_connections_stay_within_the_pools_under_load_and_after_every_process_was_killed(
    build: Build, image_host: ImageHost, authority: Authority
) -> None:
    house = await build()
    url = await house.api.mint()
    target, tally = Target(house.balancer.port, authority.client_tls(), urlsplit(url).path), Tally()
    for _ in range(2):
        for _ in range(10):
            await call_back(house.api.client, url, new_job(image_host, slowly, images=3).body)
        of_one, of_all = await most_under_load(house, target, tally)
        assert 2 < of_one <= MOST
        assert of_all <= MOST * len(house.replicas)
        assert set(tally.statuses) == {202}
        await asyncio.gather(*(replica.kill() for replica in house.replicas.values()))
        await house.start()

"""A house of replicas: processes of the service with a data directory each, on one database and in one bucket.

Database and bucket are reached over roads that can go wrong, and the replicas that take callbacks over a balancer.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx

from tests.replicas.store import Bucket, Shelf
from tests.support.postgres import PostgresServer, run_sql
from tests.system.support.api import Api
from tests.system.support.authority import Authority
from tests.system.support.darkroom import Darkroom
from tests.system.support.outage import ready
from tests.system.support.ports import free_port
from tests.system.support.road import Road
from tests.system.support.settings import KEY, list_setting, settings_for

RECEIVER, ARCHIVER, RECONCILER = "receiver,api", "archiver", "reconciler"
USUAL: Mapping[str, str] = {
    "receiver-1": RECEIVER,
    "receiver-2": RECEIVER,
    "archiver-1": ARCHIVER,
    "archiver-2": ARCHIVER,
    "reconciler": RECONCILER,
}
"""Roles by name of a replica."""


class House:
    """Replicas by name; none runs before `start`. `url` is where all that receive are reached."""

    def __init__(
        self,
        folder: Path,
        *,
        authority: Authority,
        server: PostgresServer,
        bucket: Bucket,
        roles: Mapping[str, str] = USUAL,
        changed: Mapping[str, str | None] | None = None,
        counting: bool = False,
    ) -> None:
        self._server = server
        self.to_database = Road(_port(server.url))
        self.to_bucket = Road(_port(bucket.options["endpoint"]))
        ports = {name: free_port() for name in roles}
        self.balancer = Road(*(ports[name] for name in roles if roles[name] == RECEIVER))
        self.url = f"https://127.0.0.1:{self.balancer.port}"
        place, endpoint = bucket.fresh_place(), bucket.options["endpoint"]
        self.shelf = Shelf(bucket, place, counting=counting)
        self.database = ""
        shared: dict[str, str | None] = {
            "PUBLIC_URL": self.url,
            "STORAGE__URL": place,
            "STORAGE__OPTIONS": json.dumps({**bucket.options, "endpoint": _by_way_of(self.to_bucket, endpoint)}),
            "STORAGE__MIN_FREE_BYTES": "0",
            "CALLBACKS__SECRETS": list_setting(secrets.token_hex(32)),
            "CONFIRM__MODE": None if changed and "EVOLINK__API_KEY" in changed else "off",
            **(changed or {}),
        }
        self.replicas: dict[str, Darkroom] = {}
        for name, its_roles in roles.items():
            home = folder / name
            home.mkdir(parents=True)
            own = {**shared, "ROLES": its_roles}
            settings = settings_for(home, ports[name], authority=authority, tls=True, changed=own)
            self.replicas[name] = Darkroom(folder=home, settings=settings, tls=authority.client_tls())
        front = httpx.AsyncClient(
            base_url=self.url,
            verify=authority.client_tls(),
            trust_env=False,
            timeout=20,
            headers={"Authorization": f"Bearer {KEY}"},
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        self.api = Api(front)
        """The interface of whoever the balancer gives."""

    def __getitem__(self, name: str) -> Darkroom:
        return self.replicas[name]

    @property
    def direct(self) -> str:
        """The database's own address, past the road."""
        return _of_database(self._server.url, self.database)

    async def new_database(self) -> None:
        """From the next start on all work on a new database, which `darkroom migrate` was run for."""
        self.database = f"house_{secrets.token_hex(4)}"
        await asyncio.to_thread(run_sql, self._server.url, f"CREATE DATABASE {self.database}")
        address = _of_database(_by_way_of(self.to_database, self._server.url), self.database)
        for replica in self.replicas.values():
            replica.settings = {**replica.settings, "DATABASE_URL": address}
        done = await next(iter(self.replicas.values())).run("migrate")
        assert done.returncode == 0, done.stdout + done.stderr

    async def start(self, *names: str) -> None:
        """Start these replicas, or all, and wait until they are ready."""
        chosen = [self.replicas[name] for name in names or self.replicas]
        await asyncio.gather(*(replica.start() for replica in chosen))
        for replica in chosen:
            await ready(replica, within=60)

    async def stop(self) -> dict[str, int]:
        """Ask all to stop; their exit codes by name."""
        codes = await asyncio.gather(*(replica.stop() for replica in self.replicas.values()))
        return dict(zip(self.replicas, codes, strict=True))

    async def close(self) -> None:
        for replica in self.replicas.values():
            await replica.close()
        await self.api.client.aclose()
        for road in (self.to_database, self.to_bucket, self.balancer):
            await road.close()

    def untaken(self) -> set[str]:
        """Why callbacks were answered 503."""
        lines = [json.loads(line) for replica in self.replicas.values() for line in replica.log.splitlines()]
        return {line["reason"] for line in lines if line["event"] == "callback" and line["verdict"] == "unavailable"}

    def leaked(self, names: frozenset[str] = frozenset()) -> list[str]:
        """Which secrets the logs tell, each with the replica that does."""
        found: list[str] = []
        for name, replica in self.replicas.items():
            replica.api.tokens |= self.api.tokens
            found += [f"{name} tells {secret}" for secret in replica.leaked(names)]
        return found


@asynccontextmanager
async def standing(house: House) -> AsyncIterator[House]:
    """The house with open roads and a database; no replica runs yet."""
    try:
        for road in (house.to_database, house.to_bucket, house.balancer):
            await road.open()
        await house.new_database()
        yield house
    finally:
        await house.close()


def _port(url: str) -> int:
    found = urlsplit(url).port
    assert found is not None
    return found


def _by_way_of(road: Road, url: str) -> str:
    """The same address over a road."""
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit((parts.scheme, f"{user}127.0.0.1:{road.port}", parts.path, parts.query, ""))


def _of_database(url: str, name: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))

"""A callback URL in the wrong hands neither fills the disk nor drowns the others, and nobody honest notices."""

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from service.domain.allowance import BURST, MOST_STRAY_BYTES, MOST_STRAY_ROWS, MOST_WAITING, Spent
from service.intake.batch import take_in
from tests.support.app import House, assert_problem, serving
from tests.support.deliveries import TASK, delivery, task_object, token

MIB = 1024 * 1024
KEY = {"api_key": "sk-test", "api_url": "http://127.0.0.1:9"}


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Siege:
    """A service, the path of a leaked URL, and the path of an honest one."""

    house: House
    clock: Clock
    leaked: str
    honest: str

    async def flood(self, bodies: list[bytes], *, path: str | None = None) -> Counter[int]:
        """Send them as fast as they go, a few at a time; returns how often each status was answered."""
        answers: Counter[int] = Counter()
        for start in range(0, len(bodies), 64):
            some = [self.house.call_back(body, path=path or self.leaked) for body in bodies[start : start + 64]]
            answers.update(answer.status_code for answer in await asyncio.gather(*some))
        return answers

    async def honestly(self, number: int) -> int:
        answer = await self.house.call_back(task_object(task_id=f"task-honest-{number}"), path=self.honest)
        return answer.status_code

    async def kept(self) -> tuple[int, int]:
        """Rows of the inbox that have a body, and the bytes of these bodies."""
        rows, size, cursor = 0, 0, None
        while True:
            query = {"limit": "200", **({"cursor": cursor} if cursor else {})}
            found = await self.house.json("/v1/callbacks", **query)
            for one in found["items"]:
                row = await self.house.parts.catalog.read(lambda tx, one=one: tx.query.callback(int(one["id"])))  # type: ignore[misc]
                assert row is not None
                if row["body"] is not None:
                    rows, size = rows + 1, size + len(row["body"])
            cursor = found["next"]
            if cursor is None:
                return rows, size


@pytest.fixture
async def siege(tmp_path: Path) -> AsyncIterator[Siege]:
    clock = Clock()
    async with serving(tmp_path, clock=clock) as house:
        yield Siege(house, clock, await house.mint(), await house.mint())


@pytest.fixture
async def confirming(tmp_path: Path) -> AsyncIterator[Siege]:
    """The same where the provider is asked; it does not answer."""
    clock = Clock()
    async with serving(tmp_path, clock=clock, roles="receiver,api", evolink=KEY) as house:
        yield Siege(house, clock, await house.mint(), await house.mint())


@pytest.mark.long
async def test_a_flood_is_answered_429_while_another_urls_callbacks_are_accepted(siege: Siege) -> None:
    bodies = [b"bad"] * int(BURST)
    assert await siege.flood(bodies) == {422: BURST}
    assert await siege.flood(bodies[:200]) == {429: 200}
    assert [await siege.honestly(number) for number in range(20)] == [202] * 20
    siege.clock.now += 0.5
    assert await siege.flood(bodies[:300]) == {422: 100, 429: 200}
    assert await siege.house.metric('darkroom_callbacks_total{source="evolink",verdict="limited"}') == 400


async def test_a_429_says_when_to_come_again_reads_no_body_and_leaves_no_line_of_its_own(siege: Siege) -> None:
    siege.house.parts.allowances.charge(_id(siege, siege.leaked), 1000 * MIB)
    read: list[bytes] = []

    async def chunks() -> AsyncIterator[bytes]:
        read.append(b"x")
        yield b"x"

    with capture_logs() as lines:
        for _ in range(10):
            answer = await siege.house.anyone.post(siege.leaked, content=chunks())
            assert_problem(answer, 429, "limited")
            assert int(answer.headers["retry-after"]) >= 1
        assert (read, lines) == ([], [])
        siege.house.parts.allowances.tell()
    assert [(line["event"], line["count"]) for line in lines] == [("callbacks_limited", 10)]


def _id(siege: Siege, path: str) -> str:
    token = siege.house.parts.signer.verify(path.rpartition("/")[2], source="evolink", now=datetime.now(UTC))
    assert token is not None
    return token.id


@pytest.mark.parametrize("announced", [True, False])
async def test_bytes_count_whether_they_are_announced_or_not(siege: Siege, announced: bool) -> None:
    async def chunks(body: bytes) -> AsyncIterator[bytes]:
        yield body

    async def send(number: int) -> httpx.Response:
        body = b"%d" % number + b"x" * (MIB - 10)
        return await siege.house.anyone.post(siege.leaked, content=body if announced else chunks(body))

    answers = Counter([(await send(number)).status_code for number in range(60)])
    assert answers == {422: 32, 429: 28}


@pytest.mark.long
async def test_unreadable_bodies_take_no_more_than_their_share_of_the_disk(siege: Siege) -> None:
    for start in range(0, 48, 16):
        siege.clock.now += 60
        large = [b"%d" % number + b"x" * (MIB - 2) for number in range(start, start + 16)]
        assert await siege.flood(large) == {422: 16}
    for start in range(0, 1500, 500):
        siege.clock.now += 60
        assert await siege.flood([b"bad %d" % number for number in range(start, start + 500)]) == {422: 500}
    rows, size = await siege.kept()
    assert (rows <= 16, size <= MOST_STRAY_BYTES) == (True, True)
    listed = await siege.house.parts.catalog.read(
        lambda tx: tx.query.callbacks(filters={"verdict": "unreadable"}, after=None, limit=5000)
    )
    assert len(listed.items) == rows + MOST_STRAY_ROWS
    assert await siege.house.metric('darkroom_callbacks_total{source="evolink",verdict="unreadable"}') == 1548
    assert await siege.honestly(1) == 202
    assert (await siege.house.call_back(b"an honest mistake", path=siege.honest)).status_code == 422
    assert (await siege.kept())[0] == rows + 2


@pytest.mark.long
async def test_invented_tasks_are_limited_known_ones_and_other_urls_are_not(confirming: Siege) -> None:
    house, leaked_id = confirming.house, _id(confirming, confirming.leaked)
    told = await house.write.post("/v1/tasks", json={"id": "task-told"})
    assert told.status_code == 201
    await invent(house, leaked_id, MOST_WAITING)
    house.parts.allowances.add(leaked_id, Spent(waiting=MOST_WAITING))
    limited = await house.call_back(task_object(), path=confirming.leaked)
    assert_problem(limited, 429, "limited")
    assert limited.headers["retry-after"] == "30"
    assert_problem(await house.admin.get(f"/v1/tasks/{TASK}"), 404, "task_not_found")
    assert (await house.json("/v1/callbacks", task_id=TASK))["items"] == []
    assert (await house.call_back(task_object(task_id="task-told"), path=confirming.leaked)).status_code == 202
    assert await confirming.honestly(1) == 202
    confirm_all(house)
    confirming.clock.now += 2
    assert (await house.call_back(task_object(), path=confirming.leaked)).status_code == 202


async def invent(house: House, token_id: str, number: int) -> None:
    """Tasks that only callbacks of this token told of."""
    for start in range(0, number, 500):
        batch = [
            delivery(task_object("processing", f"task-{n:06}"), through=token(token_id))
            for n in range(start, start + 500)
        ]
        await house.parts.catalog.write(partial(take_in, batch=batch, rules=house.parts.rules))


def confirm_all(house: House) -> None:
    """As the provider's answers would."""
    connection = sqlite3.connect(house.parts.settings.database_path)
    with connection:
        connection.execute("UPDATE tasks SET confirmed = 1")
    connection.close()


@pytest.mark.long
async def test_the_number_of_invented_tasks_is_bounded_also_after_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    async with serving(tmp_path, clock=clock, roles="receiver,api", evolink=KEY) as house:
        siege = Siege(house, clock, await house.mint(), await house.mint())
        bodies = [json.dumps(task_object("processing", f"task-{number:05}")).encode() for number in range(1200)]
        assert await siege.flood(bodies) == {202: 1200}
    async with serving(tmp_path, clock=clock, roles="receiver,api", evolink=KEY) as house:
        again = Siege(house, clock, siege.leaked, siege.honest)
        fresh = [json.dumps(task_object("processing", f"task-x{number:05}")).encode() for number in range(700)]
        assert await again.flood(fresh) == {202: 700}
        assert house.parts.allowances.spent(_id(again, siege.leaked)).waiting == 1900


async def test_a_team_with_one_url_for_everything_notices_nothing(confirming: Siege) -> None:
    statuses: Counter[int] = Counter()
    for second in range(12):
        bodies = [
            json.dumps(task_object(task_id=f"task-{second:02}-{number:03}", filler="x" * 4000)).encode()
            for number in range(100)
        ]
        confirming.clock.now += 1
        statuses += await confirming.flood(bodies)
    assert statuses == {202: 1200}

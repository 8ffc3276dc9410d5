"""A 202 is written only after its callback was synced to disk; concurrent callbacks share a sync. Needs strace."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.system.conftest import Start
from tests.system.support.connection import Answered, Connection, post
from tests.system.support.darkroom import Darkroom
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.trace import Event, Step, events, prefix, why_no_trace

AT_ONCE = 64
DATABASE = "/darkroom.db"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Where the trace goes; skips where nothing can be traced."""
    reason = why_no_trace(tmp_path)
    if reason is not None:
        pytest.skip(reason)
    return tmp_path / "trace"


async def traced(start: Start, output: Path) -> Darkroom:
    service = await start(tls=False, running=False)
    await service.start(prefix=prefix(output))
    return service


@pytest.mark.long
async def test_a_lone_callback_is_synced_before_its_202_is_written(start: Start, output: Path) -> None:
    service = await traced(start, output)
    url = await service.api.mint()
    answer = await call_back(service.api.client, url, task_object(new_task_id(), status="processing"))
    assert answer.status_code == 202
    assert await service.stop() == 0
    seen = events(output)
    assert len(answered(seen)) == 1
    assert answered_too_early(seen) == []


@pytest.mark.long
async def test_concurrent_callbacks_share_a_sync_and_none_is_answered_before_it(
    start: Start, output: Path, record_property: Callable[[str, object], None]
) -> None:
    service = await traced(start, output)
    path = urlsplit(await service.api.mint()).path
    connections = [await Connection.open(service.port, None) for _ in range(AT_ONCE)]
    requests = [post(path, task_object(new_task_id(), status="processing")) for _ in connections]
    opened = [connection for connection in connections if isinstance(connection, Connection)]
    outcomes = await asyncio.gather(*(one.exchange(request) for one, request in zip(opened, requests, strict=True)))
    for connection in opened:
        await connection.close()
    assert [outcome.status for outcome in outcomes if isinstance(outcome, Answered)] == [202] * AT_ONCE
    assert await service.stop() == 0

    seen = events(output)
    first = next(index for index, event in enumerate(seen) if event.step is Step.RECEIVED)
    last = max(index for index, event in enumerate(seen) if event.step is Step.ANSWERED)
    syncs = sum(event.step is Step.SYNCED and DATABASE in event.on for event in seen[first:last])
    record_property("syncs", syncs)
    print(f"{AT_ONCE} callbacks at once took {syncs} syncs of the database")
    assert len(answered(seen)) == AT_ONCE
    assert answered_too_early(seen) == []
    assert 1 <= syncs <= AT_ONCE // 2


def answered(seen: list[Event]) -> list[str]:
    return [event.on for event in seen if event.step is Step.ANSWERED]


def answered_too_early(seen: list[Event]) -> list[str]:
    """Sockets whose 202 was written although no sync of the database had begun after the receipt and ended."""
    received: dict[str, int] = {}
    early: list[str] = []
    begun = {}
    synced_since = -1  # the latest place in the trace at which a sync began that has ended
    for place, event in enumerate(seen):
        match event.step:
            case Step.RECEIVED:
                received[event.on] = place
            case Step.SYNC_BEGUN if DATABASE in event.on:
                begun[event.on] = place
            case Step.SYNCED if DATABASE in event.on:
                synced_since = max(synced_since, begun[event.on])
            case Step.ANSWERED if synced_since < received[event.on]:
                early.append(event.on)
            case _:
                pass
    return early

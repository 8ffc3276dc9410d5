"""Callbacks, from their bytes to the sidecar of the task that they make."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from service.archive.sidecar import render
from service.archive.sidecar_reader import SidecarRead, read_sidecar
from service.domain.apply_event import Applied, Arrival, apply_event
from service.domain.link import MAX_LINKS
from service.domain.object_key import is_task_id, sidecar_key
from service.domain.task import EventStatus, Origin, Standing
from service.outbound.target import Target, read_link
from service.provider.payload import Readable, read_callback, read_item, read_json
from tests.fuzz.storable import must_be_storable
from tests.support.deliveries import NOW, RULES, task_object

DEEP = 100
"""Levels of nesting from which an item of a list may be left out: only a list has to get over it."""


def seeds() -> Iterator[bytes]:
    for status in ("pending", "processing", "completed", "failed", "canceled", "strange"):
        yield json.dumps(task_object(status)).encode()
    shapes: list[dict[str, Any]] = [
        {"results": [{"url": "https://files.evolink.ai/é/1.png"}], "result_data": {"url": "https://h.example/2"}},
        {"error": {"code": "request_cancelled", "n": 2**70}, "created": 1777636800123, "usage": {"credits": 1.5}},
        {"model": "a\x00\ud800", "task_info": {"estimated_time": "45"}, "created": "1777636800", "x": float("nan")},
    ]
    for shape in shapes:
        yield json.dumps(task_object("completed", **shape)).encode()
    yield json.dumps(task_object()).encode("utf-16")
    yield json.dumps(task_object()).encode("utf-8-sig")
    yield b'{"id":"task-0001","usage":' + b"[" * DEEP + b"]" * DEEP + b"}"


def check(data: bytes) -> None:
    reading = read_callback(data)
    if not isinstance(reading, Readable):
        assert reading.detail
        must_be_storable(reading.detail)
        return
    event = reading.event
    assert is_task_id(event.task_id)
    assert len(set(event.links)) == len(event.links) <= 64
    assert all(link == link.strip() and 0 < len(link) <= 8192 for link in event.links)
    must_be_storable(event)
    must_be_storable(reading.text)
    assert read_callback(reading.text.encode()) == reading
    item = read_item(read_json(data)[1])
    assert item is not None or data.count(b"[") + data.count(b"{") > DEEP
    if item is not None:
        must_be_storable(item.text)
        assert item.event == event
    for origin, standing in ((Origin.CALLBACK, Standing.HINT), (Origin.POLL, Standing.AUTHORITATIVE)):
        arrival = Arrival("evolink", NOW, origin, standing)
        applied = apply_event(None, (), event, arrival, rules=RULES, event_json=reading.text)
        _applied(applied, believed=standing is Standing.AUTHORITATIVE and event.status is EventStatus.COMPLETED)


def _applied(applied: Applied | None, *, believed: bool) -> None:
    """What an event made: links of allowed hosts only, and a task that its sidecar can tell of."""
    if applied is None:
        return
    task, assets = applied.task, applied.assets
    assert believed or not assets
    assert len(assets) <= MAX_LINKS
    for asset in assets:
        for link in asset.links:
            assert not isinstance(target := read_link(link, allowed_hosts=("*",)), Target) or target.host.endswith(
                ".evolink.ai"
            ), link
    if task.deadline is not None:
        assert datetime(2024, 1, 1, tzinfo=UTC) <= task.deadline <= NOW + 2 * RULES.link_lifetime
    if task.archive_date is None:
        return
    told = read_sidecar(sidecar_key(task.source, task.archive_date, task.id), render(task, assets, [applied.entry], []))
    assert isinstance(told, SidecarRead), told
    assert (told.task.status, told.task.usage, told.task.error) == (task.status, task.usage, task.error)
    assert (told.task.provider_json or "").strip() == (task.provider_json or "").strip()
    assert [(one.links, one.refused) for one in told.assets] == [(one.links, one.refused) for one in assets]

"""Sidecars: whoever can write to the store can write them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from service.archive.sidecar import Evidence, render
from service.archive.sidecar_reader import SidecarRead, Unreadable, read_sidecar
from service.domain.asset import Asset, AssetStatus, Stored
from service.domain.history import Effect, HistoryEntry
from service.domain.image import Image, ImageFormat
from service.domain.object_key import asset_key, sidecar_key
from service.domain.task import Hold, Origin, Rank, Standing, Task, TaskStatus
from tests.fuzz.storable import must_be_storable
from tests.support.deliveries import LINK, NOW, TASK, task_object

DAY = date(2026, 5, 1)
KEY = sidecar_key("evolink", DAY, TASK)
FOLDER = KEY.removesuffix("task.json")


def seeds() -> Iterator[bytes]:
    bare = Task(TASK, "evolink", NOW, TaskStatus.COMPLETED, archive_date=DAY, provider_json=json.dumps(task_object()))
    full = replace(
        bare,
        rank=Rank.COMPLETED,
        tags={"team": "a"},
        usage={"credits": 1.5},
        prompt="日落",
        parameters={"n": 1},
        hold=Hold(NOW, "me", "why"),
        settled_at=NOW,
        provider_json='{"n": NaN}',
    )
    waiting = Asset(task_id=TASK, index=0, links=(LINK,), deadline=NOW, created_at=NOW)
    key = asset_key("evolink", DAY, TASK, 0, "a" * 64, ImageFormat.PNG)
    kept = replace(
        waiting,
        status=AssetStatus.ARCHIVED,
        stored=Stored(key, "a" * 64, 7, Image(ImageFormat.PNG, 3, 2)),
        archived_at=NOW + timedelta(seconds=1),
        details={"version": 1},
    )
    entry = HistoryEntry(NOW, Origin.POLL, "completed", Standing.AUTHORITATIVE, Effect.DECIDED, Rank.COMPLETED)
    proof = Evidence("callback", "b" * 64, "tok-1", "accepted", 2, NOW, 1, "completed", 9)
    yield render(bare, [], [], [])
    yield render(bare, [waiting], [entry], [])
    yield render(full, [kept], [entry], [proof])


def check(data: bytes) -> None:
    told = read_sidecar(KEY, data)
    if isinstance(told, Unreadable):
        assert told.reason
        json.dumps(told.reason)
        return
    assert isinstance(told, SidecarRead)
    assert told.task.id == TASK
    must_be_storable(told)
    for asset in told.assets:
        assert asset.stored is None or asset.stored.object_key.startswith(FOLDER), "it names a file of another task"
        assert asset.stored is None or "/" not in asset.stored.object_key.removeprefix(FOLDER)
    again = read_sidecar(KEY, render(told.task, told.assets, told.history, told.evidence))
    assert again == told, "written down again, it tells something else"

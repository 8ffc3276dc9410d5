"""What an event says. Field names are the public contract; URLs that lead to bytes are put in when it is sent.

The data is what held when the event was kept, so that every attempt tells the same.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from service.domain.announcement import Announcement, EventKind
from service.domain.asset import Asset, AssetReason, AssetStatus
from service.domain.image import ImageFormat
from service.domain.moment import rfc3339
from service.domain.task import Task, TaskReason, TaskStatus


class ToldTaskDocument(TypedDict):
    """A task in brief."""

    id: str
    source: str
    status: TaskStatus
    reason: TaskReason | None
    model: str | None
    ref: str | None
    tags: dict[str, str]
    confirmed: bool
    conflict: bool
    created_at: str | None
    received_at: str


class SettledTaskDocument(ToldTaskDocument):
    """A task that has ended, and of whose images each is safe or given up."""

    prompt: str | None
    parameters: Mapping[str, Any] | None
    usage: Mapping[str, Any] | None
    error: Mapping[str, Any] | None
    settled_at: str | None


class ToldAssetDocument(TypedDict):
    """An image; `url` is a permanent link to it where it is archived, and null where it was deleted since."""

    id: str
    task_id: str
    index: int
    status: AssetStatus
    reason: AssetReason | None
    sha256: str | None
    bytes: int | None
    format: ImageFormat | None
    media_type: str | None
    width: int | None
    height: int | None
    object_key: str | None
    archived_at: str | None
    url: NotRequired[str | None]


class OfAssetDocument(TypedDict):
    """An image with its task in brief."""

    task: ToldTaskDocument
    asset: ToldAssetDocument


class OfTaskDocument(TypedDict):
    """A task with all its images."""

    task: SettledTaskDocument
    assets: list[ToldAssetDocument]


class AssetEventDocument(TypedDict):
    """What is sent when an image was archived, or was given up."""

    type: Literal[EventKind.ASSET_ARCHIVED, EventKind.ASSET_DEAD]
    timestamp: str
    data: OfAssetDocument


class TaskEventDocument(TypedDict):
    """What is sent when nothing of a task is left to do."""

    type: Literal[EventKind.TASK_SETTLED]
    timestamp: str
    data: OfTaskDocument


def event_data(told: Announcement, task: Task, assets: Sequence[Asset]) -> str:
    """An event's data as JSON: the task with its images once it is settled, else the image with its task in brief."""
    if told.index is None:
        settled: OfTaskDocument = {"task": _whole(task), "assets": [_asset(asset) for asset in assets]}
        return compact(settled)
    of_asset: OfAssetDocument = {"task": _brief(task), "asset": _asset(assets[told.index])}
    return compact(of_asset)


def archived_in(data: Mapping[str, Any]) -> tuple[int, ...]:
    """The indexes of the images that an event's data says are archived."""
    return tuple(one["index"] for one in _assets_in(data) if one["status"] == AssetStatus.ARCHIVED)


def event_body(kind: EventKind, at: datetime, data: dict[str, Any], urls: Mapping[int, str] | None = None) -> str:
    """What is sent, with the URLs of archived images by index: null where one was deleted since.

    Without `urls` it is what may be shown.
    """
    if urls is not None:
        for asset in _assets_in(data):
            if asset["status"] == AssetStatus.ARCHIVED:
                asset["url"] = urls.get(asset["index"])
    return compact({"type": kind.value, "timestamp": rfc3339(at), "data": data})


def compact(document: Mapping[str, Any]) -> str:
    """JSON in ASCII: also what no encoding has, such as half of a character, survives in it."""
    return json.dumps(document, separators=(",", ":"))


def _assets_in(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [data["asset"]] if "asset" in data else list(data["assets"])


def _brief(task: Task) -> ToldTaskDocument:
    """A task without what may be long, and without what only its end tells."""
    return {
        "id": task.id,
        "source": task.source,
        "status": task.status,
        "reason": task.reason,
        "model": task.model,
        "ref": task.ref,
        "tags": dict(task.tags),
        "confirmed": task.confirmed,
        "conflict": task.conflict,
        "created_at": rfc3339(task.created_at),
        "received_at": rfc3339(task.received_at),
    }


def _whole(task: Task) -> SettledTaskDocument:
    return {
        **_brief(task),
        "prompt": task.prompt,
        "parameters": task.parameters,
        "usage": task.usage,
        "error": task.error,
        "settled_at": rfc3339(task.settled_at),
    }


def _asset(asset: Asset) -> ToldAssetDocument:
    stored = asset.stored if asset.status is AssetStatus.ARCHIVED else None
    image = stored.image if stored else None
    return {
        "id": asset.id,
        "task_id": asset.task_id,
        "index": asset.index,
        "status": asset.status,
        "reason": asset.reason,
        "sha256": stored.sha256 if stored else None,
        "bytes": stored.size if stored else None,
        "format": image.format if image else None,
        "media_type": image.format.media_type if image else None,
        "width": image.width if image else None,
        "height": image.height if image else None,
        "object_key": stored.object_key if stored else None,
        "archived_at": rfc3339(asset.archived_at),
    }

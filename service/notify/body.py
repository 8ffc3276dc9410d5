"""What an event says. Field names are the public contract; URLs that lead to bytes are put in when it is sent.

The data is what held when the event was kept, so that every attempt tells the same.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from service.domain.announcement import Announcement, EventKind
from service.domain.asset import Asset, AssetStatus
from service.domain.moment import rfc3339
from service.domain.task import Task


def event_data(told: Announcement, task: Task, assets: Sequence[Asset]) -> str:
    """An event's data as JSON: the task with its images once it is settled, else the image with its task in brief."""
    if told.index is None:
        return compact({"task": _whole(task), "assets": [_asset(asset) for asset in assets]})
    return compact({"task": _brief(task), "asset": _asset(assets[told.index])})


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


def _brief(task: Task) -> dict[str, Any]:
    """A task without what may be long, and without what only its end tells."""
    return {
        "id": task.id,
        "source": task.source,
        "status": task.status.value,
        "reason": task.reason.value if task.reason else None,
        "model": task.model,
        "ref": task.ref,
        "tags": dict(task.tags),
        "confirmed": task.confirmed,
        "conflict": task.conflict,
        "created_at": rfc3339(task.created_at),
        "received_at": rfc3339(task.received_at),
    }


def _whole(task: Task) -> dict[str, Any]:
    return {
        **_brief(task),
        "prompt": task.prompt,
        "parameters": task.parameters,
        "usage": task.usage,
        "error": task.error,
        "settled_at": rfc3339(task.settled_at),
    }


def _asset(asset: Asset) -> dict[str, Any]:
    stored = asset.stored if asset.status is AssetStatus.ARCHIVED else None
    image = stored.image if stored else None
    return {
        "id": asset.id,
        "task_id": asset.task_id,
        "index": asset.index,
        "status": asset.status.value,
        "reason": asset.reason.value if asset.reason else None,
        "sha256": stored.sha256 if stored else None,
        "bytes": stored.size if stored else None,
        "format": image.format.value if image else None,
        "media_type": image.format.media_type if image else None,
        "width": image.width if image else None,
        "height": image.height if image else None,
        "object_key": stored.object_key if stored else None,
        "archived_at": rfc3339(asset.archived_at),
    }

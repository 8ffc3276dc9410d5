"""The JSON document beside a task's images: enough to rebuild the catalog from the store alone. Rendering is pure.

`sidecar_reader` reads it back. A member may be added, and never changes its meaning: the schema's number would change.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import to_json

from service.domain.asset import Asset, AssetStatus
from service.domain.history import HistoryEntry, contradicts
from service.domain.task import Hold, Task

SCHEMA = "darkroom/task/1"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why we believe what a sidecar says: one callback or answer received."""

    origin: str
    body_sha256: str
    token_id: str | None
    verdict: str
    deliveries: int
    received_at: datetime
    callback_id: int | None = None  # what history entries call it
    status: str | None = None  # the provider's word
    size: int = 0  # bytes of the body


def render(task: Task, assets: Sequence[Asset], history: Sequence[HistoryEntry], evidence: Sequence[Evidence]) -> bytes:
    """A sidecar as UTF-8 JSON with a final newline."""
    document = {
        "schema": SCHEMA,
        "version": task.version,
        "task": _task(task),
        "assets": [_asset(asset) for asset in assets],
        "tombstones": [asset.index for asset in assets if asset.status is AssetStatus.DELETED],
        "evidence": {
            "token_id": task.token_id,
            "confirmed": task.confirmed,
            "callback_rank": int(task.callback_rank),
            "expected_images": task.expected_images,
            "stranger": task.stranger,
            "next_check_at": _time(task.check.at),
            "callbacks": [_evidence(one) for one in evidence],
            "history": [_entry(entry, task) for entry in history],
        },
    }
    text = _legible(document)
    return f'{text.removesuffix("}").rstrip()},\n "provider": {_verbatim(task.provider_json)}\n}}\n'.encode()


def _legible(document: Mapping[str, Any]) -> str:
    """As JSON for people too; a tenth of the time that the standard library takes, which knows lone surrogates."""
    try:
        return to_json(document, indent=1, ensure_ascii=True, inf_nan_mode="null").decode()
    except ValueError:
        return json.dumps(document, indent=1, ensure_ascii=True, allow_nan=False)


def _verbatim(text: str | None) -> str:
    """The provider's JSON as it was sent, to the letter; as a JSON string where strict readers would choke on it."""
    if text is None:
        return "null"
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return json.dumps(text)
    return text.strip()


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _task(task: Task) -> Mapping[str, Any]:
    return {
        "id": task.id,
        "source": task.source,
        "status": task.status.value,
        "reason": task.reason.value if task.reason else None,
        "rank": int(task.rank),
        "conflict": task.conflict,
        "model": task.model,
        "ref": task.ref,
        "tags": dict(task.tags),
        "prompt": task.prompt,
        "parameters": task.parameters,
        "submitted_by": task.submitted_by,
        "estimate": task.estimate,
        "usage": task.usage,
        "error": task.error,
        "created_at": _time(task.created_at),
        "received_at": _time(task.received_at),
        "settled_at": _time(task.settled_at),
        "deadline": _time(task.deadline),
        "archive_date": task.archive_date.isoformat() if task.archive_date else None,
        "hold": _hold(task.hold),
    }


def _hold(hold: Hold | None) -> Mapping[str, Any] | None:
    return {"at": _time(hold.at), "by": hold.by, "reason": hold.reason} if hold else None


def _asset(asset: Asset) -> Mapping[str, Any]:
    stored = asset.stored
    return {
        "id": asset.id,
        "index": asset.index,
        "status": asset.status.value,
        "reason": asset.reason.value if asset.reason else None,
        "detail": asset.detail,
        "attempts": asset.attempts,
        "revivals": asset.revivals,
        "next_attempt_at": _time(asset.next_attempt_at),
        "object_key": stored.object_key if stored else None,
        "sha256": stored.sha256 if stored else None,
        "bytes": stored.size if stored else None,
        "format": stored.image.format.value if stored else None,
        "media_type": stored.image.format.media_type if stored else None,
        "width": stored.image.width if stored else None,
        "height": stored.image.height if stored else None,
        "archived_at": _time(asset.archived_at),
        "created_at": _time(asset.created_at),
        "deadline": _time(asset.deadline),
        "url_host": asset.host,
        "links": list(asset.links),
        "refused_links": list(asset.refused),
        "details": asset.details,
    }


def _evidence(one: Evidence) -> Mapping[str, Any]:
    return {
        "id": one.callback_id,
        "origin": one.origin,
        "status": one.status,
        "bytes": one.size,
        "body_sha256": one.body_sha256,
        "token_id": one.token_id,
        "verdict": one.verdict,
        "deliveries": one.deliveries,
        "received_at": _time(one.received_at),
    }


def _entry(entry: HistoryEntry, task: Task) -> Mapping[str, Any]:
    return {
        "at": _time(entry.at),
        "origin": entry.origin.value,
        "status": entry.status,
        "standing": entry.standing.value,
        "effect": entry.effect.value,
        "rank": int(entry.rank),
        "conflict": contradicts(entry, task),
        "callback_id": entry.callback_id,
        "note": entry.note,
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None

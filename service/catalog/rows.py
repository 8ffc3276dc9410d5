"""Rows ↔ domain values, column by column."""

from dataclasses import fields
from operator import attrgetter
from typing import Any

from service.catalog.prepared import Row
from service.domain.asset import Asset, AssetReason, AssetStatus, Stored
from service.domain.details import details_version
from service.domain.history import Effect, HistoryEntry
from service.domain.image import Image, ImageFormat
from service.domain.likeness import QUARTERS, quarters_of
from service.domain.task import Check, Hold, Origin, Rank, Standing, Task, TaskReason, TaskStatus

_TASK_PLAIN = (
    "id",
    "source",
    "received_at",
    "confirmed",
    "conflict",
    "token_id",
    "model",
    "ref",
    "prompt",
    "created_at",
    "deadline",
    "settled_at",
    "archive_date",
    "provider_json",
    "expected_images",
    "stranger",
    "version",
    "sidecar_version",
    "usage",
    "error",
    "parameters",
    "submitted_by",
    "estimate",
)
_plain = attrgetter(*_TASK_PLAIN)
_CHECK = tuple(part.name for part in fields(Check))
_HOLD = tuple(part.name for part in fields(Hold))


def task_values(task: Task) -> dict[str, Any]:
    values = dict(zip(_TASK_PLAIN, _plain(task), strict=True))
    values.update(status=task.status.value, rank=int(task.rank), tags=dict(task.tags))
    values["reason"] = task.reason.value if task.reason else None
    values["callback_rank"] = int(task.callback_rank)
    values.update({f"check_{name}": getattr(task.check, name) for name in _CHECK})
    values.update({f"hold_{name}": getattr(task.hold, name, None) for name in _HOLD})
    return values


def task_from(row: Row) -> Task:
    plain: dict[str, Any] = {name: row[name] for name in _TASK_PLAIN}
    return Task(
        **plain,
        status=TaskStatus(row["status"]),
        reason=TaskReason(row["reason"]) if row["reason"] else None,
        rank=Rank(row["rank"]),
        callback_rank=Rank(row["callback_rank"]),
        tags=row["tags"],
        check=Check(**{name: row[f"check_{name}"] for name in _CHECK}),
        hold=Hold(row["hold_at"], row["hold_by"], row["hold_reason"]) if row["hold_at"] else None,
    )


def asset_values(asset: Asset) -> dict[str, Any]:
    stored = asset.stored
    alike = quarters_of(asset.details) or (None,) * QUARTERS
    return {
        "task_id": asset.task_id,
        "index": asset.index,
        "status": asset.status.value,
        "reason": asset.reason.value if asset.reason else None,
        "detail": asset.detail,
        "links": list(asset.links),
        "refused_links": list(asset.refused),
        "created_at": asset.created_at,
        "deadline": asset.deadline,
        "attempts": asset.attempts,
        "revivals": asset.revivals,
        "next_attempt_at": asset.next_attempt_at,
        "object_key": stored.object_key if stored else None,
        "sha256": stored.sha256 if stored else None,
        "bytes": stored.size if stored else None,
        "format": stored.image.format.value if stored else None,
        "width": stored.image.width if stored else None,
        "height": stored.image.height if stored else None,
        "archived_at": asset.archived_at,
        "host": asset.host,
        "purged": asset.purged,
        "details": dict(asset.details) if asset.details is not None else None,
        "details_version": details_version(asset.details),
        **{f"alike_{number}": quarter for number, quarter in enumerate(alike)},
    }


def asset_from(row: Row) -> Asset:
    stored = None
    if row["object_key"] is not None:
        image = Image(ImageFormat(row["format"]), row["width"], row["height"])
        stored = Stored(row["object_key"], row["sha256"], row["bytes"], image)
    return Asset(
        task_id=row["task_id"],
        index=row["index"],
        links=tuple(row["links"]),
        refused=tuple(row["refused_links"]),
        deadline=row["deadline"],
        created_at=row["created_at"],
        status=AssetStatus(row["status"]),
        reason=AssetReason(row["reason"]) if row["reason"] else None,
        detail=row["detail"],
        attempts=row["attempts"],
        revivals=row["revivals"],
        next_attempt_at=row["next_attempt_at"],
        stored=stored,
        archived_at=row["archived_at"],
        purged=row["purged"],
        details=row["details"],
    )


def entry_values(task_id: str, entry: HistoryEntry) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "at": entry.at,
        "origin": entry.origin.value,
        "status": entry.status,
        "standing": entry.standing.value,
        "effect": entry.effect.value,
        "rank": int(entry.rank),
        "callback_id": entry.callback_id,
        "note": entry.note,
    }


def entry_from(row: Row) -> HistoryEntry:
    return HistoryEntry(
        at=row["at"],
        origin=Origin(row["origin"]),
        status=row["status"],
        standing=Standing(row["standing"]),
        effect=Effect(row["effect"]),
        rank=Rank(row["rank"]),
        callback_id=row["callback_id"],
        note=row["note"],
    )

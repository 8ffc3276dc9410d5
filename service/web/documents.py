"""Tasks, assets, callbacks and keys as the JSON that callers see. Field names are the public contract."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from service.catalog.keys import KeptKey
from service.catalog.usage import Touched
from service.domain.api_key import ApiKey, Scope
from service.domain.asset import Asset, AssetStatus
from service.domain.callback import Verdict
from service.domain.history import WHY, Effect, HistoryEntry, contradicts
from service.domain.moment import rfc3339
from service.domain.task import Hold, Task, TaskStatus
from service.submission.booking import charge_of
from service.submission.cost import EstimateDocument, charge_document
from service.submission.price_list import Prices, load_prices
from service.web.answers.assets import AssetDocument
from service.web.answers.callbacks import CallbackDocument, TouchedDocument, TouchedTaskDocument
from service.web.answers.keys import KeyDocument, SettingKeyDocument
from service.web.answers.tasks import CostBasis, CostDocument, HistoryEntryDocument, HoldDocument, TaskDocument


def task_document(
    task: Task, assets: Sequence[Asset], *, public_url: str, prices: Prices | None = None
) -> TaskDocument:
    """A task with its assets, and its cost by these price lists or the built-in ones.

    Its history is added where one task is asked for.
    """
    return {
        "id": task.id,
        "source": task.source,
        "status": task.status,
        "reason": task.reason,
        "model": task.model,
        "confirmed": task.confirmed,
        "conflict": task.conflict,
        "ref": task.ref,
        "tags": dict(task.tags),
        "prompt": task.prompt,
        "parameters": task.parameters,
        "usage": task.usage,
        "cost": _cost(task, prices if prices is not None else _built_in_prices()),
        "error": task.error,
        "created_at": rfc3339(task.created_at),
        "received_at": rfc3339(task.received_at),
        "settled_at": rfc3339(task.settled_at),
        "deadline": rfc3339(task.deadline),
        "next_check_at": rfc3339(task.check.at),
        "hold": _hold(task.hold),
        "assets": [asset_document(asset, public_url=public_url) for asset in assets],
    }


def _hold(hold: Hold | None) -> HoldDocument | None:
    return {"at": rfc3339(hold.at), "by": hold.by, "reason": hold.reason} if hold else None


def _cost(task: Task, prices: Prices) -> CostDocument | None:
    """What a task costs as far as that is known, and why we think so, as it is counted; None where nothing is."""
    estimate = cast("EstimateDocument | None", task.estimate)  # as it was kept
    reported = charge_of(task, prices)
    if reported is not None:
        return {**charge_document(reported), "estimate": estimate}
    if estimate is None:
        return None
    if task.status is TaskStatus.COMPLETED:
        usd, credits = estimate.get("usd"), estimate.get("credits")
        return {"usd": usd, "credits": credits, "basis": CostBasis.ESTIMATE, "estimate": estimate}
    if task.terminal:
        return {"usd": 0.0, "credits": 0.0, "basis": CostBasis.NOTHING_REPORTED, "estimate": estimate}
    return {"usd": None, "credits": None, "basis": None, "estimate": estimate}


@cache
def _built_in_prices() -> Prices:
    return load_prices(None)


def asset_document(asset: Asset, *, public_url: str) -> AssetDocument:
    stored = asset.stored if asset.status is AssetStatus.ARCHIVED else None
    image = stored.image if stored else None
    return {
        "id": asset.id,
        "task_id": asset.task_id,
        "index": asset.index,
        "status": asset.status,
        "reason": asset.reason,
        "detail": asset.detail,
        "url_host": asset.host,
        "attempts": asset.attempts,
        "next_attempt_at": rfc3339(asset.next_attempt_at),
        "deadline": rfc3339(asset.deadline),
        "sha256": stored.sha256 if stored else None,
        "bytes": stored.size if stored else None,
        "format": image.format if image else None,
        "media_type": image.format.media_type if image else None,
        "width": image.width if image else None,
        "height": image.height if image else None,
        "object_key": stored.object_key if stored else None,
        "archived_at": rfc3339(asset.archived_at),
        "details": asset.details if stored else None,
        "content_url": f"{public_url}/v1/assets/{asset.id}/content" if stored else None,
        "thumbnail_url": f"{public_url}/v1/assets/{asset.id}/thumbnail" if stored else None,
    }


def entry_document(entry: HistoryEntry, task: Task) -> HistoryEntryDocument:
    """One event of a task's history, with the callback's verdict, and why it counted or not."""
    verdict = Verdict.FOREIGN if entry.effect is Effect.FOREIGN else Verdict.ACCEPTED
    return {
        "at": rfc3339(entry.at),
        "origin": entry.origin,
        "status": entry.status,
        "standing": entry.standing,
        "verdict": verdict if entry.callback_id is not None else None,
        "effect": entry.effect,
        "why": WHY[entry.effect],
        "conflict": contradicts(entry, task),
        "callback_id": str(entry.callback_id) if entry.callback_id is not None else None,
        "note": entry.note,
    }


def touched_document(touched: Touched) -> TouchedDocument:
    """The tasks that a callback URL's callbacks named; `status` is null where no task came of them."""
    tasks: list[TouchedTaskDocument] = [
        {"id": one.id, "status": one.status, "confirmed": one.confirmed} for one in touched.tasks
    ]
    return {"tasks": tasks, "total": touched.total}


def callback_document(row: Mapping[str, Any]) -> CallbackDocument:
    return {
        "id": str(row["id"]),
        "source": row["source"],
        "origin": row["origin"],
        "task_id": row["task_id"] or None,
        "status": row["status"],
        "verdict": row["verdict"],
        "detail": row["detail"],
        "deliveries": row["deliveries"],
        "received_at": rfc3339(row["received_at"]),
        "last_received_at": rfc3339(row["last_received_at"]),
        "token_id": row["token_id"],
        "ref": row["ref"],
        "tags": row["tags"],
        "bytes": row["bytes"],
        "body_sha256": row["body_sha256"],
    }


def key_document(kept: KeptKey) -> KeyDocument:
    """A key that was made here, without itself."""
    return {
        **setting_key_document(kept.key),
        "note": kept.note,
        "replaces": kept.replaces,
        "created_at": rfc3339(kept.created_at),
        "created_by": kept.created_by,
        "last_used_at": rfc3339(kept.last_used_at),
        "expires_at": rfc3339(kept.key.expires_at),
        "revoked_at": rfc3339(kept.key.revoked_at),
    }


def setting_key_document(key: ApiKey) -> SettingKeyDocument:
    """A key of the setting, of which nothing more is known."""
    return {"id": key.id, "name": key.name, "scopes": [scope for scope in Scope if scope in key.scopes]}

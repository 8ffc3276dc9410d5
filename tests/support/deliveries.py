"""Deliveries as the door gets them, made from a few words."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from service.domain.rules import Rules
from service.domain.task import Origin
from service.intake.batch import Delivery
from service.intake.callback_token import CallbackToken
from service.provider.payload import Readable, read_callback

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
RULES = Rules(link_lifetime=timedelta(hours=24), allowed_hosts=("*.evolink.ai",))
TASK = "task-unified-1756800000-abcd"
LINK = "https://files.evolink.ai/a/0.png"


def token(token_id: str = "tok-1", **minted: Any) -> CallbackToken:
    return CallbackToken(id=token_id, source="evolink", issued_at=NOW, **minted)


def task_object(status: str = "completed", task_id: str = TASK, **members: Any) -> dict[str, Any]:
    results = {"results": [LINK]} if status == "completed" else {}
    return {"id": task_id, "status": status, "model": "gpt-image-2", **results, **members}


def delivery(
    body: bytes | Mapping[str, Any] | None = None, *, through: CallbackToken | None = None, at: datetime = NOW
) -> Delivery:
    """A callback with this body; a mapping is sent as JSON."""
    raw = (
        body
        if isinstance(body, bytes)
        else json.dumps(body if body is not None else task_object(), ensure_ascii=False).encode()
    )
    reading = read_callback(raw)
    readable = reading if isinstance(reading, Readable) else None
    return Delivery(
        source="evolink",
        origin=Origin.CALLBACK,
        body=raw,
        body_sha256=hashlib.sha256(raw).hexdigest(),
        received_at=at,
        token=through or token(),
        event=readable.event if readable else None,
        text=readable.text if readable else None,
        detail=None if readable else "unreadable",
    )

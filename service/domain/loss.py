"""What becomes of an archived image whose bytes are gone or damaged, and of one whose bytes are found. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from service.domain.asset import Asset, AssetReason, AssetStatus, Stored, retried
from service.domain.retry import LAST_ATTEMPT


def without_bytes(asset: Asset, detail: str, *, now: datetime, allowed_hosts: Sequence[str]) -> Asset:
    """Waiting for an attempt while its link may still work, else dead: `lost`. `detail` says what became of the bytes.

    What the provider does not confirm is not fetched again.
    """
    dead = replace(
        asset,
        status=AssetStatus.DEAD,
        reason=asset.reason or AssetReason.LOST,
        detail=detail,
        next_attempt_at=None,
        stored=None,
        archived_at=None,
        details=None,
    )
    if now >= asset.deadline + LAST_ATTEMPT:
        return dead
    again = retried(dead, now=now, allowed_hosts=allowed_hosts)
    return again if again.status is AssetStatus.PENDING else dead


def with_found_bytes(asset: Asset, stored: Stored, *, now: datetime) -> Asset:
    """Archived, because proven bytes of it lie in the store: a crash came before that could be written down."""
    found = replace(asset, status=AssetStatus.ARCHIVED, reason=None, detail=None, next_attempt_at=None)
    return replace(found, stored=stored, archived_at=now)

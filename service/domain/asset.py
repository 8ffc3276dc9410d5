"""One result image of a task and what each attempt to archive it leads to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, assert_never

from service.domain.attempt import FINAL, Failed, Failure
from service.domain.image import Image
from service.domain.link import MAX_ALTERNATES, identity, link_host, refusal, with_fresh
from service.domain.retry import next_attempt


class AssetStatus(StrEnum):
    PENDING = "pending"
    ARCHIVED = "archived"
    DEAD = "dead"
    DELETED = "deleted"


class AssetReason(StrEnum):
    """Why an asset is dead; a closed set, used as a metric label."""

    REFUSED_HOST = "refused_host"
    REFUSED_ADDRESS = "refused_address"
    TOO_LARGE = "too_large"
    LINK_EXPIRED = "link_expired"
    UNREACHABLE = "unreachable"
    TRUNCATED = "truncated"
    NOT_AN_IMAGE = "not_an_image"
    REFUTED = "refuted"  # only a callback spoke of it, and the provider does not
    LOST = "lost"  # it was archived, its bytes are gone or damaged, and its link is over


QUICKLY_RETRIED = 3
"""Attempts up to which a fresh link is tried at once; later it waits for its step of the ladder, so that a provider
whose links are new each time is not asked in a circle."""

MOST_REVIVALS = 2
"""Times that a dead image has its links read anew without anybody asking for it; against the same circle."""

_NOT_ALLOWED = "the link's host or scheme is not allowed"


def reason_for(failure: Failure) -> AssetReason:
    """The reason that remains when the last attempt ended so."""
    match failure:
        case Failure.REFUSED_HOST:
            return AssetReason.REFUSED_HOST
        case Failure.REFUSED_ADDRESS:
            return AssetReason.REFUSED_ADDRESS
        case Failure.TOO_LARGE:
            return AssetReason.TOO_LARGE
        case Failure.LINK_GONE:
            return AssetReason.LINK_EXPIRED
        case Failure.HTTP_STATUS | Failure.UNREACHABLE:
            return AssetReason.UNREACHABLE
        case Failure.TRUNCATED:
            return AssetReason.TRUNCATED
        case Failure.NOT_AN_IMAGE:
            return AssetReason.NOT_AN_IMAGE
        case _:
            assert_never(failure)


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes that storage has confirmed."""

    object_key: str
    sha256: str
    size: int
    image: Image


@dataclass(frozen=True, slots=True)
class Asset:
    """An image of a task. `links` are the URLs to try, in that order; `refused` are those that never will do.

    One that is archived keeps its bytes for good; `reason` says `refuted` where its link turned out to be a lie.
    """

    task_id: str
    index: int
    links: tuple[str, ...]
    deadline: datetime
    created_at: datetime
    refused: tuple[str, ...] = ()
    status: AssetStatus = AssetStatus.PENDING
    reason: AssetReason | None = None
    detail: str | None = None  # the last failure in words
    attempts: int = 0
    revivals: int = 0  # how often a fresh link brought it back after it was dead
    next_attempt_at: datetime | None = None
    stored: Stored | None = None
    archived_at: datetime | None = None
    purged: bool = False  # deleted, and its bytes are gone too
    details: Mapping[str, Any] | None = None  # what the archived bytes tell of themselves; None until somebody looked

    @property
    def id(self) -> str:
        return f"{self.task_id}.{self.index}"

    @property
    def known_links(self) -> tuple[str, ...]:
        """Every URL that was ever given for this image."""
        return self.links + self.refused

    @property
    def host(self) -> str | None:
        """Where the first of them leads."""
        return link_host(self.known_links[0]) if self.known_links else None

    @property
    def link(self) -> str:
        """The URL for the coming attempt: the freshest first, then its alternates in turn."""
        return self.links[0]


def split_asset_id(asset_id: str) -> tuple[str, int] | None:
    """Task id and index of an asset id, split at the last dot; None when it is none."""
    task_id, dot, index = asset_id.rpartition(".")
    plain = index.isascii() and index.isdigit() and len(index) <= 4 and str(int(index)) == index
    return (task_id, int(index)) if dot and plain else None


def new_asset(
    task_id: str, index: int, link: str, *, now: datetime, deadline: datetime, allowed_hosts: Sequence[str]
) -> Asset:
    """An asset as it begins: due at once, or dead at once when its only link may not be fetched."""
    refused = refusal(link, allowed_hosts)
    return Asset(
        task_id=task_id,
        index=index,
        links=() if refused else (link,),
        refused=(link,) if refused else (),
        deadline=deadline,
        created_at=now,
        status=AssetStatus.DEAD if refused else AssetStatus.PENDING,
        reason=reason_for(refused) if refused else None,
        detail=_NOT_ALLOWED if refused else None,
        next_attempt_at=None if refused else now,
    )


def with_link(asset: Asset, link: str, *, now: datetime, deadline: datetime, allowed_hosts: Sequence[str]) -> Asset:
    """Take in a fresh URL: a waiting asset tries it soon, a dead one revives; a settled one only notes it."""
    if link in asset.known_links and not _may_be_tried_again(asset, link, allowed_hosts):
        return asset
    fresh = replace(asset, links=with_fresh(asset.links, link))
    match asset.status:
        case AssetStatus.ARCHIVED | AssetStatus.DELETED:
            return replace(fresh, reason=None)
        case AssetStatus.PENDING | AssetStatus.DEAD:
            renewed = replace(fresh, deadline=max(asset.deadline, deadline))
            return _judged(renewed, now=now, allowed_hosts=allowed_hosts)
        case _:
            assert_never(asset.status)


def _may_be_tried_again(asset: Asset, link: str, allowed_hosts: Sequence[str]) -> bool:
    """Whether a link that is known is news all the same: confirmed now, allowed now, or the only one left."""
    if asset.status is AssetStatus.PENDING:
        return not asset.links
    allowed_now = asset.reason is AssetReason.REFUSED_HOST and refusal(link, allowed_hosts) is None
    return asset.reason is AssetReason.REFUTED or allowed_now


def superseded(asset: Asset, failed: Failed, *, now: datetime) -> Asset:
    """The attempt failed with a link that had been replaced meanwhile: that says nothing of the one in its place."""
    return replace(asset, attempts=asset.attempts + 1, next_attempt_at=now, detail=failed.detail)


def only_linked_by(asset: Asset, link: str) -> Asset:
    """The asset without the links of other identities: alternates that the provider does not confirm."""
    same = tuple(one for one in asset.links if identity(one) == identity(link))
    return replace(asset, links=same, refused=tuple(one for one in asset.refused if identity(one) == identity(link)))


def refuted(asset: Asset) -> Asset:
    """The provider does not confirm it: nothing more is fetched for it, and what was archived stays, marked."""
    match asset.status:
        case AssetStatus.ARCHIVED | AssetStatus.DELETED:
            return replace(asset, reason=AssetReason.REFUTED)
        case AssetStatus.PENDING | AssetStatus.DEAD:
            detail = "the provider does not know this link"
            dead = replace(asset, status=AssetStatus.DEAD, reason=AssetReason.REFUTED, detail=detail)
            return replace(dead, next_attempt_at=None)
        case _:
            assert_never(asset.status)


def retried(asset: Asset, *, now: datetime, allowed_hosts: Sequence[str]) -> Asset:
    """Try again because somebody asked: a dead asset on a ladder begun anew, a waiting one at once."""
    match asset.status:
        case AssetStatus.ARCHIVED | AssetStatus.DELETED:
            return asset
        case AssetStatus.PENDING:
            return replace(asset, next_attempt_at=now)
        case AssetStatus.DEAD if asset.reason is AssetReason.REFUTED:
            return asset  # only the provider's word brings it back
        case AssetStatus.DEAD:
            every = replace(asset, links=asset.known_links[:MAX_ALTERNATES], refused=(), attempts=0, revivals=0)
            return _judged(every, now=now, allowed_hosts=allowed_hosts)
        case _:
            assert_never(asset.status)


def wants_fresh_links(asset: Asset, failure: Failure) -> bool:
    """Whether the task's links are to be read again after a failed attempt.

    A first 403, 404 or 410 may only mean that the image is not there yet. A dead image counts too: its host may have
    been down for all of the link's life.
    """
    if failure is not Failure.LINK_GONE:
        return False
    return asset.revivals < MOST_REVIVALS if asset.status is AssetStatus.DEAD else asset.attempts > 1


def _judged(asset: Asset, *, now: datetime, allowed_hosts: Sequence[str]) -> Asset:
    """Set aside links whose text forbids them; with none left the asset is dead, else it waits for an attempt."""
    reasons = {link: refusal(link, allowed_hosts) for link in asset.links}
    usable = tuple(link for link, refused in reasons.items() if refused is None)
    refused = (*(link for link in asset.links if link not in usable), *asset.refused)[:MAX_ALTERNATES]
    judged = replace(asset, links=usable, refused=refused)
    if usable:
        return _waiting(judged, now)
    if asset.status is AssetStatus.DEAD and asset.attempts and asset.reason is not AssetReason.REFUTED:
        return judged  # it had been tried: that reason says more
    first = next(failure for failure in reasons.values() if failure is not None)
    return replace(judged, status=AssetStatus.DEAD, reason=reason_for(first), detail=_NOT_ALLOWED, next_attempt_at=None)


def _waiting(asset: Asset, now: datetime) -> Asset:
    """Due at once; one that has failed more often keeps its place on the ladder."""
    if asset.status is AssetStatus.DEAD:
        attempts = min(asset.attempts, QUICKLY_RETRIED)
        asset = replace(asset, attempts=attempts, revivals=asset.revivals + 1, next_attempt_at=now)
    soon = asset.attempts <= QUICKLY_RETRIED or asset.next_attempt_at is None
    at = now if soon else asset.next_attempt_at
    return replace(asset, status=AssetStatus.PENDING, reason=None, next_attempt_at=at)


def archived(asset: Asset, stored: Stored, *, now: datetime) -> Asset:
    """The attempt brought the image, and storage has confirmed it."""
    return replace(
        asset,
        status=AssetStatus.ARCHIVED,
        reason=None,
        detail=None,
        attempts=asset.attempts + 1,
        next_attempt_at=None,
        stored=stored,
        archived_at=now,
        details=None,
    )


def failed(asset: Asset, failed: Failed, *, tried: str, now: datetime, jitter: float) -> Asset:
    """The attempt failed: climb the ladder, or die with a reason when no further attempt is of use.

    `tried` is the link of the attempt. One that no retry can mend is set aside; an alternate, if there is one, goes on.
    """
    attempts = asset.attempts + 1
    others = tuple(one for one in asset.links if one != tried)
    if failed.failure in FINAL:
        asset = replace(asset, links=others, refused=(tried, *asset.refused))
    elif len(others) < len(asset.links):
        asset = replace(asset, links=(*others, tried))  # the next attempt takes the next one
    at = None
    if links := len(asset.links):
        at = next_attempt(failed.failure, attempts, now=now, deadline=asset.deadline, jitter=jitter, links=links)
    if at is not None:
        asked = min(now + timedelta(seconds=failed.retry_after or 0), asset.deadline)
        return replace(asset, attempts=attempts, next_attempt_at=max(at, asked), detail=failed.detail)
    return replace(
        asset,
        status=AssetStatus.DEAD,
        reason=reason_for(failed.failure),
        detail=failed.detail,
        attempts=attempts,
        next_attempt_at=None,
    )


def deleted(asset: Asset, why: str | None = None) -> Asset:
    """The tombstone: nothing brings the asset back. It tells `why`, where somebody says so."""
    reason = asset.reason if asset.reason is AssetReason.REFUTED else None
    return replace(
        asset,
        status=AssetStatus.DELETED,
        reason=reason,
        detail=why or asset.detail,
        next_attempt_at=None,
        details=None,
    )

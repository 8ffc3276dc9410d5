"""What attempts lead to."""

from datetime import UTC, datetime, timedelta

import pytest

from service.domain.asset import (
    Asset,
    AssetReason,
    AssetStatus,
    Stored,
    archived,
    deleted,
    failed,
    new_asset,
    split_asset_id,
    with_link,
)
from service.domain.attempt import Failed, Failure
from service.domain.image import Image, ImageFormat

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOSTS = ("*.evolink.ai",)
LINK = "https://files.evolink.ai/1.png"
STORED = Stored("evolink/2026/05/01/task-1/0-aaaaaaaaaaaa.png", "a" * 64, 10, Image(ImageFormat.PNG, 1, 1))


def fresh(link: str = LINK) -> Asset:
    return new_asset("task-1", 0, link, now=NOW, deadline=NOW + timedelta(hours=24), allowed_hosts=HOSTS)


def fail(asset: Asset, failure: Failure, retry_after: float | None = None) -> Asset:
    return failed(asset, Failed(failure, "why", retry_after), tried=asset.link, now=NOW, jitter=0.5)


@pytest.mark.parametrize("failure", [Failure.REFUSED_HOST, Failure.REFUSED_ADDRESS, Failure.TOO_LARGE])
def test_what_no_retry_can_mend_is_dead_at_once(failure: Failure) -> None:
    asset = fail(fresh(), failure)
    assert (asset.status, asset.reason) == (AssetStatus.DEAD, AssetReason(failure.value))
    assert asset.next_attempt_at is None


@pytest.mark.parametrize(
    "failure",
    [Failure.LINK_GONE, Failure.HTTP_STATUS, Failure.UNREACHABLE, Failure.TRUNCATED, Failure.NOT_AN_IMAGE],
)
def test_everything_else_climbs_the_ladder(failure: Failure) -> None:
    asset = fail(fresh(), failure)
    assert (asset.status, asset.attempts, asset.next_attempt_at) == (
        AssetStatus.PENDING,
        1,
        NOW + timedelta(seconds=2),
    )


def test_a_host_that_asks_for_patience_gets_it() -> None:
    assert fail(fresh(), Failure.HTTP_STATUS, 90).next_attempt_at == NOW + timedelta(seconds=90)


def test_a_refused_link_with_an_alternate_is_not_the_end() -> None:
    both = with_link(fresh(), "https://cdn.evolink.ai/1.png", now=NOW, deadline=NOW, allowed_hosts=HOSTS)
    assert both.links == ("https://cdn.evolink.ai/1.png", LINK)
    after = fail(both, Failure.REFUSED_ADDRESS)
    assert (after.status, after.link) == (AssetStatus.PENDING, LINK)


def test_a_dead_asset_revives_with_a_good_link() -> None:
    dead = fresh("https://evil.example/1.png")
    assert dead.reason is AssetReason.REFUSED_HOST
    alive = with_link(dead, LINK, now=NOW, deadline=NOW + timedelta(hours=24), allowed_hosts=HOSTS)
    assert (alive.status, alive.link, alive.next_attempt_at) == (AssetStatus.PENDING, LINK, NOW)


def test_an_archived_asset_keeps_its_bytes_whatever_link_comes() -> None:
    kept = archived(fresh(), STORED, now=NOW)
    later = with_link(kept, LINK + "?new", now=NOW, deadline=NOW, allowed_hosts=HOSTS)
    assert (later.status, later.stored) == (AssetStatus.ARCHIVED, STORED)


def test_nothing_brings_a_deleted_asset_back() -> None:
    gone = deleted(archived(fresh(), STORED, now=NOW))
    later = with_link(gone, LINK + "?new", now=NOW, deadline=NOW, allowed_hosts=HOSTS)
    assert later.status is AssetStatus.DELETED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("task-1.0", ("task-1", 0)),
        ("a.b.c.12", ("a.b.c", 12)),
        ("task-1", None),
        ("task-1.", None),
        ("task-1.x", None),
        ("task-1.²", None),
        ("task-1.99999", None),
        ("task-1.00", None),
    ],
)
def test_an_asset_id_splits_at_the_last_dot(text: str, expected: tuple[str, int] | None) -> None:
    assert split_asset_id(text) == expected

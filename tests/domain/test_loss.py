"""Archived images whose bytes are gone, and images whose bytes turned up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.domain.asset import Asset, AssetReason, AssetStatus, Stored, archived, refuted, retried
from service.domain.image import Image, ImageFormat
from service.domain.loss import with_found_bytes, without_bytes
from service.domain.retry import LAST_ATTEMPT

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DEADLINE = NOW + timedelta(hours=24)
HOSTS = ("*.evolink.ai",)
WAITING = Asset("task-1", 0, ("https://files.evolink.ai/0.png",), DEADLINE, NOW)
STORED = Stored("evolink/2026/05/01/task-1/0-aaaaaaaaaaaa.png", "a" * 64, 9, Image(ImageFormat.PNG, 3, 2))
ARCHIVED = archived(WAITING, STORED, now=NOW)


def lost(asset: Asset = ARCHIVED, at: datetime = NOW) -> Asset:
    return without_bytes(asset, "its bytes were gone", now=at, allowed_hosts=HOSTS)


def test_it_is_due_at_once_on_a_ladder_begun_anew_while_its_link_may_work() -> None:
    asset = lost(at=DEADLINE + LAST_ATTEMPT - timedelta(seconds=1))
    assert (asset.status, asset.reason, asset.attempts, asset.stored) == (AssetStatus.PENDING, None, 0, None)
    assert asset.next_attempt_at == DEADLINE + LAST_ATTEMPT - timedelta(seconds=1)
    assert asset.links == ARCHIVED.links


def test_it_is_dead_when_its_link_is_over_and_can_be_tried_again_by_hand() -> None:
    asset = lost(at=DEADLINE + LAST_ATTEMPT)
    assert (asset.status, asset.reason, asset.detail) == (AssetStatus.DEAD, AssetReason.LOST, "its bytes were gone")
    assert (asset.stored, asset.archived_at, asset.next_attempt_at) == (None, None, None)
    assert retried(asset, now=NOW, allowed_hosts=HOSTS).status is AssetStatus.PENDING


@pytest.mark.parametrize("link", ["https://elsewhere.example/0.png", "http://files.evolink.ai/0.png"])
def test_a_link_that_may_not_be_fetched_any_more_is_not(link: str) -> None:
    asset = lost(replace(ARCHIVED, links=(link,)))
    assert (asset.status, asset.reason) == (AssetStatus.DEAD, AssetReason.LOST)


def test_what_the_provider_refutes_is_not_fetched_again() -> None:
    asset = lost(refuted(ARCHIVED))
    assert (asset.status, asset.reason) == (AssetStatus.DEAD, AssetReason.REFUTED)


def test_bytes_that_turned_up_are_archived_without_an_attempt() -> None:
    asset = with_found_bytes(lost(at=DEADLINE + LAST_ATTEMPT), STORED, now=NOW)
    assert (asset.status, asset.reason, asset.detail, asset.stored) == (AssetStatus.ARCHIVED, None, None, STORED)
    assert (asset.attempts, asset.archived_at, asset.next_attempt_at) == (ARCHIVED.attempts, NOW, None)


def test_nothing_of_the_bytes_that_are_gone_stays() -> None:
    was = replace(ARCHIVED, details={"version": 1}, next_attempt_at=NOW)
    for asset in (lost(was), lost(was, at=DEADLINE + LAST_ATTEMPT)):
        assert asset.details is None
        assert asset.archived_at is None
    assert lost(was, at=DEADLINE + LAST_ATTEMPT).next_attempt_at is None
    assert with_found_bytes(replace(WAITING, next_attempt_at=NOW), STORED, now=NOW).next_attempt_at is None

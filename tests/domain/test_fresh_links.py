"""Links that are read again: what a fresh one does to an image, and that useless ones lead nobody round in circles."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from service.domain.asset import (
    QUICKLY_RETRIED,
    Asset,
    AssetReason,
    AssetStatus,
    Stored,
    archived,
    deleted,
    failed,
    new_asset,
    refuted,
    retried,
    wants_fresh_links,
    with_link,
)
from service.domain.attempt import Failed, Failure
from service.domain.image import Image, ImageFormat
from service.domain.retry import AFTER_LADDER, LAST_ATTEMPT

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(hours=24)
HOSTS = ("*.evolink.ai",)
LINK, OTHER = "https://files.evolink.ai/1.png", "https://files.evolink.ai/2.png"
EVIL = "https://evil.example/1.png"
STORED = Stored("key", "a" * 64, 10, Image(ImageFormat.PNG, 1, 1))
MOST = 2 * int(DAY / AFTER_LADDER)
"""Attempts within a day of the ladder, twice over."""


def fresh(link: str = LINK, deadline: datetime = NOW + DAY) -> Asset:
    return new_asset("task-1", 0, link, now=NOW, deadline=deadline, allowed_hosts=HOSTS)


def given(asset: Asset, link: str, now: datetime = NOW) -> Asset:
    return with_link(asset, link, now=now, deadline=asset.deadline, allowed_hosts=HOSTS)


def fail(asset: Asset, failure: Failure = Failure.LINK_GONE, now: datetime = NOW) -> Asset:
    return failed(asset, Failed(failure, "why"), tried=asset.link, now=now, jitter=0.5)


def again(asset: Asset, now: datetime = NOW) -> Asset:
    return retried(asset, now=now, allowed_hosts=HOSTS)


@dataclass
class Provider:
    """Gives another link at each read, none of which works."""

    link: Callable[[int], str]
    fails: Callable[[int], Failure] = lambda _: Failure.LINK_GONE
    reads: int = 0
    fetches: list[datetime] = field(default_factory=list)

    def torment(self, asset: Asset, now: datetime) -> Asset:
        """Attempt and read again, at once whenever wanted, until the image is given up."""
        while asset.status is AssetStatus.PENDING:
            assert len(self.fetches) < 10 * MOST, "an endless circle"
            assert asset.next_attempt_at is not None
            now = max(now, asset.next_attempt_at)
            self.fetches.append(now)
            failure = self.fails(len(self.fetches))
            asset = fail(asset, failure, now)
            if wants_fresh_links(asset, failure):
                self.reads += 1
                asset = given(asset, self.link(self.reads), now)
        return asset


ENDLESS = {
    "signed anew": lambda n: f"{LINK}?signature={n}",
    "on a new path": lambda n: f"https://files.evolink.ai/{n}.png",
    "always the same": lambda _: LINK,
    "two in turn": lambda n: (LINK, OTHER)[n % 2],
    "to a refused host": lambda n: f"https://evil.example/{n}.png",
}


@pytest.mark.parametrize("age", [timedelta(), timedelta(hours=23), DAY, DAY + LAST_ATTEMPT, timedelta(days=9)])
@pytest.mark.parametrize("name", ENDLESS)
def test_a_provider_of_ever_new_dead_links_is_asked_and_fetched_from_a_bounded_number_of_times(
    name: str, age: timedelta
) -> None:
    provider = Provider(ENDLESS[name])
    dead = provider.torment(fresh(deadline=NOW + DAY - age), NOW)
    assert (dead.status, dead.reason) == (AssetStatus.DEAD, AssetReason.LINK_EXPIRED)
    assert 1 <= provider.reads <= len(provider.fetches) <= MOST
    within_a_minute = [at for at in provider.fetches if at < NOW + timedelta(minutes=1)]
    assert len(within_a_minute) <= 10  # five rungs, each with the link before it


@pytest.mark.parametrize("failure", [one for one in Failure if one is not Failure.LINK_GONE])
def test_links_are_read_again_only_when_they_are_gone(failure: Failure) -> None:
    asset = fresh()
    for attempts in (1, 2, 3, 50):
        assert not wants_fresh_links(replace(asset, attempts=attempts), failure)


def test_a_first_refusal_may_only_mean_that_the_image_is_not_there_yet() -> None:
    first = fail(fresh())
    assert (first.status, wants_fresh_links(first, Failure.LINK_GONE)) == (AssetStatus.PENDING, False)
    assert wants_fresh_links(fail(first), Failure.LINK_GONE)


@pytest.mark.parametrize("attempts", [0, 1, QUICKLY_RETRIED, 30])
def test_no_image_is_given_up_as_expired_before_its_links_were_read_again_once(attempts: int) -> None:
    """Its host was down until the deadline, and says only then that the link is gone."""
    late = NOW + DAY + LAST_ATTEMPT
    dead = fail(replace(fresh(), attempts=attempts), now=late)
    assert (dead.status, dead.reason) == (AssetStatus.DEAD, AssetReason.LINK_EXPIRED)
    assert wants_fresh_links(dead, Failure.LINK_GONE)


def test_a_fresh_link_is_tried_at_once_by_a_young_image_and_in_its_turn_by_an_old_one() -> None:
    young = replace(fresh(), attempts=QUICKLY_RETRIED, next_attempt_at=NOW + timedelta(minutes=1))
    assert given(young, OTHER).next_attempt_at == NOW
    old = replace(young, attempts=QUICKLY_RETRIED + 1)
    assert (given(old, OTHER).link, given(old, OTHER).next_attempt_at) == (OTHER, old.next_attempt_at)


def test_a_link_that_is_known_changes_nothing_and_revives_nothing() -> None:
    waiting = fail(fresh())
    assert given(waiting, LINK) is waiting
    dead = fail(fresh(deadline=NOW - timedelta(days=2)))
    assert dead.status is AssetStatus.DEAD
    assert given(dead, LINK) is dead


def test_a_dead_image_revives_with_a_fresh_link_at_once_and_without_the_quick_steps() -> None:
    dead = fail(replace(fresh(), attempts=40), now=NOW + DAY + LAST_ATTEMPT)
    revived = given(dead, OTHER, NOW + 2 * DAY)
    assert (revived.status, revived.reason, revived.link) == (AssetStatus.PENDING, None, OTHER)
    assert (revived.attempts, revived.next_attempt_at) == (QUICKLY_RETRIED, NOW + 2 * DAY)


def test_a_fresh_link_to_a_refused_host_is_set_aside_and_never_tried() -> None:
    waiting = given(fail(fresh()), EVIL)
    assert (waiting.status, waiting.links, waiting.refused) == (AssetStatus.PENDING, (LINK,), (EVIL,))
    dead = given(fresh(EVIL), f"{EVIL}?signed=anew")
    assert (dead.status, dead.reason, dead.links) == (AssetStatus.DEAD, AssetReason.REFUSED_HOST, ())


def test_what_was_refuted_is_marked_and_keeps_its_bytes_and_only_the_provider_brings_it_back() -> None:
    for before in (fresh(), fail(fresh(deadline=NOW - timedelta(days=2))), archived(fresh(), STORED, now=NOW)):
        lie = refuted(before)
        assert (lie.reason, lie.stored, lie.next_attempt_at) == (AssetReason.REFUTED, before.stored, None)
        assert again(lie) is lie
        assert given(lie, LINK).reason is None
    assert given(refuted(fresh()), LINK).next_attempt_at == NOW
    kept = given(refuted(archived(fresh(), STORED, now=NOW)), LINK)
    assert (kept.status, kept.stored) == (AssetStatus.ARCHIVED, STORED)


def test_nothing_brings_a_tombstone_back() -> None:
    gone = deleted(archived(fresh(), STORED, now=NOW))
    assert again(gone) is gone
    for later in (refuted(gone), given(gone, OTHER), given(refuted(gone), LINK)):
        assert (later.status, later.next_attempt_at) == (AssetStatus.DELETED, None)


@pytest.mark.parametrize("failure", list(Failure))
def test_every_dead_image_can_be_tried_again_on_a_ladder_begun_anew(failure: Failure) -> None:
    dead = fail(replace(fresh(deadline=NOW - timedelta(days=2)), attempts=40), failure)
    assert dead.status is AssetStatus.DEAD
    alive = again(dead, NOW + DAY)
    assert (alive.status, alive.reason, alive.attempts) == (AssetStatus.PENDING, None, 0)
    assert (alive.next_attempt_at, alive.link, alive.refused) == (NOW + DAY, LINK, ())


def test_a_waiting_image_is_tried_at_once_and_keeps_its_place_on_the_ladder() -> None:
    waiting = replace(fresh(), attempts=7, next_attempt_at=NOW + timedelta(minutes=30))
    assert again(waiting) == replace(waiting, next_attempt_at=NOW)


def test_a_host_that_is_still_refused_stays_dead_and_one_allowed_since_is_tried() -> None:
    dead = fresh(EVIL)
    assert again(dead).reason is AssetReason.REFUSED_HOST
    alive = retried(dead, now=NOW, allowed_hosts=("evil.example",))
    assert (alive.status, alive.link) == (AssetStatus.PENDING, EVIL)

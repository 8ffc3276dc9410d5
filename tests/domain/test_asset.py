"""What attempts lead to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.domain.asset import (
    MOST_REVIVALS,
    Asset,
    AssetReason,
    AssetStatus,
    Stored,
    archived,
    deleted,
    failed,
    new_asset,
    only_linked_by,
    refuted,
    retried,
    split_asset_id,
    superseded,
    wants_fresh_links,
    with_link,
)
from service.domain.attempt import Failed, Failure
from service.domain.image import Image, ImageFormat

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOSTS = ("*.evolink.ai",)
LINK = "https://files.evolink.ai/1.png"
OTHER = "https://files.evolink.ai/2.png"
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
        ("a.b.9999", ("a.b", 9999)),
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


def test_what_was_archived_shows_nothing_of_the_failures_before_it() -> None:
    before = replace(
        fail(fail(fresh(), Failure.TRUNCATED), Failure.TRUNCATED), reason=AssetReason.LOST, details={"v": 1}
    )
    kept = archived(before, STORED, now=NOW)
    assert (kept.status, kept.reason, kept.detail, kept.details) == (AssetStatus.ARCHIVED, None, None, None)
    assert (kept.stored, kept.archived_at, kept.attempts, kept.next_attempt_at) == (STORED, NOW, 3, None)


def test_a_tombstone_tells_why_and_keeps_that_the_image_was_refuted() -> None:
    dead = replace(fail(fresh(), Failure.TOO_LARGE), details={"v": 1}, next_attempt_at=NOW)
    gone = deleted(dead, "a rule")
    assert (gone.status, gone.reason, gone.detail) == (AssetStatus.DELETED, None, "a rule")
    assert (gone.details, gone.next_attempt_at) == (None, None)
    assert deleted(dead).detail == "why"
    assert deleted(refuted(fresh())).reason is AssetReason.REFUTED


def test_what_is_refuted_says_so_and_is_not_tried_again() -> None:
    asset = refuted(fresh())
    assert (asset.status, asset.reason, asset.next_attempt_at) == (AssetStatus.DEAD, AssetReason.REFUTED, None)
    assert asset.detail == "the provider does not know this link"


def test_an_attempt_with_a_link_that_was_replaced_counts_and_the_new_one_is_tried_at_once() -> None:
    asset = superseded(fail(fresh(), Failure.UNREACHABLE), Failed(Failure.LINK_GONE, "gone"), now=NOW)
    assert (asset.status, asset.attempts, asset.next_attempt_at) == (AssetStatus.PENDING, 2, NOW)
    assert (asset.detail, asset.links) == ("gone", (LINK,))


def test_alternates_of_another_identity_go_and_those_of_the_same_stay() -> None:
    asset = replace(fresh(), links=(LINK, OTHER, LINK + "?old"), refused=(OTHER + "?x", LINK + "?y"))
    left = only_linked_by(asset, LINK + "?new")
    assert (left.links, left.refused) == ((LINK, LINK + "?old"), (LINK + "?y",))


def test_a_failure_is_told_in_words_and_the_next_link_takes_its_turn_at_once() -> None:
    two = replace(fresh(), links=(LINK, OTHER))
    after = fail(two, Failure.LINK_GONE)
    assert (after.links, after.detail, after.next_attempt_at) == ((OTHER, LINK), "why", NOW)
    again = failed(two, Failed(Failure.UNREACHABLE, "why"), tried=LINK + "?replaced", now=NOW, jitter=0.5)
    assert again.links == (LINK, OTHER), "it is not put back"


def test_what_dies_tells_the_last_failure_and_how_often_it_was_tried() -> None:
    late = replace(fresh(), attempts=9, deadline=NOW - timedelta(days=1))
    dead = fail(late, Failure.UNREACHABLE)
    assert (dead.status, dead.reason) == (AssetStatus.DEAD, AssetReason.UNREACHABLE)
    assert (dead.attempts, dead.detail, dead.next_attempt_at) == (10, "why", None)


def test_links_are_read_again_after_a_second_failure_and_of_the_dead_only_so_often() -> None:
    once = fail(fresh(), Failure.LINK_GONE)
    dead = fail(fresh(), Failure.TOO_LARGE)
    assert not wants_fresh_links(once, Failure.LINK_GONE)
    assert wants_fresh_links(fail(once, Failure.LINK_GONE), Failure.LINK_GONE)
    assert not wants_fresh_links(fail(once, Failure.TRUNCATED), Failure.TRUNCATED)
    assert wants_fresh_links(replace(dead, revivals=MOST_REVIVALS - 1), Failure.LINK_GONE)
    assert not wants_fresh_links(replace(dead, revivals=MOST_REVIVALS), Failure.LINK_GONE)


def test_a_known_link_is_news_where_its_host_is_allowed_now() -> None:
    evil = "https://evil.example/1.png"
    dead = fresh(evil)
    assert with_link(dead, evil, now=NOW, deadline=NOW, allowed_hosts=HOSTS) == dead
    alive = with_link(dead, evil, now=NOW, deadline=NOW, allowed_hosts=("*",))
    assert (alive.status, alive.link) == (AssetStatus.PENDING, evil)


def test_a_retry_by_hand_begins_anew_with_every_link() -> None:
    dead = replace(fail(fresh(), Failure.TOO_LARGE), attempts=7, revivals=MOST_REVIVALS)
    again = retried(dead, now=NOW, allowed_hosts=HOSTS)
    assert (again.status, again.attempts, again.revivals) == (AssetStatus.PENDING, 0, 1)
    assert (again.links, again.refused, again.next_attempt_at) == ((LINK,), (), NOW)


def test_a_fresh_link_puts_the_deadline_off_and_never_forward() -> None:
    later, sooner = NOW + timedelta(hours=48), NOW + timedelta(hours=1)
    for deadline, expected in ((later, later), (sooner, fresh().deadline)):
        renewed = with_link(fresh(), LINK + "?fresh", now=NOW, deadline=deadline, allowed_hosts=HOSTS)
        assert renewed.deadline == expected


def test_a_new_image_knows_its_task_and_when_it_was_heard_of() -> None:
    asset = fresh()
    assert (asset.id, asset.created_at, asset.deadline) == ("task-1.0", NOW, NOW + timedelta(hours=24))
    assert asset.detail is None
    assert fresh("https://evil.example/1.png").detail == "the link's host or scheme is not allowed"


def test_a_link_that_may_not_be_fetched_changes_the_reason_only_where_nothing_was_tried() -> None:
    plain = "http://files.evolink.ai/1.png"
    tried = replace(fail(fresh(), Failure.TOO_LARGE), links=())
    after = with_link(tried, plain, now=NOW, deadline=NOW, allowed_hosts=HOSTS)
    assert (after.status, after.reason, after.refused[0]) == (AssetStatus.DEAD, AssetReason.TOO_LARGE, plain)
    untried = with_link(fresh("https://evil.example/1.png"), plain, now=NOW, deadline=NOW, allowed_hosts=HOSTS)
    assert (untried.status, untried.reason) == (AssetStatus.DEAD, AssetReason.REFUSED_ADDRESS)


def test_a_waiting_image_of_whose_links_none_is_allowed_any_more_is_dead_and_says_so() -> None:
    waiting = fail(fresh(), Failure.UNREACHABLE)
    dead = with_link(waiting, OTHER, now=NOW, deadline=NOW, allowed_hosts=("files.example.com",))
    assert (dead.status, dead.reason, dead.next_attempt_at) == (AssetStatus.DEAD, AssetReason.REFUSED_HOST, None)
    assert dead.detail == "the link's host or scheme is not allowed"
    assert (dead.links, dead.refused) == ((), (OTHER, LINK))

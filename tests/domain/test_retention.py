"""What a rule keeps no longer: by age, number and bytes, always the oldest first."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.asset import Asset, AssetStatus
from service.domain.retention import RetentionRule, has_tag, may_go, surplus
from service.domain.task import Hold, Task
from tests.support.deliveries import NOW

DAY = timedelta(days=1)


def gone(rule: RetentionRule, *images: tuple[float, int]) -> list[str]:
    """Why each of these images goes, which are so many days old and of so many bytes; the oldest first."""
    left = surplus(rule, images=len(images), size=sum(size for _, size in images), now=NOW)
    found = []
    for age, size in images:
        why = left.why(NOW - age * DAY)
        if why is None:
            break
        found.append(why)
        left = left.without(size)
    return found


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (RetentionRule("a", max_age=5 * DAY), ["older than 5 days"] * 2),
        (RetentionRule("a", max_age=9 * DAY), []),
        (RetentionRule("a", max_age=timedelta(hours=12)), ["older than 12 hours"] * 4),
        (RetentionRule("a", max_images=4), []),
        (RetentionRule("a", max_images=1), ["more than 1 images"] * 3),
        (RetentionRule("a", max_bytes=100), []),
        (RetentionRule("a", max_bytes=99), ["more than 99 bytes"]),
        (RetentionRule("a", max_bytes=35), ["more than 35 bytes"] * 3),
        (
            RetentionRule("a", max_age=7 * DAY, max_images=3, max_bytes=50),
            ["older than 7 days", "more than 50 bytes", "more than 50 bytes"],
        ),
    ],
)
def test_what_is_over_a_limit_goes_and_nothing_else(rule: RetentionRule, why: list[str]) -> None:
    assert gone(rule, (8, 20), (6, 25), (4, 20), (1, 35)) == why


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 100)), max_size=30),
    st.integers(1, 40),
    st.integers(1, 2000),
    st.integers(1, 50),
)
def test_what_stays_is_within_all_limits_and_one_more_would_not_be(
    images: list[tuple[int, int]], most: int, size: int, days: int
) -> None:
    images.sort(reverse=True)
    rule = RetentionRule("a", max_age=days * DAY, max_images=most, max_bytes=size)
    number = len(gone(rule, *images))

    def is_within(kept: list[tuple[int, int]]) -> bool:
        return len(kept) <= most and sum(one for _, one in kept) <= size and all(age <= days for age, _ in kept)

    assert is_within(images[number:])
    assert number == 0 or not is_within(images[number - 1 :])


def test_a_tag_is_a_name_or_a_name_with_its_value() -> None:
    tags = {"stage": "draft", "a:b": "c"}
    assert all(has_tag(tags, tag) for tag in ("stage", "stage:draft", "a:b", "a:b:c"))
    assert not any(has_tag(tags, tag) for tag in ("draft", "stage:final", "stage:", "a", ""))


@pytest.mark.parametrize(
    ("age", "told"),
    [(timedelta(hours=36), "36 hours"), (DAY, "24 hours"), (2 * DAY, "2 days"), (2.5 * DAY, "60 hours")],
)
def test_an_age_is_told_in_whole_days_or_else_in_hours(age: timedelta, told: str) -> None:
    assert gone(RetentionRule("a", max_age=age), (9, 1)) == [f"older than {told}"]


def test_an_image_of_just_the_age_stays() -> None:
    assert surplus(RetentionRule("a", max_age=DAY), images=1, size=1, now=NOW).why(NOW - DAY) is None


def test_what_is_held_or_no_longer_archived_or_of_another_tag_may_not_go() -> None:
    task = Task("task-1", "evolink", NOW, tags={"stage": "draft"})
    asset = Asset("task-1", 0, ("https://files.evolink.ai/0.png",), NOW, NOW, status=AssetStatus.ARCHIVED)
    assert may_go(RetentionRule("a"), task, asset)
    assert may_go(RetentionRule("a", tag="stage:draft"), task, asset)
    assert not may_go(RetentionRule("a", tag="stage:final"), task, asset)
    assert not may_go(RetentionRule("a"), replace(task, hold=Hold(NOW, "me")), asset)
    for status in set(AssetStatus) - {AssetStatus.ARCHIVED}:
        assert not may_go(RetentionRule("a"), task, replace(asset, status=status))

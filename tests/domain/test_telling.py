"""How others are told: when to try again, when to give up, and whose turn it is."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.announcement import CALLER
from service.domain.telling import (
    CALLERS_LADDER,
    LADDER,
    LONGEST_WAIT,
    MOST_OF_A_HOST,
    Delivered,
    DeliveryStatus,
    Progress,
    Undeliverable,
    Undelivered,
    after_attempt,
    share_out,
    within_hosts,
)
from tests.support.deliveries import NOW

NO_ANSWER = Undelivered("no answer")
HOUR = 3600.0


def waits(endpoint: str, *, jitter: float = 0.5) -> Iterator[float]:
    """Seconds between attempts that all fail, until it is given up."""
    attempts = 0
    while True:
        progress = after_attempt(attempts, NO_ANSWER, endpoint=endpoint, now=NOW, jitter=jitter)
        attempts += 1
        assert progress.attempts == attempts
        if progress.next_attempt_at is None:
            assert (progress.status, progress.detail) == (DeliveryStatus.DEAD, "no answer")
            return
        assert progress.status is DeliveryStatus.PENDING
        yield (progress.next_attempt_at - NOW).total_seconds()


def test_an_endpoint_is_tried_for_three_days_less_and_less_often() -> None:
    expected = [5, 300, 1800, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
    assert list(waits("shop")) == expected
    assert 3 < sum(expected) / HOUR / 24 < 3.2


def test_a_client_is_called_as_the_provider_would_and_then_for_a_day_more() -> None:
    assert list(waits(CALLER)) == [1, 2, 4, 60, 600, HOUR, 6 * HOUR, 24 * HOUR]


@pytest.mark.parametrize(("jitter", "factor"), [(0.0, 0.8), (1.0, 1.2)])
def test_waits_are_spread_by_a_fifth(jitter: float, factor: float) -> None:
    for endpoint, ladder in (("shop", LADDER), (CALLER, CALLERS_LADDER)):
        assert list(waits(endpoint, jitter=jitter)) == pytest.approx([step.total_seconds() * factor for step in ladder])
    longest = max(*waits("shop", jitter=jitter), *waits(CALLER, jitter=jitter))
    assert longest <= LONGEST_WAIT.total_seconds()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(None, 5.0), (0.0, 5.0), (3.0, 5.0), (60.0, 60.0), (HOUR, HOUR), (10 * HOUR, HOUR)],
)
def test_an_endpoint_that_asks_for_time_gets_it_up_to_an_hour(asked: float | None, expected: float) -> None:
    progress = after_attempt(0, Undelivered("503", retry_after=asked), endpoint="shop", now=NOW, jitter=0.5)
    assert progress.next_attempt_at == NOW + timedelta(seconds=expected)


def test_asking_for_time_brings_no_more_attempts() -> None:
    asked = Undelivered("503", retry_after=60)
    assert after_attempt(len(LADDER) - 1, asked, endpoint="shop", now=NOW, jitter=0.5).next_attempt_at is not None
    assert after_attempt(len(LADDER), asked, endpoint="shop", now=NOW, jitter=0.5).status is DeliveryStatus.DEAD
    assert after_attempt(len(CALLERS_LADDER), asked, endpoint=CALLER, now=NOW, jitter=0).status is DeliveryStatus.DEAD


def test_a_success_ends_it_and_so_does_a_final_failure() -> None:
    assert after_attempt(3, Delivered(), endpoint="shop", now=NOW, jitter=0) == Progress(DeliveryStatus.DELIVERED, 4)
    gone = Undelivered("answered 410", final=True)
    assert after_attempt(0, gone, endpoint="shop", now=NOW, jitter=0) == Progress(
        DeliveryStatus.DEAD, 1, detail="answered 410"
    )


def test_what_cannot_be_tried_is_no_attempt() -> None:
    assert after_attempt(2, Undeliverable("nowhere"), endpoint="shop", now=NOW, jitter=0) == Progress(
        DeliveryStatus.DEAD, 2, detail="nowhere"
    )


def test_a_detail_is_short() -> None:
    for outcome in (Undelivered("x" * 999), Undeliverable("x" * 999)):
        progress = after_attempt(0, outcome, endpoint="shop", now=NOW, jitter=0)
        assert progress.detail == "x" * 200


@pytest.mark.parametrize(
    ("hosts", "held", "places", "begun"),
    [
        (["a", "a", "a", "b"], {}, 9, [0, 1, 3]),
        (["a", "a", "b"], {"a": 1}, 9, [0, 2]),
        (["a", "b"], {"a": 2}, 9, [1]),
        (["a", "b"], {"a": 3}, 9, [1]),
        (["a", "b", "c"], {}, 2, [0, 1]),
        (["a", "a", "a", "b"], {}, 3, [0, 1, 3]),
        (["a", "b"], {}, 0, []),
        ([], {"a": 1}, 9, []),
        (["", "", "", "a"], {"": 7}, 9, [0, 1, 2, 3]),
        (["", "", ""], {}, 2, [0, 1]),
    ],
)
def test_no_host_is_called_more_than_twice_at_once_and_the_others_get_its_places(
    hosts: list[str], held: dict[str, int], places: int, begun: list[int]
) -> None:
    assert within_hosts(hosts, held, places=places) == begun


@given(
    st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=12),
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 3)),
    st.integers(0, 8),
)
def test_a_host_holds_its_share_at_most_and_no_place_is_left_that_a_call_could_have(
    hosts: list[str], held: dict[str, int], places: int
) -> None:
    begun = within_hosts(hosts, held, places=places)
    assert begun == sorted(set(begun))
    free = {name: max(0, MOST_OF_A_HOST - held.get(name, 0)) for name in "abc"}
    called = {name: [hosts[place] for place in begun].count(name) for name in "abc"}
    assert all(called[name] <= free[name] for name in "abc")
    could = sum(min(hosts.count(name), free[name]) for name in "abc") + hosts.count("")
    assert len(begun) == min(places, could)


def test_places_go_to_whoever_has_the_fewest() -> None:
    assert share_out({"a": 9, "b": 9}, {}, places=4) == {"a": 2, "b": 2}
    assert share_out({"a": 9, "b": 1}, {}, places=4) == {"a": 3, "b": 1}
    assert share_out({"a": 9, "b": 9}, {"a": 2}, places=4) == {"a": 1, "b": 3}
    assert share_out({"a": 9, "b": 9}, {"a": 4}, places=2) == {"a": 0, "b": 2}
    assert share_out({}, {"a": 4}, places=4) == {}


@given(
    st.dictionaries(st.sampled_from("abcde"), st.integers(0, 20)),
    st.dictionaries(st.sampled_from("abcde"), st.integers(0, 8)),
    st.integers(0, 16),
)
def test_no_place_is_given_twice_and_none_is_left_that_somebody_could_have(
    waiting: dict[str, int], held: dict[str, int], places: int
) -> None:
    begun = share_out(waiting, held, places=places)
    assert begun.keys() == waiting.keys()
    assert sum(begun.values()) == min(places, sum(waiting.values()))
    assert all(0 <= number <= waiting[name] for name, number in begun.items())

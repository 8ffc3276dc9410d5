"""An event taken in once more: it adds what is missing, takes nothing back, and the second time changes nothing."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.domain.apply_again import apply_again
from service.domain.apply_event import Applied, Arrival, Sender, apply_event
from service.domain.asset import Asset, AssetReason, AssetStatus, Stored, archived, failed
from service.domain.attempt import Failed, Failure
from service.domain.history import Effect
from service.domain.image import Image, ImageFormat
from service.domain.link import MAX_ALTERNATES
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import Check, EventStatus, Origin, Rank, Standing, Task, TaskEvent, TaskReason, TaskStatus
from tests.support.deliveries import NOW, RULES, TASK

CONFIRMING = replace(RULES, mode=ConfirmMode.PREFERRED, can_ask=True)
LATER = NOW + timedelta(days=3)
LINK = "https://files.evolink.ai/a/0.png"
OTHER = "https://files.evolink.ai/a/1.png"
ELSEWHERE = "https://images.example.com/a/0.png"
OPENED = replace(RULES, allowed_hosts=("*.evolink.ai", "images.example.com"))
STORED = Stored("key", "a" * 64, 10, Image(ImageFormat.PNG, 1, 1))

State = tuple[Task | None, tuple[Asset, ...]]
NOTHING: State = (None, ())


def event(status: str = "completed", *links: str, credits: int = 1) -> TaskEvent:
    return TaskEvent(TASK, EventStatus(status), status, links, usage={"credits_used": credits})


def arrival(
    standing: Standing, *, at: datetime = NOW, foreign: bool = False, origin: Origin = Origin.CALLBACK
) -> Arrival:
    return Arrival("evolink", at, origin, standing, Sender("other" if foreign else "tok"), foreign)


def live(state: State, one: TaskEvent, *, rules: Rules = RULES, at: datetime = NOW) -> State:
    standing = Standing.AUTHORITATIVE if rules.mode is ConfirmMode.OFF else Standing.HINT
    applied = apply_event(state[0], state[1], one, arrival(standing, at=at), rules=rules)
    return (applied.task, applied.assets) if applied else state


def again(
    state: State,
    one: TaskEvent,
    *,
    rules: Rules = RULES,
    now: datetime = LATER,
    foreign: bool = False,
    sender: Sender | None = None,
    text: str | None = None,
) -> Applied | None:
    believed = rules.mode is ConfirmMode.OFF and not foreign
    how = arrival(Standing.AUTHORITATIVE if believed else Standing.HINT, foreign=foreign, origin=Origin.REPLAY)
    how = replace(how, sender=sender or how.sender)
    return apply_again(state[0], state[1], one, how, now=now, rules=rules, event_json=text)


def state_of(applied: Applied | None) -> State:
    assert applied is not None
    return applied.task, applied.assets


LINKS = st.lists(
    st.sampled_from([f"https://files.evolink.ai/{n}.png?sig={s}" for n in range(7) for s in "ab"]), max_size=4
)
EVENTS = st.builds(
    lambda status, links, credits: event(status, *links, credits=credits),
    st.sampled_from(["pending", "processing", "completed", "completed", "failed", "cancelled", "unknown"]),
    LINKS | st.lists(st.sampled_from([ELSEWHERE, LINK]), max_size=2),
    st.integers(0, 3),
)


def with_fates(state: State, seed: int) -> State:
    """What the archiver may have made of the images meanwhile."""
    dice = random.Random(seed)
    task, assets = state
    return task, tuple(
        _fate(asset, dice.randrange(4)) if asset.status is AssetStatus.PENDING else asset for asset in assets
    )


def _fate(asset: Asset, number: int) -> Asset:
    dead = replace(asset, status=AssetStatus.DEAD, reason=AssetReason.LINK_EXPIRED, attempts=9, next_attempt_at=None)
    return [asset, archived(asset, STORED, now=NOW), replace(asset, status=AssetStatus.DELETED), dead][number]


def replayed(state: State, events: Sequence[TaskEvent], rules: Rules) -> tuple[State, int]:
    changes = 0
    for one in events:
        applied = again(state, one, rules=rules)
        state, changes = (state_of(applied), changes + 1) if applied else (state, changes)
    return state, changes


@given(st.lists(EVENTS, max_size=6), st.integers(0, 9))
def test_by_the_same_rules_nothing_changes_whatever_came_in_which_order(events: list[TaskEvent], seed: int) -> None:
    state = NOTHING
    for one in events:
        state = live(state, one)
    state = with_fates(state, seed)
    if state[0] is not None:
        assert replayed(state, events, RULES) == (state, 0)


@given(
    st.lists(EVENTS, max_size=6),
    st.integers(0, 9),
    st.sampled_from([RULES, CONFIRMING]),
    st.sampled_from([RULES, CONFIRMING, OPENED, replace(CONFIRMING, allowed_hosts=("*",))]),
)
def test_by_other_rules_the_second_time_changes_nothing(
    events: list[TaskEvent], seed: int, then: Rules, now: Rules
) -> None:
    state = NOTHING
    for one in events:
        state = live(state, one, rules=then)
    once, _ = replayed(with_fates(state, seed), events, now)
    assert replayed(once, events, now) == (once, 0)


def test_a_host_that_is_allowed_by_now_has_its_image_fetched() -> None:
    refused = live(NOTHING, event("completed", ELSEWHERE))
    assert refused[1][0].reason is AssetReason.REFUSED_HOST
    applied = again(refused, event("completed", ELSEWHERE), rules=OPENED)
    task, [asset] = state_of(applied)
    assert task is not None
    assert (asset.status, asset.reason) == (AssetStatus.PENDING, None)
    assert asset.next_attempt_at is not None
    assert asset.next_attempt_at <= LATER
    assert (task.status, task.settled_at) == (TaskStatus.COMPLETED, None)
    assert applied is not None
    assert (applied.entry.origin, applied.entry.at) == (Origin.REPLAY, LATER)


def test_so_has_one_that_the_provider_confirmed_without_the_callback_being_believed() -> None:
    asked = apply_event(
        None,
        (),
        event("completed", ELSEWHERE),
        replace(arrival(Standing.AUTHORITATIVE), origin=Origin.POLL),
        rules=CONFIRMING,
    )
    assert asked is not None
    assert asked.assets[0].reason is AssetReason.REFUSED_HOST
    opened = replace(CONFIRMING, allowed_hosts=("*",))
    task, [asset] = state_of(again(state_of(asked), event("completed", ELSEWHERE), rules=opened))
    assert task is not None
    assert (asset.status, task.confirmed, task.check) == (AssetStatus.PENDING, True, Check())
    assert asset.next_attempt_at == LATER


def test_what_another_token_says_lets_no_link_in() -> None:
    refused = live(NOTHING, event("completed", ELSEWHERE))
    assert again(refused, event("completed", ELSEWHERE), rules=OPENED, foreign=True) is None


def test_an_old_event_does_not_take_a_fresh_link_back() -> None:
    stale, fresh = f"{LINK}?sig=old", f"{LINK}?sig=new"
    state = live(live(NOTHING, event("completed", stale)), event("completed", fresh))
    assert state[1][0].links == (fresh,)
    assert again(state, event("completed", stale)) is None


def test_an_old_event_of_equal_weight_does_not_take_the_newer_report_back() -> None:
    first, second = event("failed", credits=1), event("failed", credits=2)
    state = live(live(NOTHING, first), second)
    assert again(state, first) is None
    assert state[0] is not None
    assert state[0].usage == {"credits_used": 2}


def test_what_becomes_known_only_now_counts_from_its_receipt() -> None:
    task, [asset] = state_of(again(NOTHING, event("completed", LINK)))
    assert task is not None
    assert (task.received_at, task.deadline, asset.deadline) == (
        NOW,
        NOW + RULES.link_lifetime,
        NOW + RULES.link_lifetime,
    )
    assert asset.status is AssetStatus.PENDING  # one attempt is made, however late


def test_what_ends_only_now_has_settled_now() -> None:
    task, _ = state_of(again(NOTHING, event("failed")))
    assert task is not None
    assert (task.status, task.settled_at) == (TaskStatus.FAILED, LATER)


def test_a_hint_has_the_provider_asked_now_and_decides_nothing() -> None:
    task, assets = state_of(again(NOTHING, event("completed", LINK), rules=CONFIRMING))
    assert task is not None
    assert (task.status, task.check.at, task.check.since, assets) == (TaskStatus.PENDING, LATER, LATER, ())
    assert task.received_at == NOW


def test_believed_is_what_once_was_only_a_hint_where_the_mode_is_off_by_now() -> None:
    waiting = live(NOTHING, event("completed", LINK), rules=CONFIRMING)
    applied = again(waiting, event("completed", LINK))
    task, [asset] = state_of(applied)
    assert applied is not None
    assert task is not None
    assert (applied.entry.effect, task.status, asset.links) == (Effect.DECIDED, TaskStatus.COMPLETED, (LINK,))
    assert task.usage == {"credits_used": 1}


def test_a_deleted_image_stays_deleted() -> None:
    task, [asset] = live(NOTHING, event("completed", LINK))
    deleted = (task, (replace(asset, status=AssetStatus.DELETED),))
    assert again(deleted, event("completed", LINK), rules=OPENED) is None


def test_what_decides_only_now_is_kept_in_the_providers_words() -> None:
    task, _ = state_of(again(NOTHING, event("failed"), text="as it came"))
    assert task is not None
    assert task.provider_json == "as it came"


def test_every_change_is_one_version_more() -> None:
    waiting = live(NOTHING, event("completed", LINK), rules=CONFIRMING)
    task, _ = state_of(again(waiting, event("completed", LINK)))
    assert waiting[0] is not None
    assert task is not None
    assert task.version == waiting[0].version + 1


def test_an_old_event_adds_its_images_and_leaves_the_newer_report_as_it_is() -> None:
    task, assets = live(NOTHING, event("completed", LINK, credits=2))
    assert task is not None
    newer = replace(task, provider_json="the newer one")
    added, images = state_of(again((newer, assets), event("completed", LINK, OTHER), text="the older one"))
    assert added is not None
    assert [image.links for image in images] == [(LINK,), (OTHER,)]
    assert (added.usage, added.provider_json) == ({"credits_used": 2}, "the newer one")


def test_an_image_that_is_let_in_by_an_old_event_takes_no_newer_error_back() -> None:
    task, _ = live(NOTHING, replace(event("failed"), error={"code": "newer"}))
    _, refused = live(NOTHING, event("completed", ELSEWHERE))
    old = replace(event("failed", ELSEWHERE), error={"code": "older"})
    after, [asset] = state_of(again((task, refused), old, rules=OPENED))
    assert after is not None
    assert (asset.status, after.error) == (AssetStatus.PENDING, {"code": "newer"})


def test_images_that_only_an_old_event_names_complete_a_task_that_had_none() -> None:
    linkless = live(NOTHING, event("completed"))
    assert linkless[0] is not None
    assert linkless[0].reason is TaskReason.NO_LINKS
    task, [asset] = state_of(again(linkless, event("completed", ELSEWHERE)))
    assert task is not None
    assert (task.status, task.reason, asset.reason) == (TaskStatus.COMPLETED, None, AssetReason.REFUSED_HOST)


def test_whose_a_task_is_gets_added_and_it_stays_settled_since_it_was() -> None:
    mine = Sender("tok", "order 7", (("team", "shop"),))
    came = replace(arrival(Standing.AUTHORITATIVE), sender=mine)
    told = apply_event(None, (), event("completed", ELSEWHERE), came, rules=RULES)
    assert told is not None
    nobodys = replace(
        told.task, token_id=None, ref=None, tags={}, callback_rank=Rank.NOTHING, expected_images=0, stranger=True
    )
    task, assets = state_of(again((nobodys, told.assets), event("completed", ELSEWHERE), sender=mine))
    assert (task, assets) == (replace(told.task, version=told.task.version + 1), told.assets)
    assert told.task.settled_at == NOW


def test_a_hint_about_a_task_that_waits_has_the_provider_asked_now() -> None:
    waiting, _ = live(NOTHING, event("processing"), rules=CONFIRMING)
    assert waiting is not None
    tomorrow = replace(waiting, check=Check(at=LATER + timedelta(days=1), since=NOW, asked=9))
    task, _ = state_of(again((tomorrow, ()), event("completed", LINK), rules=CONFIRMING))
    assert task is not None
    assert (task.check.at, task.received_at) == (LATER, NOW)


def test_an_image_that_has_all_the_links_it_can_hold_takes_no_old_one_unless_that_helps() -> None:
    events = [event("completed", f"https://files.evolink.ai/{number}.png") for number in range(MAX_ALTERNATES + 1)]
    state = NOTHING
    for one in events:
        state = live(state, one)
    task, [full] = state
    assert len(full.links) == MAX_ALTERNATES
    assert again(state, events[0]) is None
    dead = replace(full, status=AssetStatus.DEAD, reason=AssetReason.UNREACHABLE, attempts=9, next_attempt_at=None)
    _, [alive] = state_of(again((task, (dead,)), events[0]))
    assert (alive.status, alive.link) == (AssetStatus.PENDING, events[0].links[0])


def test_only_the_images_that_an_event_names_are_let_in() -> None:
    refused = live(NOTHING, event("completed", ELSEWHERE))
    assert again(refused, event("processing"), rules=OPENED) is None


def test_an_image_whose_host_is_not_allowed_any_more_still_says_what_it_died_of() -> None:
    task, [asset] = live(NOTHING, event("completed", LINK))
    led_astray = Failed(Failure.REFUSED_HOST, "it led to evil.example")
    dead = failed(asset, led_astray, tried=LINK, now=NOW, jitter=0.5)
    assert again((task, (dead,)), event("completed", LINK), rules=replace(RULES, allowed_hosts=())) is None

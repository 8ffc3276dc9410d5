"""What an event leaves behind besides status and links: the version, what callbacks spoke of, and when to ask."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.domain.apply_event import Applied, Arrival, Sender, apply_event, dated, settle, standing_status
from service.domain.asset import Asset
from service.domain.check import FIRST_CHECK
from service.domain.rules import Rules
from service.domain.task import EventStatus, Origin, Rank, Standing, Task, TaskEvent, TaskReason, TaskStatus
from tests.support.deliveries import LINK, NOW, RULES, TASK

ASKING = replace(RULES, can_ask=True)
"""Callbacks count, and the provider can be asked too."""


def event(status: EventStatus = EventStatus.COMPLETED, *links: str, model: str | None = None) -> TaskEvent:
    return TaskEvent(task_id=TASK, status=status, word=status.value, links=links, model=model)


def arrival(
    origin: Origin = Origin.CALLBACK, standing: Standing = Standing.AUTHORITATIVE, sender: Sender | None = None
) -> Arrival:
    return Arrival(source="evolink", at=NOW, origin=origin, standing=standing, sender=sender or Sender("tok"))


def after(task: Task | None, *events: TaskEvent, rules: Rules = RULES, by: Arrival | None = None) -> Applied:
    """What the last of these events comes to."""
    assets: tuple[Asset, ...] = ()
    steps = []
    for one in events:
        applied = apply_event(task, assets, one, by or arrival(), rules=rules)
        assert applied is not None
        task, assets = applied.task, applied.assets
        steps.append(applied)
    return steps[-1]


PROCESSING, PENDING, FAILED = (event(one) for one in (EventStatus.PROCESSING, EventStatus.PENDING, EventStatus.FAILED))
COMPLETED = event(EventStatus.COMPLETED, LINK)


@pytest.mark.parametrize(
    ("events", "version"),
    [
        ([PROCESSING], 1),
        ([PROCESSING, PROCESSING], 1),
        ([PENDING, PROCESSING], 2),
        ([COMPLETED, event(EventStatus.COMPLETED, f"{LINK}?sig=2")], 2),
        ([COMPLETED, FAILED], 2),
        ([COMPLETED, PROCESSING], 1),
        ([PENDING, PROCESSING, COMPLETED, FAILED], 4),
    ],
    ids=["new", "again", "on", "signed anew", "contradicted", "late", "all"],
)
def test_the_version_counts_what_a_sidecar_has_to_show(events: list[TaskEvent], version: int) -> None:
    assert after(None, *events).task.version == version


def test_that_a_task_is_no_stranger_any_more_is_nothing_that_a_sidecar_shows() -> None:
    stranger = replace(after(None, PROCESSING).task, stranger=True)
    known = after(stranger, PROCESSING).task
    assert (known.stranger, known.version) == (False, stranger.version)


def test_what_changes_nothing_leaves_the_very_same_task() -> None:
    applied = after(None, COMPLETED)
    task, assets = applied.task, applied.assets
    assert settle(task, assets, now=NOW) is task
    assert dated(task, assets, now=NOW) is task


def test_a_standing_that_leads_to_death_has_its_reason() -> None:
    task = replace(after(None, PROCESSING).task, rank=Rank.COMPLETED_WITHOUT_LINKS)
    found = standing_status(task, ())
    assert (found.status, found.reason) == (TaskStatus.DEAD, TaskReason.NO_LINKS)


def test_a_hint_revives_no_task_that_the_provider_has_ended() -> None:
    dead = replace(after(None, PROCESSING).task, status=TaskStatus.DEAD, reason=TaskReason.REFUTED, confirmed=True)
    hinted = after(dead, PROCESSING, by=arrival(standing=Standing.HINT), rules=ASKING).task
    assert (hinted.status, hinted.reason) == (TaskStatus.DEAD, TaskReason.REFUTED)


def test_the_links_of_a_task_that_only_a_hint_told_of_are_counted_from_then() -> None:
    hinted = after(None, PROCESSING, by=arrival(standing=Standing.HINT), rules=ASKING)
    assert hinted.task.deadline == NOW + RULES.link_lifetime
    assert hinted.entry.at == NOW


def test_what_the_provider_says_of_a_task_is_learnt_and_makes_nobody_its_owner() -> None:
    learnt = after(None, event(EventStatus.PROCESSING, model="gpt-image-2"), by=arrival(Origin.POLL)).task
    assert (learnt.model, learnt.token_id, learnt.callback_rank) == ("gpt-image-2", None, Rank.NOTHING)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([event(EventStatus.COMPLETED, LINK, f"{LINK}?sig=2", f"{LINK}.png")], 2),
        ([event(EventStatus.COMPLETED, LINK, f"{LINK}.png"), COMPLETED], 2),
        ([event(EventStatus.COMPLETED, *(f"{LINK}.{n}" for n in range(40)))], 16),
        ([event(EventStatus.PROCESSING, LINK)], 0),
        ([FAILED], 0),
    ],
    ids=["one signed twice", "the most of several", "no end of them", "before its end", "none"],
)
def test_the_most_images_that_callbacks_spoke_of_are_expected(events: list[TaskEvent], expected: int) -> None:
    assert after(None, *events).task.expected_images == expected


def test_tags_come_with_the_callback_that_makes_the_owner_and_never_again() -> None:
    bare = after(None, PROCESSING).task
    later = arrival(sender=Sender("tok", tags=(("campaign", "spring"),)))
    assert after(bare, PROCESSING, by=later).task.tags == {}


def test_where_callbacks_count_a_known_word_is_asked_about_later_and_an_unknown_one_now() -> None:
    assert after(None, PROCESSING, rules=ASKING).task.check.at == NOW + FIRST_CHECK
    assert after(None, event(EventStatus.UNKNOWN), rules=ASKING).task.check.at == NOW
    assert after(None, event(EventStatus.UNKNOWN)).task.check.at == NOW + timedelta(hours=24)


def test_a_task_that_somebody_told_of_takes_the_labels_of_the_first_url_and_keeps_those_it_has() -> None:
    bare = Task(id=TASK, source="evolink", received_at=NOW)
    labelled = replace(bare, ref="ours", tags={"team": "a"})
    sent = arrival(sender=Sender("a", "order-1", (("k", "v"),)))
    tasks = [after(task, PROCESSING, by=sent).task for task in (bare, labelled, replace(bare, token_id="a"))]
    labels = [(task.token_id, task.ref, task.tags) for task in tasks]
    assert labels == [("a", "order-1", {"k": "v"}), ("a", "ours", {"team": "a"}), ("a", "order-1", {})]


@pytest.mark.parametrize("standing", Standing)
def test_an_entry_tells_which_callback_it_is_of(standing: Standing) -> None:
    by = replace(arrival(standing=standing), callback_id=7)
    assert after(None, COMPLETED, rules=ASKING, by=by).entry.callback_id == 7

"""Callbacks as hints, callbacks that were believed, and the provider's own answers: which of them make the end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.apply_event import Applied, Arrival, Sender, apply_event
from service.domain.asset import Asset, AssetReason, AssetStatus, Stored, archived, deleted
from service.domain.history import Effect, contradicts
from service.domain.image import Image, ImageFormat
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import EventStatus, Origin, Standing, Task, TaskEvent, TaskReason, TaskStatus

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
RULES = Rules(timedelta(hours=24), ("*.evolink.ai",), ConfirmMode.PREFERRED, can_ask=True)
KEYLESS = replace(RULES, mode=ConfirmMode.OFF, can_ask=False)
A, B, C, D = (f"https://files.evolink.ai/{name}.png" for name in "abcd")
REFUSED = "https://files.example.com/e.png"
STORED = Stored("key", "a" * 64, 10, Image(ImageFormat.PNG, 1, 1))


class Heard(Enum):
    """How an event was heard."""

    HINT = (Origin.CALLBACK, Standing.HINT)
    BELIEVED = (Origin.CALLBACK, Standing.AUTHORITATIVE)
    ANSWER = (Origin.POLL, Standing.AUTHORITATIVE)


@dataclass(frozen=True)
class Said:
    """One event, and how it was heard."""

    heard: Heard
    status: EventStatus
    links: tuple[str, ...] = ()


def hint(status: EventStatus, *links: str) -> Said:
    return Said(Heard.HINT, status, links)


def believed(status: EventStatus, *links: str) -> Said:
    return Said(Heard.BELIEVED, status, links)


def answer(status: EventStatus, *links: str) -> Said:
    return Said(Heard.ANSWER, status, links)


COMPLETED, FAILED, CANCELLED = EventStatus.COMPLETED, EventStatus.FAILED, EventStatus.CANCELLED
PROCESSING = EventStatus.PROCESSING


def hear(
    task: Task | None, assets: Sequence[Asset], said: Said, at: datetime = NOW, *, rules: Rules = RULES
) -> Applied:
    event = TaskEvent("task-1", said.status, said.status.value, links=said.links)
    origin, standing = said.heard.value
    applied = apply_event(task, assets, event, Arrival("evolink", at, origin, standing, Sender("tok")), rules=rules)
    assert applied is not None
    return applied


def hear_all(*events: Said) -> Applied:
    last: Applied | None = None
    for position, said in enumerate(events):
        task, assets = (last.task, last.assets) if last else (None, ())
        last = hear(task, assets, said, NOW + timedelta(seconds=position))
    assert last is not None
    return last


def standing_links(assets: Sequence[Asset]) -> set[str]:
    """What the images that are not refuted may be fetched from."""
    return {link for asset in assets if asset.reason is not AssetReason.REFUTED for link in asset.known_links}


def indexes(applied: Applied) -> list[tuple[tuple[str, ...], AssetReason | None]]:
    return [(asset.known_links, asset.reason) for asset in applied.assets]


SAYINGS = st.builds(
    Said,
    st.sampled_from(Heard),
    st.sampled_from(list(EventStatus)),
    st.lists(st.sampled_from([A, B, C, D, REFUSED]), max_size=3, unique=True).map(tuple),
)


@settings(max_examples=500)
@given(st.data(), st.lists(SAYINGS, min_size=1, max_size=6))
def test_any_order_and_repetition_ends_in_the_same_status_confirmation_and_links(
    data: st.DataObject, events: list[Said]
) -> None:
    shuffled = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events), max_size=3))))
    one, other = hear_all(*events), hear_all(*shuffled)
    assert (one.task.status, one.task.reason) == (other.task.status, other.task.reason)
    assert one.task.confirmed is other.task.confirmed
    assert standing_links(one.assets) == standing_links(other.assets)


@given(st.lists(SAYINGS, min_size=1, max_size=6), st.builds(Said, st.just(Heard.HINT), st.sampled_from(EventStatus)))
def test_a_hint_never_changes_an_image_nor_confirms_anything(events: list[Said], one: Said) -> None:
    before = hear_all(*events)
    for links in ((), (A,), (A, B, C, D)):
        after = hear(before.task, before.assets, replace(one, links=links))
        assert after.assets == before.assets
        assert (after.task.confirmed, after.task.rank) == (before.task.confirmed, before.task.rank)


@settings(max_examples=300)
@given(st.lists(SAYINGS, min_size=1, max_size=6))
def test_after_the_providers_word_only_its_own_links_stand(events: list[Said]) -> None:
    last = hear_all(*events)
    if last.task.confirmed:
        own = {link for said in events if said.heard is Heard.ANSWER for link in said.links}
        assert standing_links(last.assets) <= own


@pytest.mark.parametrize("status", [AssetStatus.PENDING, AssetStatus.ARCHIVED])
def test_a_believed_image_that_the_provider_does_not_know_is_refuted_and_what_was_archived_stays(
    status: AssetStatus,
) -> None:
    before = hear_all(believed(COMPLETED, A, B))
    assets = before.assets
    if status is AssetStatus.ARCHIVED:
        assets = tuple(archived(asset, STORED, now=NOW) for asset in assets)
    after = hear(before.task, assets, answer(COMPLETED, B))
    assert [asset.reason for asset in after.assets] == [AssetReason.REFUTED, None]
    assert [asset.stored for asset in after.assets] == [asset.stored for asset in assets]
    assert (after.task.status, after.task.confirmed, after.task.conflict) == (TaskStatus.COMPLETED, True, False)


def test_the_providers_own_links_never_take_the_place_of_a_callbacks() -> None:
    last = hear_all(believed(COMPLETED, A, B), answer(COMPLETED, C, D))
    assert indexes(last) == [((A,), AssetReason.REFUTED), ((B,), AssetReason.REFUTED), ((C,), None), ((D,), None)]
    moved = hear(last.task, last.assets, answer(COMPLETED, A, B))
    assert standing_links(moved.assets) == {A, B, C, D}


def test_the_providers_links_move_by_position_among_its_own_only() -> None:
    last = hear_all(believed(COMPLETED, A), answer(COMPLETED, B), answer(COMPLETED, C))
    assert indexes(last) == [((A,), AssetReason.REFUTED), ((C, B), None)]


def test_an_image_that_only_a_callback_spoke_of_takes_no_link_by_position_after_it_was_deleted_either() -> None:
    before = hear_all(believed(COMPLETED, A))
    first = hear(before.task, [deleted(asset) for asset in before.assets], answer(COMPLETED, B))
    second = hear(first.task, first.assets, answer(COMPLETED, C, D))
    waiting = {link for asset in second.assets if asset.status is AssetStatus.PENDING for link in asset.links}
    assert {C, D} <= waiting


def test_a_link_that_only_a_callback_spoke_of_is_no_alternate_of_a_confirmed_image() -> None:
    """Without a key a callback's link took another's place; then there is a key, and the provider knows one of them."""
    first = hear(None, (), believed(COMPLETED, A), rules=KEYLESS)
    before = hear(first.task, first.assets, believed(COMPLETED, B), rules=KEYLESS)
    assert [asset.links for asset in before.assets] == [(B, A)]
    for known in (A, B):
        after = hear(before.task, before.assets, answer(COMPLETED, known))
        assert standing_links(after.assets) == {known}


def test_links_to_a_refused_host_are_refused_and_not_refuted_however_often_the_provider_says_them() -> None:
    for times in (1, 2, 3):
        last = hear_all(*[answer(COMPLETED, REFUSED)] * times)
        assert (last.task.status, last.task.reason) == (TaskStatus.COMPLETED, None)
        assert indexes(last) == [((REFUSED,), AssetReason.REFUSED_HOST)]


def test_the_provider_brings_a_refuted_image_back_under_its_index() -> None:
    last = hear_all(believed(COMPLETED, A), answer(FAILED), answer(COMPLETED, A))
    assert (last.task.status, last.task.conflict) == (TaskStatus.COMPLETED, False)
    assert [(asset.index, asset.status, asset.reason) for asset in last.assets] == [(0, AssetStatus.PENDING, None)]


@pytest.mark.parametrize("heard", [hint, believed])
def test_a_failure_that_a_callback_calls_a_cancellation_is_one_in_either_order(
    heard: Callable[[EventStatus], Said],
) -> None:
    callback = heard(CANCELLED)
    for order in ([callback, answer(FAILED)], [answer(FAILED), callback], [answer(FAILED), callback, answer(FAILED)]):
        last = hear_all(*order)
        assert (last.task.status, last.task.confirmed, last.task.conflict) == (TaskStatus.CANCELLED, True, False)
        assert not contradicts(last.entry, last.task)


def test_a_callback_cannot_call_a_completion_a_cancellation_nor_can_a_foreign_one() -> None:
    assert hear_all(answer(COMPLETED, A), hint(CANCELLED)).task.status is TaskStatus.COMPLETED
    failed = hear_all(answer(FAILED))
    event = TaskEvent("task-1", CANCELLED, "cancelled")
    foreign = Arrival("evolink", NOW, Origin.CALLBACK, Standing.HINT, Sender("other"), foreign=True)
    after = apply_event(failed.task, (), event, foreign, rules=RULES)
    assert after is not None
    assert (after.task.status, after.entry.effect) == (TaskStatus.FAILED, Effect.FOREIGN)


@pytest.mark.parametrize("end", [FAILED, CANCELLED])
def test_only_a_believed_completion_that_is_refuted_is_a_conflict(end: EventStatus) -> None:
    assert hear_all(believed(COMPLETED, A), answer(end)).task.conflict
    for order in (
        [hint(COMPLETED, A), answer(end)],
        [answer(end), believed(COMPLETED, A)],
        [believed(FAILED), answer(end)],
        [believed(FAILED), answer(COMPLETED, A)],
        [believed(COMPLETED, A), answer(COMPLETED, B)],
        [believed(COMPLETED, A), answer(PROCESSING)],
    ):
        assert not hear_all(*order).task.conflict, order


def test_a_believed_completion_that_turns_out_to_have_no_image_is_a_conflict() -> None:
    last = hear_all(believed(COMPLETED, A), answer(COMPLETED))
    assert (last.task.status, last.task.reason) == (TaskStatus.DEAD, TaskReason.NO_LINKS)
    assert last.task.conflict


def test_progress_neither_confirms_nor_refutes_what_was_believed() -> None:
    last = hear_all(believed(COMPLETED, A), answer(PROCESSING))
    assert (last.task.status, last.task.confirmed, last.assets[0].reason) == (TaskStatus.COMPLETED, False, None)


def test_a_hint_asks_nothing_that_the_provider_has_answered() -> None:
    settled = hear_all(answer(COMPLETED, A))
    settled = replace(settled, task=replace(settled.task, check=replace(settled.task.check, at=None)))
    for known in (hint(COMPLETED, A), hint(COMPLETED, f"{A}?signed=anew"), hint(PROCESSING)):
        assert hear(settled.task, settled.assets, known).task.check.at is None
    for news in (hint(COMPLETED, A, B), hint(FAILED), hint(EventStatus.UNKNOWN)):
        assert hear(settled.task, settled.assets, news).task.check.at == NOW


def test_a_hint_that_makes_a_task_is_its_first_version_and_a_hint_in_the_history() -> None:
    applied = hear(None, (), hint(COMPLETED, A))
    assert (applied.task.version, applied.entry.effect) == (1, Effect.HINT)
    assert hear(applied.task, applied.assets, hint(COMPLETED, A)).task.version == 1, "it shows nothing new"


def test_what_callbacks_say_after_the_providers_word_stands_in_the_history_as_a_hint() -> None:
    applied = hear_all(answer(COMPLETED, A), believed(FAILED))
    assert (applied.entry.standing, applied.entry.effect) == (Standing.HINT, Effect.HINT)
    assert applied.task.status is TaskStatus.COMPLETED


def test_any_hint_about_an_unconfirmed_task_brings_the_question_forward() -> None:
    waiting = hear(None, (), hint(PROCESSING)).task
    put_off = replace(waiting, check=replace(waiting.check, at=NOW + timedelta(hours=1)))
    assert hear(put_off, (), hint(PROCESSING)).task.check.at == NOW

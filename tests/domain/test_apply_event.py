"""The ledger's rules: which of several events counts, and that their order never does."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.apply_event import Applied, Arrival, Sender, apply_event, dated
from service.domain.asset import Asset, AssetReason, AssetStatus, Stored, archived
from service.domain.history import Effect, contradicts
from service.domain.image import Image, ImageFormat
from service.domain.link import identity
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import Check, EventStatus, Origin, Standing, Task, TaskEvent, TaskReason, TaskStatus

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
RULES = Rules(link_lifetime=timedelta(hours=24), allowed_hosts=("*.evolink.ai",))
CONFIRMING = replace(RULES, mode=ConfirmMode.PREFERRED, can_ask=True)
GOOD = "https://files.evolink.ai/a/1.png"
OTHER = "https://files.evolink.ai/a/2.png"
EVIL = "https://evil.example/1.png"


def event(status: EventStatus, *links: str, created: float | None = None) -> TaskEvent:
    return TaskEvent(task_id="task-1", status=status, word=status.value, links=links, created=created)


def arrival(at: datetime = NOW, standing: Standing = Standing.AUTHORITATIVE) -> Arrival:
    return Arrival(source="evolink", at=at, origin=Origin.CALLBACK, standing=standing, sender=Sender("tok"))


def play(events: Sequence[TaskEvent], rules: Rules = RULES) -> tuple[Task, tuple[Asset, ...], list[Applied]]:
    task: Task | None = None
    assets: tuple[Asset, ...] = ()
    steps = []
    for position, one in enumerate(events):
        applied = apply_event(task, assets, one, arrival(NOW + timedelta(seconds=position)), rules=rules)
        assert applied is not None
        task, assets = applied.task, applied.assets
        steps.append(applied)
    assert task is not None
    return task, assets, steps


COMPLETED = event(EventStatus.COMPLETED, GOOD)
COMPLETED_REFUSED = event(EventStatus.COMPLETED, EVIL)
COMPLETED_EMPTY = event(EventStatus.COMPLETED)
FAILED = event(EventStatus.FAILED)
CANCELLED = event(EventStatus.CANCELLED)
PROCESSING = event(EventStatus.PROCESSING)
PENDING = event(EventStatus.PENDING)


@pytest.mark.parametrize(
    ("weaker", "stronger", "status"),
    [
        (PENDING, PROCESSING, TaskStatus.PROCESSING),
        (PROCESSING, COMPLETED_EMPTY, TaskStatus.DEAD),
        (COMPLETED_EMPTY, CANCELLED, TaskStatus.CANCELLED),
        (COMPLETED_REFUSED, CANCELLED, TaskStatus.CANCELLED),
        (COMPLETED_REFUSED, FAILED, TaskStatus.FAILED),
        (CANCELLED, FAILED, TaskStatus.FAILED),
        (FAILED, COMPLETED, TaskStatus.COMPLETED),
        (CANCELLED, COMPLETED, TaskStatus.COMPLETED),
        (COMPLETED_EMPTY, COMPLETED, TaskStatus.COMPLETED),
    ],
)
def test_rank_decides_whatever_the_order(weaker: TaskEvent, stronger: TaskEvent, status: TaskStatus) -> None:
    assert play([weaker, stronger])[0].status is status
    assert play([stronger, weaker])[0].status is status


def test_the_loser_of_two_terminal_events_is_shown_as_a_conflict_in_either_order() -> None:
    for order in ([FAILED, COMPLETED], [COMPLETED, FAILED]):
        task, _, steps = play(order)
        marked = {step.entry.status: contradicts(step.entry, task) for step in steps}
        assert marked == {"failed": True, "completed": False}
        assert task.conflict is False


def test_a_late_processing_event_is_no_conflict() -> None:
    task, _, steps = play([COMPLETED, PROCESSING])
    assert steps[1].entry.effect is Effect.OUTRANKED
    assert not contradicts(steps[1].entry, task)


def test_a_completed_task_without_links_is_dead_with_a_reason_and_settled() -> None:
    task, assets, _ = play([COMPLETED_EMPTY])
    assert (task.status, task.reason, assets) == (TaskStatus.DEAD, TaskReason.NO_LINKS, ())
    assert task.settled_at == NOW


def test_a_link_to_a_refused_host_makes_a_dead_asset_and_no_work() -> None:
    task, assets, _ = play([COMPLETED_REFUSED])
    assert task.status is TaskStatus.COMPLETED
    assert [(a.status, a.reason, a.next_attempt_at) for a in assets] == [
        (AssetStatus.DEAD, AssetReason.REFUSED_HOST, None)
    ]


def test_links_are_kept_even_when_the_event_is_outranked_so_that_order_does_not_matter() -> None:
    for order in ([FAILED, COMPLETED_REFUSED], [COMPLETED_REFUSED, FAILED]):
        task, assets, _ = play(order)
        assert task.status is TaskStatus.FAILED
        assert [a.reason for a in assets] == [AssetReason.REFUSED_HOST]


def test_a_task_is_settled_only_when_no_asset_waits() -> None:
    task, assets, _ = play([COMPLETED])
    assert task.settled_at is None
    assert assets[0].next_attempt_at == NOW


def test_a_hint_changes_nothing_and_makes_the_task_due() -> None:
    before, assets, _ = play([PROCESSING], CONFIRMING)
    applied = apply_event(before, assets, COMPLETED, arrival(standing=Standing.HINT), rules=CONFIRMING)
    assert applied is not None
    assert applied.assets == ()
    assert applied.task.status is TaskStatus.PROCESSING
    assert applied.task.check.at == NOW
    assert applied.task.version == before.version


def test_a_hint_about_an_unknown_task_leaves_no_task_where_nobody_can_be_asked() -> None:
    assert apply_event(None, (), COMPLETED, arrival(standing=Standing.HINT), rules=RULES) is None
    followed = apply_event(None, (), COMPLETED, arrival(standing=Standing.HINT), rules=CONFIRMING)
    assert followed is not None
    assert (followed.task.status, followed.task.token_id, followed.assets) == (TaskStatus.PENDING, "tok", ())


def test_an_unknown_status_is_kept_and_makes_the_task_due() -> None:
    task, _, steps = play([event(EventStatus.UNKNOWN)], CONFIRMING)
    assert (task.status, task.check.at) == (TaskStatus.PENDING, NOW)
    assert steps[0].entry.effect is Effect.UNKNOWN_STATUS


def test_a_repeated_event_changes_neither_version_nor_assets() -> None:
    task, assets, steps = play([COMPLETED, COMPLETED])
    assert steps[1].entry.effect is Effect.AGREED
    assert task.version == steps[0].task.version
    assert assets == steps[0].assets


def test_a_fresh_signature_keeps_the_index_and_is_tried_first() -> None:
    _, assets, _ = play([event(EventStatus.COMPLETED, GOOD, OTHER), event(EventStatus.COMPLETED, OTHER + "?sig=new")])
    assert [a.index for a in assets] == [0, 1]
    assert assets[1].links == (OTHER + "?sig=new",)


def test_links_on_new_paths_replace_by_position_only_when_counts_are_equal() -> None:
    moved = event(EventStatus.COMPLETED, "https://cdn.evolink.ai/x.png", "https://cdn.evolink.ai/y.png")
    _, assets, _ = play([event(EventStatus.COMPLETED, GOOD, OTHER), moved])
    assert [a.links[0] for a in assets] == list(moved.links)
    assert [a.links[1] for a in assets] == [GOOD, OTHER]
    one_more = event(EventStatus.COMPLETED, "https://cdn.evolink.ai/z.png")
    _, assets, _ = play([event(EventStatus.COMPLETED, GOOD, OTHER), one_more])
    assert [a.links for a in assets] == [(GOOD,), (OTHER,), one_more.links]


def test_more_than_sixteen_links_are_cut_with_a_visible_note() -> None:
    links = [f"https://files.evolink.ai/{n}.png" for n in range(20)]
    _, assets, steps = play([event(EventStatus.COMPLETED, *links)])
    assert len(assets) == 16
    assert steps[0].entry.note == "4 links were left out: over the limit, or the same path as another"


def test_the_deadline_counts_from_a_credible_creation_time() -> None:
    created = (NOW - timedelta(hours=3)).timestamp()
    task, assets, _ = play([event(EventStatus.COMPLETED, GOOD, created=created)])
    assert task.deadline == assets[0].deadline == NOW + timedelta(hours=21)


def test_the_first_sender_owns_the_task_and_lends_it_its_labels() -> None:
    first = Arrival("evolink", NOW, Origin.CALLBACK, Standing.AUTHORITATIVE, Sender("a", "order-1", (("k", "v"),)))
    applied = apply_event(None, (), PROCESSING, first, rules=RULES)
    assert applied is not None
    second = Arrival("evolink", NOW, Origin.CALLBACK, Standing.AUTHORITATIVE, Sender("b", "other"))
    again = apply_event(applied.task, (), COMPLETED, second, rules=RULES)
    assert again is not None
    assert (again.task.token_id, again.task.ref, again.task.tags) == ("a", "order-1", {"k": "v"})


def test_a_creation_time_that_comes_later_sets_the_deadline_anew() -> None:
    task = play([PROCESSING])[0]
    assert task.deadline == NOW + timedelta(hours=24)
    created = NOW - timedelta(hours=3)
    applied = apply_event(task, (), event(EventStatus.PROCESSING, created=created.timestamp()), arrival(), rules=RULES)
    assert applied is not None
    assert applied.task.deadline == NOW + timedelta(hours=21)


POOL = [f"https://files.evolink.ai/img/{n}.png" for n in range(4)] + [EVIL]
EVENTS = st.builds(
    lambda status, links: event(status, *links),
    st.sampled_from([s for s in EventStatus if s is not EventStatus.UNKNOWN]),
    st.lists(st.sampled_from(POOL), max_size=4, unique=True),
)


@settings(max_examples=300)
@given(st.data(), st.lists(EVENTS, min_size=1, max_size=6))
def test_any_order_and_repetition_ends_in_the_same_status_and_links(
    data: st.DataObject, events: list[TaskEvent]
) -> None:
    shuffled = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events), max_size=3))))
    one, other = play(events), play(shuffled)
    assert one[0].status is other[0].status
    assert one[0].reason is other[0].reason
    assert _known(one[1]) == _known(other[1])


def _known(assets: tuple[Asset, ...]) -> set[str]:
    return {identity(link) for asset in assets for link in asset.known_links}


@settings(max_examples=300)
@given(st.lists(EVENTS, min_size=1, max_size=8))
def test_indexes_start_at_zero_grow_without_gaps_and_are_never_reused(events: list[TaskEvent]) -> None:
    _, _, steps = play(events)
    seen: dict[int, str] = {}
    for step in steps:
        assert [asset.index for asset in step.assets] == list(range(len(step.assets)))
        for asset in step.assets:
            first = seen.setdefault(asset.index, asset.known_links[-1])
            assert identity(first) in {identity(link) for link in asset.known_links}


def test_two_links_of_one_event_are_two_images_even_where_one_was_thought_to_replace_the_other() -> None:
    both = event(EventStatus.COMPLETED, GOOD, OTHER)
    one, other = event(EventStatus.COMPLETED, GOOD), event(EventStatus.COMPLETED, OTHER)
    assert len(play([one, other, both])[1]) == len(play([both, one, other])[1]) == 2


def test_without_a_creation_time_the_deadline_counts_from_the_event_that_brought_the_links() -> None:
    told = Task(id="task-1", source="evolink", received_at=NOW - timedelta(days=2))
    applied = apply_event(told, (), COMPLETED, arrival(), rules=RULES)
    assert applied is not None
    assert applied.assets[0].deadline == applied.task.deadline == NOW + timedelta(hours=24)


IMAGES = [f"https://files.evolink.ai/img/{n}.png" for n in range(4)]


@st.composite
def retellings(draw: st.DrawFn) -> list[TaskEvent]:
    """What a provider may say of one task over time: its images in any order, some left out, links signed anew.

    One image is always named: lists of equal length without any link in common count as the same images elsewhere.
    """
    told = []
    for turn in range(draw(st.integers(1, 5))):
        others = draw(st.lists(st.sampled_from(IMAGES[1:]), unique=True))
        some = draw(st.permutations([IMAGES[0], *others]))
        told.append(event(EventStatus.COMPLETED, *(f"{image}?signature={turn}" for image in some)))
    return told + draw(st.lists(st.sampled_from([FAILED, CANCELLED, PROCESSING]), max_size=2))


def archive_everything(assets: tuple[Asset, ...]) -> tuple[Asset, ...]:
    """Archive what is pending; the bytes follow from the image that the tried link names."""
    return tuple(
        archived(one, Stored("key", identity(one.link), 1, Image(ImageFormat.PNG, 1, 1)), now=NOW)
        if one.status is AssetStatus.PENDING
        else one
        for one in assets
    )


def archived_hashes(events: Sequence[TaskEvent], archive_after: set[int]) -> list[str]:
    task: Task | None = None
    assets: tuple[Asset, ...] = ()
    for position, one in enumerate(events):
        applied = apply_event(task, assets, one, arrival(), rules=RULES)
        assert applied is not None
        task, assets = applied.task, applied.assets
        if position in archive_after:
            assets = archive_everything(assets)
    return sorted(one.stored.sha256 for one in archive_everything(assets) if one.stored)


@settings(max_examples=300)
@given(st.data(), retellings())
def test_any_order_repetition_and_pace_of_archiving_ends_in_the_same_hashes_each_once(
    data: st.DataObject, events: list[TaskEvent]
) -> None:
    shuffled = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events), max_size=3))))
    pace = data.draw(st.sets(st.integers(0, len(shuffled))))
    named = {identity(link) for one in events for link in one.links}
    assert archived_hashes(shuffled, pace) == archived_hashes(events, set()) == sorted(named)


def told(task: Task | None, one: TaskEvent, text: str | None = None, at: datetime = NOW) -> Applied:
    applied = apply_event(task, (), one, arrival(at), rules=RULES, event_json=text)
    assert applied is not None
    return applied


def test_the_text_of_what_decided_is_kept_and_what_says_nothing_does_not_replace_it() -> None:
    first = told(None, replace(PROCESSING, usage={"credits": 1}), '{"n": 1}').task
    second = told(first, FAILED, '{"n": 2}').task
    assert (first.provider_json, second.provider_json) == ('{"n": 1}', '{"n": 2}')
    assert told(second, FAILED).task.provider_json == '{"n": 2}'
    assert (first.usage, second.usage) == ({"credits": 1}, {"credits": 1})
    assert told(second, PROCESSING, '{"n": 3}').task.provider_json == '{"n": 2}', "it decided nothing"


def test_an_error_is_told_of_what_failed_and_of_nothing_else() -> None:
    error = {"code": "content_policy_violation"}
    for one in (FAILED, CANCELLED):
        failed = told(None, replace(one, error=error)).task
        assert failed.error == error
        assert told(failed, COMPLETED).task.error is None
    assert told(None, replace(PROCESSING, error=error)).task.error is None


def test_the_folders_date_is_fixed_once_there_is_something_to_keep_and_stays() -> None:
    assert told(None, PROCESSING).task.archive_date is None
    day, later = NOW.date(), NOW + timedelta(days=3)
    failed = told(None, FAILED).task
    assert failed.archive_date == day
    assert told(failed, COMPLETED, at=later).task.archive_date == day
    assert told(None, COMPLETED, at=later).task.archive_date == later.date()
    created = event(EventStatus.COMPLETED, GOOD, created=(NOW - timedelta(days=1)).timestamp())
    assert told(None, created).task.archive_date == day - timedelta(days=1)


def test_a_waiting_image_fixes_the_date_of_a_task_that_has_not_ended() -> None:
    task, assets, _ = play([COMPLETED])
    open_again = replace(task, archive_date=None, status=TaskStatus.PROCESSING)
    assert dated(open_again, assets, now=NOW).archive_date == NOW.date()
    assert dated(open_again, (), now=NOW).archive_date is None


def test_what_a_first_event_tells_of_its_task_is_kept() -> None:
    created = NOW - timedelta(hours=1)
    first = told(None, replace(event(EventStatus.PROCESSING, created=created.timestamp()), model="m"))
    task = first.task
    assert (task.id, task.source, task.received_at, task.model) == ("task-1", "evolink", NOW, "m")
    assert (task.created_at, task.deadline, first.entry.note) == (created, created + RULES.link_lifetime, None)
    later = told(task, replace(COMPLETED, model="other"))
    assert (later.task.model, later.task.created_at) == ("m", created)
    assert [asset.id for asset in later.assets] == ["task-1.0"]


def test_without_a_creation_the_deadline_counts_from_the_first_links() -> None:
    first, later = told(None, PROCESSING).task, NOW + timedelta(hours=1)
    assert first.deadline == NOW + RULES.link_lifetime
    assert told(first, COMPLETED, at=later).task.deadline == later + RULES.link_lifetime
    assert told(first, PROCESSING, at=later).task.deadline == first.deadline


def test_when_the_provider_is_asked_is_planned_once_and_an_end_needs_no_question_where_callbacks_count() -> None:
    first = told(None, PROCESSING).task
    assert first.check.at == NOW + RULES.horizon
    assert told(first, PENDING, at=NOW + timedelta(hours=1)).task.check == first.check
    assert told(first, COMPLETED).task.check == Check()
    applied = apply_event(first, (), COMPLETED, arrival(), rules=CONFIRMING)
    assert applied is not None
    assert applied.task.check == first.check

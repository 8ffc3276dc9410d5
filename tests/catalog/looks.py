"""Every question that the service asks of its catalog, as it asks it of a million images."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from service.catalog.catalog import Transaction
from service.catalog.checks import ClaimedCheck
from service.catalog.clearing import Place
from service.catalog.dead import DeadFilter
from service.catalog.filters import AssetFilter, Sort, Span, TaskFilter
from service.catalog.inbox import Received
from service.catalog.inbox_filter import InboxFilter
from service.catalog.listing import Bounds
from service.catalog.tasks import TaskState
from service.catalog.tokens import MintedToken, SignedLink
from service.catalog.work import ClaimedAsset, ClaimedSidecar, ToPurge
from service.domain.asset import Asset
from service.domain.callback import Verdict
from service.domain.history import Effect, HistoryEntry
from service.domain.task import Origin, Rank, Standing, Task
from service.domain.words import search_for
from tests.catalog import looks_details, looks_events, looks_keys, looks_spending, looks_submissions
from tests.catalog.million import CALLBACKS, ENDED, IMAGES, TASKS, task_id

END = datetime(2026, 10, 31, tzinfo=UTC)
"""About when the last of the tasks came."""

PAGE = 50
OLD, MIDDLE, LATEST = task_id(1000), task_id(TASKS // 2), task_id(ENDED - 10)
HERE, THERE = ClaimedAsset(OLD, 0, "claim"), ClaimedAsset(LATEST, 1, "claim")
TO_PURGE = ToPurge(77, OLD, 0, "folder", END, may_get_more=False)
CHECK, SIDECAR = ClaimedCheck(LATEST, "claim"), ClaimedSidecar(LATEST, "claim")
ENTRY = HistoryEntry(END, Origin.POLL, "completed", Standing.HINT, Effect.HINT, Rank.COMPLETED)

Look = Callable[[Transaction], object]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by the name of the method; `reading` where it changes nothing."""

    name: str
    look: Look
    reading: bool = True


def received(number: int) -> Received:
    return Received("evolink", Origin.CALLBACK, task_id(number), b"{}", 2, f"new-{number}", Verdict.ACCEPTED, END)


def _saved(tx: Transaction) -> None:
    """A new task, and one of which it and an image have changed."""
    new, known = (TaskState(Task(id=one, source="evolink", received_at=END), ()) for one in ("task-new", LATEST))
    before = Asset(LATEST, 0, links=(), refused=(), deadline=END, created_at=END)
    changed = TaskState(replace(known.task, version=8), (replace(before, attempts=9),))
    tx.tasks.save([(None, new), (replace(known, assets=(before,)), changed)])


def _moved(tx: Transaction) -> None:
    [kept] = tx.inbox.keep([received(77)]).values()
    tx.replays.move(kept.id, OLD, status="completed", verdict=Verdict.ACCEPTED)


def _writes() -> Iterator[tuple[str, Look]]:
    yield "inbox.keep", lambda tx: tx.inbox.keep([received(77)])
    yield "inbox.judge", lambda tx: tx.inbox.judge(77, Verdict.FOREIGN, "tok-1")
    yield "inbox.drop", lambda tx: tx.inbox.drop(bodies=[77], rows=[78])
    yield "tasks.load", lambda tx: tx.tasks.load([OLD, MIDDLE, LATEST])
    yield "tasks.save", _saved
    yield "tasks.weigh", lambda tx: tx.tasks.weigh({LATEST: 400})
    yield "tasks.note", lambda tx: tx.tasks.note([(LATEST, ENTRY)])
    yield "work.claim_assets", lambda tx: tx.work.claim_assets(16)
    yield "work.holds_asset", lambda tx: tx.work.holds_asset(HERE)
    yield "work.release_asset", lambda tx: tx.work.release_asset(HERE, after=timedelta(seconds=5))
    yield "work.drop_claim", lambda tx: tx.work.drop_claim(OLD, 0)
    yield "work.bytes_came_late", lambda tx: tx.work.bytes_came_late(OLD, 0)
    yield "work.mark_purged", lambda tx: tx.work.mark_purged(TO_PURGE)
    yield "work.renew_assets", lambda tx: tx.work.renew_assets([HERE, THERE])
    yield "work.claim_sidecars", lambda tx: tx.work.claim_sidecars(16)
    yield "work.finish_sidecar", lambda tx: tx.work.finish_sidecar(SIDECAR, 7)
    yield "work.release_sidecar", lambda tx: tx.work.release_sidecar(SIDECAR)
    yield "work.renew_sidecars", lambda tx: tx.work.renew_sidecars([SIDECAR])
    yield "work.clear_leases", lambda tx: tx.work.clear_leases()
    yield "checks.claim", lambda tx: tx.checks.claim(50)
    yield "checks.claim longest first", lambda tx: tx.checks.claim(50, longest_first=True, due_by=END)
    yield "checks.held", lambda tx: tx.checks.held([CHECK])
    yield "checks.release", lambda tx: tx.checks.release([CHECK])
    yield "checks.renew", lambda tx: tx.checks.renew([CHECK])
    yield "checks.end_silence", lambda tx: tx.checks.end_silence()
    yield "checks.hasten", lambda tx: tx.checks.hasten(END - timedelta(hours=3))
    yield "duties.take", lambda tx: tx.duties.take("sweep", "me")
    yield "duties.give_back", lambda tx: tx.duties.give_back("sweep", "me")
    yield "duties.clear", lambda tx: tx.duties.clear()
    yield "marks.remove", lambda tx: tx.marks.remove("seen")
    yield "marks.set", lambda tx: tx.marks.set("seen", END)
    yield "marks.advance", lambda tx: tx.marks.advance("seen", END)
    yield "marks.believed", lambda tx: tx.marks.believed("seen", END)
    yield "checks.clear", lambda tx: tx.checks.clear()
    yield "waits.pull_in", lambda tx: tx.waits.pull_in(tx.now + timedelta(days=1))
    yield "waits.begin_patience_anew", lambda tx: tx.waits.begin_patience_anew()
    yield "tokens.add", lambda tx: tx.tokens.add(MintedToken("tok-new", "evolink", END))
    yield "tokens.revoke", lambda tx: tx.tokens.revoke("tok-7", END)
    yield "tokens.revoke unknown", lambda tx: tx.tokens.revoke("tok-nobody", END)
    yield "tokens.add_link", lambda tx: tx.tokens.add_link(SignedLink("link-new", OLD, 0, END))
    yield "tokens.revoke_link", lambda tx: tx.tokens.revoke_link("link-77", END)
    yield "replays.rows", lambda tx: tx.replays.rows([77, 78, CALLBACKS - 1])
    yield "replays.move", _moved
    yield "search.catch_up", lambda tx: tx.search.catch_up(TASKS // 2, 100)
    yield "clearing.clear", lambda tx: tx.clearing.clear(END - timedelta(days=90), limit=500)
    half = Place(END - timedelta(days=100), CALLBACKS * 86 // 100)
    yield "clearing.clear further", lambda tx: tx.clearing.clear(END - timedelta(days=90), limit=500, after=half)


def _reads() -> Iterator[tuple[str, Look]]:
    yield "work.is_deleted", lambda tx: tx.work.is_deleted(HERE)
    yield "inbox.accepted_of", lambda tx: tx.inbox.accepted_of(OLD)
    yield "inbox.of_tasks", lambda tx: tx.inbox.of_tasks([OLD, LATEST])
    yield "inbox.hashes_of", lambda tx: tx.inbox.hashes_of(OLD)
    yield "tasks.get", lambda tx: tx.tasks.get(OLD)
    yield "tasks.known_by_callbacks_alone", lambda tx: tx.tasks.known_by_callbacks_alone([OLD, LATEST])
    yield "tasks.lengths_of_history", lambda tx: tx.tasks.lengths_of_history([OLD, LATEST])
    yield "tasks.history", lambda tx: tx.tasks.history(OLD)
    yield "work.to_purge", lambda tx: tx.work.to_purge(100)
    yield "work.to_purge further", lambda tx: tx.work.to_purge(100, after=IMAGES - 10_000)
    yield "work.waiting", lambda tx: tx.work.waiting()
    yield "checks.waiting", lambda tx: tx.checks.waiting()
    yield "kept.total", lambda tx: tx.kept.total(None)
    yield "kept.total of a tag", lambda tx: tx.kept.total("team:team-1")
    yield "kept.newest", lambda tx: tx.kept.newest()
    yield "kept.oldest", lambda tx: tx.kept.oldest(None, after=None, limit=100)
    yield "kept.oldest of a tag", lambda tx: tx.kept.oldest("team:team-1", after=None, limit=100)
    yield "marks.copying_from", lambda tx: tx.marks.copying_from()
    yield "marks.beginning_with", lambda tx: tx.marks.beginning_with("notify:")
    yield "marks.get", lambda tx: tx.marks.get("seen")
    yield "tokens.known", lambda tx: tx.tokens.known(["tok-1", "tok-2"])
    yield "tokens.revoked", lambda tx: tx.tokens.revoked()
    yield "tokens.link", lambda tx: tx.tokens.link("link-77")
    yield "usage.spent", lambda tx: tx.usage.spent("tok-7")
    yield "usage.touched", lambda tx: tx.usage.touched("tok-7")
    yield "dead.tasks", lambda tx: tx.dead.tasks(DeadFilter())
    for name, value in (
        ("reason", "no_links"),
        ("reason", "too_large"),
        ("ref", "order-777"),
        ("model", "gpt-image-2"),
    ):
        yield f"dead.tasks {name}={value}", _dead({name: value})
    yield "walk.any_stored", lambda tx: tx.walk.any_stored()
    yield "walk.with_folder", lambda tx: tx.walk.with_folder(after=TASKS // 2, limit=200)
    yield "walk.horizon", lambda tx: tx.walk.horizon()
    yield "figures.count", lambda tx: tx.figures.count()
    yield "restore.any_task", lambda tx: tx.restore.any_task()
    yield "restore.known", lambda tx: tx.restore.known([OLD, LATEST])
    yield from _replays()
    yield from _lists()


def _dead(only: dict[str, str]) -> Look:
    return lambda tx: tx.dead.tasks(DeadFilter(**only))


def _replays() -> Iterator[tuple[str, Look]]:
    some: Mapping[str, InboxFilter] = {
        "all": InboxFilter(),
        "task": InboxFilter(task_id=OLD),
        "token": InboxFilter(token_id="tok-7"),
        "ids": InboxFilter(ids=(77, 78, CALLBACKS - 1)),
        "unreadable": InboxFilter(verdict="unreadable"),
        "received_after": InboxFilter(received_after=END - timedelta(days=3)),
    }

    def span(wanted: InboxFilter) -> Look:
        return lambda tx: tx.replays.span(wanted)

    def portion(wanted: InboxFilter) -> Look:
        return lambda tx: tx.replays.portion(wanted, after=CALLBACKS // 2, last=CALLBACKS)

    for name, wanted in some.items():
        yield f"replays.span {name}", span(wanted)
        yield f"replays.portion {name}", portion(wanted)


Filters = tuple[dict[str, str], ...]

WORDS = {"few": search_for("number 77"), "many": search_for("lighthouse"), "none": search_for("nowhere")}
A_DAY = Span(END - timedelta(days=400), END - timedelta(days=399))
NOTHING_IS_FEW = Bounds(few=-1)
"""Also where nothing is."""

TASK_LISTS: Mapping[str, TaskFilter] = {
    "": TaskFilter(),
    "status=completed": TaskFilter(status="completed"),
    "status=dead": TaskFilter(status="dead"),
    "status=pending": TaskFilter(status="pending"),
    "model=gpt-image-2": TaskFilter(model="gpt-image-2"),
    "model=no-such-model": TaskFilter(model="no-such-model"),
    "ref=order-777": TaskFilter(ref="order-777"),
    "source=evolink": TaskFilter(source="evolink"),
    "source=none": TaskFilter(source="none"),
    "status=dead ref": TaskFilter(status="dead", ref="order-777"),
    "status=pending model": TaskFilter(status="pending", model="gpt-image-2"),
    "status=completed model": TaskFilter(status="completed", model="no-such-model"),
    "an old day": TaskFilter(received=A_DAY),
    "an old day, failed": TaskFilter(received=A_DAY, status="failed"),
    "few words": TaskFilter(search=WORDS["few"]),
    "many words": TaskFilter(search=WORDS["many"]),
    "many words, dead": TaskFilter(search=WORDS["many"], status="dead"),
    "no words": TaskFilter(search=WORDS["none"], status="completed"),
    "with conflicts": TaskFilter(conflicts=True),
    "held": TaskFilter(held=True),
}
PICKED = tuple((task_id(number), number % 3) for number in range(1000, TASKS, TASKS // 150))
"""Images by their ids, from all over the archive; each takes about ten pages."""
ASSET_LISTS: Mapping[str, AssetFilter] = {
    "": AssetFilter(),
    "status=archived": AssetFilter(status="archived"),
    "status=dead": AssetFilter(status="dead"),
    "status=deleted": AssetFilter(status="deleted"),
    "status=pending": AssetFilter(status="pending"),
    "format=png": AssetFilter(format="png"),
    "format=webp": AssetFilter(format="webp"),
    "task_id": AssetFilter(task_id=OLD),
    "ids": AssetFilter(ids=PICKED),
    "ids, few words": AssetFilter(ids=PICKED, task=TaskFilter(search=WORDS["few"])),
    "ids, status=dead": AssetFilter(ids=PICKED, status="dead"),
    "host": AssetFilter(host="files.example"),
    "size": AssetFilter(size=(640, 480)),
    "status=archived format": AssetFilter(status="archived", format="webp"),
    "status=dead format": AssetFilter(status="dead", format="webp"),
    "model": AssetFilter(task=TaskFilter(model="gpt-image-2")),
    "ref": AssetFilter(task=TaskFilter(ref="order-777")),
    "an old day": AssetFilter(archived=A_DAY),
    "few words": AssetFilter(task=TaskFilter(search=WORDS["few"])),
    "many words": AssetFilter(task=TaskFilter(search=WORDS["many"])),
    "many words, dead": AssetFilter(status="dead", task=TaskFilter(search=WORDS["many"])),
    "with conflicts": AssetFilter(conflicts=True),
}
CALLBACK_LISTS: Filters = (
    {},
    {"verdict": "accepted"},
    {"verdict": "unreadable"},
    {"verdict": "foreign"},
    {"task_id": OLD},
    {"task_id": ""},
    {"token_id": "tok-7"},
    {"token_id": "tok-none"},
    {"origin": "poll"},
    {"origin": "replay"},
    {"status": "failed"},
    {"status": "no-such-word"},
    {"verdict": "foreign", "token_id": "tok-7"},
)


def _lists() -> Iterator[tuple[str, Look]]:
    """Each list from its beginning, from its middle, and from near its end."""

    def listed(name: str, wanted: object, after: int | None, **more: Any) -> Look:
        return lambda tx: getattr(tx.query, name)(wanted, after=after, limit=PAGE, **more)

    def callbacks(only: Mapping[str, str], after: int | None) -> Look:
        return lambda tx: tx.query.callbacks(filters=only, after=after, limit=PAGE)

    lists: Mapping[str, tuple[Mapping[str, object], int]] = {
        "tasks": (TASK_LISTS, TASKS),
        "assets": (ASSET_LISTS, IMAGES),
    }
    for name, (some, size) in lists.items():
        for told, wanted in some.items():
            for where, after in (("first", None), ("middle", size // 2), ("end", 500)):
                yield f"query.{name} {told} {where}".replace("  ", " "), listed(name, wanted, after)
        yield f"query.{name} oldest", listed(name, some[""], 500, sort=Sort.OLDEST)
    for sort in (Sort.LARGEST, Sort.SMALLEST):
        yield f"query.assets {sort}", listed("assets", ASSET_LISTS[""], 500, sort=sort)
        yield f"query.assets {sort}, few", listed("assets", ASSET_LISTS["few words"], None, sort=sort)
    long_ago = AssetFilter(status="archived", archived=Span(after=END - timedelta(days=4000)))
    yield "query.assets archived since long ago", listed("assets", long_ago, None, bounds=NOTHING_IS_FEW)
    largest = listed("assets", ASSET_LISTS["status=archived"], None, sort=Sort.LARGEST, bounds=NOTHING_IS_FEW)
    yield "query.assets archived, the largest", largest
    for only in CALLBACK_LISTS:
        told = " ".join(f"{key}={value}" for key, value in only.items())
        for where, after in (("first", None), ("middle", CALLBACKS // 2), ("end", 500)):
            yield f"query.callbacks {told} {where}".replace("  ", " "), callbacks(only, after)
    yield from _exports()
    yield "activity.hours", lambda tx: tx.activity.hours(END)
    yield "facets.tasks", lambda tx: tx.facets.tasks(TASK_LISTS["few words"])
    yield "facets.assets", lambda tx: tx.facets.assets(ASSET_LISTS["few words"])
    span = {"received_after": END - timedelta(days=400), "received_before": END - timedelta(days=399)}
    yield "query.callbacks of an old day", lambda tx: tx.query.callbacks(filters={}, after=None, limit=PAGE, **span)
    last = END - timedelta(days=1)
    yield (
        "query.callbacks of the last day",
        lambda tx: tx.query.callbacks(filters={}, after=None, limit=PAGE, received_after=last),
    )
    yield "query.assets_of", lambda tx: tx.query.assets_of([OLD, MIDDLE, LATEST])
    yield "query.asset", lambda tx: tx.query.asset(OLD, 1)
    yield "query.callback", lambda tx: tx.query.callback(77)
    yield "query.tokens", lambda tx: tx.query.tokens(after=None, limit=PAGE)
    yield "query.tokens further", lambda tx: tx.query.tokens(after=2500, limit=PAGE)
    yield "query.links", lambda tx: tx.query.links(task_id(3000), 0, after=None, limit=PAGE)


def _exports() -> Iterator[tuple[str, Look]]:
    """Pages of exports, and their numbers alone."""

    def page(name: str, wanted: object, after: int | None, limit: int) -> Look:
        return lambda tx: getattr(tx.export, name)(wanted, after=after, limit=limit)

    lists: Mapping[str, tuple[Mapping[str, object], int]] = {
        "images": (ASSET_LISTS, IMAGES),
        "tasks": (TASK_LISTS, TASKS),
    }
    for name, (some, size) in lists.items():
        for told in ("", "few words", "many words", "an old day"):
            for where, after in (("first", None), ("middle", size // 2)):
                which = f"{name} {told} {where}".replace("  ", " ")
                yield f"export.{which}", page(name, some[told], after, 100)
                yield f"export.numbers {which}", page("numbers", some[told], after, 500)


_READS = (
    *_reads(),
    *looks_spending.reads(),
    *looks_submissions.reads(),
    *looks_events.reads(),
    *looks_keys.reads(),
    *looks_details.reads(),
)
_WRITES = (
    *_writes(),
    *looks_spending.writes(),
    *looks_submissions.writes(),
    *looks_events.writes(),
    *looks_details.writes(),
    *looks_keys.writes(),
)
QUESTIONS = (
    *(Question(name, look) for name, look in _READS),
    *(Question(name, look, reading=False) for name, look in _WRITES),
)

"""In an archive of a million images no question that the service asks looks at every row, and every index is needed."""

from collections.abc import Iterator, Mapping

import pytest

from service.catalog.catalog import Catalog
from tests.catalog import looks_events, looks_keys, looks_spending, looks_submissions
from tests.catalog.looks import QUESTIONS
from tests.catalog.million import FILLS
from tests.catalog.plans import Plan, explained, statements_of
from tests.support.postgres import PostgresDatabases, rows_of, run_sql

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

MAY_LOOK_AT_MUCH: Mapping[str, str] = {
    "figures.count": "totals for people and for the beginning of verify: each is one pass",
    "dead.tasks": "as many as are dead",
    "checks.clear": "once, at a start: as many as wait",
    "checks.hasten": "once, at a start: as many as wait",
    "waits.": "once, at a start or when the clock was set: as many as wait",
    "query.tasks status=completed first": "past those that have not ended, where they are the newest",
    "query.tasks status=completed model": "past those that have not ended, where they are the newest",
    "query.assets status=archived format": "counts up to 20,000 rows, of which most are: the first",
    "query.assets model": "counts up to 20,000 tasks",
    "query.assets many words, dead": "as many as are dead",
    "query.assets many words": "as many tasks as a page has images",
    "clearing.clear": "the tasks of one portion of callbacks, one by one",
    "spending.by_subject tag year": "as many tags as a year has, where each task has its own",
    "events.clear_leases": "once, at a start: as many as wait",
    "events.pull_in": "once, at a start or when the clock was set: as many as wait",
    "spending.uncounted": "once for each database, in the order of the key",
    "events.page delivered asset.archived first": "past those that an endpoint has not got, where they are the newest",
    "kept.total": "once an hour and for each 2,000 images that go, where a rule counts: what it is about",
    "kept.oldest of a tag": "as many as the tag has",
    "replays.portion": "as many ids as a window has, to go on from where it ends",
}
"""What names of questions begin with, and why they may."""


@pytest.fixture
def url(postgres: PostgresDatabases) -> Iterator[str]:
    """A database with a million images, nearly all settled."""
    where = postgres.new()
    for fills in (FILLS, looks_spending.FILLS, looks_submissions.FILLS, looks_events.FILLS, looks_keys.FILLS):
        for fill in fills.values():
            run_sql(where, fill)
    run_sql(where, "VACUUM ANALYZE")
    yield where
    postgres.drop_made()


async def plans_of(url: str) -> dict[str, list[Plan]]:
    catalog = Catalog(url)
    catalog.open()
    plans = {}
    for question in QUESTIONS:
        sent = await statements_of(catalog, question.look, reading=question.reading)
        plans[question.name] = await explained(url, sent)
    catalog.close()
    return plans


async def test_nothing_looks_at_every_row_and_every_index_is_needed(url: str) -> None:
    plans = await plans_of(url)
    assert [name for name, some in plans.items() if not some] == []
    faults = {name: [fault for plan in some for fault in plan.faults] for name, some in plans.items()}
    unexpected = {name: found for name, found in faults.items() if found and not name.startswith((*MAY_LOOK_AT_MUCH,))}
    assert not unexpected, "\n".join(f"{name}: {found}" for name, found in unexpected.items())
    unused = "SELECT indexrelname FROM pg_stat_user_indexes s JOIN pg_index i USING (indexrelid) "
    assert rows_of(url, f"{unused} WHERE idx_scan = 0 AND NOT indisunique ORDER BY 1") == []

"""SQLite, too, answers every question of the service by an index, or walks a table in the order of its key."""

from pathlib import Path

import sqlalchemy as sa

from service.catalog.catalog import Catalog
from tests.catalog.looks import QUESTIONS, Question
from tests.catalog.plans import LARGE, Sent, statements_of
from tests.support.databases import SqliteDatabases

MAY_WALK = (
    "figures.count",  # totals for people and for the beginning of verify
    "walk.any_stored",  # up to the first row that is found
    "query.tasks first",  # lists of which all or most rows are wanted: from the newest on
    "query.tasks source=evolink first",
    "query.tasks with conflicts",
    "query.assets first",
    "query.assets format=png first",
    "query.assets with conflicts",
    "export.images first",
    "export.tasks first",
    "export.numbers images first",
    "export.numbers tasks first",
    "query.callbacks first",
    "query.callbacks verdict=accepted first",
    "query.tokens",
    "submissions.page first",
    "events.page all first",
    "keys.page",
    "audit.page all",
)


IN_ORDER = (
    "work.claim_assets",
    "work.claim_sidecars",
    "checks.claim",
    "events.claim",
    "details.claim",
    "kept.oldest",
    "kept.newest",
    "query.assets archived since long ago",
    "query.assets archived, the largest",
)
"""Questions that may find much, and take the first of it only."""


def faults_of(connection: sa.Connection, question: Question, sent: Sent) -> list[str]:
    """Tables that a statement goes through without an index, and what it sorts though it should not have to."""
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sent.sql}", tuple(sent.parameters))
    steps = [str(row.detail) for row in plan]
    walks = [step for step in steps if step.removeprefix("SCAN ") in LARGE and not question.name.startswith(MAY_WALK)]
    return [*walks, *(step for step in steps if question.name in IN_ORDER and step.endswith("FOR ORDER BY"))]


async def test_no_question_goes_through_a_whole_table_or_sorts_what_waits(tmp_path: Path) -> None:
    path = SqliteDatabases(tmp_path).new()
    catalog = Catalog(path)
    catalog.open()
    engine = sa.create_engine(f"sqlite:///{path}")
    found = {}
    with engine.connect() as connection:
        for question in QUESTIONS:
            for sent in await statements_of(catalog, question.look, reading=question.reading):
                if faults := faults_of(connection, question, sent):
                    found[question.name] = faults
    engine.dispose()
    catalog.close()
    assert found == {}

"""The gauges of what waits follow the database by its clock, and say nothing where it cannot be read."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.archive.gauges import Gauges
from service.catalog.catalog import Catalog
from service.errors import CatalogUnavailable
from service.observability import Metrics
from service.observability.figure import FRESH_SECONDS
from tests.support.databases import Databases
from tests.support.deliveries import RULES, task_object
from tests.support.ledger import Ledger, ledger_in

PENDING, OLDEST, EXPIRY = "assets_pending", "oldest_pending_seconds", "next_expiry_seconds"


@pytest.fixture
def ledger(databases: Databases) -> Iterator[Ledger]:
    with ledger_in(databases, RULES) as opened:
        yield opened


def figures(metrics: Metrics) -> dict[str, float]:
    waiting = {f"darkroom_{name}" for name in (PENDING, OLDEST, EXPIRY)}
    families = text_string_to_metric_families(metrics.render()[0].decode())
    return {
        sample.name.removeprefix("darkroom_"): sample.value
        for family in families
        for sample in family.samples
        if sample.name in waiting
    }


async def test_where_nothing_waits_the_gauges_say_so(ledger: Ledger) -> None:
    metrics = Metrics()
    await Gauges(catalog=ledger.catalog, metrics=metrics).update()
    assert figures(metrics) == {PENDING: 0, OLDEST: 0, EXPIRY: float("inf")}


async def test_what_waits_ages_while_its_link_runs_out_and_all_processes_show_the_same(ledger: Ledger) -> None:
    one, other = Metrics(), Metrics()
    await ledger.call_back(task_object())
    await Gauges(catalog=ledger.catalog, metrics=one).update()
    before = figures(one)
    ledger.clock.move(minutes=10)
    for metrics in (one, other):
        await Gauges(catalog=ledger.catalog, metrics=metrics).update()
    ten_minutes = timedelta(minutes=10).total_seconds()
    assert figures(one) == figures(other) == {
        PENDING: 1,
        OLDEST: before[OLDEST] + ten_minutes,
        EXPIRY: before[EXPIRY] - ten_minutes,
    }  # fmt: skip


async def test_who_cannot_read_the_database_soon_shows_nothing_instead_of_what_was(databases: Databases) -> None:
    clock = [0.0]
    metrics = Metrics(clock=lambda: clock[0])
    with ledger_in(databases, RULES) as ledger:
        gauges = Gauges(catalog=ledger.catalog, metrics=metrics)
        await gauges.update()
    with pytest.raises(CatalogUnavailable):
        await gauges.update()
    assert figures(metrics) == {PENDING: 0, OLDEST: 0, EXPIRY: float("inf")}
    clock[0] += FRESH_SECONDS
    assert figures(metrics) == {}


async def test_who_never_could_look_shows_nothing(databases: Databases) -> None:
    metrics = Metrics()
    with pytest.raises(CatalogUnavailable):
        await Gauges(catalog=Catalog(databases.new()), metrics=metrics).update()
    assert figures(metrics) == {}

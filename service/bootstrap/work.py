"""The work of a running service, by role: what is started, in which order, and how it ends."""

import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial

import structlog

from service.archive.archiver import Archiver, Fetches
from service.archive.gauges import Gauges
from service.archive.leases import Leases
from service.archive.purge import Purge
from service.archive.sidecar_writer import SidecarWriter
from service.archive.worker import Worker
from service.background import Background
from service.bootstrap.components import Components
from service.bootstrap.details import start_details, wanted_of
from service.bootstrap.fetching import fetch_pool
from service.bootstrap.notify import follow_up, guarded_post, start_deliveries
from service.bootstrap.reconcile import asking_of, start_reconcile
from service.catalog.catalog import Transaction
from service.catalog.marks import STORE_BEGUN
from service.domain.check import FIRST_CHECK
from service.domain.clock_step import LONGEST_WAIT
from service.domain.submission import LOOKS, SubmissionStatus
from service.domain.telling import LONGEST_WAIT as LONGEST_DELIVERY_WAIT
from service.errors import CatalogUnavailable
from service.inspection.inspector import UNTIL_MENDED
from service.reconcile.clock_watch import ClockWatch
from service.settings import Role
from service.submission.arrears import Arrears
from service.submission.finder import Finder
from service.upkeep.elected import hourly, start_duty
from service.upkeep.raw_bodies import RawBodies
from service.upkeep.retention import Retention
from service.upkeep.search_filling import SearchFilling
from service.upkeep.trail import TrailRetention

log = structlog.get_logger(__name__)

SIDECARS_AT_ONCE = 4
SHORTEST_DRAIN = 1.0


@asynccontextmanager
async def running(parts: Components) -> AsyncIterator[None]:
    """Run the background work; on leaving, finish what is under way within the drain time and hand the rest back."""
    settings = parts.settings
    try:
        await parts.catalog.write(partial(_take_over, parts=parts))
    except CatalogUnavailable as error:  # a full disk, a lock: the claims end by themselves, and readiness tells
        log.error("claims_left_to_expire", reason=str(error))
    await parts.readiness.begin()
    await _learn_who_may(parts)
    background, watch = Background(), ClockWatch(parts.catalog)
    background.start("clock", watch.run)
    background.start("readiness", parts.readiness.run)
    background.start("revoked", parts.revoked.run)
    background.start("keys", parts.keys.run)
    background.start("allowances", parts.allowances.run)
    gauges = Gauges(catalog=parts.catalog, metrics=parts.metrics, looked=wanted_of(settings))
    background.start("gauges", gauges.run)
    background.start("intake", parts.intake.run)
    if parts.wakeups is not None:
        background.start("wakeups", parts.wakeups.run)
    async with AsyncExitStack() as stack:
        parts.decoders.start()
        stack.push_async_callback(parts.thumbnails.stop)
        stack.push_async_callback(parts.decoders.stop)
        if parts.provider is not None:
            await stack.enter_async_context(parts.provider)
        if Role.API in settings.roles:
            to_endpoints = await stack.enter_async_context(guarded_post(settings, to_callers=False))
            to_callers = await stack.enter_async_context(guarded_post(settings, to_callers=True))
            start_deliveries(parts, background, to_endpoints=to_endpoints, to_callers=to_callers)
        if Role.ARCHIVER in settings.roles:
            fetcher = await stack.enter_async_context(aclosing(fetch_pool(settings, parts.store.staging)))
            _start_archive(parts, background, fetcher)
        if Role.RECONCILER in settings.roles:
            tell = partial(_tell_of_found, parts)
            finder = Finder(catalog=parts.catalog, provider=parts.provider, rules=parts.rules, tell=tell)
            arrears = Arrears(catalog=parts.catalog, prices=parts.submitting.prices)
            filling = SearchFilling(catalog=parts.catalog)
            for name, run in (("arrears", arrears.run), ("search", filling.run), ("finder", finder.run)):
                start_duty(name, run, catalog=parts.catalog, background=background)
            start_reconcile(asking_of(parts, watch), background, lambda: not parts.readiness.problems)
            _start_retention(parts, background)
        try:
            yield
        finally:
            await parts.submitting.submitter.stop(_left_to_drain(parts))
            await background.stop(_left_to_drain(parts))


async def _learn_who_may(parts: Components) -> None:
    """Read who is revoked, and which keys there are.

    While that is not known nobody comes in but with a key of the setting; readiness tells why.
    """
    for refresh in (parts.revoked.refresh, parts.keys.refresh):
        try:
            await refresh()
        except CatalogUnavailable:
            if not parts.catalog.shared:
                raise


def _start_retention(parts: Components, background: Background) -> None:
    settings, catalog = parts.settings, parts.catalog
    bodies = RawBodies(catalog=catalog, after=settings.callbacks.retention)
    trail = TrailRetention(catalog=catalog, after=settings.audit.retention)
    start_duty("bodies", hourly(bodies.clear), catalog=catalog, background=background)
    start_duty("trail", hourly(trail.clear), catalog=catalog, background=background)
    if settings.retention.rules:
        images = Retention(
            catalog=catalog,
            rules=[one.rule for one in settings.retention.rules],
            deleted=lambda _: parts.metrics.deleted_by_a_rule(),
            nudges=(parts.purge_nudge, parts.sidecar_nudge),
        )
        start_duty("retention", hourly(images.apply), catalog=catalog, background=background)


def _tell_of_found(parts: Components, status: SubmissionStatus) -> None:
    if status is SubmissionStatus.LOST:
        parts.metrics.submitted("lost")
    parts.sidecar_nudge.nudge()  # what was found has a prompt now


def _left_to_drain(parts: Components) -> float:
    """Seconds that are left to finish what is under way."""
    spent = time.monotonic() - (parts.readiness.draining_since or time.monotonic())
    return max(SHORTEST_DRAIN, parts.settings.server.drain_timeout.total_seconds() - spent)


def _take_over(tx: Transaction, *, parts: Components) -> None:
    """Forget the claims of processes that are gone, where the server lock says that nobody else is alive.

    Elsewhere their claims end by themselves. Who keeps files has opened the store by now, so from now on one that is
    missing is lost, not new. What is planned for later than anything is ever planned was written while the clock was
    ahead.
    """
    rules = parts.rules
    if parts.settings.keeps_files and tx.marks.get(STORE_BEGUN) is None:
        tx.marks.set(STORE_BEGUN, tx.now)
    if not parts.catalog.shared:
        tx.work.clear_leases()
        tx.submissions.forget_claims()
        tx.checks.clear()
        tx.events.clear_leases()
        tx.details.forget_claims()
        tx.duties.clear()
    latest = tx.now + LONGEST_WAIT
    tx.waits.pull_in(latest, checks=latest if rules.can_ask else latest + rules.horizon)  # with nobody to ask they wait
    tx.submissions.pull_in(tx.now + LOOKS[-1])
    tx.events.pull_in(tx.now + LONGEST_DELIVERY_WAIT)
    tx.details.pull_in(tx.now + UNTIL_MENDED)
    if rules.can_ask:
        tx.checks.hasten(tx.now + FIRST_CHECK)


def _start_archive(parts: Components, background: Background, fetcher: Fetches) -> None:
    archiver = Archiver(
        catalog=parts.catalog,
        store=parts.store,
        fetcher=fetcher,
        metrics=parts.metrics,
        sidecars=parts.sidecar_nudge,
        purge=parts.purge_nudge,
        reconcile=parts.reconcile_nudge,
        jitter=random.random,
        tracing=parts.tracing,
    )
    assets = Worker(
        name="archive",
        job=archiver,
        concurrency=parts.settings.download.concurrency,
        nudge=parts.archive_nudge,
        may_start=lambda: not parts.readiness.problems,
    )
    sidecars = Worker(
        name="sidecar",
        job=SidecarWriter(
            catalog=parts.catalog,
            store=parts.store,
            tracing=parts.tracing,
            follow_up=follow_up(parts.submitting.prices, parts.rules),
            followed=parts.deliver_nudge.nudge,
        ),
        concurrency=SIDECARS_AT_ONCE,
        nudge=parts.sidecar_nudge,
    )
    purge = Purge(catalog=parts.catalog, store=parts.store, nudge=parts.purge_nudge)
    background.start("purge", purge.run, ends_first=True)
    asset_leases = Leases(catalog=parts.catalog, worker=assets, renew=lambda tx, held: tx.work.renew_assets(held))
    sidecar_leases = Leases(catalog=parts.catalog, worker=sidecars, renew=lambda tx, held: tx.work.renew_sidecars(held))
    background.start("asset leases", asset_leases.run)
    background.start("sidecar leases", sidecar_leases.run)
    background.start("sidecar", sidecars.run, drain=sidecars.stop)
    background.start("archive", assets.run, drain=assets.stop)
    start_details(parts, background, pressed=lambda: assets.is_busy)

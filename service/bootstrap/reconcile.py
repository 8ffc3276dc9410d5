"""Asking the provider: as a part of a running service, or by a command beside it."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from service.archive.leases import Leases
from service.archive.worker import Worker
from service.background import DRAIN_GRACE, Background, Nudge
from service.bootstrap.components import Components, open_catalog
from service.bootstrap.provider import SOURCE, key_mark, provider_client, rules_of
from service.bootstrap.tracing import tracing
from service.catalog.catalog import Catalog, Transaction
from service.domain.rules import Rules
from service.errors import SettingsError
from service.observability import Metrics
from service.observability.tracing import Tracing
from service.provider.client import ProviderClient
from service.reconcile.catch_up import Round, catch_up
from service.reconcile.clock_watch import ClockWatch, Writes
from service.reconcile.provider import Nobody
from service.reconcile.reconciler import Questions, Reconciler
from service.reconcile.sweeper import Sweeper
from service.settings import Settings
from service.upkeep.elected import start_duty

QUESTIONS_AT_ONCE = 8
DRAIN_SECONDS = 10.0
LONGEST_DRAIN = 2.0


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks; `sweeper` is None where the account is not looked through."""

    catalog: Catalog
    provider: ProviderClient | None
    reconciler: Reconciler
    sweeper: Sweeper | None
    nudge: Nudge


def asking_of(parts: Components, watch: ClockWatch) -> Asking:
    """The asker of a running service."""
    return _asking(
        parts.settings,
        catalog=parts.catalog,
        writes=watch,
        provider=parts.provider,
        rules=parts.rules,
        metrics=parts.metrics,
        nudge=parts.reconcile_nudge,
        archive=parts.archive_nudge,
        sidecars=parts.sidecar_nudge,
        traces=parts.tracing,
    )


def start_reconcile(asking: Asking, background: Background, may_sweep: Callable[[], bool] = lambda: True) -> None:
    """Ask about what is due, and look through the account whenever there is a reason to, if nobody else does."""
    questions = Worker(
        name="reconcile",
        job=asking.reconciler,
        concurrency=QUESTIONS_AT_ONCE,
        nudge=asking.nudge,
        may_start=asking.reconciler.may_ask,
    )
    leases = Leases(catalog=asking.catalog, worker=questions, renew=_renew_questions)
    background.start("question leases", leases.run)
    background.start("reconcile", questions.run, drain=partial(_drained, questions))
    if asking.sweeper is not None:
        sweep = partial(asking.sweeper.run, may_sweep)
        start_duty("sweep", sweep, catalog=asking.catalog, background=background)


async def reconcile_once(settings: Settings, *, progress: Callable[[Round], None] = lambda _: None) -> Round:
    """One round of asking; `progress` hears how far it is. Raises SettingsError without a key."""
    async with _beside_a_server(settings) as asking:
        return await catch_up(
            catalog=asking.catalog,
            provider=asking.provider or Nobody(),
            reconciler=asking.reconciler,
            sweeper=asking.sweeper,
            progress=progress,
        )


async def reconcile_for_ever(settings: Settings) -> None:
    """Ask until SIGTERM or cancelled, then hand back what is under way. Raises SettingsError without a key."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with _beside_a_server(settings) as asking:
        background = Background()
        start_reconcile(asking, background)
        try:
            await stopped.wait()
        finally:
            await background.stop(DRAIN_SECONDS)


@asynccontextmanager
async def _beside_a_server(settings: Settings) -> AsyncIterator[Asking]:
    if settings.evolink.api_key is None:
        raise SettingsError("DARKROOM_EVOLINK__API_KEY: asking the provider needs its API key")
    metrics = Metrics()
    with open_catalog(settings) as catalog, tracing(settings, within=lambda: LONGEST_DRAIN) as traces:
        provider = provider_client(settings, metrics=metrics)
        assert provider is not None
        async with provider:
            yield _asking(
                settings,
                catalog=catalog,
                writes=catalog,
                provider=provider,
                rules=rules_of(settings),
                metrics=metrics,
                nudge=Nudge(),
                archive=Nudge(),
                sidecars=Nudge(),
                traces=traces,
            )


def _asking(
    settings: Settings,
    *,
    catalog: Catalog,
    writes: Writes,
    provider: ProviderClient | None,
    rules: Rules,
    metrics: Metrics,
    nudge: Nudge,
    archive: Nudge,
    sidecars: Nudge,
    traces: Tracing,
) -> Asking:
    mark, sweeper = key_mark(settings), None
    if provider is not None and settings.reconcile.sweep:
        sweeper = Sweeper(catalog=catalog, provider=provider, rules=rules, key_mark=mark, nudge=nudge, source=SOURCE)
    reconciler = Reconciler(
        catalog=writes,
        provider=provider or Nobody(),
        rules=rules,
        key_mark=mark,
        metrics=metrics,
        archive=archive,
        sidecars=sidecars,
        tracing=traces,
    )
    return Asking(catalog, provider, reconciler, sweeper, nudge)


async def _drained(questions: Worker[Questions], within: float) -> None:
    """Questions are asked again at no cost; the time to drain is for downloads, also while the database hangs."""
    within = min(within, LONGEST_DRAIN)
    async with asyncio.timeout(within + DRAIN_GRACE):
        await questions.stop(within)


def _renew_questions(tx: Transaction, held: Sequence[Questions]) -> None:
    tx.checks.renew(question for questions in held for question in questions)

"""One submission by a command: beside a running service, which does the rest, or with all of that in this process."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from service.background import Nudge
from service.bootstrap.components import open_catalog, open_components
from service.bootstrap.provider import provider_client, rules_of
from service.bootstrap.secrets import signing_secrets
from service.bootstrap.submission import Submitting, submitting
from service.bootstrap.work import running
from service.catalog.catalog import Catalog
from service.catalog.tasks import TaskState
from service.errors import SettingsError
from service.intake.asset_link import AssetLinkSigner
from service.intake.callback_token import TokenSigner
from service.observability import Metrics
from service.server_lock import server_lock
from service.settings import Role, Settings

ASK_EVERY = 3.0
LOOK_EVERY = 0.3
"""Seconds between two questions to the provider, and between two looks into the database."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a task is: what the provider says in percent, and what we know of it."""

    percent: int
    state: TaskState | None

    @property
    def settled(self) -> bool:
        return self.state is not None and self.state.task.settled_at is not None


@dataclass(frozen=True, slots=True)
class OneSubmission:
    """Submits, and follows what becomes of it; `archives` tells whether that is done in this process."""

    catalog: Catalog
    parts: Submitting
    archives: bool

    async def follow(self, task_id: str) -> AsyncIterator[Progress]:
        """How far the task is, again and again until nothing is left to do. The provider is asked now and then, so that
        its end is seen where no callback can come."""
        percent, asked = 0, time.monotonic()
        while True:
            progress = Progress(percent, await self.catalog.read(lambda tx: tx.tasks.get(task_id)))
            yield progress
            if progress.settled:
                return
            if time.monotonic() - asked >= ASK_EVERY:
                seen = await self.parts.watch.task(task_id)
                said = seen.document.get("progress") if seen.document is not None else None
                percent, asked = said if isinstance(said, int) else percent, time.monotonic()
            await asyncio.sleep(LOOK_EVERY)


@asynccontextmanager
async def one_submission(settings: Settings, *, wait: bool) -> AsyncIterator[OneSubmission]:
    """What it takes to submit; with `wait`, and where nobody serves, everything that archives, too.

    Raises SettingsError.
    """
    async with AsyncExitStack() as stack:
        if wait and not settings.on_postgres and _works_alone(settings) and not is_served(settings):
            opened = stack.enter_context(open_components(settings))
            await stack.enter_async_context(running(opened))
            yield OneSubmission(opened.catalog, opened.submitting, archives=True)
            return
        catalog = stack.enter_context(open_catalog(settings))
        metrics, signing = Metrics(), signing_secrets(settings)
        provider = provider_client(settings, metrics=metrics)
        if provider is not None:
            await stack.enter_async_context(provider)
        parts = submitting(
            settings,
            catalog=catalog,
            provider=provider,
            signer=TokenSigner(signing),
            link_signer=AssetLinkSigner(signing),
            rules=rules_of(settings),
            metrics=metrics,
            reconcile=Nudge(),
        )
        yield OneSubmission(catalog, parts, archives=False)


def _works_alone(settings: Settings) -> bool:
    return {Role.ARCHIVER, Role.RECONCILER} <= settings.roles


def is_served(settings: Settings) -> bool:
    """Whether a server works on the SQLite database."""
    try:
        with server_lock(settings.database_path):
            return False
    except SettingsError:
        return True

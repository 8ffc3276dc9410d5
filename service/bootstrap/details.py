"""Looking at archived images as the settings want it."""

from collections.abc import Callable

from service.archive.leases import Leases
from service.archive.worker import Worker
from service.background import Background, Nudge
from service.bootstrap.components import Components
from service.domain.details import Looked
from service.inspection.inspector import Inspector
from service.settings import Settings

DETAILS_AT_ONCE = 2
"""One is brought while the other is decoded."""


def wanted_of(settings: Settings) -> Looked:
    """How far images are looked at."""
    return Looked.AT_THE_PIXELS if settings.details.pixels else Looked.AT_THE_FILE


def start_details(parts: Components, background: Background, *, pressed: Callable[[], bool]) -> None:
    """What is under way at the end is cut short, as it can be done again; little is begun while `pressed`."""
    worker = Worker(
        name="details",
        job=Inspector(
            catalog=parts.catalog,
            store=parts.store,
            sidecars=parts.sidecar_nudge,
            decoders=parts.decoders if parts.settings.details.pixels else None,
            pressed=pressed,
        ),
        concurrency=DETAILS_AT_ONCE,
        nudge=Nudge(),
        may_start=lambda: not parts.readiness.problems,
    )

    async def drain(_within: float) -> None:
        await worker.stop(0.0)

    leases = Leases(catalog=parts.catalog, worker=worker, renew=lambda tx, held: tx.details.renew(held))
    background.start("details leases", leases.run)
    background.start("details", worker.run, drain=drain)

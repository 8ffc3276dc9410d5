"""The trail that changes leave of who asked for them, in a few words."""

from service.catalog.catalog import Catalog
from service.domain.audit import command_of

SOMEBODY = command_of("somebody")


async def trail(catalog: Catalog) -> list[tuple[str, str | None]]:
    """Action and subject of each change that somebody asked for, oldest first."""
    page = await catalog.read(lambda tx: tx.audit.page(filters={}, after=None, limit=99))
    return [(entry.action, entry.subject) for _, entry in reversed(page.items)]

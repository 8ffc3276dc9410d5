"""Moving house step by step: from one catalog and store into others, as `darkroom copy` does it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from service.catalog.catalog import Catalog
from service.storage import ObjectStore
from service.upkeep.copied import Copied
from service.upkeep.copy import copy
from service.upkeep.copy_journal import open_copy_journal
from service.upkeep.copy_objects import ObjectCopy
from service.upkeep.copy_rows import RowCopy
from service.upkeep.findings import Finding, Kind


class Killed(Exception):  # noqa: N818 - no error: an end
    """The run ended here."""


@dataclass(slots=True)
class Report:
    """What a run found and did."""

    findings: list[Finding] = field(default_factory=list)
    copied: Copied = field(default_factory=Copied)

    @property
    def kinds(self) -> list[Kind]:
        return [finding.kind for finding in self.findings]


async def move(
    catalog: Catalog,
    *,
    into: Catalog | None = None,
    stores: tuple[ObjectStore, ObjectStore] | None = None,
    journal: Path,
    quick: bool = False,
    stop_when: Callable[[Copied], bool] = lambda _: False,
) -> Report:
    """A run to its end; it is killed as soon as what it has done is enough."""
    report = Report()

    def tell(more: Copied) -> None:
        report.copied += more
        if stop_when(report.copied):
            raise Killed

    rows = RowCopy(source=catalog, target=into, require_stopped=lambda: None, tell=tell) if into is not None else None
    objects = None
    if stores is not None:
        here, there = stores
        objects = ObjectCopy(
            catalog=catalog, source=here, target=there, found=report.findings.append, tell=tell, quick=quick
        )
    ends = {"from": "here", "to": "there", "quick": str(quick)}
    with open_copy_journal(journal, ends=ends, found=report.findings.append) as opened:
        await copy(rows, objects, opened, lambda _: None)
    return report


async def bytes_of(store: ObjectStore, key: str) -> bytes:
    blocks = await store.read(key)
    assert blocks is not None, f"{key} is not there"
    return b"".join([block async for block in blocks])


async def objects_in(store: ObjectStore) -> dict[str, bytes]:
    """Everything in a store, by key."""
    return {entry.key: await bytes_of(store, entry.key) async for entry in store.list()}

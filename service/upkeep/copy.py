"""Moving house: objects first, rows then, so that no row ever calls an image archived where its bytes are not.

Run again after whatever ended it, it brings over what is not there yet, or is not the same any more.
"""

from collections.abc import Callable, Mapping

from service.upkeep.copy_journal import CopyJournal
from service.upkeep.copy_objects import ObjectCopy
from service.upkeep.copy_rows import RowCopy
from service.upkeep.findings import Kind

_AS_IT_WAS = (
    "it was so before it was copied; put the right bytes into the new place, or have `darkroom verify --repair`"
)

TO_COPY: Mapping[Kind, str] = {
    Kind.MISSING: f"{_AS_IT_WAS} fetch them again there while the link works",
    Kind.WRONG_SIZE: f"{_AS_IT_WAS} fetch them again there while the link works",
    Kind.WRONG_HASH: f"{_AS_IT_WAS} fetch them again there while the link works",
    Kind.UNREADABLE: "not copied: see to the disk and to the file's owner and mode, then copy the storage again",
    Kind.SIDECAR_UNREADABLE: "not copied: `darkroom verify --repair` has it written again in the new place",
}
"""What to do about what `copy` finds in its source; these are all that it can find."""


async def copy(
    rows: RowCopy | None, objects: ObjectCopy | None, journal: CopyJournal, expect: Callable[[int], None]
) -> None:
    """Copy what is given; `expect` hears how much there is to do, in objects and in rows, which are read twice.

    Raises Conflict for a database that holds other rows, before anything is copied, and Unavailable.
    """
    wanted = await rows.begin() if rows is not None else False
    expect(
        (await objects.expected() if objects is not None else 0)
        + (2 * await rows.expected() if rows is not None and wanted else 0)
    )
    if objects is not None:
        await objects.copy(journal, alone=rows is not None)
    if rows is not None and wanted:
        await rows.copy()
        await rows.conclude()

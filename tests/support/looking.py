"""Looking at archived images step by step, with a process that answers for the pixels without decoding any."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from service.background import Nudge
from service.catalog.catalog import Catalog
from service.inspection.inspector import Inspector
from service.inspection.pixel_reader import PixelReader
from service.storage import ObjectStore

HASH = "0123456789abcdef"
TOLD: dict[str, Any] = {
    "perceptual_hash": HASH,
    "dominant": [{"colour": "#102030", "share": 1.0}],
    "average": "#102030",
    "placeholder": "14YKVZAwanhoh5eqhniKiTaghLBk",
    "transparent": False,
}


def answering(answer: dict[str, Any]) -> tuple[str, ...]:
    """The command of a process that has this answer for every image."""
    line = repr(json.dumps(answer))
    return (sys.executable, "-c", f"import sys\nfor _ in sys.stdin: print({line}, flush=True)")


@asynccontextmanager
async def pixels(answer: dict[str, Any] | None = None) -> AsyncIterator[PixelReader]:
    """A reader whose process answers so, or with `TOLD`."""
    reader = PixelReader(answering(answer or {"told": TOLD}))
    try:
        yield reader
    finally:
        await reader.close()


def inspector_for(
    catalog: Catalog, store: ObjectStore, reader: PixelReader | None = None, *, rest: float = 0.0
) -> Inspector:
    """An inspector that does not rest unless it is told to."""
    return Inspector(catalog=catalog, store=store, sidecars=Nudge(), pixels=reader, rest=rest)


async def look_due(catalog: Catalog, store: ObjectStore, reader: PixelReader | None = None) -> int:
    """Look at every image that is due; how many."""
    inspector = inspector_for(catalog, store, reader)
    claimed = await inspector.claim(100)
    for one in claimed:
        await inspector.work(one)
    return len(claimed)

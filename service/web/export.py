"""`GET /v1/export`: everything that a filter finds, streamed, in constant memory and as fast as the caller takes it.

What fails in the middle ends the connection without the end of the answer, so that nobody takes it for whole.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime

import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from service.catalog.catalog import Catalog
from service.domain.api_key import covers
from service.errors import DarkroomError, Forbidden, Unavailable
from service.storage import ObjectStore
from service.submission.price_list import Prices
from service.upkeep.export import Format, Piece, Pieces
from service.upkeep.export_file import ends_in_passing
from service.upkeep.export_sidecar import Sidecars
from service.upkeep.export_zip import ZipExport
from service.web.content import disposition
from service.web.export_pieces import image_pages, text_pieces
from service.web.export_query import Asked, export_asked_for
from service.web.keys import ApiKeys, Scope, actor_of
from service.web.paging import cursor_of

AT_ONCE = 4
"""Exports of a process. Each holds up to two images in memory, of 8 MiB at most, and reads as fast as disks can."""

RETRY_AFTER = 15

TAKEN_WITHIN = 120.0
"""Seconds that a caller has for each piece of some hundred KiB; who takes none is given up, and its place with it."""

GONE = "the caller went away"

_MEDIA_TYPES = {
    Format.NDJSON: "application/x-ndjson",
    Format.CSV: "text/csv; charset=utf-8",
    Format.ZIP: "application/zip",
}

log = structlog.get_logger(__name__)


class ExportRoutes:
    """`at_once` bounds how many are given at a time, `taken_within` (seconds) how long a caller may take nothing."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: ObjectStore,
        public_url: str,
        prices: Prices,
        at_once: int = AT_ONCE,
        taken_within: float = TAKEN_WITHIN,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._public_url = public_url
        self._prices = prices
        self._free = at_once
        self._taken_within = taken_within

    def routes(self, keys: ApiKeys) -> list[Route]:
        return [keys.route("/v1/export", GET=(Scope.READ, self.export))]

    async def export(self, request: Request) -> Response:
        """Raises Invalid, Forbidden, and Unavailable where too many are under way or nothing can be read."""
        asked = export_asked_for(request.query_params.multi_items())
        if asked.sidecars is Sidecars.WHOLE and not covers(actor_of(request).scopes, Scope.ADMIN):
            raise Forbidden("forbidden", "sidecars=whole has links and answers of the provider: it needs admin")
        if request.method == "HEAD":
            return StreamingResponse(_nothing(), headers=_headers(asked))  # no length, as with GET
        return await self.answer(asked)

    async def answer(self, asked: Asked) -> Response:
        """What was asked for, as it comes; raises Unavailable."""
        if self._free <= 0:
            raise Unavailable("too many exports are under way; try again later", retry_after=RETRY_AFTER)
        self._free -= 1
        pieces = self._pieces(asked)
        try:
            first = await anext(pieces)  # what cannot begin is told while it still can be
        except BaseException:
            await pieces.aclose()
            self._give_back()
            raise
        return _Export(first, pieces, asked, _headers(asked), taken_within=self._taken_within, ended=self._give_back)

    def _give_back(self) -> None:
        self._free += 1

    def _pieces(self, asked: Asked) -> Pieces:
        if asked.format is Format.ZIP:
            return self._zip(asked)
        return text_pieces(asked, self._catalog, public_url=self._public_url, prices=self._prices)

    async def _zip(self, asked: Asked) -> Pieces:
        with ends_in_passing(self._store.staging) as (directory, sums):
            work = ZipExport(
                catalog=self._catalog,
                store=self._store,
                directory=directory,
                sums=sums,
                cursor=cursor_of,
                sidecars=asked.sidecars,
            )
            async with aclosing(work.pieces(image_pages(asked, self._catalog))) as pieces:
                async for piece in pieces:
                    yield piece


class _Export(StreamingResponse):
    """An answer that says in the log how it ended, and lets go of everything whichever way that is."""

    def __init__(
        self,
        first: Piece,
        rest: Pieces,
        asked: Asked,
        headers: dict[str, str],
        *,
        taken_within: float,
        ended: Callable[[], None],
    ) -> None:
        super().__init__(_nothing(), headers=headers)
        self._first = first
        self._rest = rest
        self._asked = asked
        self._taken_within = taken_within
        self._ended = ended

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            try:
                await self._rest.aclose()
            finally:
                self._ended()

    async def stream_response(self, send: Send) -> None:
        """Without its last message where something fails: then the server closes the connection."""
        began, size, count, why = time.monotonic(), 0, 0, GONE
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            piece: Piece | None = self._first
            while piece is not None:
                size, count = size + len(piece.data), piece.count
                if piece.data:
                    async with asyncio.timeout(self._taken_within):
                        await send({"type": "http.response.body", "body": piece.data, "more_body": True})
                piece = await anext(self._rest, None)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            why = ""
        except DarkroomError as error:
            why = str(error)
        except TimeoutError:
            why = "the caller takes nothing"
        finally:
            seconds = round(time.monotonic() - began, 3)
            told = {"format": self._asked.format.value, "rows": count, "bytes": size, "seconds": seconds}
            if not why:
                log.info("exported", **told)
            elif why is GONE:
                log.info("export_broken_off", reason=why, **told)
            else:
                log.warning("export_broken_off", reason=why, **told)


def _headers(asked: Asked) -> dict[str, str]:
    """No time but the present: an export is of what there is now, and nobody is to keep it in its place."""
    kind = _MEDIA_TYPES[asked.format]
    if asked.format is Format.CSV:
        kind += f"; header={'present' if asked.after is None else 'absent'}"
    name = f"{asked.name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{asked.format.value}"
    return {
        "Content-Type": kind,
        "Content-Disposition": disposition(name, download=True),
        "Cache-Control": "no-store",
    }


async def _nothing() -> AsyncGenerator[bytes, None]:
    no_blocks: tuple[bytes, ...] = ()
    for block in no_blocks:
        yield block

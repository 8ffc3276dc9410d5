"""Exports of an archive step by step, as the route and the command make them."""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from service.submission.price_list import load_prices
from service.upkeep.export import Format, Piece, Pieces
from service.upkeep.export_file import ExportFile, ends_in_passing, open_export_file
from service.upkeep.export_zip import Progress, ZipExport
from service.upkeep.findings import Finding
from service.web.export_pieces import image_pages, text_pieces
from service.web.export_query import Asked, export_asked_for
from service.web.paging import cursor_of
from tests.upkeep.kept_archive import Archive

PUBLIC_URL = "https://darkroom.example.com"


class Killed(Exception):  # noqa: N818 - no error: an end
    """The run ended here."""


def asked_for(form: str, **query: str) -> Asked:
    return export_asked_for([("format", form), *query.items()])


def zip_pieces(
    archive: Archive, asked: Asked, ends: tuple[Any, Any], found: Callable[[Finding], None], progress: Progress
) -> Pieces:
    directory, sums = ends
    work = ZipExport(
        catalog=archive.catalog,
        store=archive.store,
        directory=directory,
        sums=sums,
        cursor=cursor_of,
        sidecars=asked.sidecars,
        progress=progress,
        found=found,
        gathered=0,
    )
    return work.pieces(image_pages(asked, archive.catalog))


async def exported(
    archive: Archive,
    asked: Asked,
    *,
    found: Callable[[Finding], None] = lambda _: None,
    heard: Callable[[Piece], Any] = lambda _: None,
) -> bytes:
    """All of it; `heard` gets each piece before the next is made."""
    whole = b""
    with ends_in_passing(archive.folder) as ends:
        pieces = zip_pieces(archive, asked, ends, found, Progress()) if _is_zip(asked) else _text(archive, asked)
        async with aclosing(pieces):
            async for piece in pieces:
                whole += piece.data
                if (waiting := heard(piece)) is not None:
                    await waiting
    return whole


async def into_file(archive: Archive, asked: Asked, path: Path, *, killed_after: int | None = None) -> None:
    """A run of the command, which ends before it comes to piece `killed_after`; what it kept is as often as can be."""
    with open_export_file(path, {"format": asked.format.value}, is_zip=_is_zip(asked), keep_every=(0, 0)) as file:
        rest, progress = _rest(asked, file), Progress.of(file.position.more) if file.position.more else Progress()
        if _is_zip(asked):
            pieces = zip_pieces(archive, rest, (file.directory, file.sums), lambda _: None, progress)
        else:
            pieces = _text(archive, rest, file.position.count)
        taken = 0
        async with aclosing(pieces):
            async for piece in pieces:
                if taken == killed_after:
                    raise Killed
                file.take(piece, progress.document if _is_zip(asked) else lambda: None)
                taken += 1
        file.finish()


def _rest(asked: Asked, file: ExportFile) -> Asked:
    was = file.position
    limit = asked.limit - was.count if asked.limit is not None else None
    return replace(asked, after=was.after if was.after is not None else asked.after, limit=limit)


def _text(archive: Archive, asked: Asked, count: int = 0) -> Pieces:
    return text_pieces(asked, archive.catalog, public_url=PUBLIC_URL, prices=load_prices(None), count=count)


def _is_zip(asked: Asked) -> bool:
    return asked.format is Format.ZIP

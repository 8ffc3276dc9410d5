"""`darkroom export`: everything that a filter finds into a file, or to standard output.

Exit code 1 says that images were left out because they are lost or damaged, or that the export did not come to its end.
"""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import click

from service import bootstrap
from service.bootstrap.upkeep import open_to_verify
from service.catalog.catalog import Catalog
from service.cli.findings import Told
from service.cli.group import main, said_plainly
from service.cli.progress import Advance, bar
from service.errors import Invalid, Unavailable
from service.provider.payload import storable
from service.settings import Settings, load_settings
from service.storage import ObjectStore
from service.upkeep.export import Format, Piece, Pieces, count
from service.upkeep.export_file import ExportFile, Position, ends_in_passing, open_export_file
from service.upkeep.export_sidecar import Sidecars
from service.upkeep.export_zip import Progress, ZipExport
from service.upkeep.findings import TO_EXPORT, Finding
from service.web.export_pieces import image_pages, text_pieces
from service.web.export_query import FILTERS, Asked, export_asked_for
from service.web.paging import cursor_of
from service.web.parameters import OneOf, Parameter, YesNo

STDOUT = "-"

_FORMS = [form.value for form in Format]


@dataclass(slots=True)
class _Exported:
    """What has come of it."""

    rows: int = 0
    bytes: int = 0
    next: str | None = None


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    """An option for each parameter of the lists, by its name."""
    for one in reversed(FILTERS):
        form = "[true|false]" if isinstance(one.takes, YesNo) else None
        names = (f"--{one.name.replace('_', '-')}", one.name)
        command = click.option(*names, multiple=one.times > 1, metavar=form, help=_help(one))(command)
    return command


def _help(one: Parameter) -> str:
    if isinstance(one.takes, OneOf):
        return f"{one.says} One of {', '.join(one.takes.words)}."
    example = one.example[0] if one.times > 1 else one.example
    return f"{one.says} Such as {example}." if example is not None else one.says


@main.command("export")
@click.option("--to", required=True, metavar="PATH", help="A file, a folder to make one in, or - for standard output.")
@click.option("--format", "form", type=click.Choice(_FORMS), help="Without it, what the file's name ends with.")
@click.option("--of", type=click.Choice(["assets", "tasks"]), default="assets", help="What lines and rows are of.")
@click.option("--limit", help="At most so many.")
@click.option(
    "--sidecars",
    type=click.Choice([one.value for one in Sidecars]),
    help="In a ZIP: whole (usual), which can be rebuilt from, or public, without the provider's links and answers.",
)
@_filters
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def export_command(to: str, form: str | None, as_json: bool, **given: Any) -> None:
    """Write everything that a filter finds: lines of JSON, a table, or a ZIP of images with a manifest.

    Runs beside `serve`. Run it again if it was interrupted: a file goes on where it was.
    """
    asked = _asked(to, form, given)
    settings, told, done = load_settings(), Told(TO_EXPORT, as_json=as_json), _Exported()
    hint = "" if to == STDOUT else "; run again, it goes on from there"
    with (
        open_to_verify(settings) as (catalog, store),
        _out(to, asked, given) as (out, where),
        told.until_the_end(lambda: _summary(done, where), hint=hint),
        bar("exported", shown=not as_json) as advance,
    ):
        counting = not as_json and sys.stderr.isatty()
        work = _Work(settings, catalog, store, asked, out, told.found, advance, done, counting)
        asyncio.run(work.run())


def _asked(to: str, form: str | None, given: dict[str, Any]) -> Asked:
    """Read as the API reads its parameters, so that both mean the same."""
    form = form or Path(to).suffix.removeprefix(".").lower()
    if form not in _FORMS:
        raise click.UsageError(f"--format takes one of {', '.join(_FORMS)}, or --to a file whose name says it")
    if form == Format.ZIP:
        given["sidecars"] = given["sidecars"] or Sidecars.WHOLE.value
    named = {"format": form, **{name: value for name, value in given.items() if value not in (None, ())}}
    many = [(name, one) for name, value in named.items() for one in (value if isinstance(value, tuple) else [value])]
    pairs = [(name, storable(str(value))) for name, value in many]
    try:
        return export_asked_for(pairs)
    except Invalid as error:
        raise click.UsageError(str(error)) from None


@contextlib.contextmanager
def _out(to: str, asked: Asked, given: dict[str, Any]) -> Iterator[tuple["ExportFile | IO[bytes]", str | None]]:
    """Where to, and what that is called. What is said goes to standard error where that is standard output."""
    if to == STDOUT:
        out = sys.stdout.buffer
        with contextlib.redirect_stdout(sys.stderr):
            yield out, None
        return
    path = Path(to).absolute()
    if path.is_dir():
        path /= f"{asked.name}.{asked.format.value}"
    named = {"format": asked.format.value, **given}
    with open_export_file(path, named, is_zip=asked.format is Format.ZIP) as file:
        yield file, str(path)


@dataclass(frozen=True, slots=True)
class _Work:
    settings: Settings
    catalog: Catalog
    store: ObjectStore
    asked: Asked
    out: "ExportFile | IO[bytes]"
    found: Callable[[Finding], None]
    advance: Advance
    done: _Exported
    counting: bool  # as there is a bar to be drawn

    async def run(self) -> None:
        was = Position()
        if isinstance(self.out, ExportFile):
            was, self.done.bytes = self.out.position, self.out.size
        asked = self._rest(was)
        if self.counting:
            left = await count(self.catalog, asked.wanted, after=asked.after, sort=asked.sort)
            self.advance(was.count, total=was.count + (left if asked.limit is None else min(left, asked.limit)))
        with contextlib.ExitStack() as opened:
            progress = Progress.of(was.more) if was.more is not None else Progress()
            for finding in progress.findings():
                self.found(finding)
            pieces = self._pieces(asked, was, progress, opened)
            async with aclosing(pieces):
                async for piece in pieces:
                    await asyncio.to_thread(self._take, piece, progress)
        if isinstance(self.out, ExportFile):
            await asyncio.to_thread(self.out.finish)

    def _rest(self, was: Position) -> Asked:
        """What is left of it."""
        limit = self.asked.limit - was.count if self.asked.limit is not None else None
        return replace(self.asked, after=was.after if was.after is not None else self.asked.after, limit=limit)

    def _pieces(self, asked: Asked, was: Position, progress: Progress, opened: contextlib.ExitStack) -> Pieces:
        if asked.format is not Format.ZIP:
            public_url, prices = self.settings.public_url, bootstrap.prices_of(self.settings)
            return text_pieces(asked, self.catalog, public_url=public_url, prices=prices, count=was.count)
        if isinstance(self.out, ExportFile):
            directory, sums = self.out.directory, self.out.sums
        else:
            directory, sums = opened.enter_context(ends_in_passing())
        work = ZipExport(
            catalog=self.catalog,
            store=self.store,
            directory=directory,
            sums=sums,
            cursor=cursor_of,
            sidecars=asked.sidecars,
            progress=progress,
            found=self.found,
        )
        return work.pieces(image_pages(asked, self.catalog))

    def _take(self, piece: Piece, progress: Progress) -> None:
        """Write a piece; in a thread, as a disk may be slow."""
        self.done.rows, self.done.bytes = piece.count, self.done.bytes + len(piece.data)
        if isinstance(self.out, ExportFile):
            self.out.take(piece, progress.document if self.asked.format is Format.ZIP else lambda: None)
        else:
            _write(self.out, piece.data)
        if piece.last:
            self.done.next = cursor_of(piece.after) if piece.after is not None else None
        self.advance(piece.count, f"{self.done.bytes / 2**20:.0f} MiB")


def _write(out: IO[bytes], data: bytes) -> None:
    try:
        out.write(data)
        out.flush()
    except OSError as error:
        raise Unavailable(f"standard output cannot be written: {error.strerror}") from error


def _summary(done: _Exported, where: str | None) -> dict[str, object]:
    return {"exported": {"rows": done.rows, "bytes": done.bytes}, "file": where, "next": done.next}

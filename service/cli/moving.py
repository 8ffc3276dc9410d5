"""`darkroom copy`: the database and the archive into other ones, of whatever kind.

Exit code 1 says that something was wrong in the source, or that the copy did not come to its end: run it again.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TextIO

import click

from service.bootstrap.moving import Moving, ends_of, open_to_copy, settings_of_target
from service.cli.findings import Told
from service.cli.group import main, said_plainly
from service.cli.progress import bar
from service.errors import SettingsError
from service.settings import Settings, load_settings
from service.upkeep.copied import Copied, Tell
from service.upkeep.copy import TO_COPY, copy
from service.upkeep.copy_journal import open_copy_journal
from service.upkeep.copy_objects import ObjectCopy
from service.upkeep.copy_rows import RowCopy
from service.upkeep.findings import Finding

JOURNAL = "copy.journal"

BESIDE = (
    "what a server put into the old archive meanwhile may be missing: stop the server and run this again before it "
    "starts with the new one; what is there already is not copied again"
)


@main.command("copy")
@click.option("--to-database", metavar="URL", help="The new database; without it, the database stays where it is.")
@click.option("--to-storage", metavar="URL", help="The new archive; without it, the archive stays where it is.")
@click.option(
    "--to-storage-options",
    type=click.File(),
    metavar="FILE",
    help="The new bucket's options as JSON, - for standard input; else DARKROOM_STORAGE__OPTIONS.",
)
@click.option("--quick", is_flag=True, help="Do not read again what is there under its name and with its size.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def copy_command(
    to_database: str | None, to_storage: str | None, to_storage_options: TextIO | None, quick: bool, as_json: bool
) -> None:
    """Copy the database and the archive into new ones, verified by hash; exit code 0 when all is well.

    Needs `serve` stopped, unless the archive alone is copied. Run it again if it was interrupted: it goes on.
    """
    if to_storage is None and to_storage_options is not None:
        raise click.UsageError("--to-storage-options belongs to --to-storage")
    if to_database is None and to_storage is None:
        raise click.UsageError("--to-database, --to-storage or both say where to")
    source = load_settings()
    target = settings_of_target(to_database, to_storage, _text(to_storage_options))
    told, copied, whole = Told(TO_COPY, as_json=as_json), Copied(), False
    rows_wanted, objects_wanted = to_database is not None, to_storage is not None

    def summary() -> dict[str, object]:
        lines = _next(source, target, rows=rows_wanted, objects=objects_wanted) if whole else ()
        return {"copied": _numbers(copied), **({"next": list(lines)} if whole else {})}

    with (
        open_to_copy(source, target, rows=rows_wanted, objects=objects_wanted) as ends,
        told.until_the_end(summary, hint="; run again, it passes over what is there already"),
        bar("copied", shown=not as_json) as advance,
        open_copy_journal(
            source.data_dir / JOURNAL,
            ends={**ends_of(source, target), "quick": str(quick)},
            found=told.found,
        ) as journal,
    ):

        def tell(more: Copied) -> None:
            nonlocal copied
            copied += more
            advance(_done(copied), f"{copied.size / 2**20:.0f} MiB, {copied.rows_seen} rows")

        rows, objects = _halves(ends, found=told.found, tell=tell, quick=quick)
        asyncio.run(copy(rows, objects, journal, lambda total: advance(total=total)))
        whole = True


def _halves(
    ends: Moving, *, found: Callable[[Finding], None], tell: Tell, quick: bool
) -> tuple[RowCopy | None, ObjectCopy | None]:
    """The work on what does not stay where it is."""
    rows = objects = None
    if ends.target_catalog is not None:
        rows = RowCopy(source=ends.catalog, target=ends.target_catalog, require_stopped=ends.require_stopped, tell=tell)
    if ends.stores is not None:
        here, there = ends.stores
        objects = ObjectCopy(catalog=ends.catalog, source=here, target=there, found=found, tell=tell, quick=quick)
    return rows, objects


def _text(options: TextIO | None) -> str | None:
    try:
        return options.read() if options is not None else None
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"--to-storage-options: cannot be read ({error})") from None


def _done(copied: Copied) -> int:
    return copied.objects + copied.there_already + copied.rows_seen + copied.rows_verified


def _numbers(copied: Copied) -> dict[str, int]:
    return {"bytes" if name == "size" else name: number for name, number in asdict(copied).items()}


def _next(source: Settings, target: Settings, *, rows: bool, objects: bool) -> Iterator[str]:
    """What to do so that servers work with the copy; never a secret, nor a URL that may hold one."""
    if rows and target.on_postgres:
        yield "set DARKROOM_DATABASE_URL to what --to-database was given"
    elif rows:
        yield f"set DARKROOM_DATABASE_URL=sqlite:///{target.database_path}"
    if objects:
        yield f"set DARKROOM_STORAGE__URL={target.storage.url}"
        if target.storage_bucket is not None and target.storage.options:
            yield "set DARKROOM_STORAGE__OPTIONS to the options that the new bucket was reached with"
        if not rows:
            yield BESIDE
    if rows:
        yield from _secrets(source, target)


def _secrets(source: Settings, target: Settings) -> Iterator[str]:
    """Where what signs and who may come in are found: they are in no database."""
    for variable, given, name, purpose in (
        (
            "DARKROOM_CALLBACKS__SECRETS",
            source.callbacks.secrets,
            "callback-secret",
            "callback URLs and links stay valid",
        ),
        ("DARKROOM_API_KEYS", source.api_keys, "api-key", "the same key is taken"),
    ):
        path = source.data_dir / name
        if given:
            yield f"keep {variable} as it is: only so {purpose}"
        elif target.on_postgres and path.exists():
            yield f"set {variable} with what is in {path}: only so {purpose}, and PostgreSQL has none generated"
        elif target.on_postgres:
            yield f"set {variable}: with PostgreSQL none is generated"
        elif path.exists():
            yield f"keep {path}, in the DARKROOM_DATA_DIR of the new server: only so {purpose}"

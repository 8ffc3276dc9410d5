"""Commands that keep an archive sound: hold it against the database, and make the database anew from it.

Exit code 1 says that something is wrong, also where it was mended: run again to see that all is well.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import click

from service import bootstrap
from service.bootstrap.upkeep import open_to_rebuild, open_to_verify
from service.cli.findings import Told
from service.cli.group import main, said_plainly
from service.cli.progress import bar
from service.settings import load_settings
from service.upkeep.findings import TO_REBUILD, TO_VERIFY
from service.upkeep.journal import open_journal
from service.upkeep.rebuild import Rebuild, Rebuilt
from service.upkeep.repair import Repair
from service.upkeep.row_check import Seen
from service.upkeep.verify import Verifier

JOURNAL = "verify.journal"

NOTES = (
    "callback URLs that were revoked work again: revoke them anew, or change DARKROOM_CALLBACKS__SECRETS",
    "links that were signed for images (/a/…) work no more: sign new ones",
    "tasks that had no links yet left nothing in the archive: they come back with their callback, from the "
    "account's list, or with `darkroom register`",
    "the bodies of callbacks are gone, their hashes are kept",
)
"""What sidecars cannot tell."""


@main.command()
@click.option("--task", "task_ids", multiple=True, metavar="ID", help="Only this task; may be repeated.")
@click.option("--quick", is_flag=True, help="Look at names and sizes, and read no image.")
@click.option("--resume", is_flag=True, help="Go on with the run that was interrupted.")
@click.option("--repair", is_flag=True, help="Mend what can be mended safely; no unknown image is removed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def verify(task_ids: Sequence[str], quick: bool, resume: bool, repair: bool, as_json: bool) -> None:
    """Hold images and sidecars against the database, both ways; exit code 0 when all is well.

    Runs beside `serve`. Lost or damaged images, stale sidecars and files that nothing knows end it with 1.
    """
    if task_ids and resume:
        raise click.UsageError("--resume goes on with a run over everything, so it takes no --task")
    settings, told, seen = load_settings(), Told(TO_VERIFY, as_json=as_json), Seen()
    hint = "" if task_ids else "; `darkroom verify --resume` goes on from there"
    with (
        open_to_verify(settings) as (catalog, store),
        told.until_the_end(lambda: {"looked_at": _numbers(seen)}, hint=hint),
        bar("images", shown=not as_json) as advance,
    ):

        def tell(more: Seen) -> None:
            nonlocal seen
            seen += more
            advance(seen.images, f"{seen.size / 2**20:.0f} MiB, {seen.files} files")

        rules = bootstrap.rules_of(settings)
        verifier = Verifier(
            catalog=catalog,
            store=store,
            found=told.found,
            tell=tell,
            hashing=not quick,
            repair=Repair(catalog=catalog, store=store, rules=rules) if repair else None,
        )
        if task_ids:
            asyncio.run(verifier.tasks(list(dict.fromkeys(task_ids))))
            return
        with open_journal(settings.data_dir / JOURNAL, resume=resume, quick=quick, found=told.found) as journal:
            advance(total=asyncio.run(verifier.expected()).images)
            asyncio.run(verifier.everything(journal, now=datetime.now(UTC)))


@main.command()
@click.option("--verify-bytes", is_flag=True, help="Read every image too, and compare its hash.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def rebuild(verify_bytes: bool, as_json: bool) -> None:
    """Make the database anew from the sidecars in the archive; exit code 0 when nothing was amiss.

    Needs `serve` stopped and a database without tasks. Run it again if it was interrupted: it goes on.
    """
    settings, told, rebuilt = load_settings(), Told(TO_REBUILD, as_json=as_json), Rebuilt()
    with (
        open_to_rebuild(settings) as (catalog, store),
        told.until_the_end(lambda: {"rebuilt": _numbers(rebuilt), "notes": list(NOTES)}),
        bar("tasks", shown=not as_json) as advance,
    ):

        def tell(more: Rebuilt) -> None:
            nonlocal rebuilt
            rebuilt += more
            advance(rebuilt.tasks + rebuilt.there_already, f"{rebuilt.archived} images")

        work = Rebuild(
            catalog=catalog,
            store=store,
            rules=bootstrap.rules_of(settings),
            max_pixels=settings.download.max_pixels,
            now=lambda: datetime.now(UTC),
            found=told.found,
            tell=tell,
            verify_bytes=verify_bytes,
        )
        asyncio.run(work.run())


def _numbers(counted: Seen | Rebuilt) -> dict[str, int]:
    return {"bytes" if name == "size" else name: number for name, number in asdict(counted).items()}

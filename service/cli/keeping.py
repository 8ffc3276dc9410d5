"""Commands about what is kept: holds, retention by the rules of the settings, and the sweep of orphans.

They run beside `serve`, which removes the bytes of what is deleted here. What they change is in the audit trail.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import click

from service import bootstrap
from service.archive.holding import hold, release
from service.bootstrap.upkeep import open_to_verify
from service.catalog.catalog import Transaction
from service.catalog.tasks import TaskState
from service.cli.group import main, operator, print_json, said_plainly, text
from service.cli.lines import Lines
from service.cli.progress import bar
from service.domain.moment import rfc3339
from service.errors import SettingsError
from service.settings import load_settings
from service.upkeep.retention import Going, Retention
from service.upkeep.row_check import Seen
from service.upkeep.sweep import Orphan, Sweep

Change = Callable[[Transaction], TaskState]


@main.command("hold")
@click.argument("task_ids", nargs=-1, required=True, metavar="TASK_ID...")
@click.option("--reason", help="Why, for people.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def hold_tasks(task_ids: Sequence[str], reason: str | None, as_json: bool) -> None:
    """Put a legal hold on tasks: nobody and no rule deletes their images until they are released."""
    by, why = operator(), text(reason)
    _change([(task_id, partial(hold, task_id=task_id, reason=why, by=by)) for task_id in task_ids], as_json=as_json)


@main.command("release")
@click.argument("task_ids", nargs=-1, required=True, metavar="TASK_ID...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def release_tasks(task_ids: Sequence[str], as_json: bool) -> None:
    """Take the hold off tasks."""
    _change([(task_id, partial(release, task_id=task_id)) for task_id in task_ids], as_json=as_json)


def _change(changes: Sequence[tuple[str, Change]], *, as_json: bool) -> None:
    by = operator()
    with bootstrap.open_catalog(load_settings()) as catalog:
        for task_id, change in changes:
            held = asyncio.run(catalog.write(change, by=by)).task.hold
            if as_json:
                print_json({"id": task_id, "held": held is not None})
            else:
                click.echo(f"{task_id}: {'held' if held is not None else 'not held'}")


@main.command("retention")
@click.option("--rule", "names", multiple=True, metavar="NAME", help="Only this rule; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Tell what would be deleted, and delete nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def retention(names: Sequence[str], dry_run: bool, as_json: bool) -> None:
    """Delete what the rules of DARKROOM_RETENTION__RULES keep no longer, as `serve` does once an hour."""
    settings = load_settings()
    rules = {one.name: one.rule for one in settings.retention.rules}
    if not rules:
        raise SettingsError("DARKROOM_RETENTION__RULES: there are none, so everything is kept")
    for name in names:
        if name not in rules:
            raise click.UsageError(f"--rule takes one of {', '.join(rules)}")
    images, size = Counter[str](dict.fromkeys(names or rules, 0)), Counter[str]()
    with (
        bootstrap.open_catalog(settings) as catalog,
        Lines("images", as_json=as_json) as lines,
        bar("images", shown=not as_json) as advance,
    ):

        def deleted(one: Going) -> None:
            name = one.rule.name
            images[name] += 1
            size[name] += one.image.size
            asset_id = f"{one.image.task_id}.{one.image.index}"
            lines.tell(
                f"{name}: {asset_id}: {one.why}",
                {"rule": name, "asset_id": asset_id, "bytes": one.image.size, "why": one.why},
            )
            advance(images.total())

        work = Retention(catalog=catalog, rules=[rules[name] for name in images], deleted=deleted)
        now = asyncio.run(work.foresee() if dry_run else work.apply())
        done = "would be deleted" if dry_run else "deleted"
        lines.end(
            [f"{name}: {images[name]} images, {_mebibytes(size[name])} {done}" for name in images],
            {
                "rules": {name: {"images": images[name], "bytes": size[name]} for name in images},
                "went_by": rfc3339(now),
                "dry_run": dry_run,
            },
        )
    if datetime.now(UTC) - now > timedelta(hours=1):
        click.echo(f"note: it went by {rfc3339(now)}: each pass believes the clock a day further, no more", err=True)


@main.command("sweep")
@click.option("--dry-run", is_flag=True, help="Tell what would be removed, and remove nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def sweep(dry_run: bool, as_json: bool) -> None:
    """Remove from the store what no image needs: what deleted images left, and what lies beside archived ones.

    Bytes that might be an image that the database has lost are left alone: `darkroom verify` tells of them.
    """
    orphans, size, seen = 0, 0, 0
    with (
        open_to_verify(load_settings()) as (catalog, store),
        Lines("orphans", as_json=as_json) as lines,
        bar("files", shown=not as_json) as advance,
    ):

        def swept(one: Orphan) -> None:
            nonlocal orphans, size
            orphans, size = orphans + 1, size + one.size
            lines.tell(f"{one.key}: {one.why}", {"key": one.key, "bytes": one.size, "why": one.why})

        def tell(more: Seen) -> None:
            nonlocal seen
            seen += more.files
            advance(seen)

        by = operator()
        asyncio.run(Sweep(catalog=catalog, store=store, by=by, swept=swept, tell=tell, dry_run=dry_run).run())
        done = "would be removed" if dry_run else "removed"
        summary: dict[str, Any] = {"removed": orphans, "bytes": size, "files": seen, "dry_run": dry_run}
        lines.end([f"{orphans} orphans of {seen} files, {_mebibytes(size)}, {done}"], summary)


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"

"""Commands that make up for what went wrong: asking the provider, and trying again what was given up."""

import asyncio
import sys
from collections.abc import Sequence

import click

from service import bootstrap
from service.catalog.dead import DeadFilter
from service.cli.group import fail, main, operator, print_json, said_plainly, text
from service.cli.progress import bar
from service.domain.asset import AssetReason
from service.domain.task import TaskReason
from service.reconcile.catch_up import Round
from service.settings import load_settings
from service.upkeep.retry_many import Retried, matching, retry_each

REASONS = sorted({reason.value for reason in (*TaskReason, *AssetReason)})
_SHOWN = 20


@main.command()
@click.option("--once", is_flag=True, help="One round, then end: exit code 0 when every question was answered.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with --once.")
@said_plainly
def reconcile(once: bool, as_json: bool) -> None:
    """Ask the provider about tasks that are due, and look through the account for others.

    Runs beside `serve` or without it; without --once until SIGTERM or Ctrl-C.
    """
    settings = load_settings()
    if not once:
        asyncio.run(bootstrap.reconcile_for_ever(settings))
        return
    with bar("asked", shown=not as_json) as advance:
        done = asyncio.run(
            bootstrap.reconcile_once(settings, progress=lambda r: advance(r.results.total(), total=r.due or None))
        )
    if as_json:
        print_json(_round(done))
    else:
        _tell_of(done)
    if not done.good:
        sys.exit(1)


@main.command()
@click.argument("task_ids", nargs=-1, metavar="[TASK_ID]...")
@click.option("--reason", type=click.Choice(REASONS), help="Only what is dead for this reason.")
@click.option("--ref", help="Only tasks of this reference.")
@click.option("--model", help="Only tasks of this model.")
@click.option("--all", "every", is_flag=True, help="Everything that is dead.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be tried again.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def retry(
    task_ids: Sequence[str],
    reason: str | None,
    ref: str | None,
    model: str | None,
    every: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Try dead tasks and images again: those named, or all that match."""
    filtered = any(given is not None for given in (reason, ref, model))
    if bool(task_ids) + filtered + every != 1:
        raise click.UsageError("name task ids, or filter by --reason, --ref, --model, or take --all")
    settings = load_settings()
    with bootstrap.open_catalog(settings) as catalog:
        wanted = DeadFilter(reason, text(ref), text(model))
        ids = list(dict.fromkeys(task_ids)) or asyncio.run(matching(catalog, wanted))
        if dry_run:
            _show_ids(ids, as_json=as_json)
            return
        with bar("tried again", shown=not as_json, total=len(ids)) as advance:
            tried = asyncio.run(
                retry_each(catalog, ids, rules=bootstrap.rules_of(settings), progress=advance, by=operator())
            )
    _show_tried(tried, as_json=as_json)
    if task_ids and any(one.refused for one in tried):
        sys.exit(1)


def _show_ids(ids: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"would_retry": list(ids)})
        return
    for task_id in ids:
        click.echo(task_id)
    click.echo(f"{len(ids)} tasks would be tried again", err=True)


def _show_tried(tried: Sequence[Retried], *, as_json: bool) -> None:
    refused = [one for one in tried if one.refused]
    if as_json:
        ids = [one.task_id for one in tried if not one.refused]
        print_json({"retried": ids, "refused": {one.task_id: one.refused for one in refused}})
        return
    click.echo(f"{len(tried) - len(refused)} tasks are tried again")
    for one in refused[:_SHOWN]:
        click.echo(f"{one.task_id}: {one.refused}", err=True)
    if len(refused) > _SHOWN:
        click.echo(f"… and {len(refused) - _SHOWN} more were not", err=True)


def _round(done: Round) -> dict[str, object]:
    swept = done.swept
    return {
        "sweep": {"ended": swept.ended.value, "strangers": swept.strangers, "due": swept.due, "detail": swept.detail}
        if swept is not None
        else None,
        "asked": dict(done.results),
        "dead": done.dead,
        "still_due": done.left,
        "provider": done.detail,
    }


def _tell_of(done: Round) -> None:
    if done.swept is not None:
        detail = f" ({done.swept.detail})" if done.swept.detail else ""
        click.echo(
            f"account: {done.swept.ended.value}, {done.swept.strangers} unknown tasks, {done.swept.due} overdue{detail}"
        )
    asked = ", ".join(f"{number} {result}" for result, number in sorted(done.results.items()))
    click.echo(f"asked: {asked or 'nothing was due'}")
    if done.dead:
        click.echo(f"given up: {done.dead}; `darkroom retry --all --dry-run` names what is dead")
    if not done.good:
        left = f"{done.left} questions are still due" if done.left else "not everything was answered"
        fail(f"{left}: {done.detail or 'somebody else asks just now, or wants to be left alone'}")

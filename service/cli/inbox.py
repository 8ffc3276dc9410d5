"""Commands about what was received: running it again, and taking a callback URL out of use."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from service import bootstrap
from service.catalog.catalog import Transaction
from service.catalog.inbox_filter import InboxFilter
from service.catalog.usage import Touched
from service.cli.group import main, operator, print_json, said_plainly, text
from service.cli.progress import bar
from service.domain.callback import Verdict
from service.domain.moment import moment
from service.intake.replay import Replayed
from service.intake.replay import replay as run_again
from service.intake.revocation import revoke as revoke_url
from service.settings import load_settings
from service.web.documents import touched_document


def _moment(_context: click.Context, _option: click.Parameter, given: str | None) -> datetime | None:
    try:
        return moment(given) if given is not None else None
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@main.command()
@click.argument("ids", nargs=-1, type=click.IntRange(min=1, max=10**18 - 1), metavar="[CALLBACK_ID]...")
@click.option("--verdict", type=click.Choice([verdict.value for verdict in Verdict]), help="Only these.")
@click.option("--task-id", help="Only callbacks of this task.")
@click.option("--token-id", help="Only what came through this callback URL.")
@click.option("--status", help="Only callbacks with this status, as the provider spelt it.")
@click.option("--received-after", callback=_moment, metavar="TIME", help="Received then or later, with an offset.")
@click.option("--received-before", callback=_moment, metavar="TIME", help="Received before then.")
@click.option("--all", "every", is_flag=True, help="The whole inbox.")
@click.option("--dry-run", is_flag=True, help="Only tell what would happen; nothing is changed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def replay(ids: Sequence[int], every: bool, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Run kept callbacks again, by the reader and the settings of now.

    Runs beside `serve`. Running the same again does no harm.
    """
    given = {name: text(value) if isinstance(value, str) else value for name, value in given.items()}
    wanted = InboxFilter(ids=tuple(dict.fromkeys(ids)), **given)
    if wanted.is_empty != every:
        raise click.UsageError("name callback ids, or filter, or take --all")
    settings = load_settings()
    with (
        bootstrap.open_catalog(settings) as catalog,
        bar("run again", shown=not as_json, total=1.0, as_share=True) as advance,
    ):
        rules = bootstrap.rules_of(settings)
        replayed = asyncio.run(
            run_again(
                catalog,
                wanted,
                rules=rules,
                dry_run=dry_run,
                progress=lambda done: advance(done.share, f"{done.matched} callbacks"),
                by=operator(),
            )
        )
    if as_json:
        print_json(asdict(replayed))
    else:
        _tell(replayed)


def _tell(replayed: Replayed) -> None:
    click.echo(
        f"{replayed.matched} callbacks: {replayed.accepted} accepted, {replayed.foreign} foreign, "
        f"{replayed.unreadable} unreadable, {replayed.without_body} without their body"
    )
    would = "would change" if replayed.dry_run else "changed"
    click.echo(f"{replayed.changed_total} tasks {would}{':' if replayed.changed else ''}")
    for task_id in replayed.changed:
        click.echo(f"  {task_id}")
    if replayed.changed_total > len(replayed.changed):
        click.echo(f"  … and {replayed.changed_total - len(replayed.changed)} more")


@main.command(context_settings={"ignore_unknown_options": True})  # an id may begin with a dash
@click.argument("token_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def revoke(token_id: str, as_json: bool) -> None:
    """Take a callback URL out of use, and tell which tasks its callbacks named.

    A running service answers 404 to it within seconds.
    """
    token_id = text(token_id) or ""
    with bootstrap.open_catalog(load_settings()) as catalog:
        touched = asyncio.run(catalog.write(lambda tx: _revoke(tx, token_id), by=operator()))
    document = touched_document(touched)
    if as_json:
        print_json({"revoked": token_id, "touched": document})
        return
    click.echo(f"{token_id} is revoked; its callbacks named {touched.total} tasks{':' if touched.tasks else ''}")
    for one in touched.tasks:
        click.echo(f"  {one.id}: {one.status or 'no task'}, {'confirmed' if one.confirmed else 'not confirmed'}")
    if touched.total > len(touched.tasks):
        click.echo(f"  … and {touched.total - len(touched.tasks)} more")


def _revoke(tx: Transaction, token_id: str) -> Touched:
    revoke_url(tx, token_id=token_id)
    return tx.usage.touched(token_id)

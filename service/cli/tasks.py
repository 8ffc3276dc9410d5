"""Commands about new tasks: a callback URL for one, telling of some."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import click

from service import bootstrap
from service.cli.group import main, operator, print_json, said_plainly, tags_from, text
from service.intake.minting import LONGEST_LIFE, Wish, mint
from service.intake.register import Told, tell
from service.provider.payload import storable_mapping
from service.settings import load_settings


@main.command("callback-url")
@click.option("--ref", help="Your own reference; the task and its images carry it.")
@click.option("--tag", "tags", multiple=True, metavar="K=V", help="A label; may be repeated.")
@click.option("--task-id", help="Bind the URL to one task.")
@click.option("--expires-in", type=click.IntRange(1, LONGEST_LIFE), metavar="SECONDS", help="Let the URL end.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def callback_url(
    ref: str | None, tags: Sequence[str], task_id: str | None, expires_in: int | None, as_json: bool
) -> None:
    """Print a signed callback URL to submit with a task."""
    settings = load_settings()
    wish = Wish(text(ref), tags_from(tags), task_id, expires_in)
    with bootstrap.open_catalog(settings) as catalog:
        minted = asyncio.run(
            mint(
                wish,
                catalog=catalog,
                signer=bootstrap.token_signer(settings),
                public_url=settings.public_url,
                now=datetime.now(UTC),
                by=operator(),
            )
        )
    if as_json:
        print_json({"id": minted.id, "callback_url": minted.callback_url, "warnings": list(minted.warnings)})
        return
    click.echo(minted.callback_url)
    for warning in minted.warnings:
        click.echo(f"note: {warning}", err=True)


@main.command("register")
@click.argument("task_ids", nargs=-1, required=True, metavar="TASK_ID...")
@click.option("--prompt", help="What was asked for.")
@click.option("--parameters", metavar="JSON", help="The other parameters of the submission, as a JSON object.")
@click.option("--ref", help="Your own reference.")
@click.option("--tag", "tags", multiple=True, metavar="K=V", help="A label; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def register_tasks(
    task_ids: Sequence[str],
    prompt: str | None,
    parameters: str | None,
    ref: str | None,
    tags: Sequence[str],
    as_json: bool,
) -> None:
    """Tell of tasks that run at the provider."""
    labels, submitted = tags_from(tags), _parameters(parameters)

    async def told_of(task_id: str) -> dict[str, Any]:
        told = Told(task_id, text(prompt), submitted, text(ref), labels)
        registered = await catalog.write(partial(tell, told=told, rules=rules), by=operator())
        return {"id": task_id, "status": registered.state.task.status.value, "new": registered.new}

    settings = load_settings()
    rules = bootstrap.rules_of(settings)
    with bootstrap.open_catalog(settings) as catalog:
        for task_id in task_ids:
            found = asyncio.run(told_of(task_id))
            if as_json:
                print_json(found)
            else:
                click.echo(f"{task_id}: {'registered' if found['new'] else 'known'}, {found['status']}")


def _parameters(given: str | None) -> dict[str, Any] | None:
    if given is None:
        return None
    try:
        parsed = json.loads(given)
    except (ValueError, RecursionError):
        raise click.UsageError("--parameters takes a JSON object") from None
    if not isinstance(parsed, dict):
        raise click.UsageError("--parameters takes a JSON object")
    return storable_mapping(parsed)

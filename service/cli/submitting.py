"""The command that submits: what it costs, how far it is, where the files are."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from service import bootstrap
from service.bootstrap.one_submission import Progress
from service.catalog.tasks import TaskState
from service.cli.group import USAGE_ERROR, fail, main, operator, print_json, said_plainly, tags_from, text
from service.cli.progress import bar
from service.domain.asset import Asset, AssetStatus
from service.domain.submission import IDEMPOTENCY_KEY, is_idempotency_key
from service.domain.task import TaskStatus
from service.observability import LogLevel, configure_logging
from service.settings import Settings, load_settings
from service.submission.booking import charge_of
from service.submission.cost import charge_document, estimate, estimate_document
from service.submission.outcome import Client, Rejected, Submitted
from service.submission.parameters import BETA, MODEL
from service.submission.price_list import Prices
from service.submission.request import Request, Wrong
from service.submission.validate import read_request

KEY_NAME = "(command line)"
"""Whose submissions these are, where budgets and sums go by keys."""


@main.command("submit")
@click.argument("prompt")
@click.option("--model", default=MODEL, show_default=True, help=f"{MODEL}, {BETA}, or another where those are allowed.")
@click.option("--size", help="auto, a ratio such as 16:9, or WxH in pixels.")
@click.option("--resolution", help="1K, 2K or 4K, with a ratio.")
@click.option("--quality", help=f"low, medium or high; not for {BETA}.")
@click.option("--n", type=int, help="How many images.")
@click.option("--image", "image_urls", multiple=True, metavar="URL", help="An image to begin with; may be repeated.")
@click.option("--mask", "mask_url", metavar="URL", help="PNG that says where the first image may change.")
@click.option("--ref", help="Your own reference; the task carries it.")
@click.option("--tag", "tags", multiple=True, metavar="K=V", help="A label; may be repeated.")
@click.option("--idempotency-key", metavar="KEY", help="The same again under one KEY is not paid twice.")
@click.option("--wait", is_flag=True, help="Wait until every image is safe, and name the files.")
@click.option("--dry-run", is_flag=True, help="Only say what it would cost.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@said_plainly
def submit(
    ref: str | None,
    tags: Sequence[str],
    idempotency_key: str | None,
    wait: bool,
    dry_run: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Submit PROMPT (- reads it from standard input) to the provider; its images are archived.

    With --wait: exit code 0 when all images are safe. Without a running service the command archives them itself.
    """
    settings = load_settings()
    configure_logging(settings.log.format, LogLevel.WARNING)  # what is going on is shown by the progress
    request = _request(asked, settings)
    prices = bootstrap.prices_of(settings)
    if dry_run:
        _tell_estimate(request, prices, as_json=as_json)
        return
    if idempotency_key is not None and not is_idempotency_key(idempotency_key):
        raise click.UsageError(f"--idempotency-key takes {IDEMPOTENCY_KEY}")
    client = Client(KEY_NAME, idempotency_key, text(ref), tags_from(tags), operator())
    submitted, state = asyncio.run(_submit(settings, request, client, wait=wait, as_json=as_json))
    document = {"submission": submitted.submission.id, "task_id": submitted.task_id, "replayed": submitted.replayed}
    if state is None:
        _tell_task(document, settings, as_json=as_json)
        return
    _tell_end(document, state, settings, prices, as_json=as_json)
    if not _is_safe(state):
        sys.exit(1)


def _request(asked: dict[str, Any], settings: Settings) -> Request:
    """The request that the options make; ends the command where it is none."""
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in asked.items()}
    if given["prompt"] == "-":
        given["prompt"] = sys.stdin.read()
    body = json.dumps({name: value for name, value in given.items() if value not in (None, [])}).encode()
    request = read_request(body, other_models=settings.submit.other_models)
    if isinstance(request, Wrong):
        fail(request.message, USAGE_ERROR)
    for warning in request.warnings:
        click.echo(f"note: {warning}", err=True)
    return request


async def _submit(
    settings: Settings, request: Request, client: Client, *, wait: bool, as_json: bool
) -> tuple[Submitted, TaskState | None]:
    """Submit, and wait for the end of the task if that is wanted."""
    async with bootstrap.one_submission(settings, wait=wait) as errand:
        outcome = await errand.parts.submitter.submit(request, client)
        if isinstance(outcome, Rejected):
            fail(outcome.message)
        await errand.parts.submitter.handed_out(outcome)
        for warning in outcome.budgets:
            click.echo(f"note: {warning}", err=True)
        if not wait:
            return outcome, None
        with bar(outcome.task_id, shown=not as_json, total=1.0, as_share=True) as advance:
            async for progress in errand.follow(outcome.task_id):
                advance(_share(progress, request.images), _more(progress, request.images))
        assert progress.state is not None
        return outcome, progress.state


def _archived(state: TaskState | None) -> list[Asset]:
    return [one for one in state.assets if one.status is AssetStatus.ARCHIVED] if state is not None else []


def _share(progress: Progress, images: int) -> float:
    """How much is done: four fifths are the provider's, the rest is ours."""
    made = 1.0 if progress.state is not None and progress.state.task.terminal else progress.percent / 100
    return 1.0 if progress.settled else 0.8 * made + 0.2 * min(1.0, len(_archived(progress.state)) / images)


def _more(progress: Progress, images: int) -> str:
    status = progress.state.task.status.value if progress.state is not None else TaskStatus.PENDING.value
    return f"{status}, {len(_archived(progress.state))} of {images} images safe"


def _is_safe(state: TaskState) -> bool:
    """Whether there are images, and all of them are kept."""
    return bool(state.assets) and all(one.status is AssetStatus.ARCHIVED for one in state.assets)


def _tell_estimate(request: Request, prices: Prices, *, as_json: bool) -> None:
    reckoned = estimate(request, prices, day=datetime.now(UTC).date())
    document = estimate_document(reckoned) if reckoned is not None else None
    if as_json:
        print_json({"estimate": document})
        return
    click.echo(
        f"estimated: {_priced(document)}{'' if document is None or document['exact'] else ', by tokens: a guess'}"
    )


def _tell_task(document: dict[str, Any], settings: Settings, *, as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    click.echo(document["task_id"])
    if not settings.on_postgres and not bootstrap.is_served(settings):
        click.echo("note: nobody archives it until `darkroom serve` runs", err=True)


def _tell_end(document: dict[str, Any], state: TaskState, settings: Settings, prices: Prices, *, as_json: bool) -> None:
    """The files and the price; of what failed the reason."""
    task, place = state.task, bootstrap.place_of_store(settings).rstrip("/")
    files = [f"{place}/{one.stored.object_key}" for one in _archived(state) if one.stored is not None]
    charged = charge_of(task, prices)
    cost = charge_document(charged) if charged is not None else None
    if as_json:
        error = task.error or ({"message": task.reason.value} if task.reason else None)
        print_json({**document, "status": task.status.value, "files": files, "cost": cost, "error": error})
        return
    for file in files:
        click.echo(file)
    click.echo(f"{task.id}: {task.status.value}, {_priced(cost)}", err=True)
    if not _is_safe(state):
        message = (task.error or {}).get("message") or (task.reason.value if task.reason else "not all images are safe")
        click.echo(f"no success: {message}; `GET /v1/tasks/{task.id}` has the details", err=True)


def _priced(document: Mapping[str, Any] | None) -> str:
    if document is None:
        return "the price is not known"
    return f"${document['usd']:.4f} ({document['credits']:g} credits)"

"""`darkroom demo`: start both sides, submit, watch, account. It ends by itself, with 0 when nothing is missing."""

import asyncio
import secrets
import shutil
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from service.demo import process
from service.demo.client import Conversation, conversation
from service.demo.ledger import audit
from service.demo.report import show
from service.demo.script import FAULTS, SEED, wanted_tasks
from service.simulator.options import SimulatorOptions
from service.simulator.server import Simulator

GIVE_UP_AFTER = 180.0
_LOOK_EVERY = 0.25


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What a user can set."""

    folder: Path
    tasks: int = 36
    keep: bool = False


async def run(options: DemoOptions, console: Console) -> int:
    """Run the demonstration; 0 when nothing is missing, else 1."""
    folder = _fresh(options.folder)
    console.print(f"[bold]Darkroom demo[/]: {options.tasks} tasks, faults on the way, in [cyan]{folder}[/]\n")
    place = process.Place(
        folder=folder,
        port=process.free_port(),
        api_key=f"dk_{secrets.token_urlsafe(24)}",
        ca_file=folder / "ca.pem",
        certificate=folder / "cert.pem",
        key=folder / "key.pem",
    )
    provider = Simulator(
        SimulatorOptions(
            port=0,
            seed=SEED,
            faults=FAULTS,
            generation_seconds=(0.3, 4.0),
            late_seconds=4.0,
            ca_out=place.ca_file,
            cert_out=place.certificate,
            key_out=place.key,
        )
    )
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(provider)
        service = await process.start(place)
        stack.push_async_callback(process.stop, service)
        talk = await stack.enter_async_context(conversation(place, provider.base_url))
        if not await talk.wait_until_ready(service):
            console.print(f"[red]the service did not get ready[/]; {folder / 'service.log'} says why")
            return 1
        with _progress(console) as progress:
            await _submit_and_watch(talk, options.tasks, progress)
        account = audit(
            await talk.truth(), await talk.every("/v1/tasks"), await talk.every("/v1/callbacks"), place.archive
        )
        show(account, place, console)
        if options.keep:
            console.print(
                f"\nThe service stays up at {place.url} with the key [cyan]{place.api_key}[/]; Ctrl-C ends it."
            )
            await service.wait()
    return 0 if account.good else 1


async def _submit_and_watch(talk: Conversation, count: int, progress: Progress) -> None:
    """Submit everything, then look until all of it is settled or it has taken too long."""
    bars = {
        name: progress.add_task(name, total=total)
        for name, total in (
            ("submitted", count),
            ("ended at the provider", count),
            ("settled here", count),
            ("images archived", None),
        )
    }
    for wanted in wanted_tasks(count):
        await talk.submit(wanted.ref, wanted.request)
        progress.advance(bars["submitted"])
    try:
        async with asyncio.timeout(GIVE_UP_AFTER):
            while not await _settled(talk, count, progress, bars):  # noqa: ASYNC110 - seen over HTTP only
                await asyncio.sleep(_LOOK_EVERY)
    except TimeoutError:
        progress.console.print(f"[yellow]not settled within {GIVE_UP_AFTER:.0f} s; accounting for what is there[/]")


async def _settled(talk: Conversation, count: int, progress: Progress, bars: dict[str, TaskID]) -> bool:
    totals = (await talk.truth())["totals"]
    tasks = await talk.every("/v1/tasks")
    settled = sum(task["settled_at"] is not None for task in tasks)
    archived = sum(asset["status"] == "archived" for task in tasks for asset in task["assets"])
    progress.update(bars["ended at the provider"], completed=totals["finished"])
    progress.update(bars["settled here"], completed=settled)
    progress.update(bars["images archived"], completed=archived, total=totals["images"] or None)
    return totals["callbacks_done"] >= count and settled >= count


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:>22}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def _fresh(folder: Path) -> Path:
    """An empty folder; the one of an earlier demonstration is removed, anything else is left alone."""
    marker = folder / ".darkroom-demo"
    if folder.exists() and any(folder.iterdir()):
        if not marker.exists():
            raise FileExistsError(f"{folder} is not empty and not from an earlier demo: name another with --folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    marker.touch()
    return folder.resolve()

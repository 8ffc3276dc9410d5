"""`darkroom demo`: start both sides, submit, watch, account. It ends by itself, with 0 when nothing is missing."""

import asyncio
import secrets
import shutil
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from service.demo import process
from service.demo.client import Conversation, Json, conversation
from service.demo.ledger import audit
from service.demo.report import show
from service.demo.script import FAULTS, SEED, forgery, wanted_tasks
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
    """Run the demonstration; 0 when nothing is missing, else 1. SIGTERM cancels it, and with it the service."""
    running = asyncio.current_task()
    assert running is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    folder = _fresh(options.folder)
    console.print(f"[bold]Darkroom demo[/]: {options.tasks} tasks, faults on the way, in [cyan]{folder}[/]\n")
    ca_file, certificate, key = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
    provider = Simulator(
        SimulatorOptions(
            port=0,
            seed=SEED,
            faults=FAULTS,
            generation_seconds=(0.3, 4.0),
            late_seconds=4.0,
            ca_out=ca_file,
            cert_out=certificate,
            key_out=key,
        )
    )
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(provider)
        place = process.Place(
            folder=folder,
            port=process.free_port(),
            api_key=f"dk_{secrets.token_urlsafe(24)}",
            ca_file=ca_file,
            certificate=certificate,
            key=key,
            provider_url=provider.base_url,
        )
        service = await process.start(place)
        stack.push_async_callback(process.stop, service)
        talk = await stack.enter_async_context(conversation(place, provider.base_url))
        if not await talk.wait_until_ready(service):
            console.print(f"[red]the service did not get ready[/]; {folder / 'service.log'} says why")
            return 1
        with _progress(console) as progress:
            forgeries = await _submit_and_watch(talk, options.tasks, provider.base_url, progress)
        tasks, callbacks = await talk.every("/v1/tasks", conflict="true"), await talk.every("/v1/callbacks")
        account = audit(await talk.truth(), tasks, callbacks, place.archive, forgeries)
        show(account, place, console)
        if options.keep:
            console.print(
                f"\nThe service stays up at {place.url} with the key [cyan]{place.api_key}[/]; Ctrl-C ends it."
            )
            await service.wait()
    return 0 if account.good else 1


async def _submit_and_watch(talk: Conversation, count: int, provider_url: str, progress: Progress) -> dict[str, Json]:
    """Submit everything, forge some callbacks, and look until all is settled or time is up; the forgeries."""
    bars = {
        name: progress.add_task(name, total=total)
        for name, total in (
            ("submitted", count),
            ("ended at the provider", count),
            ("settled here", count),
            ("images archived", None),
        )
    }
    forgeries: dict[str, Json] = {}
    for number, wanted in enumerate(wanted_tasks(count)):
        submitted = await talk.submit(wanted.ref, wanted.request)
        if (claim := forgery(number, provider_url)) is not None:
            forgeries[submitted.task_id] = claim
            await talk.forge(submitted, claim)
        progress.advance(bars["submitted"])
    try:
        async with asyncio.timeout(GIVE_UP_AFTER):
            await _until_settled(talk, count, progress, bars)
    except TimeoutError:
        progress.console.print(f"[yellow]not settled within {GIVE_UP_AFTER:.0f} s; accounting for what is there[/]")
    return forgeries


async def _until_settled(talk: Conversation, count: int, progress: Progress, bars: dict[str, TaskID]) -> None:
    """Watch; once every callback was sent that will be, have those asked about that are still open."""
    asked = False
    while not await _settled(talk, count, progress, bars):
        if not asked and (await talk.truth())["totals"]["callbacks_done"] >= count:
            asked = True
            for task in await talk.every("/v1/tasks"):
                if task["status"] in ("pending", "processing"):
                    await talk.ask_about(task["id"])
        await asyncio.sleep(_LOOK_EVERY)


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

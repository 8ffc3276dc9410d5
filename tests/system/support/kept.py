"""Judges what a service keeps of the provider's tasks, by the API, by the disk, and by the stand-in's ledger."""

import hashlib
from typing import Any

from tests.system.support.darkroom import Darkroom
from tests.system.support.stand_in import Ledger
from tests.system.support.waiting import eventually

EXTENSION = {"png": "png", "jpeg": "jpg", "webp": "webp"}


async def at_rest(service: Darkroom, task_id: str, *, within: float = 30.0) -> Any:
    """A task, as soon as it is known, nothing is left to do for it, and no question about it is planned."""

    async def look() -> Any:
        answer = await service.api.client.get(f"/v1/tasks/{task_id}")
        if answer.status_code == 404:
            return None
        assert answer.status_code == 200, answer.text
        task = answer.json()
        return task if task["settled_at"] and task["next_check_at"] is None else None

    return await eventually(look, what=f"{task_id} is at rest", within=within, every=0.2)


async def assert_kept(
    service: Darkroom, ledger: Ledger, *task_ids: str, in_order: bool = True, within: float = 30.0
) -> None:
    """Wait until completed tasks are at rest: every true image is archived once, byte for byte, and nothing else.

    `in_order`: the indexes follow the provider's order, which no service can know where links change their names.
    """
    for task_id in task_ids:
        task = await at_rest(service, task_id, within=within)
        assert (task["status"], task["confirmed"], task["conflict"]) == ("completed", True, False), task_id
        _assert_images(service, ledger, task, in_order=in_order)
        sidecar = await service.archive.settled_sidecar(task_id)
        assert [asset["sha256"] for asset in sidecar["assets"]] == [asset["sha256"] for asset in task["assets"]]
    assert service.leaked(ledger.names) == []


def _assert_images(service: Darkroom, ledger: Ledger, task: Any, *, in_order: bool) -> None:
    assets, images = task["assets"], ledger.images(task["id"])
    told = [(asset["index"], asset["status"], asset["reason"]) for asset in assets]
    assert told == [(index, "archived", None) for index in range(len(images))], task["id"]
    arrange = list if in_order else sorted
    true = [(image["sha256"], image["bytes"], image["format"]) for image in images]
    assert arrange((asset["sha256"], asset["bytes"], asset["format"]) for asset in assets) == arrange(true), task["id"]
    for asset in assets:
        assert hashlib.sha256(service.archive.bytes_of(asset["object_key"])).hexdigest() == asset["sha256"]
    names = {f"{asset['index']}-{asset['sha256'][:12]}.{EXTENSION[asset['format']]}" for asset in assets}
    assert set(service.archive.files()[task["id"]]) - {"task.json"} == names


async def assert_ended(service: Darkroom, task_id: str, status: str, *, reason: str | None = None) -> Any:
    """Wait until a task without images is at rest, and return it."""
    task = await at_rest(service, task_id)
    assert (task["status"], task["reason"], task["conflict"], task["assets"]) == (status, reason, False, []), task_id
    return task


def told(task: Any, *, origin: str = "callback") -> list[dict[str, Any]]:
    """What a task's history says of its events of one origin, oldest first, without times and ids."""
    left_out = ("at", "origin", "callback_id")
    entries = [entry for entry in task["history"] if entry["origin"] == origin]
    return [{name: value for name, value in entry.items() if name not in left_out} for entry in entries]

"""Judges a server that was started again after a failure: by its answers, its database, its files and `verify`."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.crash.support.catalog_rows import all_at_rest
from tests.crash.support.door import Seen
from tests.crash.support.story import Story
from tests.system.support.darkroom import Darkroom
from tests.system.support.jobs import Job

REST_WITHIN = 60.0
"""Seconds; well before the leases of a dead server would end by themselves."""


class Flaw(StrEnum):
    """What can be wrong; the values are plurals for a summary."""

    EARLY = "answers before their sync"
    MISSING = "acknowledged callbacks missing"
    REFUSED = "callbacks refused when sent again"
    LOST = "images lost"
    TWICE = "images twice"
    FETCHED = "images fetched too often"
    UNDONE = "deletions undone"
    STALE = "sidecars stale"
    LEFT = "files left over"
    OTHER = "other flaws"


@dataclass(frozen=True, slots=True)
class Found:
    """One flaw, in words."""

    flaw: Flaw
    what: str


def answered_early(story: Story, calls: list[Seen]) -> list[Found]:
    """2xx answers without a sync of the database that began after the callback was sent, before the answer came.

    A sync that began was let go on; that the answer waits for its end is seen by `tests/system/test_fsync.py`.
    """
    syncs = [call.at for call in calls if call.makes_durable]
    return [
        Found(Flaw.EARLY, f"{attempt.status} for {delivery.body[:60]!r}")
        for delivery in story.deliveries
        for attempt in delivery.acknowledged
        if not any(attempt.sent < at < attempt.answered for at in syncs)
    ]


async def kept_what_it_had(service: Darkroom, story: Story) -> list[Found]:
    """What is wrong when all has come to rest and nobody has sent anything again."""
    rows = await all_at_rest(service.folder / "data", within=REST_WITHIN)
    inbox = {one["body_sha256"]: one["deliveries"] for one in await service.api.all("/v1/callbacks")}
    owed: Counter[str] = Counter()
    for delivery in story.deliveries:
        owed[hashlib.sha256(delivery.body).hexdigest()] += len(delivery.acknowledged)
    short = {sha256: count for sha256, count in owed.items() if inbox.get(sha256, 0) < count}
    found = [Found(Flaw.MISSING, f"{sha256[:12]}: {count} acknowledged") for sha256, count in short.items()]
    for job in story.owed:
        row = rows.get(job.task_id)
        if row is None or row.status != "completed":
            found.append(Found(Flaw.LOST, f"{job.task_id} is {row}"))
    for task_id, index in story.gone.items():
        named = [name for name in service.archive.files().get(task_id, []) if name.startswith(f"{index}-")]
        if story.deleted and (named or rows[task_id].assets[index] != "deleted"):
            found.append(Found(Flaw.UNDONE, f"{rows[task_id]} {named}"))
    return found


async def ended_well(service: Darkroom, story: Story, *, fetches: int) -> list[Found]:
    """What is wrong when the story was told to its end; `fetches` is how often a link of a good image may be asked."""
    rows = await all_at_rest(service.folder / "data", within=REST_WITHIN)
    found = [Found(Flaw.REFUSED, f"{one.body[:60]!r}: {one.attempts}") for one in story.deliveries if one.due]
    files = service.archive.files()
    expected = {job.task_id: _files(story, job) for job in story.jobs} | {story.failed: ["task.json"]}
    for task_id in files.keys() | expected.keys():
        found += _compared(task_id, files.get(task_id, []), expected.get(task_id, []))
    found += [Found(Flaw.LEFT, name) for name in service.archive.staged()]
    for job in story.jobs:
        found += _images(service, story, job, await service.api.get(f"/v1/tasks/{job.task_id}"))
        asked = max(story.host.asked_for(link) for link in job.links) - (job is story.large)
        if asked > fetches:
            found.append(Found(Flaw.FETCHED, f"{job.task_id}: {asked} requests"))
    for task_id, row in rows.items():
        [path] = (service.folder / "data" / "archive").glob(f"evolink/*/*/*/{task_id}/task.json")
        sidecar = json.loads(path.read_bytes())
        told = (sidecar["version"], sidecar["task"]["status"], tuple(one["status"] for one in sidecar["assets"]))
        if told != (row.version, row.status, row.assets):
            found.append(Found(Flaw.STALE, f"{told} for {row}"))
    return found


async def verified(service: Darkroom) -> list[Found]:
    """What `darkroom verify` says, beside the running server."""
    done = await service.run("verify", "--json")
    if done.returncode == 0 and json.loads(done.stdout)["findings"] == []:
        return []
    return [Found(Flaw.OTHER, f"verify: {done.returncode} {done.stdout} {done.stderr}")]


def _files(story: Story, job: Job) -> list[str]:
    gone = story.gone.get(job.task_id)
    return [name for name in job.files if not name.startswith(f"{gone}-")]


def _compared(task_id: str, files: list[str], expected: list[str]) -> list[Found]:
    more, fewer = sorted(set(files) - set(expected)), sorted(set(expected) - set(files))
    flaw = Flaw.TWICE if any("-" in name for name in more) else Flaw.LEFT
    found = [Found(flaw, f"{task_id}: {more}")] if more else []
    return found + ([Found(Flaw.LOST, f"{task_id}: {fewer}")] if fewer else [])


def _images(service: Darkroom, story: Story, job: Job, task: Any) -> list[Found]:
    """What is wrong with a task's images, byte for byte; an image that was never at fault took one attempt."""
    if len(task["assets"]) != len(job.pictures) or task["status"] != "completed":
        return [Found(Flaw.LOST, f"{job.task_id}: {task['status']}, {len(task['assets'])} images")]
    found = []
    for asset, picture in zip(task["assets"], job.pictures, strict=True):
        gone = story.gone.get(job.task_id) == asset["index"]
        told = (asset["status"], asset["attempts"], asset["sha256"])
        if told != (("deleted", 1, None) if gone else ("archived", 1, picture.sha256)):
            found.append(Found(Flaw.UNDONE if gone else Flaw.LOST, f"{asset['id']}: {told}"))
        elif not gone and service.archive.bytes_of(asset["object_key"]) != picture.body:
            found.append(Found(Flaw.LOST, f"{asset['id']}: other bytes"))
    return found

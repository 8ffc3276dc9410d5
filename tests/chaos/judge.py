"""The independent ledger: what the provider's side knows to be true, held against the API's word and against the disk.

It reads files and believes nobody: every image is hashed, every name that is not accounted for is named.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

Json = Mapping[str, Any]
SIDECAR = "task.json"
STAGING = ".staging"


@dataclass(slots=True)
class Verdict:
    """Numbers of what there should be, and the names of all that should not be."""

    tasks: int = 0
    images: int = 0
    size: int = 0
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    unsound: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """Everything that should not be, by kind."""
        kinds = [one.name for one in fields(self) if isinstance(getattr(self, one.name), list)]
        return [f"{kind}: {what}" for kind in kinds for what in getattr(self, kind)]


def judge(truth: Sequence[Json], told: Iterable[Json], inbox: Sequence[Json] | None, archive: Path) -> Verdict:
    """Compare the provider's tasks with the service's, its inbox (None: not kept), and the files of its archive."""
    verdict = Verdict(tasks=len(truth))
    known = {task["id"]: task for task in told}
    folders = _folders(archive, verdict)
    for task in truth:
        _judge_task(task, known.get(task["id"]), folders.pop(task["id"], {}), verdict)
    verdict.stray += [f"{path}, of no task" for files in folders.values() for path in files.values()]
    verdict.stray += [f"{task_id}, a task that never was" for task_id in known.keys() - {task["id"] for task in truth}]
    if inbox is not None:
        verdict.forgotten += _forgotten(truth, inbox, verdict)
    return verdict


def _folders(archive: Path, verdict: Verdict) -> dict[str, dict[str, Path]]:
    """All files by task and name; what lies elsewhere is a stray."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(archive.rglob("*")):
        if path.is_dir():
            continue
        parts = path.relative_to(archive).parts
        if parts[0] == STAGING or len(parts) != 6:
            verdict.stray.append(f"{path.relative_to(archive)}, which does not belong into an archive")
        else:
            found.setdefault(parts[4], {})[parts[5]] = path
    return found


def _judge_task(true: Json, told: Json | None, files: dict[str, Path], verdict: Verdict) -> None:
    task_id = true["id"]
    if told is None:
        verdict.lost.append(f"{task_id} is not known")
        return
    if told["status"] not in _ends(true) or not told["settled_at"]:
        verdict.lost.append(f"{task_id}: {true['status']} at the provider, {told['status']} here ({told['reason']})")
    wanted = Counter(image["sha256"] for image in true["images"])
    kept = Counter(dict(_hashes(files, verdict)))
    found: Counter[str] = Counter(kept.values())  # type: ignore[arg-type]
    verdict.images += wanted.total()
    verdict.lost += [f"{task_id}: an image of {digest[:12]} is not on disk" for digest in (wanted - found).elements()]
    for digest in (found - wanted).elements():
        kind = verdict.twice if digest in wanted else verdict.stray
        kind.append(f"{task_id}: an image of {digest[:12]}")
    _judge_sidecar(told, files.get(SIDECAR), found, verdict)


def _ends(true: Json) -> set[str]:
    """How a task may end here: what the provider calls failed and a callback cancelled is cancelled."""
    said = {attempt["said"] for attempt in true["callbacks"]["attempts"]}
    return {true["status"], *({"cancelled"} & said if true["status"] == "failed" else ())}


def _hashes(files: Mapping[str, Path], verdict: Verdict) -> Iterator[tuple[str, Any]]:
    for name, path in files.items():
        if name == SIDECAR:
            continue
        body = path.read_bytes()
        digest = hashlib.sha256(body).hexdigest()
        verdict.size += len(body)
        if name.partition("-")[2].partition(".")[0] != digest[:12]:
            verdict.unsound.append(f"{path} does not hold what its name says")
        yield name, digest


def _judge_sidecar(told: Json, sidecar: Path | None, found: Counter[str], verdict: Verdict) -> None:
    if sidecar is None:
        verdict.unsound.append(f"{told['id']} has no sidecar")
        return
    document = json.loads(sidecar.read_bytes())
    kept = Counter(asset["sha256"] for asset in document["assets"] if asset["status"] == "archived")
    if document["task"]["status"] != told["status"] or not document["task"]["settled_at"] or kept != found:
        verdict.unsound.append(f"the sidecar of {told['id']} does not tell what became of it")


def _forgotten(truth: Sequence[Json], inbox: Sequence[Json], verdict: Verdict) -> Iterator[str]:
    """Callbacks that were answered 2xx more often than they were received."""
    received: Counter[tuple[str, str]] = Counter()
    for callback in inbox:
        received[callback["task_id"], callback["status"]] += callback["deliveries"]
    for task in truth:
        answered = Counter(one["said"] for one in task["callbacks"]["attempts"] if _acknowledged(one))
        verdict.acknowledged += answered.total()
        for status, times in answered.items():
            if received[task["id"], status] < times:
                yield f"{task['id']}: {status} was answered 2xx {times} times, {received[task['id'], status]} are kept"


def _acknowledged(attempt: Json) -> bool:
    return attempt["response"] is not None and 200 <= attempt["response"] < 300

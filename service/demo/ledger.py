"""Holds what the provider's side knows to be true against what the service says and what lies on disk. Pure but for
reading the files."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.storage.filesystem import STAGING

Json = Mapping[str, Any]


@dataclass(slots=True)
class Account:
    """The proof. `missing`, `strays` and `believed` name what should not be; an account without any is success."""

    submitted: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    images: int = 0
    archived: int = 0
    bytes: int = 0
    callbacks: int = 0
    duplicates: int = 0
    unreadable: int = 0
    failed_attempts: int = 0
    lost_callbacks: int = 0
    questions: int = 0
    forged: int = 0
    believed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)

    @property
    def lost(self) -> int:
        return len(self.missing)

    @property
    def good(self) -> bool:
        return not self.missing and not self.strays and not self.believed


def audit(
    truth: Json,
    tasks: Iterable[Json],
    callbacks: Sequence[Json],
    archive: Path,
    forgeries: Mapping[str, Json] | None = None,
) -> Account:
    """Compare the stand-in's ledger with the service's tasks, and every stored file with the bytes that were served.

    `forgeries` are the forged callbacks that were sent, by task.
    """
    account = Account(submitted=len(truth["tasks"]))
    known = {task["id"]: task for task in tasks}
    expected_files: set[Path] = set()
    for true_task in truth["tasks"]:
        account.statuses[true_task["status"]] = account.statuses.get(true_task["status"], 0) + 1
        _audit_task(account, true_task, known.get(true_task["id"]), archive, expected_files)
    account.forged = len(forgeries or {})
    account.believed = [one for one, claim in (forgeries or {}).items() if _believed(truth, known, one, claim)]
    account.lost_callbacks = sum("lost" in task.get("faults", ()) for task in truth["tasks"])
    requests = truth.get("requests", {})
    account.questions = sum(requests.get(route, 0) for route in ("read_one", "read_several", "list_tasks"))
    found = {path for path in archive.rglob("*") if path.is_file() and path.name != "task.json"}
    found -= {path for path in found if STAGING in path.parts}  # at work: images are looked at meanwhile
    account.strays += sorted(str(path.relative_to(archive)) for path in found - expected_files)
    account.callbacks = sum(callback["deliveries"] for callback in callbacks)
    account.duplicates = sum(callback["deliveries"] - 1 for callback in callbacks if callback["verdict"] == "accepted")
    account.unreadable = sum(callback["deliveries"] for callback in callbacks if callback["verdict"] == "unreadable")
    return account


def _audit_task(account: Account, true_task: Json, task: Json | None, archive: Path, expected: set[Path]) -> None:
    if task is None or task["status"] != true_task["status"]:
        told = task["status"] if task else "unknown"
        account.missing.append(f"{true_task['id']}: {true_task['status']} at the provider, {told} here")
        return
    if not task["settled_at"]:
        account.missing.append(f"{task['id']}: not settled")
    by_hash: dict[str, list[Json]] = {}
    for asset in task["assets"]:
        if asset["status"] == "archived":
            by_hash.setdefault(asset["sha256"], []).append(asset)
    account.failed_attempts += sum(max(0, asset["attempts"] - 1) for asset in task["assets"])
    for image in true_task["images"]:
        account.images += 1
        same = by_hash.get(image["sha256"])  # two images of a task may be equal
        path = archive / same.pop()["object_key"] if same else None
        if path is None or not path.is_file() or _sha256(path) != image["sha256"]:
            account.missing.append(f"{task['id']}: {image['url']} is not on disk as it was served")
            continue
        expected.add(path)
        account.archived += 1
        account.bytes += path.stat().st_size


def _believed(truth: Json, known: Mapping[str, Json], task_id: str, claim: Json) -> bool:
    """Whether a forged callback changed the end of its task, or added an image."""
    true_task = next(task for task in truth["tasks"] if task["id"] == task_id)
    task = known.get(task_id, true_task | {"assets": []})
    turned = task["status"] == claim["status"] != true_task["status"]
    return turned or len(task["assets"]) > len(true_task["images"])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

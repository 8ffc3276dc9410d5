"""The judge of the chaos suite finds what is wrong: one that overlooks a lost image would praise anything."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.judge import Verdict, judge

BODY, OTHER = b"the bytes of an image", b"the bytes of another"
FOLDER = "evolink/2026/05/01/task-1"


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class Scene:
    """A completed task with one image that was called back about once, kept as it should be."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive
        attempts = [{"said": "completed", "response": None}, {"said": "completed", "response": 202}]
        self.truth: dict[str, Any] = {
            "id": "task-1",
            "status": "completed",
            "images": [{"sha256": digest(BODY)}],
            "callbacks": {"attempts": attempts},
        }
        self.told: dict[str, Any] = {"id": "task-1", "status": "completed", "reason": None, "settled_at": "then"}
        self.inbox: list[Any] = [{"task_id": "task-1", "status": "completed", "deliveries": 1}]
        self.put(f"{FOLDER}/0-{digest(BODY)[:12]}.png", BODY)
        self.sidecar(digest(BODY))

    def put(self, name: str, body: bytes) -> None:
        path = self.archive / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def sidecar(self, *digests: str, status: str = "completed") -> None:
        assets = [{"status": "archived", "sha256": one} for one in digests]
        document = {"task": {"status": status, "settled_at": "then"}, "assets": assets}
        self.put(f"{FOLDER}/task.json", json.dumps(document).encode())

    def judged(self) -> Verdict:
        return judge([self.truth], [self.told], self.inbox, self.archive)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_what_is_as_it_should_be_is_praised_with_its_numbers(scene: Scene) -> None:
    verdict = scene.judged()
    assert verdict.wrong == []
    assert (verdict.tasks, verdict.images, verdict.size, verdict.acknowledged) == (1, 1, len(BODY), 1)


def remove_image(scene: Scene) -> None:
    (scene.archive / FOLDER / f"0-{digest(BODY)[:12]}.png").unlink()


def flip_a_byte(scene: Scene) -> None:
    scene.put(f"{FOLDER}/0-{digest(BODY)[:12]}.png", BODY.upper())


def store_again(scene: Scene) -> None:
    scene.put(f"{FOLDER}/1-{digest(BODY)[:12]}.png", BODY)


def store_another(scene: Scene) -> None:
    scene.put(f"{FOLDER}/1-{digest(OTHER)[:12]}.png", OTHER)


def leave_a_staged_file(scene: Scene) -> None:
    scene.put(".staging/half", BODY[:5])


def invent_a_task(scene: Scene) -> None:
    scene.put("evolink/2026/05/01/task-2/task.json", b"{}")


def remove_the_sidecar(scene: Scene) -> None:
    (scene.archive / FOLDER / "task.json").unlink()


def leave_a_stale_sidecar(scene: Scene) -> None:
    scene.sidecar(status="processing")


def forget_an_image_in_the_sidecar(scene: Scene) -> None:
    scene.sidecar()


def forget_the_callback(scene: Scene) -> None:
    scene.inbox.clear()


def answer_twice_and_keep_once(scene: Scene) -> None:
    scene.truth["callbacks"]["attempts"].append({"said": "completed", "response": 200})


def end_otherwise(scene: Scene) -> None:
    scene.told["status"] = "cancelled"


def leave_it_unsettled(scene: Scene) -> None:
    scene.told["settled_at"] = None


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (remove_image, "lost"),
        (flip_a_byte, "lost"),
        (flip_a_byte, "stray"),
        (flip_a_byte, "unsound"),
        (store_again, "twice"),
        (store_another, "stray"),
        (leave_a_staged_file, "stray"),
        (invent_a_task, "stray"),
        (remove_the_sidecar, "unsound"),
        (leave_a_stale_sidecar, "unsound"),
        (forget_an_image_in_the_sidecar, "unsound"),
        (forget_the_callback, "forgotten"),
        (answer_twice_and_keep_once, "forgotten"),
        (end_otherwise, "lost"),
        (leave_it_unsettled, "lost"),
    ],
)
def test_what_is_wrong_is_named(scene: Scene, spoil: Callable[[Scene], None], kind: str) -> None:
    spoil(scene)
    assert any(what.startswith(f"{kind}: ") for what in scene.judged().wrong)


def test_a_task_that_is_not_known_is_lost(scene: Scene) -> None:
    verdict = judge([scene.truth], [], scene.inbox, scene.archive)
    assert verdict.lost == ["task-1 is not known"]


def test_a_failed_task_may_be_cancelled_where_a_callback_said_so(scene: Scene) -> None:
    scene.truth.update(status="failed", images=[])
    remove_image(scene)
    scene.sidecar(status="cancelled")
    end_otherwise(scene)
    scene.inbox.append({"task_id": "task-1", "status": "cancelled", "deliveries": 1})
    assert len(scene.judged().lost) == 1
    scene.truth["callbacks"]["attempts"].append({"said": "cancelled", "response": 202})
    assert scene.judged().wrong == []

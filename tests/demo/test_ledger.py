"""The audit at the end of the demonstration: it finds what is lost, changed, or too much."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from service.demo.ledger import Account, audit

Json = dict[str, Any]


class Story:
    """A provider's truth, what the service says of it, and what lies in the archive; all is well until changed."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive
        self.true_tasks: list[Json] = []
        self.tasks: list[Json] = []
        self.callbacks: list[Json] = []

    def completed(self, task_id: str, *pictures: bytes) -> "Story":
        images, assets = [], []
        for index, content in enumerate(pictures):
            digest = hashlib.sha256(content).hexdigest()
            key = f"evolink/2026/05/01/{task_id}/{index}-{digest[:12]}.png"
            path = self.archive / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            (path.parent / "task.json").write_text("{}")
            images.append({"url": f"https://files.example/{task_id}/{index}.png", "sha256": digest})
            assets.append({"status": "archived", "sha256": digest, "object_key": key, "attempts": 1})
        return self.ended(task_id, "completed", images, assets)

    def ended(self, task_id: str, status: str, images: list[Json], assets: list[Json]) -> "Story":
        self.true_tasks.append({"id": task_id, "status": status, "images": images})
        self.tasks.append({"id": task_id, "status": status, "settled_at": "2026-05-01T12:00:00Z", "assets": assets})
        self.callbacks.append({"verdict": "accepted", "deliveries": 1})
        return self

    def account(self, forgeries: dict[str, Json] | None = None) -> Account:
        return audit({"tasks": self.true_tasks}, self.tasks, self.callbacks, self.archive, forgeries)

    @property
    def files(self) -> list[Path]:
        return sorted(self.archive.rglob("*.png"))


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path).completed("task-a", b"one", b"two!").ended("task-b", "failed", [], [])


def test_a_story_in_which_all_is_well_has_nothing_missing(story: Story) -> None:
    account = story.account()
    assert account.good
    assert (account.submitted, account.images, account.archived, account.bytes, account.lost) == (2, 2, 2, 7, 0)
    assert account.statuses == {"completed": 1, "failed": 1}


def test_nothing_at_all_is_well_too(tmp_path: Path) -> None:
    assert Story(tmp_path / "none").account().good


def test_a_file_that_is_gone_is_missing(story: Story) -> None:
    story.files[0].unlink()
    account = story.account()
    assert (account.good, account.lost, account.archived) == (False, 1, 1)
    assert "https://files.example/task-a/0.png" in account.missing[0]


def test_a_file_with_other_bytes_is_missing_and_a_stray(story: Story) -> None:
    story.files[0].write_bytes(b"onE")
    account = story.account()
    assert (account.lost, len(account.strays)) == (1, 1)


def test_a_task_that_the_service_does_not_know_is_missing(story: Story) -> None:
    del story.tasks[0]
    account = story.account()
    assert "unknown here" in account.missing[0]
    assert not account.good


def test_a_task_with_another_end_is_missing(story: Story) -> None:
    story.tasks[1]["status"] = "completed"
    assert story.account().missing == ["task-b: failed at the provider, completed here"]


def test_a_task_that_is_not_settled_is_missing(story: Story) -> None:
    story.tasks[1]["settled_at"] = None
    assert story.account().missing == ["task-b: not settled"]


def test_an_image_that_was_never_archived_is_missing(story: Story) -> None:
    story.tasks[0]["assets"][1] |= {"status": "dead", "sha256": None}
    account = story.account()
    assert (account.images, account.archived, account.lost) == (2, 1, 1)


def test_a_file_that_nobody_knows_of_is_a_stray_and_not_good(story: Story) -> None:
    (story.archive / "evolink" / "odd.png").write_bytes(b"x")
    account = story.account()
    assert (account.strays, account.good) == (["evolink/odd.png"], False)


def test_what_went_wrong_on_the_way_is_counted(story: Story) -> None:
    story.tasks[0]["assets"][0]["attempts"] = 4
    story.callbacks += [{"verdict": "accepted", "deliveries": 3}, {"verdict": "unreadable", "deliveries": 2}]
    account = story.account()
    assert (account.failed_attempts, account.duplicates, account.unreadable, account.callbacks) == (3, 2, 2, 7)


def test_two_images_of_one_task_may_be_equal(tmp_path: Path) -> None:
    assert Story(tmp_path).completed("task-a", b"same", b"same").account().good


def test_a_forged_end_that_was_believed_is_not_good(story: Story) -> None:
    story.tasks[1]["status"] = "completed"
    account = story.account(forgeries={"task-b": {"status": "completed"}})
    assert (account.forged, account.believed, account.good) == (1, ["task-b"], False)


def test_an_image_too_many_is_a_forgery_believed(story: Story) -> None:
    story.tasks[0]["assets"].append({"status": "dead", "sha256": None, "attempts": 1})
    assert story.account(forgeries={"task-a": {"status": "completed"}}).believed == ["task-a"]


def test_a_forgery_that_changed_nothing_is_counted_and_good(story: Story) -> None:
    account = story.account(forgeries={"task-a": {"status": "failed"}, "task-b": {"status": "completed"}})
    assert (account.forged, account.believed, account.good) == (2, [], True)


def test_a_file_that_somebody_is_at_work_on_is_no_stray(story: Story) -> None:
    staged = story.archive / ".staging" / "0123.part"
    staged.parent.mkdir()
    staged.write_bytes(b"half of it")
    assert story.account().good

"""What reads show of a task when the habits of the task API are not what they should be."""

from typing import Any

import pytest

from service.simulator.tasks import Task
from tests.simulator.making import NOW, a_book, a_task, a_view, an_ended_task


def shown(task: Task, at: float = NOW, **habits: Any) -> dict[str, Any] | None:
    return a_view(at, **habits).shown(task, with_links=True)


def seen(task: Task, at: float = NOW, **habits: Any) -> str | None:
    """The status that a read shows, with its error code."""
    found = shown(task, at, **habits)
    return (
        None if found is None else ":".join([found["status"], *([found["error"]["code"]] if "error" in found else [])])
    )


def test_a_task_is_pending_then_processing_with_growing_progress() -> None:
    task = a_task(a_book(generation_seconds=(10.0, 10.0)))
    found = [shown(task, NOW + seconds) or {} for seconds in (0, 1, 3, 7, 60)]
    assert [one["status"] for one in found] == ["pending", "pending", "processing", "processing", "processing"]
    assert [one["progress"] for one in found] == [0, 0, 30, 70, 99]


def test_without_habits_the_end_is_shown_as_it_is() -> None:
    ends = [seen(an_ended_task(prompt=prompt)) for prompt in ("a fox", "[fail:service_error]", "[cancel]")]
    assert ends == ["completed", "failed:service_error", "cancelled:request_cancelled"]


def test_reads_may_be_behind_the_end() -> None:
    task = an_ended_task(prompt="[fail]")
    assert seen(task, NOW + 4.9, behind_seconds=5) == "processing"
    assert seen(task, NOW + 5, behind_seconds=5) == "failed:content_policy_violation"


def test_a_task_that_has_not_ended_is_not_made_to_look_further_than_it_is() -> None:
    assert seen(a_task(), behind_seconds=5) == "pending"


def test_a_task_may_be_unknown_for_a_while_after_its_submission_ended_or_not() -> None:
    for task in (a_task(), an_ended_task()):
        assert seen(task, NOW + 4.9, unknown_seconds=5) is None
        assert seen(task, NOW + 5, unknown_seconds=5) is not None


@pytest.mark.parametrize(("plain", "code"), [(False, "request_cancelled"), (True, "unknown_error")])
def test_a_cancelled_task_may_be_shown_as_failed(plain: bool, code: str) -> None:
    habits = {"cancelled_as_failed": True, "plain_failed": plain}
    assert seen(an_ended_task(prompt="[cancel]"), **habits) == f"failed:{code}"
    assert seen(an_ended_task(prompt="[fail:service_error]"), **habits) == "failed:service_error"


def test_a_read_without_links_does_not_count_as_one_of_them() -> None:
    task = an_ended_task(prompt="[fault:one-link-behind]", n=2)
    view = a_view()
    assert "results" not in (view.shown(task, with_links=False) or {})
    assert [len((view.shown(task, with_links=True) or {})["results"]) for _ in range(2)] == [1, 2]
    assert task.links_read == 2

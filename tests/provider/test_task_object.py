"""The provider's task object with our links: what it said stays, its own links go."""

import json
from typing import Any

import pytest

from service.domain.task import Task, TaskReason, TaskStatus
from service.provider.task_object import with_links
from tests.support.deliveries import LINK, NOW, TASK, task_object

OURS = {1: "https://darkroom.example.com/a/one", 0: "https://darkroom.example.com/a/zero"}


def task(status: TaskStatus = TaskStatus.COMPLETED, **members: Any) -> Task:
    return Task(id=TASK, source="evolink", received_at=NOW, status=status, model="gpt-image-2", **members)


def shaped(said: object, of: Task, **links: str) -> dict[str, Any]:
    text = said if isinstance(said, str) or said is None else json.dumps(said)
    return with_links(text, task=of, links={int(index.removeprefix("at_")): url for index, url in links.items()})


def test_links_take_the_place_of_the_providers_in_both_members_and_in_their_order() -> None:
    said = task_object(results=[LINK, LINK + "?2"], result_data=[{"url": LINK}], usage={"credits_used": 2}, odd=[1])
    told = with_links(json.dumps(said), task=task(), links=OURS)
    assert told == {
        **said,
        "object": "image.generation.task",
        "type": "image",
        "progress": 100,
        "created": int(NOW.timestamp()),
        "results": [OURS[0], OURS[1]],
        "result_data": [{"url": OURS[0]}, {"url": OURS[1]}],
    }


def test_none_of_the_providers_links_is_left_where_there_are_none_of_ours() -> None:
    told = shaped(task_object(), task())
    assert (told["status"], told["results"], told["result_data"]) == ("completed", [], [])


def test_a_settled_task_of_which_no_image_is_left_says_so_and_one_that_is_under_way_does_not() -> None:
    settled = shaped(task_object(), task(settled_at=NOW))
    assert (settled["status"], settled["results"], settled["error"]["code"]) == ("completed", [], "unknown_error")
    assert "none of its images" in settled["error"]["message"]
    assert "error" not in shaped(task_object(), task())
    assert "error" not in shaped(task_object(), task(settled_at=NOW), at_0="u")
    assert "error" not in with_links(None, task=task(settled_at=NOW), links=None)


def test_what_the_provider_said_beats_what_we_would_make_up() -> None:
    said = {"id": TASK, "status": "completed", "created": 1777600000, "progress": 99, "model": "other", "type": "video"}
    told = shaped(said, task(), at_0="u")
    assert {name: told[name] for name in said} == said


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_task_that_ended_otherwise_has_its_error_and_no_results(status: str) -> None:
    error = {"code": "content_policy_violation", "message": "no", "type": "task_error"}
    told = shaped(task_object("failed", error=error), task(TaskStatus(status)), at_0="u")
    assert (told["status"], told["error"]) == (status, error)
    assert "results" not in told
    assert "result_data" not in told


@pytest.mark.parametrize("reason", list(TaskReason))
def test_one_that_was_given_up_is_told_as_failed_with_the_reason_in_words(reason: TaskReason) -> None:
    told = shaped(None, task(TaskStatus.DEAD, reason=reason))
    assert told.keys() == {"id", "object", "type", "model", "status", "progress", "created", "error"}
    assert (told["id"], told["status"], told["progress"]) == (TASK, "failed", 100)
    assert told["error"]["code"] == "unknown_error"
    assert len(told["error"]["message"]) > 20


def test_one_that_was_given_up_after_the_provider_called_it_completed_is_told_as_failed_all_the_same() -> None:
    said = task_object(usage={"credits_used": 1})
    told = shaped(said, task(TaskStatus.DEAD, reason=TaskReason.NO_LINKS), at_0="u")
    assert (told["status"], told["usage"]) == ("failed", {"credits_used": 1})
    assert "results" not in told


@pytest.mark.parametrize("status", [TaskStatus.PENDING, TaskStatus.PROCESSING])
def test_one_that_runs_is_shown_running(status: TaskStatus) -> None:
    told = shaped(None, task(status))
    assert (told["status"], told["progress"], told["object"]) == (status, 0, "image.generation.task")


@pytest.mark.parametrize("said", ["", "nonsense", "[1]", "null", "[" * 100_000, '{"results": NaN, "n": 1e999}'])
def test_text_that_is_no_object_costs_nothing_and_numbers_that_are_no_json_do_not_get_into_it(said: str) -> None:
    told = shaped(said, task(), at_0="u")
    assert (told["id"], told["results"]) == (TASK, ["u"])
    json.dumps(told, allow_nan=False)

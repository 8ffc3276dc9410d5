from service.simulator.plan import Status
from service.simulator.task_object import completed_object, ended_object, processing_object, submit_answer
from tests.simulator.making import NOW, ORIGIN, a_task


def test_the_answer_to_a_submission_has_the_documented_fields() -> None:
    answer = submit_answer(a_task())
    assert answer["object"] == "image.generation.task"
    assert answer["type"] == "image"
    assert (answer["status"], answer["progress"], answer["created"]) == ("pending", 0, int(NOW))
    assert set(answer["task_info"]) == {"can_cancel", "estimated_time"}
    assert answer["usage"]["billing_rule"] == "per_token"


def test_a_task_under_way_tells_its_progress() -> None:
    shown = processing_object(a_task(), progress=40)
    assert (shown["status"], shown["progress"]) == ("processing", 40)


def test_a_completed_task_carries_its_links_twice_and_its_usage() -> None:
    shown = ended_object(a_task(n=2), Status.COMPLETED)
    assert (shown["status"], shown["progress"]) == ("completed", 100)
    assert len(set(shown["results"])) == 2
    assert all(link.startswith(f"{ORIGIN}/files/") and "/images/2025/10/09/" in link for link in shown["results"])
    assert [item["url"] for item in shown["result_data"]] == shown["results"]
    assert shown["usage"]["credits_used"] > 0


def test_a_completed_task_may_be_told_of_without_its_links() -> None:
    shown = completed_object(a_task(), None)
    assert shown["status"] == "completed"
    assert not {"results", "result_data"} & set(shown)


def test_a_failed_task_says_why_and_costs_nothing() -> None:
    shown = ended_object(a_task(prompt="[fail:service_error]"), Status.FAILED)
    assert shown["status"] == "failed"
    assert shown["error"]["code"] == "service_error"
    assert set(shown["error"]) == {"code", "message", "type"}
    assert "results" not in shown
    assert shown["usage"] == {"credits_used": 0}


def test_a_cancelled_task_says_so() -> None:
    shown = ended_object(a_task(prompt="[cancel]"), Status.CANCELLED)
    assert (shown["status"], shown["error"]["code"]) == ("cancelled", "request_cancelled")

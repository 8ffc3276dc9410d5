from service.simulator.plan import Status
from service.simulator.tasks import REMEMBERED_ATTEMPTS, Attempt, submit_answer, task_object
from tests.simulator.making import NOW, ORIGIN, a_book, a_task


def test_the_answer_to_a_submission_has_the_documented_fields() -> None:
    answer = submit_answer(a_task())
    assert answer["object"] == "image.generation.task"
    assert answer["type"] == "image"
    assert (answer["status"], answer["progress"], answer["created"]) == ("pending", 0, int(NOW))
    assert set(answer["task_info"]) == {"can_cancel", "estimated_time"}
    assert answer["usage"]["billing_rule"] == "per_token"


def test_a_task_is_pending_then_processing_with_growing_progress() -> None:
    task = a_task(a_book(generation_seconds=(10.0, 10.0)))
    seen = [task_object(task, NOW + seconds) for seconds in (0, 1, 3, 7, 60)]
    assert [one["status"] for one in seen] == ["pending", "pending", "processing", "processing", "processing"]
    assert [one["progress"] for one in seen] == [0, 0, 30, 70, 99]


def test_a_completed_task_carries_its_links_twice_and_its_usage() -> None:
    task = a_task(n=2)
    task.finished = True
    shown = task_object(task, NOW)
    assert (shown["status"], shown["progress"]) == ("completed", 100)
    assert len(set(shown["results"])) == 2
    assert all(link.startswith(f"{ORIGIN}/files/") and "/images/2025/10/09/" in link for link in shown["results"])
    assert [item["url"] for item in shown["result_data"]] == shown["results"]
    assert shown["usage"]["credits_used"] > 0


def test_a_failed_task_says_why_and_costs_nothing() -> None:
    task = a_task(prompt="[fail:service_error]")
    task.finished = True
    shown = task_object(task, NOW)
    assert shown["status"] == "failed"
    assert shown["error"]["code"] == "service_error"
    assert set(shown["error"]) == {"code", "message", "type"}
    assert "results" not in shown
    assert shown["usage"] == {"credits_used": 0}


def test_a_cancelled_task_says_so() -> None:
    task = a_task(prompt="[cancel]")
    task.finished = True
    shown = task_object(task, NOW)
    assert (shown["status"], shown["error"]["code"]) == ("cancelled", "request_cancelled")
    assert task.status(NOW) is Status.CANCELLED


def test_an_image_s_faults_are_used_up_request_by_request() -> None:
    (image,) = a_task(prompt="[fault:html]").images
    met = [image.next_fault() for _ in range(4)]
    assert met == [*image.faults, *[None] * (4 - len(image.faults))]
    assert image.requests == 4


def test_attempts_are_counted_for_ever_but_remembered_up_to_a_limit() -> None:
    task = a_task()
    for _ in range(REMEMBERED_ATTEMPTS + 5):
        task.record(Attempt("completed", 204))
    task.record(Attempt("completed", 500))
    task.record(Attempt("completed", None, "timeout"))
    assert len(task.attempts) == REMEMBERED_ATTEMPTS
    assert (task.attempted, task.delivered) == (REMEMBERED_ATTEMPTS + 7, REMEMBERED_ATTEMPTS + 5)

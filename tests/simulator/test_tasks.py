from service.simulator.plan import Status
from service.simulator.tasks import REMEMBERED_ATTEMPTS, Attempt
from tests.simulator.making import NOW, a_book, a_task


def test_a_task_is_pending_then_processing_until_it_has_ended() -> None:
    task = a_task(a_book(generation_seconds=(10.0, 10.0)), prompt="[cancel]")
    assert [task.status(NOW + seconds) for seconds in (0, 1, 3, 60)] == ["pending"] * 2 + ["processing"] * 2
    assert not task.finished
    task.ended_at = NOW + 60
    assert (task.finished, task.status(NOW + 60)) == (True, Status.CANCELLED)


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

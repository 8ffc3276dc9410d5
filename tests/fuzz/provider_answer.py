"""What the provider answers when it is asked, and how a client of ours is told of it."""

import json
from collections.abc import Iterator

from service.domain.task import EventStatus, Task, TaskStatus
from service.provider.answer import batch_answer, described, list_answer, probe_answer, read_error, task_answer
from service.provider.exchange import Answer
from service.provider.payload import Readable, read_callback
from service.provider.reading import Found, Listed, Unreachable
from service.provider.task_object import with_links
from tests.fuzz.pieces import Pieces
from tests.fuzz.storable import must_be_storable
from tests.support.deliveries import NOW, TASK, task_object

STATUSES = (200, 301, 400, 401, 403, 404, 405, 429, 500, 501, 503)


def seeds() -> Iterator[bytes]:
    for status in range(len(STATUSES)):
        yield bytes([status]) + json.dumps({"error": {"code": "task_not_found", "message": "no\n", "type": 7}}).encode()
    for document in (
        task_object(),
        task_object("failed", error={"code": 404, "message": "\ud800"}),
        {"data": [task_object(), {"id": 7}, task_object(type="video")], "has_more": True},
        [task_object("processing")],
    ):
        yield b"\0" + json.dumps(document).encode()


def check(data: bytes) -> None:
    pieces = Pieces(data)
    status = STATUSES[pieces.number(len(STATUSES) - 1)]
    answer = Answer(status, pieces.rest())
    one = task_answer(TASK, answer).said
    assert not isinstance(one, Found) or (status == 200 and one.event.task_id == TASK)
    several = batch_answer(answer).said
    page = list_answer(20, answer).said
    assert not isinstance(page, Listed) or not any(event.links for event in page.events)
    for said in (one, several, page, probe_answer("task-none", answer).said):
        if isinstance(said, Unreachable):
            assert said.detail.isprintable()
            must_be_storable(said.detail)
    for found in several if isinstance(several, tuple) else ():
        must_be_storable(found.event)
        must_be_storable(found.text)
    error = read_error(answer.body)
    if error is not None:
        must_be_storable(error)
        assert described(answer).detail.isprintable()
    _told_again(answer.body)


def _told_again(body: bytes) -> None:
    """A client sees the links that we give, and none of the provider's."""
    reading = read_callback(body)
    if not isinstance(reading, Readable):
        return
    status = TaskStatus.COMPLETED if reading.event.status is EventStatus.COMPLETED else TaskStatus.FAILED
    task = Task(id=reading.event.task_id, source="evolink", received_at=NOW, status=status)
    told = with_links(reading.text, task=task, links={0: "https://ours.example/a/x"})
    json.dumps(told).encode()
    assert told["id"] == task.id
    expected = ["https://ours.example/a/x"] if status is TaskStatus.COMPLETED else []
    assert told.get("results", []) == expected
    assert told.get("result_data", []) == [{"url": url} for url in expected]

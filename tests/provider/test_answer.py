"""Whatever an answer holds: no route raises, and nothing is believed of a task that was not asked for."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.provider.answer import batch_answer, list_answer, read_error, task_answer
from service.provider.exchange import Answer
from service.provider.reading import Found, Listed, Unreachable
from tests.provider.pretend import IDS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(IDS[:3]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "status", "type", "results", "data", "items", "error", "code", "message"]), inner
        )
    ),
    max_leaves=16,
)
BODIES = st.binary(max_size=60) | JSON.map(lambda document: json.dumps(document).encode("utf-8", "surrogatepass"))
ANSWERS = st.builds(
    Answer, st.sampled_from([200, 201, 204, 301, 400, 403, 404, 405, 409, 422, 500, 501, 502, 599]), BODIES
)


@given(ANSWERS)
def test_a_single_read_is_about_the_task_or_about_nothing(answer: Answer) -> None:
    said = task_answer(IDS[0], answer).said
    if isinstance(said, Found):
        assert said.event.task_id == IDS[0]
    if isinstance(said, Unreachable):
        assert said.detail.isprintable()


@given(ANSWERS)
def test_no_batch_raises(answer: Answer) -> None:
    said = batch_answer(answer).said
    if isinstance(said, tuple):
        assert all(json.loads(one.text)["id"] == one.event.task_id for one in said)


@given(ANSWERS, st.integers(1, 50))
def test_no_list_raises(answer: Answer, size: int) -> None:
    said = list_answer(size, answer).said
    if isinstance(said, Listed):
        assert not any(event.links for event in said.events)


@given(BODIES)
def test_no_error_object_raises(body: bytes) -> None:
    error = read_error(body)
    assert error is None or all(part.isprintable() for part in (error.code, error.kind, error.message))


@pytest.mark.parametrize(
    ("code", "read"), [("task_not_found", "task_not_found"), (404, "404"), (None, ""), (True, ""), ([], "")]
)
def test_the_code_of_an_error_is_a_word_or_a_number(code: Any, read: str) -> None:
    error = read_error(json.dumps({"error": {"code": code, "message": "m", "type": "t"}}).encode())
    assert error is not None
    assert (error.code, error.kind, error.message) == (read, "t", "m")

"""Reading the provider's task object: lenient, and never an exception."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.task import EventStatus, TaskEvent
from service.provider.payload import Readable, Unreadable, read_callback, read_item, read_json

ID = "task-unified-1756800000-abcd"


def read(document: Any) -> TaskEvent:
    reading = read_callback(json.dumps(document).encode())
    assert isinstance(reading, Readable)
    return reading.event


def test_the_documented_task_object_is_read() -> None:
    event = read(
        {
            "id": ID,
            "object": "image.generation.task",
            "model": "gpt-image-2",
            "status": "completed",
            "progress": 100,
            "created": 1756800000,
            "results": ["https://files.evolink.ai/a/0.png", "https://files.evolink.ai/a/1.png"],
            "result_data": [{"url": "https://files.evolink.ai/a/1.png"}, {"url": "https://files.evolink.ai/a/2.png"}],
            "usage": {"credits_used": 1.02},
        }
    )
    assert event.status is EventStatus.COMPLETED
    assert event.links == tuple(f"https://files.evolink.ai/a/{n}.png" for n in range(3))
    assert (event.model, event.created, event.usage) == ("gpt-image-2", 1756800000, {"credits_used": 1.02})


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ({"results": [{"url": "https://x.y/1"}]}, ("https://x.y/1",)),
        ({"result_data": {"url": "https://x.y/2"}}, ("https://x.y/2",)),
        ({"results": "https://x.y/3"}, ("https://x.y/3",)),
        ({"results": [None, 3, {}, {"url": 1}, "", " ", "https://x.y/4 "]}, ("https://x.y/4",)),
        ({"results": None, "result_data": None}, ()),
        ({}, ()),
    ],
)
def test_links_are_found_in_every_shape(results: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert read({"id": ID, "status": "completed", **results}).links == expected


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"status": "canceled"}, EventStatus.CANCELLED),
        ({"status": " CANCELLED"}, EventStatus.CANCELLED),
        ({"status": "failed", "error": {"code": "request_cancelled"}}, EventStatus.CANCELLED),
        ({"status": "failed", "error": {"code": 500}}, EventStatus.FAILED),
        ({"status": "exploded"}, EventStatus.UNKNOWN),
        ({"status": 7}, EventStatus.UNKNOWN),
        ({}, EventStatus.UNKNOWN),
    ],
)
def test_statuses_are_made_one_spelling(document: dict[str, Any], status: EventStatus) -> None:
    assert read({"id": ID, **document}).status is status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"{}",
        b'{"id": 7}',
        b'{"id": "../../../etc/passwd"}',
        b'{"id": "ab"}',
        b'{"id": "task-1", "status":',
        b"\xff\xfe\x00",
        b"\x80abc",
        b"[" * 100_000,
        b'{"id": "task-1", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_names_no_task_is_unreadable_and_says_why(body: bytes) -> None:
    reading = read_callback(body)
    assert isinstance(reading, Unreadable)
    assert reading.detail


def test_values_that_databases_refuse_are_made_storable() -> None:
    body = (
        b'{"id":"task-0001","status":"failed","model":"a\\u0000b\\ud800c","usage":{"n":123456789012345678901234567890,'
        b'"x":NaN,"y":1e999,"deep":[{"k\\u0000":"\\udfff"}]},"error":{"code":99999999999999999999999},"created":NaN}'
    )
    reading = read_callback(body)
    assert isinstance(reading, Readable)
    event = reading.event
    text = json.dumps([event.model, event.usage, event.error], ensure_ascii=False, allow_nan=False)
    text.encode()
    assert "\x00" not in json.loads(text)[0]
    assert event.usage == {
        "n": "123456789012345678901234567890",
        "x": None,
        "y": None,
        "deep": [{"k\ufffd": "\ufffd" * 3}],
    }
    assert event.created is None


def test_of_usage_and_error_no_more_is_taken_over_than_there_is_room_for() -> None:
    said = {
        "many": [[]] * 5000,
        "input_tokens": 17,
        "deep": {"a": {"b": [1, "x"]}},
        "wide": {str(n): n for n in range(5000)},
        "message": "m" * 5000,
        "k" * 20_000: 1,
        "credits_used": 1.02,
    }
    event = read({"id": ID, "status": "failed", "usage": said, "error": said})
    kept = {"input_tokens": 17, "deep": {"a": {"b": [1, "x"]}}, "message": "m" * 2000, "credits_used": 1.02}
    assert event.usage == kept
    assert event.error == kept


@pytest.mark.parametrize(
    "value", [[[]] * 300_000, {str(n): n for n in range(60_000)}, ["x" * 15_000] * 2, {"k" * 17_000: 1}, [[[{}]] * 200]]
)
def test_what_takes_too_much_memory_is_left_out(value: Any) -> None:
    assert read({"id": ID, "usage": {"a": value, "n": 1}}).usage == {"n": 1}


def test_many_members_are_taken_over_until_there_is_no_room() -> None:
    usage = read({"id": ID, "usage": {f"k{n:03}": n for n in range(5000)}}).usage
    assert usage == {f"k{n:03}": n for n in range(16 * 1024 // (64 + 4 + 64))}


def test_numbers_may_come_as_text() -> None:
    assert read({"id": ID, "created": "1756800000"}).created == 1756800000
    assert read({"id": ID, "created": True}).created is None


@pytest.mark.parametrize(
    ("estimate", "seconds"),
    [(45, 45.0), ("45", 45.0), (0, 0.0), (604800, 604800.0), (604801, None), (-1, None), (True, None), (None, None)],
)
def test_an_estimate_is_taken_when_it_can_be_true(estimate: Any, seconds: float | None) -> None:
    assert read({"id": ID, "task_info": {"estimated_time": estimate}}).estimated_seconds == seconds


@pytest.mark.parametrize("info", [None, [], "soon", {}, {"estimated_time": {}}])
def test_an_estimate_in_another_shape_is_none(info: Any) -> None:
    assert read({"id": ID, "task_info": info}).estimated_seconds is None


def test_an_item_of_a_list_is_read_as_a_body_of_its_own_would_be() -> None:
    item = {
        "id": ID,
        "status": "completed",
        "model": "a\x00\ud800",
        "usage": {"n": 2**70},
        "results": ["https://x.y/1"],
    }
    _, document = read_json(json.dumps([item]).encode())
    alone = read_callback(json.dumps(item).encode())
    reading = read_item(document[0])
    assert isinstance(alone, Readable)
    assert isinstance(reading, Readable)
    assert reading.event == alone.event
    reading.text.encode()


@pytest.mark.parametrize("item", [None, 7, "x", [], {}, {"id": 7}, {"id": "../../x"}])
def test_an_item_that_names_no_task_is_none(item: Any) -> None:
    assert read_item(item) is None


def test_utf16_and_a_byte_order_mark_are_read() -> None:
    document = json.dumps({"id": ID, "status": "completed"})
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        assert isinstance(read_callback(document.encode(encoding)), Readable)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["id", "status", "results", "result_data", "error", "usage", "created"]), JSON))
def test_no_json_document_raises(document: dict[str, Any]) -> None:
    read_callback(json.dumps(document).encode("utf-8", "surrogatepass"))


@given(st.dictionaries(st.sampled_from(["id", "status", "results", "task_info", "error", "usage"]), JSON))
def test_no_item_raises(item: dict[str, Any]) -> None:
    read_item(item)


@given(st.binary(max_size=200))
def test_no_bytes_raise(body: bytes) -> None:
    assert isinstance(read_callback(body), (Readable, Unreadable))

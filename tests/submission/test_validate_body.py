"""Bodies that are no JSON, or that two readers could read differently: a clear refusal, never an exception."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.submission.request import Request, Wrong
from service.submission.validate import read_request

GOOD = b'{"model":"gpt-image-2","prompt":"a fox"%s}'


def read(body: bytes) -> Request | Wrong:
    return read_request(body, other_models=False)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not valid JSON: Expecting value at line 1, column 1"),
        (b"{", "not valid JSON"),
        (b'{"model":}', "line 1, column 10"),
        (GOOD % b"" + b"x", "Extra data"),
        (b"[]", "not a JSON object"),
        (b'"gpt-image-2"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"NaN", "NaN is no JSON"),
        (GOOD % b',"seed":NaN', "NaN is no JSON"),
        (GOOD % b',"seed":-Infinity', "-Infinity is no JSON"),
        (GOOD % b',"seed":1e400', "a number in it is too large"),
        (GOOD % b',"seed":123456789012345678901', "more than 20 digits"),
        (GOOD % (b',"n":' + b"9" * 5000), "more than 20 digits"),
        (GOOD % b',"n":1,"n":1', '"n" stands twice'),
        (GOOD % b',"x":{"a":1,"a":2}', '"a" stands twice'),
        (GOOD % b',"x":null,"x":null', '"x" stands twice'),
        (GOOD % (b',"x":' + b"[" * 64 + b"]" * 64), "more than 64 levels deep"),
        (GOOD % (b',"x":' + b'{"a":' * 64 + b"1" + b"}" * 64), "more than 64 levels deep"),
        (b"[" * 100_000, "more than 64 levels deep"),
        (b'{"a":' * 100_000, "more than 64 levels deep"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8 at byte 0"),
        (b'{"model":"gpt-image-2","prompt":"\xed\xa0\x80"}', "not UTF-8 at byte 33"),
        (b'{"model":"gpt-image-2","prompt":"a\nfox"}', "Invalid control character"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_the_reason(body: bytes, why: str) -> None:
    wrong = read(body)
    assert isinstance(wrong, Wrong)
    assert (wrong.param, wrong.code) == (None, "invalid_request")
    assert why in wrong.message
    assert wrong.message.startswith("The body is")
    assert wrong.message.endswith(".")


@pytest.mark.parametrize(
    "more",
    [
        b"",
        b',"seed":12345678901234567890',
        b',"seed":-12345678901234567890',
        b',"seed":1e308',
        b',"x":' + b"[" * 63 + b"]" * 63,
        b',"x":[{"a":1},{"a":1}],"a":1',
        b' , "emoji" : "\xf0\x9f\xa6\x8a"  ',
        b',"prompt2":null,"":0',
    ],
)
def test_what_is_unusual_and_clear_is_taken(more: bytes) -> None:
    request = read(GOOD % more)
    assert isinstance(request, Request), request
    expected = {name: value for name, value in json.loads(GOOD % more).items() if value is not None}
    assert request.document == expected
    assert json.loads(request.with_callback_url(None)) == expected


def test_a_mark_of_the_byte_order_before_the_body_is_overlooked() -> None:
    assert isinstance(read(b"\xef\xbb\xbf" + GOOD % b""), Request)


def test_two_escaped_halves_are_one_character() -> None:
    request = read(b'{"model":"gpt-image-2","prompt":"' + rb"\ud83e\udd8a" * 32_000 + b'"}')
    assert isinstance(request, Request)
    assert request.prompt == "🦊" * 32_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.dictionaries(
    st.sampled_from(["model", "prompt", "size", "resolution", "quality", "n", "image_urls", "mask_url", "callback_url"])
    | st.text(max_size=3),
    JSON | st.sampled_from(["gpt-image-2", "gpt-image-2-beta", "1:1", "https://h.example/", "\ud800"]),
)


@given(st.binary(max_size=60) | MEMBERS.map(lambda members: json.dumps(members).encode()), st.booleans())
@example(b'{"model":"gpt-image-2","prompt":"a fox","n":[]}', True)
def test_whatever_comes_is_a_request_or_a_refusal(body: bytes, other_models: bool) -> None:
    answer = read_request(body, other_models=other_models)
    if isinstance(answer, Wrong):
        assert answer.message
        assert answer.message.isprintable()
    else:
        assert json.loads(answer.with_callback_url("https://ours.example/"))["callback_url"] == "https://ours.example/"
        assert "\ud800" not in (answer.prompt or "")
        assert 1 <= answer.images <= 16

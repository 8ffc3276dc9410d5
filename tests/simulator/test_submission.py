import json
from typing import Any

import pytest

from service.simulator.api_error import ApiError
from service.simulator.submission import Submission, read_submission
from service.submission.parameters import BETA, MODEL
from service.submission.sizes import Resolution

GOOD: dict[str, Any] = {"model": MODEL, "prompt": "a fox"}
URL = "https://pictures.example/fox.png"


def read(allow_http: bool = False, **fields: Any) -> Submission | ApiError:
    return read_submission(json.dumps({**GOOD, **fields}).encode(), allow_http_callbacks=allow_http)


def test_the_defaults_are_the_documented_ones() -> None:
    submission = read()
    assert isinstance(submission, Submission)
    asked = submission.request
    assert (asked.size, asked.resolution, asked.quality, asked.n) == ("auto", "1K", "medium", 1)
    assert asked.callback_url is None


@pytest.mark.parametrize(
    "fields",
    [
        {"size": "16:9", "resolution": "4K", "quality": "high", "n": 10},
        {"size": "1024x1024"},
        {"image_urls": [URL] * 16, "mask_url": URL},
        {"callback_url": "https://localhost:8443/callbacks/evolink/token?ref=1"},
        {"model": BETA, "n": 1, "size": "1:1", "resolution": "2K"},
        {"prompt": "狐" * 32_000},
        {"quality": None, "n": None, "unknown": "ignored"},
    ],
)
def test_what_the_provider_documents_is_taken(fields: dict[str, Any]) -> None:
    assert isinstance(read(**fields), Submission)


@pytest.mark.parametrize(
    ("param", "fields"),
    [
        ("model", {"model": "gpt-image-9"}),
        ("model", {"model": None}),
        ("prompt", {"prompt": None}),
        ("prompt", {"prompt": "  "}),
        ("prompt", {"prompt": 7}),
        ("prompt", {"prompt": "x" * 32_001}),
        ("prompt", {"prompt": "half a pair \ud800"}),
        ("prompt", {"prompt": "[fault:explode]"}),
        ("size", {"size": "7:5"}),
        ("size", {"size": 1024}),
        ("resolution", {"size": "1:1", "resolution": "8K"}),
        ("resolution", {"size": "1024x1024", "resolution": "1K"}),
        ("resolution", {"resolution": "2K"}),
        ("quality", {"quality": "ultra"}),
        ("quality", {"model": BETA, "quality": "low"}),
        ("n", {"n": 0}),
        ("n", {"n": 11}),
        ("n", {"n": "2"}),
        ("n", {"n": True}),
        ("n", {"model": BETA, "n": 2}),
        ("image_urls", {"image_urls": []}),
        ("image_urls", {"image_urls": [URL] * 17}),
        ("image_urls", {"image_urls": ["fox.png"]}),
        ("mask_url", {"mask_url": URL}),
        ("mask_url", {"image_urls": [URL], "mask_url": "mask"}),
        ("mask_url", {"model": BETA, "image_urls": [URL], "mask_url": URL}),
        ("callback_url", {"callback_url": "http://localhost/callbacks"}),
        ("callback_url", {"callback_url": "https://"}),
        ("callback_url", {"callback_url": 7}),
        ("callback_url", {"callback_url": "https://localhost/" + "x" * 2048}),
        ("callback_url", {"callback_url": "https://local\nhost/"}),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(param: str, fields: dict[str, Any]) -> None:
    refused = read(**fields)
    assert isinstance(refused, ApiError)
    assert (refused.status, refused.code, refused.param) == (400, "invalid_parameters", param)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    refused = read_submission(body, allow_http_callbacks=False)
    assert isinstance(refused, ApiError)
    assert refused.status == 400


def test_a_callback_without_tls_is_taken_only_when_allowed() -> None:
    assert isinstance(read(allow_http=True, callback_url="http://localhost:1/x"), Submission)
    assert isinstance(read(allow_http=False, callback_url="http://localhost:1/x"), ApiError)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8443", "[::1]:1", "10.0.0.1", "darkroom.internal", "pod"])
def test_callbacks_to_internal_addresses_are_taken_since_that_is_where_tests_run(host: str) -> None:
    assert isinstance(read(callback_url=f"https://{host}/callbacks"), Submission)


def test_no_answer_names_a_setting_of_the_service() -> None:
    refused = read(model="gpt-image-9")
    assert isinstance(refused, ApiError)
    assert "DARKROOM" not in refused.message
    assert MODEL in refused.message
    assert BETA in refused.message


def test_the_callback_url_counts_for_the_fingerprint_but_not_for_the_identity() -> None:
    one, other = read(callback_url="https://localhost/1"), read(callback_url="https://localhost/2")
    assert isinstance(one, Submission)
    assert isinstance(other, Submission)
    assert one.identity == other.identity
    assert one.request.fingerprint != other.request.fingerprint
    assert one.request.resolution is Resolution.ONE_K

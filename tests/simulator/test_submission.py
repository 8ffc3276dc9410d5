import json
from typing import Any

import pytest

from service.simulator.api_error import ApiError
from service.simulator.dimensions import Resolution
from service.simulator.submission import BETA, MODEL, Submission, read_submission

GOOD: dict[str, Any] = {"model": MODEL, "prompt": "a fox"}
URL = "https://pictures.example/fox.png"


def read(allow_http: bool = False, **fields: Any) -> Submission | ApiError:
    return read_submission(json.dumps({**GOOD, **fields}).encode(), allow_http_callbacks=allow_http)


def test_the_defaults_are_the_documented_ones() -> None:
    submission = read()
    assert isinstance(submission, Submission)
    assert (submission.size, submission.resolution, submission.quality, submission.n) == ("auto", "1K", "medium", 1)
    assert submission.callback_url is None


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
        {"prompt": "half a pair \ud800"},
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


def test_the_callback_url_counts_for_the_fingerprint_but_not_for_the_identity() -> None:
    one, other = read(callback_url="https://localhost/1"), read(callback_url="https://localhost/2")
    assert isinstance(one, Submission)
    assert isinstance(other, Submission)
    assert one.identity == other.identity
    assert one.fingerprint != other.fingerprint
    assert one.resolution is Resolution.ONE_K

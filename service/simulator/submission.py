"""Read and judge what a caller submits, as the provider documents its parameters. Pure; nothing is started here."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from service.simulator.api_error import ApiError, invalid
from service.simulator.dimensions import AUTO, RATIOS, Resolution, size_problem
from service.simulator.prompt_words import PromptWords, read_prompt_words

MODEL, BETA = "gpt-image-2", "gpt-image-2-beta"
QUALITIES = ("low", "medium", "high")
LONGEST_PROMPT = 32_000
LONGEST_CALLBACK_URL = 2048
MOST_IMAGES = 10
MOST_INPUT_IMAGES = 16


@dataclass(frozen=True, slots=True)
class Submission:
    """A request for images that was found good; `identity` is equal for equal requests, callback URLs aside."""

    model: str
    words: PromptWords
    prompt_length: int
    size: str
    resolution: Resolution
    quality: str
    n: int
    input_images: int
    callback_url: str | None
    identity: str
    fingerprint: str  # of everything, for Idempotency-Key


def read_submission(body: bytes, *, allow_http_callbacks: bool) -> Submission | ApiError:
    """The submission, or the answer that refuses it."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ApiError(400, "invalid_request", "The body is not valid JSON.")
    if not isinstance(document, dict):
        return ApiError(400, "invalid_request", "The body is not a JSON object.")
    fields = {key: value for key, value in document.items() if value is not None}
    for check in (_check_model, _check_prompt, _check_size, _check_quality, _check_count, _check_inputs):
        if (problem := check(fields)) is not None:
            return problem
    if (problem := _check_callback(fields, allow_http_callbacks)) is not None:
        return problem
    words = read_prompt_words(fields["prompt"])
    return _submission(fields, words) if isinstance(words, PromptWords) else invalid("prompt", words)


def _submission(fields: Mapping[str, Any], words: PromptWords) -> Submission:
    return Submission(
        model=fields["model"],
        words=words,
        prompt_length=len(fields["prompt"]),
        size=fields.get("size", AUTO),
        resolution=Resolution(fields.get("resolution", Resolution.ONE_K)),
        quality=fields.get("quality", "medium"),
        n=fields.get("n", 1),
        input_images=len(fields.get("image_urls", ())),
        callback_url=fields.get("callback_url"),
        identity=_hash({key: value for key, value in fields.items() if key != "callback_url"}),
        fingerprint=_hash(fields),
    )


def _hash(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _check_model(fields: Mapping[str, Any]) -> ApiError | None:
    if fields.get("model") in (MODEL, BETA):
        return None
    return invalid("model", f"model must be {MODEL} or {BETA}")


def _check_prompt(fields: Mapping[str, Any]) -> ApiError | None:
    prompt = fields.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        return invalid("prompt", "prompt is required")
    if len(prompt) > LONGEST_PROMPT:
        return invalid("prompt", f"prompt must not exceed {LONGEST_PROMPT} characters")
    return None


def _check_size(fields: Mapping[str, Any]) -> ApiError | None:
    size = fields.get("size", AUTO)
    problem = size_problem(size) if isinstance(size, str) else "size must be a string"
    if problem is not None:
        return invalid("size", problem)
    if "resolution" not in fields:
        return None
    if fields["resolution"] not in tuple(Resolution):
        return invalid("resolution", f"resolution must be one of {' '.join(Resolution)}")
    return None if size in RATIOS else invalid("resolution", "resolution needs a size that is a ratio")


def _check_quality(fields: Mapping[str, Any]) -> ApiError | None:
    if "quality" not in fields:
        return None
    if fields["model"] == BETA:
        return invalid("quality", f"{BETA} does not offer quality")
    return None if fields["quality"] in QUALITIES else invalid("quality", f"quality must be {', '.join(QUALITIES)}")


def _check_count(fields: Mapping[str, Any]) -> ApiError | None:
    n, most = fields.get("n", 1), 1 if fields["model"] == BETA else MOST_IMAGES
    if isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= most:
        return None
    return invalid("n", f"n must be a whole number from 1 to {most}")


def _check_inputs(fields: Mapping[str, Any]) -> ApiError | None:
    urls, mask = fields.get("image_urls"), fields.get("mask_url")
    if urls is not None:
        counted = isinstance(urls, list) and 1 <= len(urls) <= MOST_INPUT_IMAGES
        if not counted or not all(_is_web_address(url, ("https", "http")) for url in urls):
            return invalid("image_urls", f"image_urls must be 1 to {MOST_INPUT_IMAGES} URLs")
    if mask is None:
        return None
    if fields["model"] == BETA:
        return invalid("mask_url", f"{BETA} does not offer mask_url")
    if urls is None or not _is_web_address(mask, ("https", "http")):
        return invalid("mask_url", "mask_url must be a URL and needs image_urls")
    return None


def _check_callback(fields: Mapping[str, Any], allow_http: bool) -> ApiError | None:
    """The provider also refuses internal addresses; this stand-in is for tests on them."""
    url = fields.get("callback_url")
    if url is None:
        return None
    if not _is_web_address(url, ("https", "http") if allow_http else ("https",)):
        return invalid("callback_url", "callback_url must be an HTTPS URL")
    if len(url) > LONGEST_CALLBACK_URL:
        return invalid("callback_url", f"callback_url must not exceed {LONGEST_CALLBACK_URL} characters")
    return None


def _is_web_address(url: object, schemes: tuple[str, ...]) -> bool:
    if not isinstance(url, str):
        return False
    try:
        return bool(httpx.URL(url).host) and urlsplit(url).scheme in schemes
    except (ValueError, httpx.InvalidURL):
        return False

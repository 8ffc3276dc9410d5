"""Reads what a caller submits, by the rules of the provider and the words of our own in a prompt. Pure."""

from dataclasses import dataclass

from service.simulator.api_error import ApiError, invalid
from service.simulator.prompt_words import PromptWords, read_prompt_words
from service.submission.parameters import BETA, MODEL
from service.submission.request import CALLBACK, Request, Wrong, fingerprint
from service.submission.urls import CallbackRule
from service.submission.validate import read_request

_TLS = CallbackRule(internal=True)
_ANY = CallbackRule(schemes=("https", "http"), internal=True)
"""The provider also refuses internal addresses; this stand-in is for tests on them."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A request for images that was found good; `identity` is equal for equal requests, callback URLs aside."""

    request: Request
    words: PromptWords
    identity: str


def read_submission(body: bytes, *, allow_http_callbacks: bool) -> Submission | ApiError:
    """The submission, or the answer that refuses it."""
    request = read_request(body, other_models=False, callback_rule=_ANY if allow_http_callbacks else _TLS)
    if isinstance(request, Wrong):
        return _refusal(request)
    words = read_prompt_words(request.prompt or "")
    if isinstance(words, str):
        return invalid("prompt", words)
    identity = fingerprint({name: value for name, value in request.document.items() if name != CALLBACK})
    return Submission(request, words, identity)


def _refusal(wrong: Wrong) -> ApiError:
    """The rule in our words, except where they name a setting that only the service has."""
    message = f"model must be {MODEL} or {BETA}" if wrong.param == "model" else wrong.message
    return ApiError(400, wrong.code, message, wrong.param)

"""Requests made from members, for tests of what may be asked for and what it costs."""

import json
from typing import Any

from service.submission.request import Request, Wrong
from service.submission.validate import read_request

MODEL, BETA = "gpt-image-2", "gpt-image-2-beta"
IMAGE = "https://pictures.example/fox.png"


def read(*, other_models: bool = False, **fields: Any) -> Request | Wrong:
    """What becomes of a good request with these members; one that is `...` is not in it."""
    members = {"model": MODEL, "prompt": "a fox", **fields}
    body = json.dumps({name: value for name, value in members.items() if value is not ...}).encode()
    return read_request(body, other_models=other_models)


def a_request(*, other_models: bool = False, **fields: Any) -> Request:
    request = read(other_models=other_models, **fields)
    assert isinstance(request, Request), request
    return request


def refused(*, other_models: bool = False, **fields: Any) -> Wrong:
    wrong = read(other_models=other_models, **fields)
    assert isinstance(wrong, Wrong), wrong
    return wrong

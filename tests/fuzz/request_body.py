"""Bodies of our own API: whatever is taken over can be stored, and whatever is refused says what of it."""

import asyncio
import atexit
import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request

from service.errors import DarkroomError
from service.web.api_keys import KeyToMake
from service.web.assets import LinkToSign
from service.web.body import read_form, read_model
from service.web.callback_urls import CallbackUrlToMint
from service.web.events import EventsToReplay
from service.web.inbox import CallbacksToReplay
from service.web.tasks import HoldToPut, TagsToChange, TaskToTell
from tests.fuzz.pieces import Pieces
from tests.fuzz.storable import must_be_storable

MODELS: tuple[type[BaseModel], ...] = (
    CallbackUrlToMint,
    TaskToTell,
    TagsToChange,
    HoldToPut,
    KeyToMake,
    LinkToSign,
    EventsToReplay,
    CallbacksToReplay,
)
RUNNER = asyncio.Runner()
atexit.register(RUNNER.close)
FORM = "application/x-www-form-urlencoded"


def seeds() -> Iterator[bytes]:
    documents: tuple[dict[str, Any], ...] = (
        {"ref": "a\0b", "tags": {"team": "shop"}, "task_id": "task-0001", "expires_in": 60},
        {"id": "task-0001", "prompt": "日落", "parameters": {"n": 2**70, "deep": [{"k": 1.5}]}, "tags": {}},
        {"stage": "final", "team": None},
        {"reason": "case 7"},
        {"name": "shop", "scopes": ["write"], "expires_in": 60, "note": "x", "replaces": "id", "overlap": 1},
        {"expires_in": 60},
        {"status": "dead", "all": True, "dry_run": False},
        {"verdict": "unreadable", "received_after": "2026-05-01T00:00:00Z", "ids": ["1", "2"], "task_id": "task-0001"},
    )
    for number, document in enumerate(documents):
        yield bytes([number]) + json.dumps(document).encode()
    yield b"\1" + b'{"id":"task-0001","parameters":{"n":NaN,"i":-Infinity}}'
    yield bytes([len(MODELS)]) + b"key=darkroom_x&write_token=a.b&next=%2Fops"


def check(data: bytes) -> None:
    pieces = Pieces(data)
    number = pieces.number(len(MODELS))
    body = pieces.rest()
    try:
        if number == len(MODELS):
            fields = RUNNER.run(read_form(_request(body, FORM)))
            assert len(fields) <= 20
            "".join([*fields, *fields.values()]).encode()
        else:
            _taken(RUNNER.run(read_model(_request(body, "application/json"), MODELS[number])))
    except DarkroomError as refused:
        must_be_storable(str(refused))


def _taken(given: BaseModel) -> None:
    """Every text that is taken over can be stored; ids are judged by rules of their own."""
    told = given.model_dump(mode="json")
    for name in ("id", "task_id"):
        if isinstance(told, dict):
            told.pop(name, None)
    must_be_storable(told)


def _request(body: bytes, kind: str) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", kind.encode())]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers, "query_string": b""}
    return Request(scope, receive)

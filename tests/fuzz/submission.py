"""Requests for images: what is taken goes on as it was meant, and what is refused says why."""

import json
from collections.abc import Iterator
from typing import Any

from service.submission.parameters import BETA, MODEL
from service.submission.request import Wrong, fingerprint
from service.submission.sizes import LONGEST_EDGE, STEP, edges
from service.submission.validate import read_request
from tests.fuzz.pieces import Pieces
from tests.fuzz.storable import must_be_storable

OURS = "https://darkroom.example.com/callbacks/evolink/x"


def seeds() -> Iterator[bytes]:
    base = {"model": MODEL, "prompt": "a lighthouse", "n": 2, "quality": "high"}
    documents: tuple[dict[str, Any], ...] = (
        base,
        {**base, "size": "1024x1536", "image_urls": ["https://h.example/a.png"], "mask_url": "https://h.example/m.png"},
        {**base, "size": "16:9", "resolution": "4K", "callback_url": "https://cb.example/x"},
        {"model": BETA, "prompt": "p" * 2001},
        {"model": "other-1", "prompt": "\ud800\0", "n": 3, "size": 7, "resolution": [], "image_urls": {}, "x": 1e300},
        {**base, "size": "1x1", "n": True},
    )
    for document in documents:
        yield b"\0" + json.dumps(document).encode()
        yield b"\1" + json.dumps(document).encode("utf-8-sig")
    yield b'\1{"model":"m","model":"n"}'
    yield b'\1{"model":"m","a":' + b"[" * 70 + b"]" * 70 + b"}"


def check(data: bytes) -> None:
    pieces = Pieces(data)
    other_models = bool(pieces.number(1))
    asked = read_request(pieces.rest(), other_models=other_models)
    if isinstance(asked, Wrong):
        must_be_storable(asked.message)
        must_be_storable(asked.code)
        return
    assert other_models or asked.known
    must_be_storable((asked.model, asked.prompt, asked.warnings))
    assert 1 <= asked.images <= (10 if asked.known else 16)
    across, down = edges(asked.size, asked.resolution)
    assert across % STEP == down % STEP == 0
    assert 0 < max(across, down) <= LONGEST_EDGE
    assert fingerprint(dict(reversed([*asked.document.items()]))) == asked.fingerprint
    sent = json.loads(asked.with_callback_url(OURS))
    assert sent == {**asked.document, "callback_url": OURS}
    again = read_request(asked.with_callback_url(asked.callback_url), other_models=other_models)
    assert again == asked, "sent on, it is another request"

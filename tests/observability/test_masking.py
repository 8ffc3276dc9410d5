"""Tokens and full links do not get through the second wall, and ordinary text does."""

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.intake.callback_token import CallbackToken, TokenSigner
from service.observability.masking import masked, masked_value
from tests.support.deliveries import NOW

TOKEN = TokenSigner(["a secret for signing"]).sign(CallbackToken(id="tok-1", source="evolink", issued_at=NOW))
LINK = "https://files.evolink.ai/prefix/images/2026/05/01/0123456789abcdef.png"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("POST /callbacks/evolink/tok.sig HTTP/1.1", "POST /callbacks/evolink/*** HTTP/1.1"),
        ("/callbacks/evolink/tok.sig/", "/callbacks/evolink/***/"),
        ("/a/tok.sig", "/a/***"),
        ("/darkroom/a/tok.sig?x=1", "/darkroom/a/***?***"),
        ("'/callbacks/evolink/tok.sig'", "'/callbacks/evolink/***'"),
        (f"GET {LINK} failed", "GET https://files.evolink.ai/*** failed"),
        ("https://h.example?sig=abc", "https://h.example/***"),
        ("HTTPS://H.example:8443/a/b?c#d", "HTTPS://H.example:8443/***"),
        ("/v1/assets?cursor=abc", "/v1/assets?***"),
        ("postgresql://user:word@db:5432/x", "postgresql://***@db:5432/x"),
        ("http://user:word@proxy:3128", "http://***@proxy:3128"),
        ("authorization: Bearer dk_abc", "authorization: Bearer ***"),
        (f"shown was darkroom_{'x' * 43}, wrongly", "shown was darkroom_***, wrongly"),
    ],
)
def test_secrets_are_masked(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "callback",
        "task-unified-1756800000-abcd",
        "files.evolink.ai",
        "https://darkroom.example",
        "http://127.0.0.1:8080/",
        "/srv/darkroom/archive/evolink/2026/05/01/task/0-0123456789ab.png",
        "2026-05-01T12:00:00Z",
        "f" * 64,
        "no space left on device; free some space",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert masked(text) == text


@given(st.text(alphabet=" '\"<>()/abc=&?.", max_size=20), st.text(alphabet=" '\"<>()/abc=&?.", max_size=20))
def test_a_tokens_signature_never_survives_whatever_stands_around_it(before: str, after: str) -> None:
    assert TOKEN.rpartition(".")[2] not in masked(f"{before}{TOKEN}{after}")


@given(st.text(alphabet=" '\"<>(=&a1.,", max_size=20), st.text(max_size=20))
def test_the_path_of_a_link_never_survives_whatever_stands_around_it(before: str, after: str) -> None:
    assert "0123456789abcdef" not in masked(f"{before}{LINK}{after}")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["/a/token", 1], ["/a/***", 1]),
        ({"path": ("/a/token",), "/a/token": None}, {"path": ["/a/***"], "/a/***": None}),
        (ValueError("see /a/token"), "see /a/***"),
        (Path("/a/token"), "/a/***"),
        (b"/a/token", "b'/a/***'"),
        ([[[[["/a/token"]]]]], [[[["['/a/***']"]]]]),
        (True, True),
        (1.5, 1.5),
        (None, None),
    ],
)
def test_values_of_every_kind_are_masked(value: Any, expected: Any) -> None:
    assert masked_value(value) == expected


@pytest.mark.parametrize("piece", ["/", "://", "/a/", "https://", "/callbacks/", "/?", ".", "bearer ", "a.b", "@:/"])
def test_hostile_text_takes_no_more_than_linear_time(piece: str) -> None:
    def seconds(length: int) -> float:
        started = time.process_time()
        masked(piece * (length // len(piece)))
        return time.process_time() - started

    assert seconds(200_000) < 2.0  # quadratic time would be minutes

"""The sidecar's text: the fields of the contract, always valid JSON."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from service.archive.sidecar import SCHEMA, Evidence, render
from service.domain.asset import Asset, AssetReason, AssetStatus, Stored, archived, deleted
from service.domain.history import Effect, HistoryEntry
from service.domain.image import Image, ImageFormat
from service.domain.task import Check, Origin, Rank, Standing, Task, TaskStatus

NOW = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)
LINK = "https://files.evolink.ai/a/0.png?sig=1"
STORED = Stored("evolink/2026/05/01/task-1/0-aaaaaaaaaaaa.png", "a" * 64, 10, Image(ImageFormat.PNG, 3, 2))
PENDING = Asset(task_id="task-1", index=0, links=(LINK,), deadline=NOW + timedelta(hours=24), created_at=NOW)
ARCHIVED = archived(PENDING, STORED, now=NOW)
TASK = Task(
    id="task-1",
    source="evolink",
    received_at=NOW,
    status=TaskStatus.COMPLETED,
    rank=Rank.COMPLETED,
    token_id="tok-1",
    model="gpt-image-2",
    ref="日落",
    tags={"team": "a"},
    prompt="a \x00 cat \ud800",
    parameters={"n": 1},
    usage={"credits_used": 1.5},
    created_at=NOW,
    deadline=NOW + timedelta(hours=24),
    archive_date=date(2026, 5, 1),
    provider_json='{"id": "task-1", "status": "completed", "unknown": [1.10, null]}',
    version=4,
)
FAILED_LATER = HistoryEntry(
    at=NOW,
    origin=Origin.CALLBACK,
    status="failed",
    standing=Standing.AUTHORITATIVE,
    effect=Effect.OUTRANKED,
    rank=Rank.FAILED,
    callback_id=7,
)
SEEN = Evidence("callback", "b" * 64, "tok-1", "accepted", 2, NOW, callback_id=7, status="failed", size=99)


def shown(task: Task = TASK, assets: tuple[Asset, ...] = (ARCHIVED,)) -> dict[str, Any]:
    text = render(task, assets, [FAILED_LATER], [SEEN])

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON (RFC 8259)")

    document: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return document


def test_it_says_what_it_is_and_which_version() -> None:
    document = shown()
    assert (document["schema"], document["version"]) == (SCHEMA, 4) == ("darkroom/task/1", 4)
    assert set(document) == {"schema", "version", "task", "assets", "tombstones", "evidence", "provider"}


def test_the_task_is_whole_with_odd_text_and_all() -> None:
    task = shown()["task"]
    assert (task["id"], task["source"], task["status"], task["rank"]) == ("task-1", "evolink", "completed", 6)
    assert (task["ref"], task["tags"], task["prompt"]) == ("日落", {"team": "a"}, "a \x00 cat \ud800")
    assert (task["created_at"], task["archive_date"]) == ("2026-05-01T12:00:00.123456Z", "2026-05-01")
    missing = {"model", "parameters", "usage", "error", "reason", "conflict", "received_at", "settled_at", "deadline"}
    assert missing <= set(task)


def test_an_asset_has_its_hash_size_format_host_and_links() -> None:
    [asset] = shown()["assets"]
    assert (asset["id"], asset["index"], asset["status"]) == ("task-1.0", 0, "archived")
    assert (asset["sha256"], asset["bytes"], asset["format"], asset["media_type"]) == ("a" * 64, 10, "png", "image/png")
    assert (asset["width"], asset["height"], asset["object_key"]) == (3, 2, STORED.object_key)
    assert (asset["url_host"], asset["links"]) == ("files.evolink.ai", [LINK])
    assert asset["archived_at"] == "2026-05-01T12:00:00.123456Z"


def test_deleted_assets_are_tombstones() -> None:
    gone = deleted(replace(ARCHIVED, index=1))
    document = shown(assets=(ARCHIVED, gone))
    assert document["tombstones"] == [1]
    assert [asset["status"] for asset in document["assets"]] == ["archived", "deleted"]


def test_a_dead_asset_says_why() -> None:
    dead = replace(PENDING, status=AssetStatus.DEAD, reason=AssetReason.LINK_EXPIRED)
    [asset] = shown(assets=(dead,))["assets"]
    assert (asset["status"], asset["reason"], asset["sha256"]) == ("dead", "link_expired", None)


def test_the_evidence_says_who_told_us_and_that_they_disagreed() -> None:
    evidence = shown()["evidence"]
    assert (evidence["token_id"], evidence["confirmed"]) == ("tok-1", False)
    assert evidence["callbacks"] == [
        {
            "id": 7,
            "origin": "callback",
            "status": "failed",
            "bytes": 99,
            "body_sha256": "b" * 64,
            "token_id": "tok-1",
            "verdict": "accepted",
            "deliveries": 2,
            "received_at": "2026-05-01T12:00:00.123456Z",
        }
    ]
    [entry] = evidence["history"]
    assert (entry["status"], entry["effect"], entry["conflict"]) == ("failed", "outranked", True)
    assert entry["callback_id"] == evidence["callbacks"][0]["id"]


def test_what_a_rebuilt_catalog_needs_to_go_on_is_there() -> None:
    task = replace(TASK, callback_rank=Rank.CANCELLED, expected_images=3, stranger=True, check=Check(at=NOW))
    waiting = replace(PENDING, attempts=2, revivals=1, detail="503 from the host", next_attempt_at=NOW)
    document = shown(task, (waiting,))
    evidence, [asset] = document["evidence"], document["assets"]
    assert (evidence["callback_rank"], evidence["expected_images"], evidence["stranger"]) == (4, 3, True)
    assert evidence["next_check_at"] == asset["next_attempt_at"] == "2026-05-01T12:00:00.123456Z"
    assert (asset["attempts"], asset["revivals"], asset["detail"]) == (2, 1, "503 from the host")


def test_the_providers_document_is_there_with_what_we_do_not_know() -> None:
    assert shown()["provider"] == {"id": "task-1", "status": "completed", "unknown": [1.1, None]}
    assert shown(replace(TASK, provider_json=None))["provider"] is None


def test_it_is_text_that_any_tool_reads() -> None:
    text = render(TASK, [ARCHIVED], [], [])
    assert text.endswith(b"}\n")
    assert text.isascii()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_number_that_json_cannot_write_does_not_spoil_it(number: str) -> None:
    shown(replace(TASK, provider_json=f'{{"id": "task-1", "odd": {number}}}'))


def test_deep_nesting_can_be_shown() -> None:
    shown(replace(TASK, provider_json=f'{{"id": "task-1", "odd": {"[" * 500 + "]" * 500}}}'))


def test_a_very_long_number_can_be_shown() -> None:
    shown(replace(TASK, provider_json=f'{{"id": "task-1", "odd": {"9" * 5000}}}'))

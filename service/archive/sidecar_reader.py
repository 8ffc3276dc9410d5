"""A sidecar's bytes → the task they tell of, or why they cannot be read. Pure.

Strict about types, lenient about members: unknown ones are passed over, and those that older versions did not write may
be missing. Whoever can write to the store can write sidecars, so nothing in one becomes a path before it was checked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from service.archive.members import MemberError, Members, raw_members, storable, strict_json
from service.archive.sidecar import SCHEMA, Evidence
from service.domain.asset import Asset, AssetReason, AssetStatus, Stored
from service.domain.callback import Verdict
from service.domain.history import Effect, HistoryEntry
from service.domain.image import Image, ImageFormat
from service.domain.object_key import asset_key, is_task_id, sidecar_key
from service.domain.task import Check, Hold, Origin, Rank, Standing, Task, TaskReason, TaskStatus

LONGEST = 32 * 2**20
"""Bytes of a sidecar; real ones have some thousands, and at most a few callbacks' worth."""

_LARGEST_SIZE = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SidecarRead:
    """What a sidecar tells. Of a task's check only the time is known; whether deleted bytes are gone is not."""

    task: Task
    assets: tuple[Asset, ...]
    history: tuple[HistoryEntry, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a sidecar says nothing; `newer`: because a newer version of this program wrote it."""

    reason: str
    newer: bool = False


def read_sidecar(key: str, data: bytes) -> SidecarRead | Unreadable:
    """Read the bytes that lie under `key`; any bytes get an answer."""
    if len(data) > LONGEST:
        return Unreadable(f"longer than {LONGEST} bytes")
    try:
        raw = raw_members(data.decode("utf-8"))
        schema = strict_json(raw.get("schema", "null"))
        if schema != SCHEMA:
            return _of_another_schema(schema)
        members = Members("", {name: strict_json(text) for name, text in raw.items() if name != "provider"})
        return _read(key, members, _provider_json(raw.get("provider", "null")))
    except RecursionError:
        return Unreadable("nested too deeply")
    except MemberError as error:
        return Unreadable(str(error))
    except ValueError:
        return Unreadable("not a JSON object, or cut off")


def _of_another_schema(schema: object) -> Unreadable:
    family, _, number = schema.rpartition("/") if isinstance(schema, str) else ("", "", "")
    if family == SCHEMA.rpartition("/")[0] and number.isascii() and number.isdigit():
        return Unreadable(f"of schema {schema}, which is not this version's", newer=True)
    return Unreadable("not a task's sidecar: it has no schema of one")


def _provider_json(text: str) -> str | None:
    """The provider's text: as it is, or as the JSON string that stands for one which is no JSON."""
    if text == "null":
        return None
    decoded = strict_json(text) if text.startswith('"') else text
    return storable(decoded) if isinstance(decoded, str) else None


def _read(key: str, members: Members, provider_json: str | None) -> SidecarRead:
    told, evidence = members.inner("task"), members.inner("evidence")
    task = _task(told, evidence, members.whole("version"), provider_json)
    if not is_task_id(task.id) or task.archive_date is None or _key_of(task) != key:
        raise MemberError("task.id, source and archive_date do not belong to the folder that it lies in")
    deleted = set(members.wholes("tombstones"))
    assets = sorted((_asset(one, task, deleted) for one in members.items("assets")), key=lambda asset: asset.index)
    if [asset.index for asset in assets] != list(range(len(assets))):
        raise MemberError("assets are not numbered from 0 on")
    return SidecarRead(
        task,
        tuple(assets),
        tuple(_entry(one) for one in evidence.items("history")),
        _unique(_evidence(one) for one in evidence.items("callbacks")),
    )


def _key_of(task: Task) -> str:
    assert task.archive_date is not None
    return sidecar_key(task.source, task.archive_date, task.id)


def _task(told: Members, evidence: Members, version: int, provider_json: str | None) -> Task:
    return Task(
        id=told.text("id"),
        source=told.text("source"),
        received_at=told.time("received_at"),
        status=told.choice("status", TaskStatus),
        reason=told.choice_or_none("reason", TaskReason),
        rank=told.choice("rank", Rank),
        confirmed=evidence.flag("confirmed"),
        conflict=told.flag("conflict"),
        token_id=evidence.text_or_none("token_id"),
        model=told.text_or_none("model"),
        ref=told.text_or_none("ref"),
        tags=_tags(told.mapping_or_none("tags") or {}),
        prompt=told.text_or_none("prompt"),
        parameters=told.mapping_or_none("parameters"),
        submitted_by=told.text_or_none("submitted_by"),
        estimate=told.mapping_or_none("estimate"),
        usage=told.mapping_or_none("usage"),
        error=told.mapping_or_none("error"),
        created_at=told.time_or_none("created_at"),
        deadline=told.time_or_none("deadline"),
        settled_at=told.time_or_none("settled_at"),
        archive_date=told.day("archive_date"),
        provider_json=provider_json,
        callback_rank=_callback_rank(evidence),
        expected_images=evidence.whole("expected_images", 0),
        stranger=evidence.flag("stranger"),
        check=Check(at=evidence.time_or_none("next_check_at")),
        hold=_hold(told.inner("hold")),
        version=version,
        sidecar_version=version,
    )


def _hold(told: Members) -> Hold | None:
    return Hold(told.time("at"), told.text("by"), told.text_or_none("reason")) if told.values else None


def _tags(tags: Mapping[str, Any]) -> Mapping[str, str]:
    if not all(isinstance(value, str) for value in tags.values()):
        raise MemberError("task.tags is not a map of texts")
    return tags


def _callback_rank(evidence: Members) -> Rank:
    """The most that callbacks of the task's own token said; earlier versions left that to the history."""
    told = evidence.choice_or_none("callback_rank", Rank)
    if told is not None:
        return told
    entries = [_entry(one) for one in evidence.items("history")]
    own = [one.rank for one in entries if one.origin is Origin.CALLBACK and one.effect is not Effect.FOREIGN]
    return max(own, default=Rank.NOTHING)


def _asset(told: Members, task: Task, deleted: set[int]) -> Asset:
    index = told.whole("index", largest=9999)
    status = AssetStatus.DELETED if index in deleted else told.choice("status", AssetStatus)
    links, refused = told.texts("links"), told.texts("refused_links")
    if not links and (status is AssetStatus.PENDING or not refused):
        raise MemberError(f"{told.path}links has none")
    stored = _stored(told, task, index)
    if (stored is None and status is AssetStatus.ARCHIVED) or (stored is not None and status is AssetStatus.PENDING):
        raise MemberError(f"{told.path}status and object_key contradict each other")
    return Asset(
        task_id=task.id,
        index=index,
        links=links,
        refused=refused,
        deadline=told.time("deadline"),
        created_at=told.time("created_at"),
        status=status,
        reason=told.choice_or_none("reason", AssetReason),
        detail=told.text_or_none("detail"),
        attempts=told.whole("attempts", 0),
        revivals=told.whole("revivals", 0),
        next_attempt_at=told.time_or_none("next_attempt_at"),
        stored=stored,
        archived_at=told.time_or_none("archived_at"),
        details=told.mapping_or_none("details") if status is AssetStatus.ARCHIVED else None,
    )


def _stored(told: Members, task: Task, index: int) -> Stored | None:
    key = told.text_or_none("object_key")
    if key is None:
        return None
    image = Image(told.choice("format", ImageFormat), told.whole("width"), told.whole("height"))
    sha256 = told.text("sha256")
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise MemberError(f"{told.path}sha256 is not one")
    if key != asset_key(task.source, _day(task), task.id, index, sha256, image.format):
        raise MemberError(f"{told.path}object_key does not follow from the hash")
    return Stored(key, sha256, told.whole("bytes", largest=_LARGEST_SIZE), image)


def _day(task: Task) -> date:
    assert task.archive_date is not None
    return task.archive_date


def _entry(told: Members) -> HistoryEntry:
    return HistoryEntry(
        at=told.time("at"),
        origin=told.choice("origin", Origin),
        status=told.text("status"),
        standing=told.choice("standing", Standing),
        effect=told.choice("effect", Effect),
        rank=told.choice("rank", Rank),
        callback_id=told.whole("callback_id", largest=_LARGEST_SIZE) if told.values.get("callback_id") else None,
        note=told.text_or_none("note"),
    )


def _evidence(told: Members) -> Evidence:
    return Evidence(
        origin=told.choice("origin", Origin).value,
        body_sha256=told.text("body_sha256"),
        token_id=told.text_or_none("token_id"),
        verdict=told.choice("verdict", Verdict).value,
        deliveries=told.whole("deliveries"),
        received_at=told.time("received_at"),
        callback_id=told.whole("id", largest=_LARGEST_SIZE) if told.values.get("id") else None,
        status=told.text_or_none("status"),
        size=told.whole("bytes", 0),
    )


def _unique(found: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Each body once, as the inbox has it."""
    return tuple({one.body_sha256: one for one in found}.values())

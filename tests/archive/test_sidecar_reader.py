"""Reading sidecars: strict about types, lenient about members, and unmoved by what is meant to harm."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.archive.sidecar import SCHEMA, Evidence, render
from service.archive.sidecar_reader import LONGEST, SidecarRead, Unreadable, read_sidecar
from service.domain.asset import Asset, AssetStatus, Stored
from service.domain.history import Effect, HistoryEntry
from service.domain.image import Image, ImageFormat
from service.domain.object_key import asset_key, sidecar_key
from service.domain.task import Origin, Rank, Standing, Task, TaskStatus

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = date(2026, 5, 1)
HASH = "ab" * 32
ID = "task-1"
KEY = sidecar_key("evolink", DAY, ID)
STORED = Stored(asset_key("evolink", DAY, ID, 0, HASH, ImageFormat.PNG), HASH, 10, Image(ImageFormat.PNG, 3, 2))
ARCHIVED = Asset(ID, 0, ("https://files.evolink.ai/0.png",), NOW, NOW, status=AssetStatus.ARCHIVED, stored=STORED)
TASK = Task(ID, "evolink", NOW, status=TaskStatus.COMPLETED, rank=Rank.COMPLETED, archive_date=DAY, version=3)
CANCELLED = HistoryEntry(NOW, Origin.CALLBACK, "cancelled", Standing.HINT, Effect.HINT, Rank.CANCELLED, callback_id=7)
SEEN = Evidence("callback", "b" * 64, "tok-1", "accepted", 2, NOW, callback_id=7, status="cancelled", size=99)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
SCALAR = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    SCALAR | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_have_an_answer(data: bytes) -> None:
    assert isinstance(read_sidecar(KEY, data), Unreadable)


@given(st.data())
def test_a_member_of_any_type_has_an_answer(data: st.DataObject) -> None:
    document = shown()
    place: Any = document
    while isinstance(place, (dict, list)) and place:
        name = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if data.draw(st.booleans()):
            place[name] = data.draw(JSON)
            break
        place = place[name]
    assert isinstance(read_sidecar(KEY, json.dumps(document).encode()), (SidecarRead, Unreadable))


def shown(task: Task = TASK, images: tuple[Asset, ...] = (ARCHIVED,)) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(render(task, images, [CANCELLED], [SEEN]))
    return document


def read(document: Any, key: str = KEY) -> SidecarRead | Unreadable:
    return read_sidecar(key, json.dumps(document).encode())


def changed(change: Callable[[dict[str, Any]], object]) -> SidecarRead | Unreadable:
    """A sound sidecar after one change."""
    document = shown()
    change(document)
    return read(document)


def refusal(change: Callable[[dict[str, Any]], object]) -> str:
    answer = changed(change)
    assert isinstance(answer, Unreadable)
    return answer.reason


def taken(change: Callable[[dict[str, Any]], object]) -> SidecarRead:
    answer = changed(change)
    assert isinstance(answer, SidecarRead), answer
    return answer


def test_one_of_a_newer_schema_is_left_to_a_newer_version() -> None:
    answer = changed(lambda d: d.update(schema="darkroom/task/2", task="anything"))
    assert isinstance(answer, Unreadable)
    assert answer.newer
    assert "darkroom/task/2" in answer.reason


@pytest.mark.parametrize(
    "schema", [None, 1, "", "other/task/1", "darkroom/task/", "darkroom/task/x", ["darkroom/task/1"]]
)
def test_what_has_another_schema_is_no_sidecar(schema: object) -> None:
    answer = changed(lambda d: d.update(schema=schema))
    assert answer == Unreadable("not a task's sidecar: it has no schema of one")


def test_members_that_are_not_known_are_passed_over() -> None:
    def add(document: dict[str, Any]) -> None:
        for place in (document, document["task"], document["assets"][0], document["evidence"]):
            place["of a later version"] = {"deep": [1]}

    assert taken(add) == taken(lambda d: None)


ADDED = {
    "evidence": ("callback_rank", "expected_images", "stranger", "next_check_at"),
    "assets": ("detail", "attempts", "revivals", "next_attempt_at"),
    "history": ("callback_id",),
    "callbacks": ("id", "status", "bytes"),
}
"""Members that the first sidecars did not have."""


def test_a_sidecar_of_an_earlier_version_is_read_without_what_it_could_not_tell() -> None:
    def age(document: dict[str, Any]) -> None:
        evidence = document["evidence"]
        for place, names in (
            (evidence, ADDED["evidence"]),
            (document["assets"][0], ADDED["assets"]),
            (evidence["history"][0], ADDED["history"]),
            (evidence["callbacks"][0], ADDED["callbacks"]),
        ):
            for name in names:
                del place[name]

    answer = taken(age)
    assert answer.assets == (ARCHIVED,)
    assert answer.task == replace(TASK, sidecar_version=3, callback_rank=Rank.CANCELLED), "by its history"
    assert answer.evidence == (replace(SEEN, callback_id=None, status=None, size=0),)


def test_all_but_the_essential_may_be_missing() -> None:
    essential = ("id", "source", "received_at", "status", "rank", "archive_date")
    task = {name: value for name, value in shown()["task"].items() if name in essential}
    answer = read({"schema": SCHEMA, "version": 1, "task": task})
    assert isinstance(answer, SidecarRead)
    assert (answer.task.id, answer.assets, answer.history) == (ID, (), ())


@pytest.mark.parametrize("name", ["id", "source", "received_at", "status", "rank", "archive_date"])
def test_a_task_without_the_essential_is_unreadable_and_the_reason_names_it(name: str) -> None:
    assert f"task.{name}" in refusal(lambda d: d["task"].pop(name))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda d: d.update(version=-1), "version"),
        (lambda d: d.update(version=2**31), "version"),
        (lambda d: d.update(version=True), "version"),
        (lambda d: d.update(assets={}), "assets"),
        (lambda d: d.update(assets=[1]), "assets"),
        (lambda d: d.update(task=[]), "task"),
        (lambda d: d.update(tombstones=["0"]), "tombstones"),
        (lambda d: d["task"].update(status="painted"), "task.status"),
        (lambda d: d["task"].update(rank=99), "task.rank"),
        (lambda d: d["task"].update(rank=[6]), "task.rank"),
        (lambda d: d["task"].update(tags={"a": 1}), "task.tags"),
        (lambda d: d["task"].update(usage=[]), "task.usage"),
        (lambda d: d["task"].update(received_at="2026-05-01T12:00:00"), "task.received_at"),
        (lambda d: d["task"].update(received_at="0001-01-01T00:00:00+14:00"), "task.received_at"),
        (lambda d: d["task"].update(archive_date="yesterday"), "task.archive_date"),
        (lambda d: d["assets"][0].update(index=1), "assets"),
        (lambda d: d["assets"].append(d["assets"][0]), "assets"),
        (lambda d: d["assets"][0].update(links=[]), "assets[0].links"),
        (lambda d: d["assets"][0].update(links="https://"), "assets[0].links"),
        (lambda d: d["assets"][0].update(object_key=None), "assets[0].status"),
        (lambda d: d["assets"][0].update(status="pending"), "assets[0].status"),
        (lambda d: d["assets"][0].update(sha256="cd" * 32), "assets[0].object_key"),
        (lambda d: d["assets"][0].update(sha256="AB" * 32), "assets[0].sha256"),
        (lambda d: d["assets"][0].update(bytes=-1), "assets[0].bytes"),
        (lambda d: d["assets"][0].update(object_key="../../etc/passwd"), "assets[0].object_key"),
        (lambda d: d["evidence"]["history"][0].update(effect="new"), "evidence.history[0].effect"),
        (lambda d: d["evidence"]["callbacks"][0].update(verdict="new"), "evidence.callbacks[0].verdict"),
    ],
)
def test_a_wrong_member_is_named(change: Callable[[dict[str, Any]], object], named: str) -> None:
    assert named in refusal(change)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "task-2"),
        ("id", "../../../../etc"),
        ("id", "a/b-c"),
        ("id", ""),
        ("source", "other"),
        ("source", "../evolink"),
        ("archive_date", "2026-05-02"),
    ],
)
def test_one_that_does_not_belong_to_its_folder_is_refused(name: str, value: str) -> None:
    assert "folder" in refusal(lambda d: d["task"].update({name: value}))


def test_a_tombstone_counts_whatever_the_image_says_of_itself() -> None:
    [asset] = taken(lambda d: d.update(tombstones=[0])).assets
    assert asset.status is AssetStatus.DELETED


def test_text_that_no_database_takes_is_mended() -> None:
    answer = taken(lambda d: d["task"].update(prompt="a\0b\ud800", usage={"k\0": ["\udfff", {"x": 1.5}]}))
    assert answer.task.prompt == "a\ufffdb\ufffd"
    assert answer.task.usage == {"k\ufffd": ["\ufffd", {"x": 1.5}]}


def test_the_providers_text_is_mended_too_where_no_database_takes_it() -> None:
    assert taken(lambda d: d.update(provider="cut \ud800\0")).task.provider_json == "cut \ufffd\ufffd"
    raw = json.dumps(shown()).replace('"provider": null', '"provider": {"id\0": 1}')
    answer = read_sidecar(KEY, raw.encode())
    assert isinstance(answer, SidecarRead)
    assert answer.task.provider_json == '{"id\ufffd": 1}'


def test_a_number_that_json_does_not_have_makes_it_unreadable_outside_of_the_providers_text() -> None:
    assert isinstance(changed(lambda d: d["task"].update(usage={"cost": float("nan")})), Unreadable)
    text = '{"cost": NaN}'
    assert taken(lambda d: d.update(provider=text)).task.provider_json == text


def test_depth_is_no_danger() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    told = shown()
    provider = json.dumps(told)[:-1].replace('"provider": null', f'"provider": {{"odd": {deep}}}') + "}"
    answer = read_sidecar(KEY, provider.encode())
    assert isinstance(answer, SidecarRead)
    assert answer.task.provider_json == f'{{"odd": {deep}}}'
    usage = json.dumps(told).replace('"usage": null', f'"usage": {deep}')
    assert read_sidecar(KEY, usage.encode()) == Unreadable("nested too deeply")


def test_length_is_no_danger() -> None:
    answer = read_sidecar(KEY, b" " * (LONGEST + 1))
    assert isinstance(answer, Unreadable)
    assert str(LONGEST) in answer.reason


@pytest.mark.parametrize("part", ['"', "{", '{"a":', '{"a": "', '{"' + "\\" * 99, "[{"])
def test_text_made_to_keep_a_reader_busy_is_refused_all_the_same(part: str) -> None:
    assert isinstance(read_sidecar(KEY, part.encode() * 10_000), Unreadable)
    assert isinstance(read_sidecar(KEY, part.encode() + b"x" * 10**6), Unreadable)


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    answer = taken(lambda d: d["task"].update(received_at="2026-05-01T14:00:00+02:00"))
    assert answer.task.received_at == NOW
    assert answer.task.received_at.utcoffset() == timedelta()

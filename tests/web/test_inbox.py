"""`/v1/callbacks`: what was received, and one of it raw."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from service.catalog.catalog import Catalog
from service.domain.allowance import MOST_STRAY_BYTES, Spent
from service.intake.batch import take_in
from service.upkeep.raw_bodies import RawBodies
from tests.support.app import House, assert_problem, serving
from tests.support.deliveries import TASK, delivery, task_object

FIELDS = """
    id source origin task_id status verdict detail deliveries received_at last_received_at token_id ref tags bytes
    body_sha256
"""


async def test_a_callback_is_listed_without_its_body(house: House) -> None:
    await house.call_back(task_object("processing", secret="in the body"), path=await house.mint(ref="r"))
    answer = await house.read.get("/v1/callbacks")
    [listed] = answer.json()["items"]
    assert set(listed) == {*FIELDS.split()}
    assert (listed["id"], listed["origin"], listed["status"], listed["ref"]) == ("1", "callback", "processing", "r")
    assert "in the body" not in answer.text


async def test_one_callback_is_shown_raw(house: House) -> None:
    body = json.dumps(task_object("failed"), indent=3).encode()
    await house.call_back(body)
    one = await house.json("/v1/callbacks/1")
    assert (one["body"], one["body_base64"]) == (body.decode(), None)
    assert one["headers"]["content-length"] == str(len(body))


async def test_a_body_that_is_no_text_is_shown_in_base64(house: House) -> None:
    await house.call_back(b"\xff\xfe\x00bad")
    one = await house.json("/v1/callbacks/1")
    assert (one["body"], one["verdict"], one["task_id"]) == (None, "unreadable", None)
    assert base64.b64decode(one["body_base64"]) == b"\xff\xfe\x00bad"


async def test_the_token_itself_is_never_shown(house: House) -> None:
    path = await house.mint()
    await house.call_back(task_object(), path=path)
    shown = (await house.admin.get("/v1/callbacks/1")).text + (await house.admin.get("/v1/callbacks")).text
    assert path.rpartition("/")[2] not in shown


async def test_filters_narrow_the_list(house: House) -> None:
    path = await house.mint()
    token_id = (await house.json("/v1/callback-urls"))["items"][0]["id"]
    await house.call_back(task_object("processing"), path=path)
    await house.call_back(b"bad")
    await house.call_back(task_object("failed", TASK))
    for query, expected in (
        ({"verdict": "accepted"}, ["1"]),
        ({"verdict": "unreadable"}, ["2"]),
        ({"verdict": "foreign"}, ["3"]),
        ({"task_id": TASK}, ["3", "1"]),
        ({"token_id": token_id}, ["1"]),
        ({"origin": "callback"}, ["3", "2", "1"]),
        ({"origin": "poll"}, []),
        ({"status": "failed"}, ["3"]),
        ({"status": "nonsense"}, []),
    ):
        found = await house.json("/v1/callbacks", **query)
        assert [one["id"] for one in found["items"]] == expected, query


async def test_a_span_of_receipt_includes_its_beginning_and_not_its_end(house: House) -> None:
    for status in ("processing", "failed"):
        await house.call_back(task_object(status))
        await asyncio.sleep(0.002)  # times are shown by the millisecond
    newest, oldest = (await house.json("/v1/callbacks"))["items"]
    span = {"received_after": oldest["received_at"], "received_before": newest["received_at"]}
    found = await house.json("/v1/callbacks", **span)
    assert [one["id"] for one in found["items"]] == [oldest["id"]]
    both = await house.json("/v1/callbacks", received_after=oldest["received_at"], status="failed")
    assert [one["id"] for one in both["items"]] == [newest["id"]]


@pytest.mark.parametrize("name", ["received_after", "received_before"])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_time_without_offset_is_refused_by_name(empty: House, name: str) -> None:
    answer = await empty.read.get("/v1/callbacks", params={name: "2026-05-01T12:00:00"})
    assert_problem(answer, 400, "invalid_parameter")
    assert name in answer.json()["detail"]


async def test_what_was_turned_away_takes_no_other_filters(house: House) -> None:
    for query in ({"status": "failed"}, {"received_after": "2026-05-01T12:00:00Z"}):
        answer = await house.read.get("/v1/callbacks", params={"verdict": "refused", **query})
        assert_problem(answer, 400, "invalid_parameter")


async def test_a_callback_whose_time_is_over_is_shown_without_its_body_and_says_so(tmp_path: Path) -> None:
    async with serving(tmp_path, roles="receiver,api") as house:
        await house.call_back(task_object("failed"))
        await house.call_back(b"bad")
    shown = await later(tmp_path, days=89)
    assert all(one["body"] for one in shown)
    failed, bad = await later(tmp_path, days=91)
    for one in (failed, bad):
        assert (one["body"], one["body_base64"], one["headers"]) == (None, None, {})
        assert "body and headers are kept no longer since 20" in one["detail"]
    assert bad["detail"].startswith("not readable")
    assert (failed["verdict"], failed["status"], failed["bytes"] > 0) == ("accepted", "failed", True)


async def later(folder: Path, *, days: int) -> list[dict[str, Any]]:
    """The first two callbacks so long after they came, where a service with all its upkeep runs."""
    async with serving(folder, roles="receiver,api") as house:
        catalog = Catalog(house.parts.settings.database_path, clock=lambda: datetime.now(UTC) + timedelta(days=days))
        catalog.open()
        await RawBodies(catalog=catalog, after=timedelta(days=90)).clear()
        catalog.close()
        return [await house.json(f"/v1/callbacks/{number}") for number in (1, 2)]


async def test_retention_is_the_reconcilers_work_and_begins_at_the_start(tmp_path: Path) -> None:
    async with serving(tmp_path, roles="receiver,api") as house:
        await house.call_back(task_object("failed"))
    brief = {"secrets": ["s" * 40], "retention": "1ms"}
    async with serving(tmp_path, roles="receiver,api", callbacks=brief) as house:
        assert (await house.json("/v1/callbacks/1"))["body"] is not None
    async with serving(tmp_path, roles="reconciler,api", callbacks=brief) as house, asyncio.timeout(20):
        while (await house.json("/v1/callbacks/1"))["body"] is not None:
            await asyncio.sleep(0.02)


async def test_a_callback_that_was_kept_without_its_body_says_so(house: House) -> None:
    full = {"tok-1": Spent(stray_bytes=MOST_STRAY_BYTES)}
    batch = [delivery(b"bad")]
    await house.parts.catalog.write(partial(take_in, batch=batch, rules=house.parts.rules, spent=full))
    one = await house.json("/v1/callbacks/1")
    assert (one["body"], one["bytes"]) == (None, 3)
    assert "the body was not kept" in one["detail"]


@pytest.mark.parametrize("callback_id", ["0", "2", "x", "-1", "1.0", "9" * 18, "9" * 30, "\u0661", "%00"])
@pytest.mark.asyncio(loop_scope="module")
async def test_an_unknown_callback_is_404(archived: House, callback_id: str) -> None:
    assert_problem(await archived.admin.get(f"/v1/callbacks/{callback_id}"), 404, "callback_not_found")

"""`/v1/stats`: figures of nothing and of something, and how the provider treats us."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.bootstrap import key_mark
from tests.support.app import House, assert_problem, serving
from tests.support.deliveries import LINK
from tests.support.fetching import picture

NOWHERE = "http://127.0.0.1:1"
KEY = "sk-evo-0123456789abcdef"
KEYED: dict[str, Any] = {"evolink": {"api_key": KEY, "api_url": NOWHERE}, "roles": "receiver,api"}
"""With a key, and nobody in the house who would use it."""


@pytest.fixture
async def keyed(tmp_path: Path) -> AsyncIterator[House]:
    async with serving(tmp_path, **KEYED) as opened:
        yield opened


async def test_an_empty_service_has_nothing_of_every_kind(house: House) -> None:
    stats = await house.json("/v1/stats")
    assert stats["tasks"] == dict.fromkeys(("pending", "processing", "completed", "failed", "cancelled", "dead"), 0)
    assert stats["assets"] == dict.fromkeys(("pending", "archived", "dead", "deleted"), 0)
    assert (stats["bytes"], stats["dead"], stats["unconfirmed"], stats["conflicts"]) == (
        0,
        {"tasks": {}, "assets": {}},
        0,
        0,
    )
    assert (stats["next_expiry"], stats["waiting"]) == (None, {"tasks": 0, "assets": 0, "sidecars": 0, "details": 0})


async def test_without_a_key_it_says_so(house: House) -> None:
    provider = (await house.json("/v1/stats"))["provider"]
    assert provider == {
        "confirm_mode": "off",
        "questions": {"planned": 0, "due": 0, "next_at": None},
        "state": "no key",
        "since": None,
        "detail": None,
        "key_first_worked_at": None,
    }


async def test_a_process_without_a_key_leaves_it_to_others_to_ask_where_callbacks_are_confirmed(tmp_path: Path) -> None:
    async with serving(tmp_path, roles="receiver,api", confirm={"mode": "required"}) as house:
        provider = (await house.json("/v1/stats"))["provider"]
        assert (provider["state"], provider["confirm_mode"]) == ("not asked by this process", "required")


async def test_with_a_key_that_was_never_used_it_is_untried_and_shows_nothing_of_the_key(keyed: House) -> None:
    answer = await keyed.read.get("/v1/stats")
    provider = answer.json()["provider"]
    assert (provider["state"], provider["confirm_mode"], provider["key_first_worked_at"]) == (
        "untried",
        "preferred",
        None,
    )
    assert KEY not in answer.text


async def test_a_callback_that_waits_to_be_confirmed_is_a_question_that_is_due(keyed: House) -> None:
    await keyed.complete()
    stats = await keyed.json("/v1/stats")
    questions = stats["provider"]["questions"]
    assert (questions["planned"], questions["due"]) == (1, 1)
    assert questions["next_at"] is not None
    assert (stats["tasks"]["pending"], stats["waiting"]) == (1, {"tasks": 1, "assets": 0, "sidecars": 0, "details": 0})


async def test_images_that_nobody_looked_at_wait_for_that(house: House) -> None:
    await house.complete()
    await house.archive()
    assert (await house.json("/v1/stats"))["waiting"] == {"tasks": 0, "assets": 0, "sidecars": 0, "details": 1}


async def test_the_time_to_the_first_link_that_would_be_lost_counts_down_to_its_deadline(house: House) -> None:
    created = int(datetime.now(UTC).timestamp()) - 3600
    await house.complete("task-later")
    await house.complete(created=created)
    stats = await house.json("/v1/stats")
    assert stats["waiting"] == {"tasks": 0, "assets": 2, "sidecars": 2, "details": 0}
    expiry = datetime.fromisoformat(stats["next_expiry"]["at"])
    assert expiry == datetime.fromtimestamp(created + 86400, UTC)
    assert stats["next_expiry"]["seconds"] == pytest.approx(
        (expiry - datetime.fromisoformat(stats["at"])).total_seconds(), abs=0.01
    )


async def test_archived_bytes_and_dead_things_are_shown(house: House) -> None:
    await house.complete(results=[LINK, "https://evil.example/0.png"])
    await house.complete("task-bare", results=[])
    await house.archive()
    stats = await house.json("/v1/stats")
    assert (stats["assets"]["archived"], stats["bytes"]) == (1, len(picture(LINK)))
    assert stats["dead"] == {"tasks": {"no_links": 1}, "assets": {"refused_host": 1}}
    assert (stats["next_expiry"], stats["unconfirmed"]) == (None, 1)


async def test_what_it_cost_is_told_with_the_rest(house: House) -> None:
    stats = await house.json("/v1/stats", since="2026-05-01", until="2026-05-02")
    cost, nothing = stats["cost"], {"usd": 0, "tasks": 0, "images": 0}
    assert (cost["since"], cost["until"], cost["total"]) == ("2026-05-01", "2026-05-02", {**nothing, "reserved_usd": 0})
    assert cost["days"] == [{"day": "2026-05-01", **nothing}, {"day": "2026-05-02", **nothing}]
    assert (cost["models"], cost["keys"], cost["tags"], cost["budgets"]) == ({}, {}, {}, [])
    assert {"tasks", "assets", "provider"} < set(stats)


async def test_figures_need_a_key_with_read_are_not_cached_and_take_nothing_else(house: House) -> None:
    assert_problem(await house.anyone.get("/v1/stats"), 401, "unauthorized")
    assert (await house.read.get("/v1/stats")).headers["cache-control"] == "no-store"
    assert (await house.admin.post("/v1/stats")).status_code == 405


async def test_the_moment_that_a_key_first_worked_is_that_keys_own(tmp_path: Path) -> None:
    async with serving(tmp_path, **KEYED) as house:
        mark = key_mark(house.parts.settings)
        await house.parts.catalog.write(lambda tx: tx.marks.set(mark, tx.now))
        assert (await house.json("/v1/stats"))["provider"]["key_first_worked_at"] is not None
    other = {**KEYED, "evolink": {"api_key": "sk-evo-another", "api_url": NOWHERE}}
    async with serving(tmp_path, **other) as house:
        assert (await house.json("/v1/stats"))["provider"]["key_first_worked_at"] is None

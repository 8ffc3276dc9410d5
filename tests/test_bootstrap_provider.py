"""The composition root and the provider: who asks, with whose rules, and what a start takes over."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.bootstrap import key_mark, rules_of
from service.domain.check import FIRST_CHECK
from service.domain.rules import ConfirmMode
from tests.support.app import House, serving, settings_for
from tests.support.deliveries import TASK, task_object
from tests.support.loopback_provider import LoopbackProvider, on_loopback, showing

KEY = "sk-evo-0123456789abcdef"
NOWHERE: dict[str, Any] = {"evolink": {"api_key": KEY, "api_url": "http://127.0.0.1:1"}, "roles": "receiver,api"}
"""With a key, and nobody in the house who would use it."""


def asking(provider: LoopbackProvider, **overrides: Any) -> dict[str, Any]:
    return {"evolink": {"api_key": KEY, "api_url": provider.url}, "reconcile": {"sweep": "off"}, **overrides}


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.02)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def next_check(house: House) -> datetime:
    return at((await house.json(f"/v1/tasks/{TASK}"))["next_check_at"])


async def test_a_callback_is_confirmed_by_the_provider_and_only_its_links_are_taken(tmp_path: Path) -> None:
    true = {**task_object(), "results": ["https://files.evolink.ai/true.png"]}
    with on_loopback(showing(true)) as provider:
        async with serving(tmp_path, **asking(provider)) as house:
            await house.complete(results=["https://files.evolink.ai/forged.png"])

            async def confirmed() -> bool:
                return bool((await house.json(f"/v1/tasks/{TASK}"))["confirmed"])

            await until(confirmed)
            state = await house.parts.catalog.read(lambda tx: tx.tasks.get(TASK))
    assert state is not None
    assert [asset.known_links for asset in state.assets] == [("https://files.evolink.ai/true.png",)]
    assert {asked.headers["authorization"] for asked in provider.requests} == {f"Bearer {KEY}"}


async def test_the_account_is_looked_through_at_start(tmp_path: Path) -> None:
    missed = {**task_object(task_id="task-missed"), "type": "image"}
    with on_loopback(showing(missed)) as provider:
        async with serving(tmp_path, **asking(provider, reconcile={"sweep": "on"})) as house:

            async def found() -> bool:
                return [one["status"] for one in (await house.json("/v1/tasks"))["items"]] == ["completed"]

            await until(found)


async def test_a_refused_key_is_a_warning_and_no_reason_not_to_be_ready(tmp_path: Path) -> None:
    refuses = (401, {"error": {"code": 401, "message": f"bad key {KEY}"}})
    with on_loopback(LoopbackProvider(lambda _: refuses, lambda: refuses)) as provider:
        async with serving(tmp_path, **asking(provider, reconcile={"sweep": "on"})) as house:

            async def warned() -> bool:
                return bool((await house.anyone.get("/readyz")).json()["warnings"])

            await until(warned)
            ready = await house.anyone.get("/readyz")
            assert (ready.status_code, "refuses our key" in ready.json()["warnings"]["provider"]) == (200, True)
            assert KEY not in ready.text
            assert (await house.json("/v1/stats"))["provider"]["state"] == "refused"
            assert await house.metric("darkroom_provider_key_refused") == 1


async def test_without_a_key_nobody_is_asked(tmp_path: Path) -> None:
    with on_loopback(showing(task_object())) as provider:
        async with serving(tmp_path, evolink={"api_url": provider.url}) as house:
            assert house.parts.provider is None
            await house.complete()
            await house.write.post("/v1/tasks", json={"id": "task-told"})
            assert (await house.anyone.get("/readyz")).json()["warnings"] == {}
        assert provider.requests == []


async def test_a_start_with_a_key_hastens_what_was_told_without_one(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        await house.write.post("/v1/tasks", json={"id": TASK})
        assert await next_check(house) > datetime.now(UTC) + timedelta(hours=23)
    async with serving(tmp_path, **NOWHERE) as house:
        assert await next_check(house) <= datetime.now(UTC) + FIRST_CHECK


async def test_a_start_without_a_key_hastens_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        async with serving(tmp_path) as house:
            await house.write.post("/v1/tasks", json={"id": TASK})
            assert await next_check(house) > datetime.now(UTC) + timedelta(hours=23)


async def test_questions_that_a_dead_server_held_are_free_at_the_next_start(tmp_path: Path) -> None:
    for _ in range(2):
        async with serving(tmp_path, **NOWHERE) as house:
            await house.call_back(task_object())
            claimed = await house.parts.catalog.write(lambda tx: tx.checks.claim(9))
            assert [one.task_id for one in claimed] == [TASK]


def test_a_key_is_known_by_its_text_and_place_and_tells_neither(tmp_path: Path) -> None:
    def mark(**evolink: str) -> str:
        return key_mark(settings_for(tmp_path, evolink=evolink))

    here = mark(api_key=KEY)
    assert here == mark(api_key=f" {KEY} ")
    assert len({here, mark(api_key=f"{KEY}x"), mark(api_key=KEY, api_url="https://api.example.com"), mark()}) == 4
    assert KEY not in here


@pytest.mark.parametrize(
    ("given", "mode", "can_ask"),
    [
        ({}, ConfirmMode.OFF, False),
        ({"evolink": {"api_key": KEY}}, ConfirmMode.PREFERRED, True),
        ({"evolink": {"api_key": KEY}, "confirm": {"mode": "off"}}, ConfirmMode.OFF, True),
        ({"evolink": {"api_key": KEY}, "confirm": {"mode": "required"}}, ConfirmMode.REQUIRED, True),
    ],
)
def test_the_rules_follow_the_settings(tmp_path: Path, given: dict[str, Any], mode: ConfirmMode, can_ask: bool) -> None:
    times = {"reconcile": {"horizon": "2d"}, "download": {"allowed_hosts": "a.example"}}
    confirm = {"patience": "7m", **given.get("confirm", {})}
    rules = rules_of(settings_for(tmp_path, **{**given, **times, "confirm": confirm}))
    assert (rules.mode, rules.can_ask) == (mode, can_ask)
    assert (rules.patience, rules.horizon) == (timedelta(minutes=7), timedelta(days=2))
    assert rules.allowed_hosts == ("a.example",)

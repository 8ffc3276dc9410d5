"""`darkroom doctor` about the provider: is the key taken, has it seen any task, is there a list, and never the key."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from service.bootstrap import key_mark, open_catalog
from service.doctor import Finding, Level, examine
from service.provider.client import NO_TASK as DOCTORS_TASK
from service.settings import Settings
from tests.support.app import settings_for
from tests.support.deliveries import task_object
from tests.support.loopback_provider import EMPTY, NO_ROUTE, Answer, LoopbackProvider, on_loopback, showing

KEY = "sk-evo-0123456789abcdef"
NOWHERE = "http://127.0.0.1:1"
LISTED = {**task_object("processing", "task-listed"), "type": "image"}


def keyed(folder: Path, url: str, **overrides: Any) -> Settings:
    return settings_for(folder, evolink={"api_key": KEY, "api_url": url}, **overrides)


async def found(settings: Settings, check: str = "provider") -> list[Finding]:
    findings = await examine(settings)
    assert KEY not in repr(findings)
    return [one for one in findings if one.check == check]


async def told(folder: Path, provider: LoopbackProvider, **overrides: Any) -> tuple[Level, str]:
    """The one finding about the provider."""
    with on_loopback(provider):
        [finding] = await found(keyed(folder, provider.url, **overrides))
    return finding.level, finding.message


async def test_without_a_key_nobody_is_asked(tmp_path: Path) -> None:
    assert await found(settings_for(tmp_path)) == []


async def test_a_key_that_shows_tasks_is_fine_and_was_asked_about_with_two_requests(tmp_path: Path) -> None:
    provider = showing(LISTED)
    level, message = await told(tmp_path, provider)
    assert (level, "takes the key" in message) == (Level.OK, True)
    assert [path.partition("?")[0] for path in provider.paths] == [f"GET /v1/tasks/{DOCTORS_TASK}", "GET /v1/tasks"]
    assert all(asked.headers["authorization"] == f"Bearer {KEY}" for asked in provider.requests)


async def test_a_key_that_has_never_seen_any_task_may_be_of_another_account(tmp_path: Path) -> None:
    level, message = await told(tmp_path, LoopbackProvider())
    assert (level, "never seen any task" in message) == (Level.WEAK, True)


async def test_a_key_that_worked_once_is_fine_with_an_empty_list_and_another_one_is_not(tmp_path: Path) -> None:
    with on_loopback(LoopbackProvider()) as provider:
        settings = keyed(tmp_path, provider.url)
        with open_catalog(settings) as catalog:
            await catalog.write(lambda tx: tx.marks.set(key_mark(settings), tx.now))
        [finding] = await found(settings)
        assert finding.level is Level.OK
        other = settings_for(tmp_path, evolink={"api_key": "sk-evo-another", "api_url": provider.url})
        assert (await found(other))[0].level is Level.WEAK


@pytest.mark.parametrize("status", [401, 402])
@pytest.mark.parametrize("mode", ["preferred", "required", "off"])
async def test_a_key_that_is_refused_is_broken_and_says_which_setting(tmp_path: Path, status: int, mode: str) -> None:
    refuses: Answer = (status, {"error": {"code": status, "message": f"bad key {KEY}"}})
    provider = LoopbackProvider(lambda _: refuses, lambda: refuses)
    level, message = await told(tmp_path, provider, confirm={"mode": mode})
    assert (level, "DARKROOM_EVOLINK__API_KEY" in message) == (Level.BROKEN, True)
    assert len(provider.requests) == 1


@pytest.mark.parametrize("answer", [(403, {}), (500, b"<html>"), (200, b"not json"), (302, b"", {"Location": "/x"})])
@pytest.mark.parametrize(("mode", "level"), [("preferred", Level.WEAK), ("required", Level.BROKEN)])
async def test_a_provider_that_cannot_be_asked_is_broken_only_where_nothing_goes_without_it(
    tmp_path: Path, answer: Answer, mode: str, level: Level
) -> None:
    provider = LoopbackProvider(lambda _: answer)
    assert (await told(tmp_path, provider, confirm={"mode": mode}))[0] is level
    assert len(provider.requests) == 1


async def test_a_provider_that_is_not_there_is_told_with_its_address(tmp_path: Path) -> None:
    [finding] = await found(keyed(tmp_path, NOWHERE))
    assert (finding.level, NOWHERE in finding.message) == (Level.WEAK, True)


async def test_a_provider_that_wants_to_be_left_alone_is_told_and_left_alone(tmp_path: Path) -> None:
    provider = LoopbackProvider(lambda _: (429, {}, {"Retry-After": "42"}))
    level, message = await told(tmp_path, provider)
    assert (level, "42 s" in message, len(provider.requests)) == (Level.WEAK, True, 1)


@pytest.mark.parametrize(("sweep", "levels"), [("on", [Level.WEAK]), ("off", [])])
async def test_a_provider_without_a_list_weakens_the_sweep_where_there_is_one(
    tmp_path: Path, sweep: str, levels: list[Level]
) -> None:
    with on_loopback(LoopbackProvider(page=lambda: NO_ROUTE)) as provider:
        findings = await found(keyed(tmp_path, provider.url, reconcile={"sweep": sweep}), "sweep")
    assert [finding.level for finding in findings] == levels


@pytest.mark.parametrize("page", [lambda: EMPTY, lambda: (500, b""), lambda: (429, b"")])
async def test_a_list_that_is_empty_or_ill_is_not_taken_for_none(tmp_path: Path, page: Callable[[], Answer]) -> None:
    with on_loopback(LoopbackProvider(page=page)) as provider:
        assert await found(keyed(tmp_path, provider.url), "sweep") == []


async def test_its_certificate_is_checked_against_the_configured_authority(tmp_path: Path) -> None:
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with on_loopback(showing(LISTED), tls=tls) as provider:
        [stranger] = await found(keyed(tmp_path, provider.url))
        assert (stranger.level, provider.requests) == (Level.WEAK, [])
        [trusted] = await found(keyed(tmp_path, provider.url, tls={"ca_file": tmp_path / "ca.pem"}))
        assert trusted.level is Level.OK


async def test_with_certificates_that_cannot_be_read_nobody_is_asked(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    with on_loopback(LoopbackProvider()) as provider:
        settings = keyed(tmp_path, provider.url, tls={"ca_file": authority})
        authority.unlink()
        assert (await found(settings), provider.requests) == ([], [])


@pytest.mark.parametrize(
    ("mode", "level", "words"),
    [
        ("preferred", Level.OK, "300 s"),
        ("required", Level.OK, "nothing is fetched"),
        ("off", Level.WEAK, "whoever learns a callback URL"),
    ],
)
async def test_what_callbacks_are_believed_on_is_told(tmp_path: Path, mode: str, level: Level, words: str) -> None:
    [finding] = await found(keyed(tmp_path, NOWHERE, confirm={"mode": mode}), "confirmation")
    assert (finding.level, words in finding.message) == (level, True)
    assert "DARKROOM_EVOLINK__API_KEY" not in finding.message


async def test_asking_leaves_no_mark_and_makes_no_database(tmp_path: Path) -> None:
    with on_loopback(showing(LISTED)) as provider:
        settings = keyed(tmp_path, provider.url)
        await found(settings)
    assert not settings.database_path.exists()

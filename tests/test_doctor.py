"""`darkroom doctor`: what is wrong is broken, what is risky is weak, and each says what to do."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import trustme

from service.doctor import Finding, Level, examine
from tests.support.app import serving, settings_for


async def found(folder: Path, check: str, **overrides: Any) -> list[Finding]:
    """What is found about one thing."""
    return [one for one in await examine(settings_for(folder, **overrides)) if one.check == check]


def worst(findings: list[Finding]) -> Level:
    order = list(Level)
    return max((finding.level for finding in findings), key=order.index)


def endpoint(url: str) -> dict[str, Any]:
    return {"name": "shop", "url": url, "secrets": ["whsec_" + "c2VjcmV0" * 4]}


async def test_a_sound_set_up_has_nothing_broken(tmp_path: Path) -> None:
    findings = await examine(settings_for(tmp_path))
    assert not [finding for finding in findings if finding.level.bad]
    assert {"settings", "public url", "confirmation", "signing secret", "data directory"} <= {f.check for f in findings}
    assert {"storage", "database", "tls"} <= {finding.check for finding in findings}


@pytest.mark.parametrize(
    ("check", "overrides", "words"),
    [
        ("public url", {"public_url": "http://localhost:8080"}, "https"),
        ("public url", {"public_url": "https://10.0.0.1"}, "private"),
        ("signing secret", {"callbacks": {"secrets": ["short"]}}, "5 characters"),
        ("signing secret", {"callbacks": {"secrets": ["l" * 40, "old"]}}, "3 characters"),
        ("downloads", {"download": {"allowed_hosts": ["*"]}}, "any host"),
        ("downloads", {"download": {"trusted_networks": ["10.0.0.0/8"]}}, "10.0.0.0/8"),
        ("confirmation", {}, "callback URL"),
        ("settings", {"roles": "receiver,archiver"}, "the work of api, reconciler"),
        ("settings", {"storage": {"redirect": True}}, "for buckets"),
        ("endpoints", {"notify": {"endpoints": [endpoint("https://no-such-host.invalid")]}}, "cannot be looked up"),
    ],
)
async def test_what_is_risky_is_weak_and_says_why(
    tmp_path: Path, check: str, overrides: dict[str, Any], words: str
) -> None:
    findings = await found(tmp_path, check, **overrides)
    assert worst(findings) is Level.WEAK
    assert words in " ".join(finding.message for finding in findings if finding.level is Level.WEAK)


async def test_no_finding_shows_a_secret(tmp_path: Path) -> None:
    findings = await examine(settings_for(tmp_path, callbacks={"secrets": ["s3cr3t"]}))
    assert "s3cr3t" not in repr(findings)


async def test_too_little_space_is_broken(tmp_path: Path) -> None:
    [storage] = await found(tmp_path, "storage", storage={"min_free_bytes": 1 << 60})
    assert storage.level.bad
    assert "DARKROOM_STORAGE__MIN_FREE_BYTES" in storage.message


async def test_a_store_that_cannot_be_made_is_broken(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    [storage] = await found(tmp_path, "storage", storage={"url": f"file://{tmp_path}/file/below", "min_free_bytes": 0})
    assert storage.level.bad


async def test_a_data_directory_that_cannot_be_written_is_broken_and_the_rest_is_still_looked_at(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    findings = await examine(settings_for(tmp_path, data_dir=tmp_path / "file" / "below"))
    broken = {finding.check for finding in findings if finding.level.bad}
    assert "data directory" in broken
    assert "tls" in {finding.check for finding in findings}


async def test_missing_secrets_of_a_process_with_some_roles_are_broken(tmp_path: Path) -> None:
    [secret] = await found(tmp_path, "signing secret", callbacks={}, roles="api")
    assert secret.level.bad
    assert "DARKROOM_CALLBACKS__SECRETS" in secret.message


async def test_a_database_says_whether_it_is_new_current_old_or_none(tmp_path: Path) -> None:
    [new] = await found(tmp_path, "database")
    assert (new.level, "first start" in new.message) == (Level.OK, True)
    assert not settings_for(tmp_path).database_path.exists()
    async with serving(tmp_path):
        [current] = await found(tmp_path, "database")
        assert (current.level, "current" in current.message) == (Level.OK, True)
    path = settings_for(tmp_path).database_path
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM alembic_version")
    connection.commit()
    connection.close()
    [old] = await found(tmp_path, "database")
    assert (old.level, "migrate" in old.message) == (Level.WEAK, True)
    path.with_name("darkroom.db-wal").unlink(missing_ok=True)
    path.with_name("darkroom.db-shm").unlink(missing_ok=True)
    path.write_bytes(b"not a database" * 1000)
    [broken] = await found(tmp_path, "database")
    assert broken.level.bad


async def test_certificates_that_vanished_are_broken_and_no_crash(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    settings = settings_for(tmp_path, tls={"ca_file": authority})
    authority.unlink()
    [tls] = [finding for finding in await examine(settings) if finding.check == "tls"]
    assert tls.level.bad


async def test_an_endpoint_that_may_not_be_called_is_broken_and_one_that_may_is_not(tmp_path: Path) -> None:
    notify = {"endpoints": [endpoint("https://127.0.0.1/hooks?x=s3cret")]}
    [refused] = await found(tmp_path, "endpoints", notify=notify)
    assert refused.level is Level.BROKEN
    assert "DARKROOM_NOTIFY__TRUSTED_NETWORKS" in refused.message
    assert "s3cret" not in refused.message
    [allowed] = await found(tmp_path, "endpoints", notify={**notify, "trusted_networks": ["127.0.0.0/8"]})
    assert allowed.level is Level.OK


async def test_a_price_list_that_is_none_is_broken(tmp_path: Path) -> None:
    prices = tmp_path / "prices.json"
    prices.write_text("{}")
    [finding] = await found(tmp_path, "prices", cost={"prices": str(prices)})
    assert finding.level is Level.BROKEN
    assert "DARKROOM_COST__PRICES" in finding.message

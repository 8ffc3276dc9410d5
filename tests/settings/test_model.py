"""What settings are without any variable, and what follows from some of them."""

import hashlib
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.bootstrap import rules_of
from service.domain.api_key import Scope
from service.domain.rules import ConfirmMode
from service.observability import LogFormat, LogLevel
from service.settings import Role, Settings, settings_table
from tests.settings.conftest import Load


def test_defaults_need_no_variable(load: Load, tmp_path: Path) -> None:
    settings = load()
    assert settings.public_url == "http://localhost:8080"
    assert settings.data_dir == tmp_path / "data"
    assert settings.database_path == tmp_path / "data" / "darkroom.db"
    assert settings.storage_root == tmp_path / "data" / "archive"
    assert settings.storage.min_free_bytes == 2**30
    assert settings.callbacks.max_body_bytes == 2**20
    assert settings.evolink.link_lifetime == timedelta(hours=24)
    assert (settings.evolink.api_key, settings.evolink.api_url) == (None, "https://api.evolink.ai")
    assert settings.confirm_mode is ConfirmMode.OFF
    assert settings.confirm.patience == timedelta(minutes=5)
    assert settings.reconcile.sweep
    assert settings.reconcile.horizon == timedelta(hours=24)
    assert settings.reconcile.requests_per_second == 5
    assert settings.download.allowed_hosts == ("*.evolink.ai",)
    assert settings.download.trusted_networks == ()
    assert settings.download.max_bytes == 64 * 2**20
    assert settings.download.max_pixels == 50_000_000
    assert settings.download.concurrency == 16
    assert settings.download.connect_timeout == timedelta(seconds=5)
    assert settings.download.read_timeout == timedelta(seconds=15)
    assert settings.download.total_timeout == timedelta(minutes=5)
    assert settings.download.proxy is None
    assert settings.tls.ca_file is None
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8080)
    assert settings.server.metrics_port is None
    assert settings.server.drain_timeout == timedelta(seconds=20)
    assert settings.server.trusted_proxies == ()
    assert settings.roles == frozenset(Role)
    assert (settings.log.format, settings.log.level) == (None, LogLevel.INFO)
    assert (settings.callbacks.secrets, settings.api_keys) == ((), ())


def test_a_key_is_for_confirming_unless_that_is_turned_off(load: Load) -> None:
    assert load(EVOLINK__API_KEY="sk-1").confirm_mode is ConfirmMode.PREFERRED
    assert load(EVOLINK__API_KEY="sk-1", CONFIRM__MODE="required").confirm_mode is ConfirmMode.REQUIRED
    assert load(EVOLINK__API_KEY="sk-1", CONFIRM__MODE="off").confirm_mode is ConfirmMode.OFF


POSTGRES = "postgresql://u@h/d"


@pytest.mark.parametrize("mode", ["preferred", "required", "off"])
def test_who_has_no_key_beside_others_says_whether_they_have_one(load: Load, mode: str) -> None:
    settings = load(DATABASE_URL=POSTGRES, ROLES="receiver,api", CONFIRM__MODE=mode)
    assert (settings.confirm_mode.value, rules_of(settings).can_ask) == (mode, mode != "off")


@pytest.mark.parametrize("roles", ["archiver", "reconciler,receiver", "receiver,archiver,reconciler,api"])
def test_who_believes_nothing_or_would_ask_itself_says_nothing(load: Load, roles: str) -> None:
    assert load(DATABASE_URL=POSTGRES, ROLES=roles).confirm_mode is ConfirmMode.OFF


def test_values_as_they_are_written(load: Load, tmp_path: Path) -> None:
    settings = load(
        DATA_DIR=str(tmp_path / "d"),
        PUBLIC_URL="https://darkroom.example/",
        STORAGE__URL=f"file://{tmp_path}/images",
        DATABASE_URL=f"sqlite:///{tmp_path}/other.db",
        DOWNLOAD__ALLOWED_HOSTS="*.evolink.ai, cdn.example",
        DOWNLOAD__TRUSTED_NETWORKS='["127.0.0.0/8", "fd00::/8"]',
        SERVER__TRUSTED_PROXIES="10.0.0.0/8,192.0.2.1",
        ROLES="receiver,api",
        LOG__FORMAT="console",
    )
    assert settings.public_url == "https://darkroom.example"
    assert settings.storage_root == tmp_path / "images"
    assert settings.database_path == tmp_path / "other.db"
    assert settings.download.allowed_hosts == ("*.evolink.ai", "cdn.example")
    assert settings.download.trusted_networks == (ip_network("127.0.0.0/8"), ip_network("fd00::/8"))
    assert settings.server.trusted_proxies == ("10.0.0.0/8", "192.0.2.1")
    assert settings.roles == {Role.RECEIVER, Role.API}
    assert settings.log.format is LogFormat.CONSOLE


def test_only_a_process_with_all_roles_stands_alone(load: Load) -> None:
    assert load().stands_alone
    assert load(ROLES="api,archiver,receiver,reconciler").stands_alone
    assert not load(ROLES="receiver").stands_alone


def test_a_key_is_kept_by_its_hash_however_it_is_given(load: Load) -> None:
    digest = hashlib.sha256(b"a key").hexdigest()
    plain, hashed = load(
        API_KEYS='[{"name": "a", "key": "a key", "scopes": ["read", "write"]}, '
        f'{{"name": "b", "sha256": "{digest.upper()}", "scopes": ["admin"]}}]'
    ).api_keys
    assert plain.digest == hashed.digest == digest
    assert plain.scopes == {Scope.READ, Scope.WRITE}


def test_settings_cannot_be_changed_once_loaded(load: Load) -> None:
    settings = load()
    with pytest.raises(ValidationError):
        settings.public_url = "https://elsewhere.example"
    with pytest.raises(ValidationError):
        settings.server.port = 1


def test_the_table_names_every_setting_with_its_default_and_purpose() -> None:
    table = settings_table()
    assert ("DARKROOM_SERVER__PORT", "8080", "Port to listen on; 0 lets the system choose.") in table
    assert ("DARKROOM_STORAGE__MIN_FREE_BYTES", "1 GiB") in [row[:2] for row in table]
    assert len(table) == len({name for name, _, _ in table}) == 49
    assert all(name.startswith("DARKROOM_") and shown and description for name, shown, description in table)


def test_defaults_in_the_table_are_what_the_variables_take(load: Load) -> None:
    written = {
        name.removeprefix("DARKROOM_"): shown
        for name, shown, _ in settings_table()
        if shown not in ("none", "generated")
        and "{" not in shown
        and " on a terminal" not in shown
        and " else " not in shown
    }
    assert load(**written).model_dump() == load().model_dump()
    assert isinstance(load(**written), Settings)

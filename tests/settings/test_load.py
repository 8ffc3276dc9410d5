"""A wrong value stops the start with one line that names the variable and what it takes; secrets are never shown."""

from pathlib import Path

import pytest
import trustme

from service.errors import SettingsError
from service.settings import load_settings
from tests.settings.conftest import Load, Refusal

SHA256 = "ab" * 32


def test_a_wrong_value_is_one_line_with_the_variable_and_what_it_takes(refusal: Refusal) -> None:
    assert refusal(SERVER__PORT="abc") == ["DARKROOM_SERVER__PORT: takes a port number from 0 to 65535, got 'abc'"]


def test_every_wrong_variable_has_its_line(refusal: Refusal) -> None:
    lines = refusal(SERVER__PORT="65536", DOWNLOAD__MAX_BYTES="lots", LOG__LEVEL="loud", ROLES="api,cook")
    assert sorted(line.partition(":")[0] for line in lines) == [
        "DARKROOM_DOWNLOAD__MAX_BYTES",
        "DARKROOM_LOG__LEVEL",
        "DARKROOM_ROLES",
        "DARKROOM_SERVER__PORT",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "example.com"),
        ("DATABASE_URL", "mysql://a/b"),
        ("STORAGE__URL", "archive"),
        ("STORAGE__MIN_FREE_BYTES", "much"),
        ("CALLBACKS__SECRETS", "[1]"),
        ("CALLBACKS__MAX_BODY_BYTES", "10"),
        ("API_KEYS", "{}"),
        ("EVOLINK__LINK_LIFETIME", "0"),
        ("CONFIRM__MODE", "maybe"),
        ("DOWNLOAD__ALLOWED_HOSTS", "https://a.b"),
        ("DOWNLOAD__TRUSTED_NETWORKS", "10.0.0.1/8"),
        ("DOWNLOAD__MAX_PIXELS", "0"),
        ("DOWNLOAD__CONCURRENCY", "0"),
        ("DOWNLOAD__CONNECT_TIMEOUT", "0s"),
        ("DOWNLOAD__READ_TIMEOUT", "-1"),
        ("DOWNLOAD__TOTAL_TIMEOUT", "later"),
        ("DOWNLOAD__PROXY", "socks5://a"),
        ("TLS__CA_FILE", "missing.pem"),
        ("SERVER__METRICS_PORT", "-1"),
        ("SERVER__DRAIN_TIMEOUT", "a while"),
        ("SERVER__TRUSTED_PROXIES", "proxy.example"),
        ("ROLES", ","),
        ("LOG__FORMAT", "xml"),
    ],
)
def test_each_setting_refuses_what_it_does_not_take(refusal: Refusal, name: str, value: str) -> None:
    (line,) = refusal(**{name: value})
    assert line.startswith(f"DARKROOM_{name}: takes ")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"DATABASE_URL": "postgresql://u:p@h/"}, "the name of the database is missing"),
        ({"DATABASE_URL": "postgresql:///d"}, "a host or the name"),
        ({"DATABASE_URL": "postgresql+psycopg://h/d"}, "another driver's URL"),
        ({"DATABASE_URL": "postgresql://h/d?pooler=session"}, "the only pooler is transaction"),
    ],
)
def test_what_is_wrong_with_a_database_url_is_said(refusal: Refusal, variables: dict[str, str], words: str) -> None:
    (line,) = refusal(**variables)
    assert words in line


@pytest.mark.parametrize(
    "variables",
    [
        {"CALLBACKS__SECRETS": "GEHEIM"},
        {"CALLBACKS__SECRETS": '{"GEHEIM": 1}'},
        {"CALLBACKS__SECRETS": '["GEHEIM", 1]'},
        {"API_KEYS": "GEHEIM"},
        {"API_KEYS": '["GEHEIM"]'},
        {"API_KEYS": '[{"name": "a", "key": "GEHEIM", "scopes": ["cook"]}]'},
        {"API_KEYS": '[{"name": "a", "key": "GEHEIM", "sha256": "GEHEIM", "scopes": ["read"]}]'},
        {"API_KEYS": '[{"name": "a", "GEHEIM": "GEHEIM", "scopes": ["read"]}]'},
        {"DATABASE_URL": "postgresql://u:GEHEIM@h/"},
        {"DATABASE_URL": "postgresql+psycopg://u:GEHEIM@h/d"},
        {"DOWNLOAD__PROXY": "socks5://u:GEHEIM@h"},
        {"PUBLIC_URL": "https://u:GEHEIM@h"},
    ],
)
def test_a_wrong_secret_is_never_shown(refusal: Refusal, variables: dict[str, str]) -> None:
    lines = refusal(**variables)
    assert "GEHEIM" not in "\n".join(lines)
    assert len(lines) == 1


def test_secrets_do_not_show_in_the_settings_either(load: Load) -> None:
    settings = load(
        CALLBACKS__SECRETS='["GEHEIM"]',
        API_KEYS='[{"name": "a", "key": "GEHEIM", "scopes": ["read"]}]',
        DOWNLOAD__PROXY="http://u:GEHEIM@h:3128",
        DATABASE_URL="postgresql://u:GEHEIM@h/d",
    )
    assert "GEHEIM" not in repr(settings)
    assert "GEHEIM" not in str(settings)
    assert "GEHEIM" not in settings.model_dump_json()


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ('{"name": "a", "scopes": ["read"]}', "exactly one of key and sha256"),
        (f'{{"name": "a", "key": "k", "sha256": "{SHA256}", "scopes": ["read"]}}', "exactly one of key and sha256"),
        ('{"name": "a", "sha256": "abc", "scopes": ["read"]}', "sha256 is not 64 hex digits"),
        ('{"name": "a", "key": "k", "scopes": []}', "at least one scope"),
        ('{"name": "", "key": "k", "scopes": ["read"]}', "an empty or unprintable name"),
        ('{"name": "a", "key": "", "scopes": ["read"]}', "0: key: an empty secret"),
        ('{"name": "a", "key": "k", "scopes": ["read"]}, {"name": "a", "key": "l", "scopes": ["read"]}', "same name"),
    ],
)
def test_a_wrong_key_is_told_by_its_place_and_reason(refusal: Refusal, entry: str, reason: str) -> None:
    (line,) = refusal(API_KEYS=f"[{entry}]")
    assert line.startswith("DARKROOM_API_KEYS: takes a JSON list such as ")
    assert reason in line


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SERVER__PROT", "DARKROOM_SERVER__PORT"),
        ("SERVR__PORT", "DARKROOM_SERVER__PORT"),
        ("DOWNLOADS__MAX_BYTES", "DARKROOM_DOWNLOAD__MAX_BYTES"),
        ("HTTP__METRICS_PORT", "DARKROOM_SERVER__METRICS_PORT"),
    ],
)
def test_a_misspelt_name_with_two_parts_stops_the_start(refusal: Refusal, name: str, meant: str) -> None:
    assert refusal(**{name: "1"}) == [f"DARKROOM_{name}: no such setting; did you mean {meant}?"]


def test_a_group_is_no_setting(refusal: Refusal) -> None:
    assert refusal(SERVER='{"port": 1}') == [
        "DARKROOM_SERVER: no such setting; its parts are set one by one, as DARKROOM_SERVER__…"
    ]


def test_another_unknown_name_is_a_warning(load: Load) -> None:
    assert load(DATADIR="x", COLOUR="red").unknown == (
        "DARKROOM_COLOUR: no such setting",
        "DARKROOM_DATADIR: no such setting; did you mean DARKROOM_DATA_DIR?",
    )


def test_what_kubernetes_tells_about_a_service_of_our_name_is_ignored(load: Load) -> None:
    settings = load(
        SERVICE_HOST="10.0.0.1",
        SERVICE_PORT="8080",
        SERVICE_PORT_HTTP="8080",
        PORT="tcp://10.0.0.1:8080",
        PORT_8080_TCP="tcp://10.0.0.1:8080",
        PORT_8080_TCP_PROTO="tcp",
        PORT_8080_TCP_PORT="8080",
        PORT_8080_TCP_ADDR="10.0.0.1",
        METRICS_SERVICE_HOST="10.0.0.2",
        METRICS_PORT_9090_TCP_ADDR="10.0.0.2",
    )
    assert settings.unknown == ()
    assert settings.server.port == 8080


def test_a_port_that_somebody_meant_is_not_taken_for_kubernetes(load: Load) -> None:
    assert load(PORT="9000").unknown == ("DARKROOM_PORT: no such setting; did you mean DARKROOM_SERVER__PORT?",)


def test_a_file_is_read_and_the_environment_wins(load: Load) -> None:
    Path(".env").write_text("DARKROOM_SERVER__PORT=1\nDARKROOM_LOG__LEVEL=debug\nOTHER=x\n")
    settings = load(SERVER__PORT="2")
    assert (settings.server.port, settings.log.level) == (2, "debug")
    assert settings.unknown == ()


def test_unknown_names_in_the_file_are_told_too(refusal: Refusal) -> None:
    Path(".env").write_text("DARKROOM_SERVER__PROT=1\n")
    assert refusal() == ["DARKROOM_SERVER__PROT: no such setting; did you mean DARKROOM_SERVER__PORT?"]


def test_a_file_that_cannot_be_read_is_told(refusal: Refusal) -> None:
    Path(".env").write_bytes(b"DARKROOM_LOG__LEVEL=\xff\n")
    (line,) = refusal()
    assert line.startswith(".env: cannot be read")


def test_overrides_win_over_everything(load: Load) -> None:
    load()
    assert load_settings(env_file=None, server={"port": 0}).public_url == "http://localhost:0"
    with pytest.raises(SettingsError, match="DARKROOM_SERVER__PORT: takes a port number"):
        load_settings(env_file=None, server={"port": -1})


def test_an_empty_variable_is_as_good_as_none(load: Load) -> None:
    assert load(SERVER__PORT="", API_KEYS="", SERVER__TLS_CERT="", DATABASE_URL="").server.port == 8080


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """Paths of a certificate and its key."""
    issued = trustme.CA().issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    return str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")


def test_a_certificate_makes_the_address_https(load: Load, certificate: tuple[str, str]) -> None:
    settings = load(SERVER__TLS_CERT=certificate[0], SERVER__TLS_KEY=certificate[1])
    assert settings.public_url == "https://localhost:8080"


def test_a_certificate_without_its_key_is_refused(refusal: Refusal, certificate: tuple[str, str]) -> None:
    expected = ["DARKROOM_SERVER__TLS_CERT and DARKROOM_SERVER__TLS_KEY: take both, or neither"]
    assert refusal(SERVER__TLS_CERT=certificate[0]) == expected
    assert refusal(SERVER__TLS_KEY=certificate[1]) == expected


def test_a_key_of_another_certificate_is_refused(
    refusal: Refusal, certificate: tuple[str, str], tmp_path: Path
) -> None:
    trustme.CA().issue_cert("localhost").private_key_pem.write_to_path(tmp_path / "other.pem")
    (line,) = refusal(SERVER__TLS_CERT=certificate[0], SERVER__TLS_KEY=str(tmp_path / "other.pem"))
    assert "take a certificate and its key (key values mismatch)" in line


def test_a_certificate_file_that_is_missing_is_named(refusal: Refusal, certificate: tuple[str, str]) -> None:
    (line,) = refusal(SERVER__TLS_CERT="missing.pem", SERVER__TLS_KEY=certificate[1])
    assert line.startswith("DARKROOM_SERVER__TLS_CERT: takes the path of a PEM file")
    assert "No such file" in line


def test_a_ca_file_must_hold_certificates(
    load: Load, refusal: Refusal, certificate: tuple[str, str], tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    assert load(TLS__CA_FILE="ca.pem").tls.ca_file == tmp_path / "ca.pem"
    (line,) = refusal(TLS__CA_FILE=certificate[1])
    assert "no PEM certificates in it" in line


def test_a_bucket_has_a_name_a_prefix_at_will_and_options(load: Load) -> None:
    options = '{"region": "eu-central-1", "allow_http": true, "secret_access_key": "5ecret", "timeout": 20}'
    settings = load(STORAGE__URL="s3://pictures/of/mine/", STORAGE__OPTIONS=options, STORAGE__REDIRECT="on")
    assert str(settings.storage_bucket) == "s3://pictures/of/mine"
    given = {name: value.get_secret_value() for name, value in settings.storage.options.items()}
    assert given == {"region": "eu-central-1", "allow_http": "true", "secret_access_key": "5ecret", "timeout": "20"}
    assert settings.storage.redirect
    assert "5ecret" not in repr(settings)
    assert load(STORAGE__URL="file:///images").storage_bucket is None


@pytest.mark.parametrize(
    "url",
    ["s3://", "s3:///prefix", "gs://b?x=y", "az://container/../other", "s3://key:5ecret@bucket/x", "s4://bucket"],
)
def test_the_url_of_no_bucket_is_refused(refusal: Refusal, url: str) -> None:
    [line] = refusal(STORAGE__URL=url)
    assert line.startswith("DARKROOM_STORAGE__URL: takes file:// and the absolute path of a folder, or s3://")
    assert "5ecret" not in line


@pytest.mark.parametrize("options", ["5ecret", '["5ecret"]', '{"secret_access_key": {"x": "5ecret"}}', '{"a": null}'])
def test_options_that_are_no_flat_map_are_refused_without_being_told(refusal: Refusal, options: str) -> None:
    [line] = refusal(STORAGE__OPTIONS=options)
    assert line.startswith("DARKROOM_STORAGE__OPTIONS: takes a JSON map such as")
    assert "5ecret" not in line


@pytest.mark.parametrize("mode", ["preferred", "required"])
def test_confirming_without_a_key_is_refused(refusal: Refusal, mode: str) -> None:
    [line] = refusal(CONFIRM__MODE=mode)
    assert line == f"DARKROOM_CONFIRM__MODE: {mode} needs DARKROOM_EVOLINK__API_KEY, or take off"


@pytest.mark.parametrize("roles", ["receiver", "api", "receiver,archiver"])
def test_a_receiver_does_not_take_it_that_nobody_has_a_key(refusal: Refusal, roles: str) -> None:
    [line] = refusal(DATABASE_URL="postgresql://u@h/d", ROLES=roles)
    assert line.startswith("DARKROOM_CONFIRM__MODE: give this process DARKROOM_EVOLINK__API_KEY as the reconcilers")


@pytest.mark.parametrize("key", ["two words", "schlüssel", "line\nbreak"])
def test_a_provider_key_that_cannot_be_sent_is_refused_without_being_told(refusal: Refusal, key: str) -> None:
    [line] = refusal(EVOLINK__API_KEY=key)
    assert line == "DARKROOM_EVOLINK__API_KEY: takes the provider's API key (not a key that can be sent)"

"""What `settings` says in the values is what the program reads in the pod, in every shape and component."""

import json
import os
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from service.errors import SettingsError
from service.settings import Role, Settings, load_settings, settings_table
from tests.charts.environment import environment
from tests.charts.helm import ci_files, merged, render, set_at
from tests.charts.manifests import ROLES, Rendered, Workload
from tests.charts.values_file import key_name
from tests.system.support.authority import Authority, new_authority

pytestmark = pytest.mark.long

BUDGETS = [{"name": "shop", "tag": "team=shop", "per": "month", "warn_usd": 0.5, "stop_usd": 1000000}]
RETENTION = [{"name": "drafts", "tag": "stage=draft", "max_age": "30d", "max_images": 7, "max_bytes": "5 GiB"}]
ENDPOINT = {
    "name": "shop",
    "url": "https://shop.example.com/hooks",
    "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
}
PRICES = resources.files("service.submission") / "prices" / "evolink.json"
KEYS = [{"name": "me", "key": "a long random text", "scopes": ["admin"]}]
SCALED = {"shape": "scaled"}
DATABASE = "postgresql://darkroom:secret@db.example.com/darkroom"

PLAIN: Mapping[str, tuple[Any, str]] = {
    "PUBLIC_URL": ("https://pictures.example.com", "https://pictures.example.com"),
    "SERVER__HOST": ("::", "::"),
    "SERVER__TRUSTED_PROXIES": (["10.9.0.0/16", "10.8.0.1"], "10.9.0.0/16,10.8.0.1"),
    "STORAGE__URL": ("s3://marked/place", "s3://marked/place"),
    "STORAGE__REDIRECT": (True, "on"),
    "STORAGE__MIN_FREE_BYTES": ("2 GiB", "2 GiB"),
    "CALLBACKS__MAX_BODY_BYTES": (3145728, "3 MiB"),
    "CALLBACKS__RETENTION": ("30d", "30d"),
    "AUDIT__RETENTION": ("400d", "400d"),
    "RETENTION__RULES": (RETENTION, json.dumps(RETENTION)),
    "EVOLINK__API_URL": ("https://provider.example.com", "https://provider.example.com"),
    "EVOLINK__LINK_LIFETIME": ("12h", "12h"),
    "CONFIRM__MODE": ("required", "required"),
    "CONFIRM__PATIENCE": ("7m", "7m"),
    "RECONCILE__SWEEP": (False, "off"),
    "RECONCILE__HORIZON": ("48h", "48h"),
    "RECONCILE__REQUESTS_PER_SECOND": (2.5, "2.5"),
    "DOWNLOAD__ALLOWED_HOSTS": (["files.example.com", "*.example.org"], "files.example.com,*.example.org"),
    "DOWNLOAD__TRUSTED_NETWORKS": (["10.7.0.0/16"], "10.7.0.0/16"),
    "DOWNLOAD__MAX_BYTES": (134217728, "128 MiB"),
    "DOWNLOAD__MAX_PIXELS": ("60M", "60M"),
    "DOWNLOAD__CONCURRENCY": (32, "32"),
    "DOWNLOAD__CONNECT_TIMEOUT": ("6s", "6s"),
    "DOWNLOAD__READ_TIMEOUT": ("16s", "16s"),
    "DOWNLOAD__TOTAL_TIMEOUT": ("6m", "6m"),
    "DETAILS__PIXELS": (False, "off"),
    "TLS__CA_FILE": ("/given/ca.pem", "/given/ca.pem"),
    "LOG__FORMAT": ("console", "console"),
    "LOG__LEVEL": ("debug", "debug"),
    "TRACES__ENDPOINT": ("http://collector.tracing.svc:4318", "http://collector.tracing.svc:4318"),
    "TRACES__RATIO": (0.25, "0.25"),
    "SUBMIT__OTHER_MODELS": (True, "on"),
    "COST__PRICES": ("/given/prices.json", "/given/prices.json"),
    "COST__BUDGETS": (BUDGETS, json.dumps(BUDGETS)),
    "NOTIFY__TRUSTED_NETWORKS": (["10.6.0.0/16", "fd06::/64"], "10.6.0.0/16,fd06::/64"),
}
"""Settings without a secret: a value that is no default, as people write it in YAML, and as its variable has it."""

SECRET: Mapping[str, tuple[Any, str, set[str]]] = {
    "DATABASE_URL": (DATABASE, DATABASE, {"receiver", "archiver", "reconciler", "api", "migrate"}),
    "API_KEYS": (KEYS, json.dumps(KEYS), {"api"}),
    "STORAGE__OPTIONS": ({"allow_http": True}, '{"allow_http": true}', {"archiver", "api"}),
    "CALLBACKS__SECRETS": (["one of ours", "two"], '["one of ours", "two"]', {"receiver", "api"}),
    "EVOLINK__API_KEY": ("evk-1", "evk-1", {"reconciler", "api"}),
    "DOWNLOAD__PROXY": ("http://proxy.example.com:3128", "http://proxy.example.com:3128", {"archiver", "api"}),
    "NOTIFY__ENDPOINTS": ([ENDPOINT], json.dumps([ENDPOINT]), {"api"}),
}  # fmt: skip
"""The same for secrets, with the components that get them in the shape scaled."""

DECIDED = {"DATA_DIR", "ROLES", "SERVER__PORT", "SERVER__TLS_CERT", "SERVER__TLS_KEY", "SERVER__METRICS_PORT"}
DECIDED |= {"SERVER__DRAIN_TIMEOUT"}
"""Settings that the chart decides and that have no key among `settings`."""

ELSEWHERE = {f"DARKROOM_{name}": text for name, (_, text, _) in SECRET.items()}
"""What existing Secrets hold."""

PROXY = set_at("networkPolicy.proxy.to", [{"ipBlock": {"cidr": "10.50.0.3/32"}}])
everything = merged(
    PROXY,
    *(set_at(key_name(f"DARKROOM_{name}"), value) for name, (value, _) in PLAIN.items()),
    *(
        set_at(key_name(f"DARKROOM_{name}"), {"value": value, "existingSecret": ""})
        for name, (value, _, _) in SECRET.items()
    ),
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return new_authority(tmp_path_factory.mktemp("authority"))


Load = Callable[[Mapping[str, str]], Settings]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> Load:
    """Reads settings as a process with just this environment would; files that a pod mounts are ours."""
    files = {
        "TLS__CA_FILE": authority.ca_file,
        "SERVER__TLS_CERT": authority.certificate,
        "SERVER__TLS_KEY": authority.key,
        "COST__PRICES": PRICES,
    }

    def loaded(variables: Mapping[str, str]) -> Settings:
        mounted = {f"DARKROOM_{name}": str(path) for name, path in files.items() if variables.get(f"DARKROOM_{name}")}
        with monkeypatch.context() as process:
            for name in list(os.environ):
                process.delenv(name)
            for name, value in {**variables, **mounted}.items():
                process.setenv(name, value)
            return load_settings(env_file=None)

    return loaded


def means(load: Load, variables: Mapping[str, str]) -> Settings | str:
    """What the program makes of an environment, or what it says against it."""
    try:
        return load(variables)
    except SettingsError as error:
        return str(error)


def service_environment(rendered: Rendered, component: str) -> dict[str, str]:
    return environment(rendered, rendered.workload(component).main, ELSEWHERE)


def test_every_setting_is_tried_here_or_decided_by_the_chart() -> None:
    names = {name.removeprefix("DARKROOM_") for name, _, _ in settings_table()}
    assert {*PLAIN, *SECRET, *DECIDED} == names


NOT_TOLD = {("STORAGE__URL", "receiver"), ("STORAGE__URL", "reconciler")}
"""Who works without a bucket is not told of it."""


@pytest.mark.parametrize(
    ("name", "component"), [(name, role) for name in PLAIN for role in ROLES if (name, role) not in NOT_TOLD]
)
def test_a_setting_reaches_every_pod_and_means_the_same_there(load: Load, name: str, component: str) -> None:
    variable, (_, text) = f"DARKROOM_{name}", PLAIN[name]
    told = service_environment(render("scaled-values.yaml", values=everything), component)
    assert variable in told
    assert load(told) == load({**told, variable: text})
    assert means(load, told) != means(load, {**told, variable: ""}), "the marker is the default"


@pytest.mark.parametrize(("name", "component"), sorted(NOT_TOLD))
def test_a_pod_is_not_told_of_a_place_that_it_has_no_way_to(load: Load, name: str, component: str) -> None:
    told = service_environment(render("scaled-values.yaml", values=everything), component)
    assert load(told) == load({**told, f"DARKROOM_{name}": ""})


@pytest.mark.parametrize("name", SECRET)
@pytest.mark.parametrize("component", [*ROLES, "migrate"])
def test_a_secret_reaches_the_pods_that_need_it_and_means_the_same_there(load: Load, name: str, component: str) -> None:
    variable, (_, text, readers) = f"DARKROOM_{name}", SECRET[name]
    told = service_environment(render("scaled-values.yaml", values=everything), component)
    if component in readers:
        assert load(told) == load({**told, variable: text})
    else:
        assert told.get(variable) != text


@pytest.mark.parametrize("name", sorted({*PLAIN, *SECRET} - {"DATABASE_URL"}))
def test_a_setting_reaches_the_one_pod_of_the_shape_single(load: Load, name: str) -> None:
    variable, text = f"DARKROOM_{name}", (PLAIN.get(name) or SECRET[name])[1]
    values = merged(everything, set_at("settings.databaseUrl", {"value": "", "existingSecret": ""}))
    told = service_environment(render("default-values.yaml", values=values), "all")
    assert load(told) == load({**told, variable: text})


@pytest.mark.parametrize("name", SECRET)
def test_a_secret_that_exists_already_is_referred_to_by_its_name_and_key(name: str) -> None:
    path, (_, _, readers) = key_name(f"DARKROOM_{name}"), SECRET[name]
    wanted = {"existingSecret": "given-elsewhere", "key": "the-key"}
    asked = set_at("settings.evolink.apiKey.existingSecret", "so-that-it-is-submitted")
    rendered = render("scaled-values.yaml", values=merged(PROXY, asked, set_at(path, wanted)))
    for component in readers:
        (entry,) = [one for one in rendered.workload(component).main["env"] if one["name"] == f"DARKROOM_{name}"]
        assert entry["valueFrom"] == {"secretKeyRef": {"name": "given-elsewhere", "key": "the-key"}}


@pytest.mark.parametrize("file", ci_files())
def test_the_program_takes_what_every_way_to_install_tells_it(load: Load, file: str) -> None:
    rendered = render(file)
    for workload in rendered.services:
        settings = load(environment(rendered, workload.main, ELSEWHERE))
        assert settings.unknown == (), workload.name
        assert settings.roles == roles_of(workload), workload.name
        ports = (settings.server.port, settings.server.metrics_port)
        assert ports == (workload.ports["http"], workload.ports["metrics"]), workload.name
        assert settings.data_dir == Path("/data")
        assert settings.on_postgres == (workload.component != "all")
        assert settings.stands_alone == (workload.component == "all")


def roles_of(workload: Workload) -> frozenset[Role]:
    return frozenset(Role) if workload.component == "all" else frozenset({Role(workload.component)})


@pytest.mark.parametrize("file", ci_files())
def test_all_parts_of_a_release_believe_callbacks_in_the_same_way(load: Load, file: str) -> None:
    rendered = render(file)
    modes = {load(environment(rendered, one.main, ELSEWHERE)).confirm_mode for one in rendered.services}
    assert len(modes) == 1


@pytest.mark.parametrize(
    ("key", "mode", "believed"),
    [
        ("", "", "off"),
        ("evk-1", "", "preferred"),
        ("evk-1", "required", "required"),
        ("evk-1", "off", "off"),
        ("evk-1", False, "off"),
        ("", False, "off"),
    ],
)
@pytest.mark.parametrize("file", ["scaled-values.yaml", "default-values.yaml"])
def test_how_callbacks_are_believed_follows_from_the_key_and_the_mode(
    load: Load, file: str, key: str, mode: Any, believed: str
) -> None:
    given = {"evolink": {"apiKey": {"value": key, "existingSecret": ""}}, "confirm": {"mode": mode}}
    rendered = render(file, values={"settings": given})
    modes = {load(environment(rendered, one.main, ELSEWHERE)).confirm_mode.value for one in rendered.services}
    assert modes == {believed}


def test_the_time_to_drain_that_the_program_takes_is_the_one_of_the_pod(load: Load) -> None:
    rendered = render("default-values.yaml", values=set_at("shutdown.drainSeconds", 45))
    settings = load(service_environment(rendered, "all"))
    assert settings.server.drain_timeout.total_seconds() == 45


@pytest.mark.parametrize("switch", [True, "on", False, "off"])
def test_a_switch_may_be_written_as_yaml_has_it(load: Load, switch: Any) -> None:
    rendered = render("default-values.yaml", values=set_at("settings.reconcile.sweep", switch))
    assert load(service_environment(rendered, "all")).reconcile.sweep is (switch not in (False, "off"))


@pytest.mark.parametrize("size", [1048576, 100000000, 2097152.0, "64 MiB"])
def test_a_large_number_does_not_become_a_float(load: Load, size: Any) -> None:
    rendered = render("default-values.yaml", values=set_at("settings.download.maxBytes", size))
    wanted = 64 * 2**20 if size == "64 MiB" else int(size)
    assert load(service_environment(rendered, "all")).download.max_bytes == wanted

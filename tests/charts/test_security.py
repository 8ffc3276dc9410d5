"""What a pod may do on its node, and where secrets lie, in every way to install."""

import pytest

from tests.charts.environment import environment, plain
from tests.charts.helm import ci_files, merged, render, set_at
from tests.charts.manifests import Rendered, at, title
from tests.charts.pod_security import violations

pytestmark = pytest.mark.long

every_way = pytest.mark.parametrize("file", ci_files())

MARK = "evk-a-mark-that-is-secret"
DIGEST = f"sha256:{'ab' * 32}"
SCALED = "scaled-values.yaml"
ENDPOINT = {"name": "shop", "url": f"https://example.com/{MARK}", "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}
GIVEN = {
    "networkPolicy": {"proxy": {"to": [{"ipBlock": {"cidr": "10.50.0.3/32"}}]}},
    "settings": {
        "databaseUrl": {"value": f"postgresql://darkroom:{MARK}@db.example.com/darkroom", "existingSecret": ""},
        "apiKeys": {"value": [{"name": "me", "key": MARK, "scopes": ["admin"]}], "existingSecret": ""},
        "storage": {"options": {"value": {"secret_access_key": MARK}, "existingSecret": ""}},
        "callbacks": {"secrets": {"value": [MARK], "existingSecret": ""}},
        "evolink": {"apiKey": {"value": MARK, "existingSecret": ""}},
        "download": {"proxy": {"value": f"http://user:{MARK}@proxy.example.com:3128", "existingSecret": ""}},
        "notify": {"endpoints": {"value": [ENDPOINT], "existingSecret": ""}},
    },
}  # fmt: skip
"""Every secret given by its value."""

TO_SUBMIT, TO_TELL = ("EVOLINK__API_KEY",), ("NOTIFY__ENDPOINTS", "DOWNLOAD__PROXY")
NO_SUBMISSIONS = set_at("api.submissions.enabled", False)
NO_ENDPOINTS = set_at("settings.notify.endpoints", {"value": [], "existingSecret": ""})


@every_way
def test_every_pod_keeps_the_restricted_standard(file: str) -> None:
    told = [f"{title(one.manifest)}: {line}" for one in render(file).workloads for line in violations(one)]
    assert told == []


@every_way
def test_no_pod_gets_a_token_of_the_cluster(file: str) -> None:
    rendered = render(file)
    for workload in rendered.workloads:
        assert workload.pod.get("automountServiceAccountToken") is False, title(workload.manifest)
    for account in rendered.of("ServiceAccount"):
        assert account["automountServiceAccountToken"] is False, title(account)
    assert [
        one for kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding") for one in rendered.of(kind)
    ] == []


@every_way
def test_no_pod_is_told_of_its_neighbours_services(file: str) -> None:
    assert [one.name for one in render(file).workloads if one.pod.get("enableServiceLinks") is not False] == []


@every_way
def test_no_container_writes_into_its_image(file: str) -> None:
    for workload in render(file).workloads:
        for container in workload.containers:
            assert at(container, "securityContext", "readOnlyRootFilesystem") is True, title(workload.manifest)


@every_way
def test_every_container_says_what_it_needs_and_where_it_ends(file: str) -> None:
    for workload in render(file).workloads:
        for container in workload.containers:
            resources = container["resources"]
            assert {"cpu", "memory"} <= resources["requests"].keys(), title(workload.manifest)
            assert "memory" in resources["limits"], title(workload.manifest)


@every_way
def test_no_pod_mounts_a_disk_without_an_end(file: str) -> None:
    for workload in render(file).workloads:
        for volume in workload.pod.get("volumes") or []:
            assert "emptyDir" not in volume or "sizeLimit" in volume["emptyDir"], f"{workload.name}: {volume['name']}"


def test_secrets_given_by_value_lie_in_secrets_alone() -> None:
    rendered = render(SCALED, values=GIVEN)
    elsewhere = [one for one in rendered.manifests if one["kind"] != "Secret"]
    assert [title(one) for one in elsewhere if MARK in str(one)] == []
    assert {name for one in rendered.of("Secret") for name, value in plain(one).items() if MARK in value}


@every_way
def test_no_secret_stands_in_the_environment_as_it_is(file: str) -> None:
    named = ("SECRET", "API_KEY", "DATABASE_URL", "OPTIONS", "PROXY", "ENDPOINTS")
    for workload in render(file).workloads:
        for container in workload.containers:
            plainly = [one["name"] for one in container.get("env") or [] if "value" in one]
            secret = [name for name in plainly if name.startswith("DARKROOM_") and any(part in name for part in named)]
            assert [name for name in secret if name != "DARKROOM_SERVER__TRUSTED_PROXIES"] == [], workload.name


def secrets_of(rendered: Rendered, component: str) -> set[str]:
    """The variables that tell a component a secret of ours."""
    told = environment(rendered, rendered.workload(component).main)
    return {name.removeprefix("DARKROOM_") for name, value in told.items() if MARK in value}


@pytest.mark.parametrize(
    ("component", "needs"),
    [
        ("receiver", {"DATABASE_URL", "CALLBACKS__SECRETS"}),
        ("archiver", {"DATABASE_URL", "STORAGE__OPTIONS", "DOWNLOAD__PROXY"}),
        ("reconciler", {"DATABASE_URL", "EVOLINK__API_KEY"}),
        ("api", {"DATABASE_URL", "STORAGE__OPTIONS", "API_KEYS", "CALLBACKS__SECRETS", *TO_SUBMIT, *TO_TELL}),
        ("migrate", {"DATABASE_URL"}),
    ],
)
def test_a_pod_gets_the_secrets_that_it_needs_and_no_others(component: str, needs: set[str]) -> None:
    assert secrets_of(render(SCALED, values=GIVEN), component) == needs


def test_where_nothing_is_submitted_the_api_has_no_key_of_the_provider() -> None:
    rendered = render(SCALED, values=merged(GIVEN, NO_SUBMISSIONS))
    assert "EVOLINK__API_KEY" not in secrets_of(rendered, "api")
    assert "EVOLINK__API_KEY" in secrets_of(rendered, "reconciler")


def test_where_nobody_is_told_the_api_knows_no_proxy() -> None:
    rendered = render(SCALED, values=merged(GIVEN, NO_SUBMISSIONS, NO_ENDPOINTS))
    assert not {*TO_SUBMIT, *TO_TELL} & secrets_of(rendered, "api")


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        ({}, "darkroom:0.1.0"),
        ({"tag": "1.2"}, "darkroom:1.2"),
        ({"registry": "registry.example.com"}, "registry.example.com/darkroom:0.1.0"),
        ({"registry": "registry.example.com", "repository": "team/darkroom", "digest": DIGEST},
         f"registry.example.com/team/darkroom@{DIGEST}"),
        ({"tag": "1.2", "digest": DIGEST}, f"darkroom@{DIGEST}"),
    ],
)  # fmt: skip
def test_an_image_is_named_by_its_digest_where_there_is_one(image: dict[str, str], wanted: str) -> None:
    for file in (SCALED, "stand-in-values.yaml"):
        values = merged(
            set_at("image", {"registry": "", "repository": "darkroom", "tag": "", "digest": ""}), {"image": image}
        )
        for workload in render(file, values=values).workloads:
            assert {one["image"] for one in workload.containers} == {wanted}, workload.name


def test_secrets_to_pull_the_image_with_reach_every_pod() -> None:
    pull = [{"name": "registry"}]
    for workload in render(SCALED, values=set_at("image.pullSecrets", pull)).workloads:
        assert workload.pod["imagePullSecrets"] == pull, workload.name

"""Releases as they live: installed, upgraded, tested and removed by helm on a cluster that remembers."""

from collections.abc import Iterator

import pytest

from tests.charts.cluster import Cluster, a_cluster
from tests.charts.environment import plain
from tests.charts.helm import ci_files, merged, set_at

pytestmark = pytest.mark.long

SINGLE, SCALED = "default-values.yaml", "scaled-values.yaml"
NAME = "pictures-darkroom"
API_KEY, CALLBACK_SECRET = f"{NAME}-api-key", f"{NAME}-callback-secret"
MIGRATED = [f"{kind}/{NAME}-migrate" for kind in ("NetworkPolicy", "Secret", "ServiceAccount", "Job")]
ENDPOINT = {"name": "shop", "url": "https://shop.example.com/in", "secrets": [f"whsec_{'ab' * 16}"]}
DATABASE = set_at("settings.databaseUrl", {"value": "postgresql://darkroom@db/darkroom", "existingSecret": ""})


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with a_cluster() as cluster:
        yield cluster


def generated(cluster: Cluster) -> dict[str, str]:
    """What the chart made up for this release."""
    found = [cluster.find("Secret", name) for name in (API_KEY, CALLBACK_SECRET)]
    return {name: value for one in found if one is not None for name, value in plain(one).items()}


@pytest.mark.parametrize("file", ci_files())
def test_it_is_installed_upgraded_tested_and_removed(cluster: Cluster, file: str) -> None:
    assert "STATUS: deployed" in cluster.install(file)
    there = cluster.titles
    assert "REVISION: 2" in cluster.upgrade(file)
    assert cluster.titles == there
    assert "Phase:          Succeeded" in cluster.helm("test")
    assert cluster.helm("test", "--logs").count("what the pod said") == 1
    cluster.helm("uninstall")
    hooks = {f"Pod/{NAME}-test", *MIGRATED}  # nobody's, for helm
    left = {one.partition("/")[0] for one in cluster.titles - hooks}
    assert left <= {"PersistentVolumeClaim", "Secret"}


def test_generated_secrets_stay_the_same_over_upgrades_and_a_new_install(cluster: Cluster) -> None:
    cluster.install(SCALED)
    first = generated(cluster)
    assert len(first["api-key"]) > 40
    cluster.upgrade(SCALED)
    assert generated(cluster) == first
    cluster.helm("uninstall")
    assert generated(cluster) == first
    cluster.install(SCALED)
    assert generated(cluster) == first


def test_two_releases_have_secrets_of_their_own() -> None:
    made = []
    for _ in range(2):
        with a_cluster() as cluster:
            cluster.install(SCALED)
            made.append(generated(cluster))
    assert all(made[0][name] != made[1][name] for name in made[0])


def test_the_shape_single_leaves_secrets_to_the_program_and_its_volume(cluster: Cluster) -> None:
    cluster.install(SINGLE)
    assert generated(cluster) == {}


def test_secrets_that_are_given_are_not_made(cluster: Cluster) -> None:
    given = {"apiKeys": {"existingSecret": "given"}, "callbacks": {"secrets": {"existingSecret": "given"}}}
    cluster.install(SCALED, values={"settings": given})
    assert generated(cluster) == {}


@pytest.mark.parametrize("keep", [True, False])
def test_the_volume_outlives_the_release_unless_it_is_told_not_to(cluster: Cluster, keep: bool) -> None:
    cluster.install(SINGLE, values=set_at("persistence.keep", keep))
    cluster.helm("uninstall")
    assert (cluster.find("PersistentVolumeClaim", NAME) is not None) is keep


def test_the_job_that_migrates_comes_first_and_what_it_needs_before_it(cluster: Cluster) -> None:
    cluster.install(SCALED, values=DATABASE)
    made = [one for one in cluster.made if "sh.helm.release" not in one]
    assert sorted(made[:4]) == sorted(MIGRATED)
    assert made[3] == f"Job/{NAME}-migrate"
    assert made.index(f"Deployment/{NAME}-receiver") > 3


def test_each_upgrade_migrates_again_and_leaves_what_a_job_that_goes_on_needs(cluster: Cluster) -> None:
    cluster.install(SCALED, values=DATABASE)
    cluster.made.clear()
    cluster.upgrade(SCALED, values=DATABASE)
    assert sorted(one for one in cluster.made if "migrate" in one) == sorted(MIGRATED)
    assert sorted(one for one in cluster.titles if "migrate" in one) == sorted(MIGRATED[:3])


def test_the_shape_single_needs_no_job(cluster: Cluster) -> None:
    cluster.install(SINGLE)
    assert [one for one in cluster.made if one.startswith("Job/")] == []


def test_a_database_in_a_secret_of_its_own_is_not_written_down_again(cluster: Cluster) -> None:
    cluster.install(SCALED)
    assert f"Secret/{NAME}-migrate" not in cluster.made
    assert f"Job/{NAME}-migrate" in cluster.made


@pytest.mark.parametrize("file", ci_files())
def test_the_notes_say_how_to_go_on(cluster: Cluster, file: str) -> None:
    notes = cluster.install(file).partition("NOTES:")[2]
    for words in ("darkroom doctor", "helm test pictures -n studio --logs"):
        assert words in notes
    assert "<no value>" not in notes
    assert "%!" not in notes


def test_the_notes_tell_where_the_key_is_and_do_not_show_it(cluster: Cluster) -> None:
    notes = cluster.install(SCALED).partition("NOTES:")[2]
    assert API_KEY in notes
    assert not any(secret in notes for secret in generated(cluster).values())


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("networkPolicy.enabled", False, "networkPolicy"),
        ("settings.publicUrl", "", "publicUrl"),
        ("settings.evolink.apiKey.value", "", "evolink.apiKey"),
        ("settings.evolink.apiKey.value", "evk-1", "settings.cost.budgets is empty"),
        ("settings.notify.endpoints.value", [ENDPOINT], "notify.endpoints is given by value"),
        ("persistence.enabled", False, "persistence"),
        ("service", {"type": "NodePort"}, "publishes the API"),
        ("monitoring.rules.enabled", True, "monitoring.rules.enabled without"),
        ("settings.traces.endpoint", "http://collector.tracing.svc:4317", "networkPolicy.traces.ports lacks 4317"),
        ("settings.traces.endpoint", "https://traces.example.com:4318", "traces.example.com is no name of one"),
        ("maintenance", True, "darkroom/maintenance=true"),
    ],
)
def test_the_notes_name_what_is_weak(cluster: Cluster, path: str, value: object, words: str) -> None:
    values = merged(set_at(path, value), set_at("networkPolicy.gateway.from", [{"ipBlock": {"cidr": "0.0.0.0/0"}}]))
    assert words in cluster.install(SINGLE, values=values).partition("NOTES:")[2]


@pytest.mark.parametrize("road", ["ingress", "gateway"])
@pytest.mark.parametrize("published", [True, False])
def test_the_notes_say_where_links_in_events_lead_nowhere(cluster: Cluster, road: str, published: bool) -> None:
    way = {"enabled": True, "host": "a.example.com", "api": {"enabled": published}}
    way |= {"parentRefs": [{"name": "public"}]} if road == "gateway" else {}
    anybody = {"gateway": {"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}}
    told = {"settings": {"notify": {"endpoints": {"existingSecret": "mine"}}}, road: way, "networkPolicy": anybody}
    notes = cluster.install(SINGLE, values=told).partition("NOTES:")[2]
    assert ("links to https://a.example.com/a/, which leads nowhere" in notes) is not published


def test_the_notes_find_no_weakness_in_a_key_whose_spending_has_an_end(cluster: Cluster) -> None:
    budgets = [{"name": "all", "per": "day", "stop_usd": 10}]
    given = {"settings": {"evolink": {"apiKey": {"value": "evk-1"}}, "cost": {"budgets": budgets}}}
    assert "cost.budgets" not in cluster.install(SINGLE, values=given).partition("NOTES:")[2]


def test_the_notes_find_no_weakness_in_traces_that_go_to_a_pod(cluster: Cluster) -> None:
    endpoint = set_at("settings.traces.endpoint", "http://collector.tracing.svc:4318")
    assert "networkPolicy.traces" not in cluster.install(SINGLE, values=endpoint).partition("NOTES:")[2]


def test_the_notes_say_that_what_stands_in_front_has_to_speak_https_to_the_pods(cluster: Cluster) -> None:
    road = {"ingress": {"enabled": True, "host": "a.example.com"}, "service": {"tls": {"existingSecret": "mine"}}}
    gateway = set_at("networkPolicy.gateway.from", [{"ipBlock": {"cidr": "0.0.0.0/0"}}])
    assert "backend-protocol" in cluster.install(SINGLE, values=merged(road, gateway)).partition("NOTES:")[2]

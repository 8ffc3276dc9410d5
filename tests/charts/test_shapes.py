"""What each shape runs, how it grows, how it is replaced, and what operators add."""

from typing import Any

import pytest

from tests.charts.helm import ci_files, merged, render, set_at
from tests.charts.manifests import ROLES, Rendered, Workload, at

pytestmark = pytest.mark.long

SINGLE, SCALED = "default-values.yaml", "scaled-values.yaml"
FULL, KEDA = "scaled-full-values.yaml", "scaled-keda-values.yaml"


def components(rendered: Rendered) -> set[str]:
    return {one.component for one in rendered.workloads}


def replicas(rendered: Rendered, component: str) -> Any:
    return rendered.workload(component).manifest["spec"].get("replicas")


def strategy(workload: Workload) -> Any:
    return workload.manifest["spec"]["strategy"]


# --- what runs


def test_the_shape_single_is_one_pod_with_all_roles() -> None:
    rendered = render(SINGLE)
    assert components(rendered) == {"all", "test"}
    assert replicas(rendered, "all") == 1
    assert strategy(rendered.workload("all")) == {"type": "Recreate"}


def test_the_shape_scaled_is_a_deployment_for_each_role() -> None:
    rendered = render(SCALED)
    assert components(rendered) == {*ROLES, "migrate", "test"}
    assert [replicas(rendered, one) for one in ROLES] == [2, 2, 2, 2]
    assert rendered.of("PersistentVolumeClaim") == []


@pytest.mark.parametrize("component", ROLES)
def test_each_role_has_resources_and_places_of_its_own(component: str) -> None:
    own = {"resources": {"requests": {"cpu": "3", "memory": "4Gi"}, "limits": {"memory": "5Gi"}}}
    place = {"nodeSelector": {"disk": "fast"}, "tolerations": [{"key": "a", "operator": "Exists"}], "replicas": 5}
    common = {"nodeSelector": {"disk": "slow"}, "priorityClassName": "usual"}
    rendered = render(SCALED, values=merged(common, {component: {**own, **place}}))
    mine = rendered.workload(component)
    assert at(mine.main, "resources", "requests", "cpu") == "3"
    assert (mine.pod["nodeSelector"], mine.pod["tolerations"]) == (place["nodeSelector"], place["tolerations"])
    assert replicas(rendered, component) == 5
    for other in {*ROLES} - {component}:
        assert rendered.workload(other).pod["nodeSelector"] == {"disk": "slow"}
        assert rendered.workload(other).pod["priorityClassName"] == "usual"


def test_a_volume_that_exists_is_used_and_none_is_made() -> None:
    rendered = render(SINGLE, values=set_at("persistence.existingClaim", "mine"))
    volumes = rendered.workload("all").pod["volumes"]
    assert {"claimName": "mine"} in [one.get("persistentVolumeClaim") for one in volumes]
    assert rendered.of("PersistentVolumeClaim") == []


@pytest.mark.parametrize(("written", "wanted"), [("", None), ("-", ""), ("fast", "fast")])
def test_a_storage_class_may_be_the_default_none_or_named(written: str, wanted: str | None) -> None:
    claim = render(SINGLE, values=set_at("persistence.storageClass", written)).one("PersistentVolumeClaim")
    assert claim["spec"].get("storageClassName") == wanted


def test_where_nothing_is_kept_pods_have_room_for_files_on_their_way() -> None:
    for component in ROLES:
        volumes = {one["name"]: one for one in render(SCALED).workload(component).pod["volumes"]}
        assert "sizeLimit" in volumes["data"]["emptyDir"]


def test_images_on_the_disk_of_a_node_have_as_much_room_as_the_volume_would() -> None:
    mine = render(SINGLE, values=set_at("persistence", {"enabled": False, "size": "7Gi"})).workload("all")
    assert {"name": "data", "emptyDir": {"sizeLimit": "7Gi"}} in mine.pod["volumes"]
    assert "ephemeral-storage" not in mine.main["resources"]["limits"]


def test_the_test_pod_goes_where_the_volume_is() -> None:
    place = {"nodeSelector": {"a": "b"}, "tolerations": [{"operator": "Exists"}], "priorityClassName": "high"}
    test = render(SINGLE, values={"single": place}).workload("test")
    assert place.items() <= test.pod.items()
    assert "podAffinity" in test.pod["affinity"]
    key = set_at("settings.apiKeys.existingSecret", "mine")
    assert not place.keys() & render(SINGLE, values={"single": place, **key}).workload("test").pod.keys()


# --- how it grows


@pytest.mark.parametrize("component", ROLES)
def test_who_is_counted_by_an_autoscaler_has_no_number_of_its_own(component: str) -> None:
    rendered = render(SCALED, values=set_at(f"{component}.autoscaling", {"enabled": True, "maxReplicas": 7}))
    assert replicas(rendered, component) is None
    scaler = rendered.one("HorizontalPodAutoscaler")
    assert scaler["spec"]["scaleTargetRef"]["name"] == rendered.workload(component).name
    assert scaler["spec"]["maxReplicas"] == 7
    assert all(replicas(rendered, other) for other in {*ROLES} - {component})


def test_an_autoscaler_by_cpu_asks_for_what_containers_request() -> None:
    rendered = render(FULL)
    for scaler in rendered.of("HorizontalPodAutoscaler"):
        (target,) = [one for one in rendered.workloads if one.name == scaler["spec"]["scaleTargetRef"]["name"]]
        resources = [at(one, "resource", "name") for one in scaler["spec"]["metrics"] if one["type"] == "Resource"]
        assert resources
        assert set(resources) <= {*target.main["resources"]["requests"]}


def test_keda_counts_archivers_by_what_would_be_lost() -> None:
    rendered = render(KEDA)
    scaled = rendered.one("ScaledObject")
    assert scaled["spec"]["scaleTargetRef"]["name"] == rendered.workload("archiver").name
    assert replicas(rendered, "archiver") is None
    assert scaled["spec"]["minReplicaCount"] >= 1
    (trigger,) = [one for one in scaled["spec"]["triggers"] if one["type"] == "prometheus"]
    query = trigger["metadata"]["query"]
    assert "max(darkroom_assets_pending" in query
    assert "min(darkroom_next_expiry_seconds" in query
    assert "sum(" not in query
    assert 'namespace="studio"' in query
    assert scaled["spec"]["fallback"]["replicas"] >= scaled["spec"]["minReplicaCount"]


def test_keda_waits_before_it_shrinks_and_takes_more_beside_it() -> None:
    advanced = {"horizontalPodAutoscalerConfig": {"behavior": {"scaleUp": {"stabilizationWindowSeconds": 9}}}}
    told = {"cooldownPeriod": 77, "advanced": advanced}
    spec = render(KEDA, values=set_at("archiver.keda", told)).one("ScaledObject")["spec"]
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    waits = {name: one["stabilizationWindowSeconds"] for name, one in behavior.items()}
    assert waits == {"scaleDown": 77, "scaleUp": 9}


def test_keda_looks_at_the_job_that_prometheus_gives_the_service() -> None:
    rendered = render(KEDA)
    (name,) = [one["metadata"]["name"] for one in rendered.of("Service") if one["spec"].get("clusterIP") == "None"]
    assert f'job="{name}"' in str(rendered.one("ScaledObject")["spec"]["triggers"])


@pytest.mark.parametrize("component", ROLES)
def test_one_pod_of_several_may_be_away_at_a_time(component: str) -> None:
    budget = render(SCALED).for_component("PodDisruptionBudget", component)
    assert budget is not None
    assert budget["spec"]["maxUnavailable"] == 1
    assert "minAvailable" not in budget["spec"]


def test_the_only_pod_of_a_role_is_not_held_on_its_node_for_ever() -> None:
    assert (
        render(SCALED, values=set_at("receiver.replicas", 1)).for_component("PodDisruptionBudget", "receiver") is None
    )
    assert render(SINGLE).of("PodDisruptionBudget") == []


def test_how_many_have_to_stay_may_be_told_instead() -> None:
    wish = {"minAvailable": "50%"}
    budget = render(SCALED, values=set_at("receiver.podDisruptionBudget", wish)).for_component(
        "PodDisruptionBudget", "receiver"
    )
    assert budget is not None
    assert budget["spec"]["minAvailable"] == "50%"
    assert "maxUnavailable" not in budget["spec"]


@pytest.mark.parametrize("component", ROLES)
def test_pods_of_a_role_are_spread_but_never_kept_waiting_for_it(component: str) -> None:
    workload = render(SCALED).workload(component)
    spread = workload.pod["topologySpreadConstraints"]
    assert {one["whenUnsatisfiable"] for one in spread} == {"ScheduleAnyway"}
    assert {one["topologyKey"] for one in spread} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    for one in spread:
        assert one["labelSelector"]["matchLabels"].items() <= workload.labels.items()


# --- how it is replaced


def test_who_is_replaced_at_once_is_not_rolled() -> None:
    rendered = render(SCALED, values=set_at("api.strategy.type", "Recreate"))
    assert strategy(rendered.workload("api")) == {"type": "Recreate"}


def test_a_new_receiver_is_ready_before_an_old_one_leaves() -> None:
    rolling = strategy(render(SCALED).workload("receiver"))["rollingUpdate"]
    assert rolling["maxUnavailable"] == 0
    assert rolling["maxSurge"] != 0


@pytest.mark.parametrize("file", ci_files())
def test_a_pod_has_as_much_time_to_leave_as_its_parts_take(file: str) -> None:
    for workload in render(file).services:
        drain = {one["name"]: one.get("value", "") for one in workload.main["env"]}["DARKROOM_SERVER__DRAIN_TIMEOUT"]
        sleep = int(workload.main["lifecycle"]["preStop"]["exec"]["command"][-1])
        least = sleep + int(drain.removesuffix("s")) + 4  # a database that hangs takes up to 4 s more
        assert sleep > 0
        assert workload.pod["terminationGracePeriodSeconds"] > least, workload.name


def test_the_time_to_leave_follows_its_parts() -> None:
    parts = {"preStopSeconds": 7, "drainSeconds": 50, "marginSeconds": 11}
    workload = render(SINGLE, values={"shutdown": parts}).workload("all")
    assert workload.pod["terminationGracePeriodSeconds"] == 68
    assert workload.main["lifecycle"]["preStop"]["exec"]["command"] == ["/bin/sleep", "7"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("settings.log.level", "debug"),
        ("settings.evolink.apiKey", {"value": "evk-another", "existingSecret": ""}),
        ("priceLists.value", [{"from": "2026-01-01", "credits_per_dollar": 68, "models": {}}]),
    ],
)
@pytest.mark.parametrize("file", [SINGLE, SCALED])
def test_pods_are_replaced_when_their_settings_or_secrets_change(file: str, path: str, value: Any) -> None:
    before, after = render(file), render(file, values=set_at(path, value))
    for old, new in zip(before.services, after.services, strict=True):
        assert old.annotations != new.annotations, old.name


@pytest.mark.parametrize("file", [SINGLE, SCALED])
def test_pods_are_not_replaced_when_nothing_about_them_changes(file: str) -> None:
    before, after = render(file), render(file, values=set_at("service.annotations", {"a": "b"}))
    for old, new in zip(before.services, after.services, strict=True):
        assert old.template == new.template, old.name


@pytest.mark.parametrize("file", ci_files())
def test_liveness_asks_only_whether_the_process_lives(file: str) -> None:
    for workload in render(file).services:
        probes = {name: workload.main[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
        assert [probes[name]["path"] for name in ("startup", "liveness")] == ["/livez", "/livez"]
        assert probes["readiness"]["path"] == "/readyz"
        assert {probe["port"] for probe in probes.values()} == {"metrics"}


# --- what operators add


def test_more_of_everything_reaches_the_pods() -> None:
    more = {
        "extraEnv": [{"name": "OTEL_SERVICE_NAME", "value": "darkroom"}],
        "extraEnvFrom": [{"secretRef": {"name": "more"}}],
        "extraVolumes": [{"name": "more", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
        "podAnnotations": {"example.com/a": "b"},
        "podLabels": {"team": "pictures"},
        "priorityClassName": "high",
        "commonLabels": {"owner": "us"},
        "commonAnnotations": {"example.com/c": "d"},
    }
    rendered = render(SCALED, values=more)
    for workload in rendered.services:
        assert more["extraEnv"][0] in workload.main["env"]  # type: ignore[index]
        assert more["extraEnvFrom"][0] in workload.main["envFrom"]  # type: ignore[index]
        assert workload.pod["volumes"][-1]["name"] == workload.main["volumeMounts"][-1]["name"] == "more"
        assert workload.annotations["example.com/a"] == "b"
        assert workload.labels["team"] == "pictures"
        assert workload.pod["priorityClassName"] == "high"
    for manifest in rendered.manifests:
        assert manifest["metadata"]["labels"]["owner"] == "us"
        assert manifest["metadata"]["annotations"]["example.com/c"] == "d"


def test_labels_of_operators_do_not_change_selectors() -> None:
    before, after = render(SCALED), render(SCALED, values={"commonLabels": {"a": "b"}, "podLabels": {"c": "d"}})
    for old, new in zip(before.workloads, after.workloads, strict=True):
        assert at(old.manifest, "spec", "selector") == at(new.manifest, "spec", "selector")


def test_labels_of_the_chart_are_there_once_and_keep_what_is_selected_by() -> None:
    name, part_of = "app.kubernetes.io/name", "app.kubernetes.io/part-of"
    given = {name: "other", "app.kubernetes.io/component": "other", part_of: "shop", "team": "a"}
    labels = {"labels": {"app.kubernetes.io/instance": "other", "team": "b"}}
    rendered = render(SCALED, values={"commonLabels": given, "service": labels})
    for service in rendered.of("Service"):
        found = service["metadata"]["labels"]
        assert (found[name], found["app.kubernetes.io/instance"], found[part_of]) == ("darkroom", "pictures", "shop")
        assert found["app.kubernetes.io/component"] in (*ROLES, "metrics")
        assert found["team"] == ("a" if found["app.kubernetes.io/component"] == "metrics" else "b")


def test_a_label_of_an_operator_cannot_take_a_pod_out_of_its_selector() -> None:
    rendered = render(SCALED, values={"podLabels": {"app.kubernetes.io/name": "other", "team": "a"}})
    for workload in rendered.services:
        assert workload.manifest["spec"]["selector"]["matchLabels"].items() <= workload.labels.items()


@pytest.mark.parametrize("written", [{"kind": "ConfigMap"}, "kind: ConfigMap"])
def test_objects_of_ones_own_are_maps_or_text_with_templates_filled_in(written: Any) -> None:
    name = "{{ .Release.Name }}-own"
    head = {"apiVersion": "v1", "metadata": {"name": name}}
    one = (
        {**written, **head} if isinstance(written, dict) else f"{written}\napiVersion: v1\nmetadata: {{name: '{name}'}}"
    )
    assert render(SINGLE, values={"extraObjects": [one]}).named("ConfigMap", "pictures-own")


def test_identity_of_the_cloud_is_given_to_pods_that_reach_the_bucket_alone() -> None:
    annotation = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/a"}
    rendered = render(SCALED, values=set_at("serviceAccount.storeAnnotations", annotation))
    has = {
        one.component
        for one in rendered.workloads
        for account in [rendered.named("ServiceAccount", one.pod["serviceAccountName"])]
        if account and annotation.items() <= at(account, "metadata", "annotations", default={}).items()
    }
    assert has == {"archiver", "api"}


def test_an_account_that_exists_is_used_by_all_pods() -> None:
    rendered = render(SCALED, values={"serviceAccount": {"create": False, "name": "mine"}})
    assert {one.pod["serviceAccountName"] for one in rendered.workloads} == {"mine"}
    assert rendered.of("ServiceAccount") == []


@pytest.mark.parametrize("values", [{"fullnameOverride": "a" * 40}, {}])
def test_long_names_are_cut_and_stay_apart(values: dict[str, str]) -> None:
    rendered = render(FULL, values=values, release="r" * 53)
    names = [(one["kind"], one["metadata"]["name"]) for one in rendered.manifests]
    assert max(len(name) for _, name in names) <= 63
    assert len(names) == len(set(names))

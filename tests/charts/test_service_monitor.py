"""The ServiceMonitor finds every pod of the service, and gives its targets what alerts select by."""

from typing import Any

import pytest

from tests.charts.helm import NAMESPACE, render
from tests.charts.manifests import COMPONENT, Rendered, matches

pytestmark = pytest.mark.long

SHAPES = ("default-values.yaml", "scaled-values.yaml")


def rendered(*files: str, **given: Any) -> Rendered:
    return render(*files, values={"monitoring": {"serviceMonitor": {"enabled": True, **given}}})


@pytest.mark.parametrize("file", SHAPES)
def test_it_selects_the_metrics_service_and_no_other(file: str) -> None:
    release = rendered(file)
    spec = release.one("ServiceMonitor")["spec"]
    found = [one for one in release.of("Service") if matches(spec["selector"], one["metadata"]["labels"])]
    assert [one["metadata"]["name"] for one in found] == ["pictures-darkroom-metrics"]
    assert spec["namespaceSelector"] == {"matchNames": [NAMESPACE]}
    assert spec["endpoints"][0]["port"] in {port["name"] for port in found[0]["spec"]["ports"]}


@pytest.mark.parametrize("file", SHAPES)
def test_every_pod_of_the_service_is_behind_it(file: str) -> None:
    release = rendered(file)
    service = release.named("Service", "pictures-darkroom-metrics")
    assert service is not None
    pods = list(release.services)
    assert pods
    for pod in pods:
        assert service["spec"]["selector"].items() <= pod.labels.items(), pod.name
        assert "metrics" in pod.ports, pod.name


def test_targets_carry_their_component_and_no_label_of_the_pod_wins() -> None:
    [endpoint] = rendered("scaled-values.yaml").one("ServiceMonitor")["spec"]["endpoints"]
    label = COMPONENT.translate(str.maketrans("./", "__"))
    assert endpoint["relabelings"] == [
        {"sourceLabels": [f"__meta_kubernetes_pod_label_{label}"], "targetLabel": "component", "action": "replace"}
    ]
    assert (endpoint["honorLabels"], endpoint["path"]) == (False, "/metrics")


def test_it_takes_labels_intervals_and_relabelings_of_its_own_and_another_namespace() -> None:
    drop = {"sourceLabels": ["__name__"], "regex": "python_.*", "action": "drop"}
    own = {
        "namespace": "monitoring",
        "labels": {"release": "prometheus"},
        "interval": "15s",
        "scrapeTimeout": "5s",
        "relabelings": [{"action": "labeldrop", "regex": "endpoint"}],
        "metricRelabelings": [drop],
    }
    monitor = rendered("default-values.yaml", **own).one("ServiceMonitor")
    [endpoint] = monitor["spec"]["endpoints"]
    assert monitor["metadata"]["namespace"] == "monitoring"
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert (endpoint["interval"], endpoint["scrapeTimeout"]) == ("15s", "5s")
    assert [one["action"] for one in endpoint["relabelings"]] == ["replace", "labeldrop"]
    assert endpoint["metricRelabelings"] == [drop]


def test_nothing_of_it_is_made_unless_it_is_wanted() -> None:
    plain = render("scaled-values.yaml")
    assert [*plain.of("ServiceMonitor"), *plain.of("PrometheusRule")] == []
    assert plain.named("ConfigMap", "pictures-darkroom-dashboard") is None

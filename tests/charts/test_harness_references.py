"""The code that follows references and reads values: each kind of mistake is found, and what is right is not told."""

import base64
from typing import Any

import pytest

from tests.charts import references
from tests.charts.environment import environment
from tests.charts.kubernetes import complaints
from tests.charts.manifests import Manifest, Rendered, Workload, hook_weight
from tests.charts.schema import ValuesSchema
from tests.charts.values_file import read, rows, undescribed

pytestmark = pytest.mark.long  # as what they are the harness of


def a_manifest(kind: str, name: str, **members: Any) -> Manifest:
    annotations = members.pop("annotations", {})
    labels = members.pop("labels", {})
    return {"kind": kind, "metadata": {"name": name, "labels": labels, "annotations": annotations}, **members}


def a_deployment(name: str = "app", *, label: str = "a", **pod: Any) -> Manifest:
    container = {"name": "main", "ports": [{"name": "http", "containerPort": 8080}], **pod.pop("container", {})}
    template = {"metadata": {"labels": {"app": label}}, "spec": {"containers": [container], **pod}}
    return a_manifest("Deployment", name, spec={"selector": {"matchLabels": {"app": label}}, "template": template})


def all_of(*manifests: Manifest) -> Rendered:
    return Rendered(manifests)


SECRET_ENV = [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "one"}}}]


@pytest.mark.parametrize(
    ("pod", "told"),
    [
        ({"serviceAccountName": "runner"}, "ServiceAccount/runner"),
        ({"container": {"env": SECRET_ENV}}, "Secret/keys at 'one'"),
        ({"container": {"envFrom": [{"configMapRef": {"name": "settings"}}]}}, "ConfigMap/settings"),
        ({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}, "PersistentVolumeClaim/data"),
        ({"volumes": [{"name": "v", "secret": {"secretName": "tls"}}]}, "Secret/tls"),
        ({"volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "ca"}}]}}]}, "ConfigMap/ca"),
        ({"imagePullSecrets": [{"name": "registry"}]}, "Secret/registry"),
    ],
)
def test_a_name_that_nothing_has_is_told(pod: Manifest, told: str) -> None:
    assert [told in one for one in references.dangling(all_of(a_deployment(**pod)), {})] == [True]


def test_an_entry_that_a_secret_does_not_have_is_told() -> None:
    pod = a_deployment(container={"env": SECRET_ENV})
    assert references.dangling(all_of(pod, a_manifest("Secret", "keys", stringData={"two": "2"})), {})
    assert not references.dangling(all_of(pod, a_manifest("Secret", "keys", stringData={"one": "1"})), {})


def test_what_the_values_say_exists_already_is_believed() -> None:
    pod = a_deployment(container={"env": SECRET_ENV})
    assert not references.dangling(all_of(pod), {"settings": {"apiKeys": {"existingSecret": "keys"}}})
    assert references.dangling(all_of(pod), {"settings": {"apiKeys": {"value": "keys"}}})


def test_a_scaler_of_something_else_is_told() -> None:
    target = {"scaleTargetRef": {"kind": "Deployment", "name": "gone"}}
    assert references.dangling(all_of(a_deployment(), a_manifest("HorizontalPodAutoscaler", "h", spec=target)), {})


def test_ports_that_the_other_side_does_not_have_are_told() -> None:
    service = a_manifest("Service", "s", spec={"selector": {"app": "a"}, "ports": [{"port": 80, "targetPort": "web"}]})
    probe = {"livenessProbe": {"httpGet": {"port": "metrics"}}}
    backend = {"service": {"name": "s", "port": {"name": "http"}}}
    ingress = a_manifest("Ingress", "i", spec={"rules": [{"http": {"paths": [{"backend": backend}]}}]})
    told = references.port_complaints(all_of(a_deployment(container=probe), service, ingress))
    assert [one.split(" ")[0] for one in told] == ["Service/s", "Ingress/i", "Deployment/app:"]


def test_a_service_without_pods_is_told() -> None:
    service = a_manifest("Service", "s", spec={"selector": {"app": "z"}, "ports": [{"port": 80}]})
    assert references.port_complaints(all_of(a_deployment(), service)) == ["Service/s selects no pod"]


def test_deployments_that_select_each_others_pods_are_told() -> None:
    both = all_of(a_deployment("one"), a_deployment("two"))
    assert len(references.selector_complaints(both)) == 2
    assert references.selector_complaints(all_of(a_deployment("one"), a_deployment("two", label="b"))) == []


def test_a_budget_over_two_workloads_is_told() -> None:
    budget = a_manifest("PodDisruptionBudget", "b", spec={"selector": {}})
    told = references.selector_complaints(all_of(a_deployment("one"), a_deployment("two", label="b"), budget))
    assert len(told) == 1
    assert "not one workload" in told[0]


def a_hook(weight: str, **pod: Any) -> Manifest:
    job = a_deployment("migrate", **pod) | {"kind": "Job"}
    job["metadata"]["annotations"] = {"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-weight": weight}
    return job


@pytest.mark.parametrize(
    ("annotations", "told"),
    [
        ({}, "not there yet"),
        ({"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-weight": "-10"}, "no earlier"),
        ({"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-weight": "-20"}, ""),
    ],
)
def test_a_hook_needs_what_comes_before_it(annotations: dict[str, str], told: str) -> None:
    account = a_manifest("ServiceAccount", "runner", annotations=annotations)
    hook = a_hook("-10", serviceAccountName="runner")
    found = references.hook_complaints(all_of(hook, account))
    assert len(found) == bool(told)
    assert all(told in one for one in found)
    assert hook_weight(hook) == -10


def test_what_stays_must_not_need_a_hooks_things() -> None:
    account = a_manifest("ServiceAccount", "runner", annotations={"helm.sh/hook": "pre-install"})
    assert "goes away" in references.hook_complaints(all_of(a_deployment(serviceAccountName="runner"), account))[0]


def test_an_environment_is_put_together_as_a_kubelet_does_it() -> None:
    secret = a_manifest("Secret", "keys", data={"one": base64.b64encode(b"1").decode()})
    config = a_manifest("ConfigMap", "settings", data={"A": "from the map", "B": "b"})
    own = [{"name": "A", "value": "own"}, {"name": "URL", "value": "http://$(A):$(KEY)$(GONE)"}]
    source = [{"configMapRef": {"name": "settings"}}]
    rendered = all_of(a_deployment(container={"envFrom": source, "env": [*SECRET_ENV, *own]}), secret, config)
    got = environment(rendered, Workload(rendered.manifests[0]).main)
    assert got == {"A": "own", "B": "b", "KEY": "1", "URL": "http://own:1$(GONE)"}


# --- schemas of kinds

SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}}
MONITOR = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "ServiceMonitor",
    "metadata": {"name": "a"},
    "spec": {"selector": {}, "endpoints": [{"port": "metrics", "interval": "30s"}]},
}


@pytest.mark.parametrize("version", ["1.27.0", "1.37.0"])
@pytest.mark.parametrize("manifest", [SERVICE, MONITOR])
def test_a_good_manifest_is_taken(manifest: Manifest, version: str) -> None:
    assert complaints(manifest, version) == []


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ({**SERVICE, "spec": {"prots": []}}, "prots"),
        ({**SERVICE, "kind": "Sevice"}, "Kubernetes 1.37.0 has no"),
        ({**SERVICE, "apiVersion": "v2"}, "Kubernetes 1.37.0 has no"),
        ({**SERVICE, "metadata": {"name": "A_b"}}, "is no name"),
        ({**SERVICE, "metadata": {"name": "a" * 64}}, "is no name"),
        ({**SERVICE, "metadata": {"name": "a", "labels": {"l": "a" * 64}}}, "is no label"),
        ({**SERVICE, "metadata": {"name": "a", "annotations": {"l": 1}}}, "is no text"),
        ({**MONITOR, "spec": {"selector": {}, "endpoints": [{"prot": "metrics"}]}}, "prot"),
        ({**MONITOR, "spec": {"selector": {}, "endpoints": [{"port": "metrics", "interval": "soon"}]}}, "interval"),
    ],
)
def test_a_wrong_manifest_is_told(manifest: Manifest, told: str) -> None:
    assert any(told in one for one in complaints(manifest, "1.37.0"))


# --- values

VALUES = """
# The first words of the file are about no key.

# -- What runs
# where.
shape: single

# What runs, and
# from where.
image:
  # -- Where it is.
  repository: darkroom
  tag: ""
# -- Labels of everything.
labels: {}
# -- Probes.
probes:
  liveness:
    path: /livez
  # not a description
plain: 1
"""


def test_keys_are_read_with_their_comments_and_defaults() -> None:
    read_keys = read(VALUES)
    assert [(one.name, one.default) for one in rows(read_keys)] == [
        ("shape", "single"),
        ("image.repository", "darkroom"),
        ("image.tag", ""),
        ("labels", {}),
        ("probes", {"liveness": {"path": "/livez"}}),
        ("plain", 1),
    ]
    assert read_keys[0].description == "What runs where."
    assert (read_keys[1].description, read_keys[1].lead) == ("", "What runs, and from where.")


def test_keys_without_a_word_are_told() -> None:
    assert [one.partition(": ")[2] for one in undescribed(read(VALUES))] == ["image.tag", "plain"]


SCHEMA = """{
  "$defs": {"secret": {"type": "object", "additionalProperties": false, "properties": {"value": {"type": "string"}}}},
  "type": "object", "additionalProperties": false,
  "properties": {
    "shape": {"enum": ["single", "scaled"]},
    "key": {"$ref": "#/$defs/secret"},
    "size": {"type": ["string", "integer"]},
    "either": {"anyOf": [{"type": "string"}, {"type": "array"}]}
  }
}"""


def test_a_schema_tells_types_and_what_it_knows() -> None:
    schema = ValuesSchema.of_text(SCHEMA)
    names = ("shape", "size", "either")
    assert [schema.type_of((name,)) for name in names] == [
        "`single` or `scaled`",
        "string or integer",
        "string or list",
    ]
    assert schema.type_of(("key", "value")) == "string"
    assert schema.at(("key", "valu")) == ()
    assert schema.is_closed(())
    assert schema.is_closed(("key",))
    assert not schema.is_closed(("size",))
    assert schema.declared(("key",)) == {"value"}

"""What manifests refer to by name, and which of it is not there. Pure.

A name counts as there when something rendered has it, or when the values say that it exists already: every text below a
key that begins with `existing` or `extra`, and a few keys that are about things of the cluster.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.charts.manifests import Manifest, Rendered, Workload, at, hook_weight, is_hook, matches, title

_ELSEWHERE = ("existing", "extra", "pullSecrets", "parentRefs", "secretName", "apiSecretName")


@dataclass(frozen=True, slots=True)
class Reference:
    """One name in one manifest; `key` is the entry of a Secret or ConfigMap that is meant."""

    origin: str
    kind: str
    name: str
    key: str | None = None
    optional: bool = False

    def __str__(self) -> str:
        return f"{self.origin} refers to {self.kind}/{self.name}" + (f" at {self.key!r}" if self.key else "")


def names_elsewhere(values: Any, *, inside: bool = False) -> set[str]:
    """Every text of the values that may name something which the cluster has already."""
    if isinstance(values, str):
        return {values} if inside and values else set()
    if isinstance(values, Mapping):
        below = [names_elsewhere(value, inside=inside or name.startswith(_ELSEWHERE)) for name, value in values.items()]
        return set().union(*below)
    if isinstance(values, list):
        return set().union(*(names_elsewhere(value, inside=inside) for value in values))
    return set()


def dangling(rendered: Rendered, values: Mapping[str, Any]) -> list[str]:
    """References that nothing answers to, each as one sentence."""
    elsewhere = names_elsewhere(values)
    return [
        str(one)
        for one in references(rendered)
        if not one.optional and one.name not in elsewhere and not _resolves(rendered, one)
    ]


def references(rendered: Rendered) -> Iterator[Reference]:
    """Everything that a manifest calls by its name."""
    for workload in rendered.workloads:
        yield from _of_workload(workload)
    for manifest in rendered.manifests:
        yield from _of_manifest(manifest)


def _resolves(rendered: Rendered, reference: Reference) -> bool:
    found = rendered.named(reference.kind, reference.name)
    if found is None and reference.kind == "Secret":
        return any(_makes_secret(one, reference.name) for one in rendered.manifests)
    if found is None:
        return reference.kind == "ServiceAccount" and reference.name == "default"
    return reference.key is None or reference.key in {*entries(found)}


def entries(manifest: Manifest) -> dict[str, Any]:
    """What a Secret or a ConfigMap holds, as it is written."""
    return {**(manifest.get("data") or {}), **(manifest.get("stringData") or {}), **(manifest.get("binaryData") or {})}


def _makes_secret(manifest: Manifest, name: str) -> bool:
    """Whether cert-manager makes a Secret of this name for it: from a Certificate, or from an annotated route."""
    if manifest["kind"] == "Certificate":
        return bool(manifest["spec"]["secretName"] == name)
    annotations = at(manifest, "metadata", "annotations", default={})
    return manifest["kind"] in ("Ingress", "Gateway") and any("cert-manager.io/" in key for key in annotations)


def _of_workload(workload: Workload) -> Iterator[Reference]:
    origin, pod = title(workload.manifest), workload.pod
    if name := pod.get("serviceAccountName"):
        yield Reference(origin, "ServiceAccount", name)
    for secret in pod.get("imagePullSecrets") or []:
        yield Reference(origin, "Secret", secret["name"])
    for volume in pod.get("volumes") or []:
        yield from _of_volume(origin, volume)
    for container in workload.containers:
        yield from _of_container(origin, container)


def _of_volume(origin: str, volume: Manifest) -> Iterator[Reference]:
    if claim := volume.get("persistentVolumeClaim"):
        yield Reference(origin, "PersistentVolumeClaim", claim["claimName"])
    if secret := volume.get("secret"):
        yield from _with_items(origin, "Secret", secret["secretName"], secret)
    if config := volume.get("configMap"):
        yield from _with_items(origin, "ConfigMap", config["name"], config)
    for source in at(volume, "projected", "sources", default=[]):
        for kind, name in (("Secret", "secret"), ("ConfigMap", "configMap")):
            if name in source:
                yield from _with_items(origin, kind, source[name]["name"], source[name])


def _with_items(origin: str, kind: str, name: str, source: Manifest) -> Iterator[Reference]:
    optional = bool(source.get("optional"))
    yield Reference(origin, kind, name, optional=optional)
    for item in source.get("items") or []:
        yield Reference(origin, kind, name, item["key"], optional)


def _of_container(origin: str, container: Manifest) -> Iterator[Reference]:
    kinds = {
        "secretKeyRef": "Secret",
        "configMapKeyRef": "ConfigMap",
        "secretRef": "Secret",
        "configMapRef": "ConfigMap",
    }
    sources = [one["valueFrom"] for one in container.get("env") or [] if "valueFrom" in one]
    for source in [*sources, *(container.get("envFrom") or [])]:
        for member in kinds.keys() & source.keys():
            found = source[member]
            yield Reference(origin, kinds[member], found["name"], found.get("key"), bool(found.get("optional")))


def _of_manifest(manifest: Manifest) -> Iterator[Reference]:
    origin, spec = title(manifest), manifest.get("spec") or {}
    if manifest["kind"] in ("HorizontalPodAutoscaler", "ScaledObject"):
        target = spec["scaleTargetRef"]
        yield Reference(origin, target.get("kind", "Deployment"), target["name"])
    if manifest["kind"] == "Ingress":
        backends = [
            path["backend"] for rule in spec.get("rules") or [] for path in at(rule, "http", "paths", default=[])
        ]
        yield from (Reference(origin, "Service", backend["service"]["name"]) for backend in backends)
        yield from (
            Reference(origin, "Secret", one["secretName"]) for one in spec.get("tls") or [] if "secretName" in one
        )
    if manifest["kind"] == "HTTPRoute":
        yield from (Reference(origin, one.get("kind", "Gateway"), one["name"]) for one in spec["parentRefs"])
        yield from (
            Reference(origin, "Service", one["name"]) for rule in spec["rules"] for one in rule.get("backendRefs") or []
        )
    if manifest["kind"] == "Gateway":
        names = [one for listener in spec["listeners"] for one in at(listener, "tls", "certificateRefs", default=[])]
        yield from (Reference(origin, "Secret", one["name"]) for one in names)


# --- ports and selectors


def port_complaints(rendered: Rendered) -> list[str]:
    """Ports that are called by a name or number which the other side does not have."""
    return [*_service_ports(rendered), *_route_ports(rendered), *_probe_ports(rendered), *_monitor_ports(rendered)]


def selected(rendered: Rendered, selector: Manifest | None) -> list[Workload]:
    return [one for one in rendered.workloads if matches(selector, one.labels)]


def _service_ports(rendered: Rendered) -> Iterator[str]:
    for service in rendered.of("Service"):
        pods = selected(rendered, {"matchLabels": at(service, "spec", "selector")})
        if not pods:
            yield f"{title(service)} selects no pod"
        for port in at(service, "spec", "ports", default=[]):
            target = port.get("targetPort", port["port"])
            for workload in pods:
                have = workload.ports
                if target not in have and target not in have.values():
                    yield f"{title(service)} leads to port {target!r}, which {title(workload.manifest)} does not have"


def _route_ports(rendered: Rendered) -> Iterator[str]:
    called: list[tuple[Manifest, str, Any]] = []
    for ingress in rendered.of("Ingress"):
        for rule in ingress["spec"].get("rules") or []:
            services = [path["backend"]["service"] for path in at(rule, "http", "paths", default=[])]
            called += [(ingress, one["name"], one["port"].get("name", one["port"].get("number"))) for one in services]
    for route in rendered.of("HTTPRoute"):
        backends = [one for rule in route["spec"]["rules"] for one in rule.get("backendRefs") or []]
        called += [(route, one["name"], one["port"]) for one in backends]
    for manifest, name, port in called:
        service = rendered.named("Service", name)
        have = {value for one in at(service, "spec", "ports", default=[]) for value in (one.get("name"), one["port"])}
        if service is not None and port not in have:
            yield f"{title(manifest)} calls port {port!r} of Service/{name}, which it does not have"


def _probe_ports(rendered: Rendered) -> Iterator[str]:
    for workload in rendered.workloads:
        for container in workload.containers:
            named = {port.get("name"): port["containerPort"] for port in container.get("ports") or []}
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                port = at(container, probe, "httpGet", "port")
                if port is not None and port not in named and port not in named.values():
                    yield f"{title(workload.manifest)}: {probe} asks port {port!r}, which the container does not have"


def _monitor_ports(rendered: Rendered) -> Iterator[str]:
    for monitor in rendered.of("ServiceMonitor"):
        services = [
            one
            for one in rendered.of("Service")
            if matches(monitor["spec"]["selector"], at(one, "metadata", "labels", default={}))
        ]
        if not services:
            yield f"{title(monitor)} selects no Service"
        for endpoint in monitor["spec"]["endpoints"]:
            for service in services:
                if endpoint["port"] not in [port.get("name") for port in service["spec"]["ports"]]:
                    yield f"{title(monitor)} asks port {endpoint['port']!r}, which {title(service)} does not have"


def selector_complaints(rendered: Rendered) -> list[str]:
    """Selectors that select nothing, or not what they should."""
    told = []
    for kind in ("Deployment", "StatefulSet"):
        for manifest in rendered.of(kind):
            chosen = selected(rendered, manifest["spec"]["selector"])
            if [title(one.manifest) for one in chosen] != [title(manifest)]:
                told.append(f"{title(manifest)} selects pods of {[title(one.manifest) for one in chosen]}")
    for manifest in rendered.of("PodDisruptionBudget"):
        chosen = selected(rendered, manifest["spec"]["selector"])
        if len(chosen) != 1:
            told.append(
                f"{title(manifest)} covers {[title(one.manifest) for one in chosen]}, which is not one workload"
            )
    policies = rendered.of("NetworkPolicy")
    alone = [one for one in policies if not selected(rendered, one["spec"]["podSelector"])]
    return [*told, *(f"{title(one)} selects no pod" for one in alone)]


# --- hooks


def hook_complaints(rendered: Rendered) -> list[str]:
    """What hooks need before it is there, and what needs a hook's things after they are gone."""
    told = []
    hooks = {title(one): one for one in rendered.manifests if is_hook(one)}
    for workload in rendered.workloads:
        for reference in _of_workload(workload):
            needed = f"{reference.kind}/{reference.name}"
            if rendered.named(reference.kind, reference.name) is None or reference.optional:
                continue
            if is_hook(workload.manifest) and _runs_before_install(workload.manifest):
                if needed not in hooks:
                    told.append(f"{reference}, which is not there yet when the hook runs")
                elif hook_weight(hooks[needed]) >= hook_weight(workload.manifest):
                    told.append(f"{reference}, which is no earlier by its weight")
            elif not is_hook(workload.manifest) and needed in hooks:
                told.append(f"{reference}, which is a hook and goes away")
    return told


def _runs_before_install(manifest: Manifest) -> bool:
    return bool({"pre-install", "pre-upgrade"} & {*hook_events(manifest)})


def hook_events(manifest: Manifest) -> list[str]:
    events = at(manifest, "metadata", "annotations", default={}).get("helm.sh/hook", "")
    return [event.strip() for event in events.split(",") if event.strip()]

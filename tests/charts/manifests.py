"""Rendered manifests and questions about them: what there is, what runs in which pod. Pure; knows nothing of helm."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

Manifest = dict[str, Any]

COMPONENT = "app.kubernetes.io/component"
ROLES = ("receiver", "archiver", "reconciler", "api")
SERVICE_COMPONENTS = ("all", *ROLES)
"""The pods that run `darkroom serve`."""

_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "Pod": (),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


class UniqueKeys(yaml.SafeLoader):
    """Refuses a map that has a key twice, of which the last would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(name, deep=True) for name, _ in node.value]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"twice in one map: {sorted(twice)}", node.start_mark)
        return super().construct_mapping(node, deep)


def at(document: Any, *path: str, default: Any = None) -> Any:
    """What lies at a path of names, or the default where it ends before."""
    for name in path:
        if not isinstance(document, Mapping) or document.get(name) is None:
            return default
        document = document[name]
    return document


@dataclass(frozen=True, slots=True)
class Workload:
    """Something that makes pods, seen from the pod: its labels, its specification."""

    manifest: Manifest

    @property
    def kind(self) -> str:
        return str(self.manifest["kind"])

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def template(self) -> Manifest:
        found: Manifest = at(self.manifest, *_TEMPLATES[self.kind])
        return found

    @property
    def labels(self) -> dict[str, str]:
        return dict(at(self.template, "metadata", "labels", default={}))

    @property
    def annotations(self) -> dict[str, str]:
        return dict(at(self.template, "metadata", "annotations", default={}))

    @property
    def component(self) -> str:
        return self.labels.get(COMPONENT, "")

    @property
    def pod(self) -> Manifest:
        found: Manifest = self.template["spec"]
        return found

    @property
    def containers(self) -> list[Manifest]:
        """Those that run while the pod does, then those that run before."""
        return [*self.pod["containers"], *self.pod.get("initContainers", [])]

    @property
    def main(self) -> Manifest:
        """The container that the pod is for."""
        found: Manifest = self.pod["containers"][0]
        return found

    @property
    def ports(self) -> dict[str, int]:
        """Container ports by name."""
        ports = [port for one in self.containers for port in one.get("ports", [])]
        return {port["name"]: port["containerPort"] for port in ports if "name" in port}


def is_hook(manifest: Manifest) -> bool:
    return "helm.sh/hook" in at(manifest, "metadata", "annotations", default={})


def hook_weight(manifest: Manifest) -> int:
    return int(at(manifest, "metadata", "annotations", default={}).get("helm.sh/hook-weight", "0"))


def title(manifest: Manifest) -> str:
    """How people name it: `Secret/pictures-darkroom`."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def matches(selector: Manifest | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes something with these labels; an empty one takes all, None takes nothing."""
    if selector is None:
        return False
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(name) != value for name, value in wanted.items()):
        return False
    return all(_meets(rule, labels) for rule in selector.get("matchExpressions") or [])


def _meets(rule: Manifest, labels: Mapping[str, str]) -> bool:
    name, operator, values = rule["key"], rule["operator"], rule.get("values", [])
    answers = {
        "In": labels.get(name) in values,
        "NotIn": labels.get(name) not in values,
        "Exists": name in labels,
        "DoesNotExist": name not in labels,
    }
    return answers[operator]


@dataclass(frozen=True)
class Rendered:
    """All manifests of one rendering."""

    manifests: tuple[Manifest, ...]

    @classmethod
    def of_text(cls, text: str) -> "Rendered":
        """Read what helm printed; empty documents are left out here, and looked for where the text is checked."""
        loaded = yaml.load_all(text, Loader=UniqueKeys)
        return cls(tuple(document for document in loaded if document is not None))

    def of(self, kind: str) -> list[Manifest]:
        return [one for one in self.manifests if one["kind"] == kind]

    def named(self, kind: str, name: str) -> Manifest | None:
        return next((one for one in self.of(kind) if one["metadata"]["name"] == name), None)

    def one(self, kind: str) -> Manifest:
        """The only one of its kind; raises AssertionError."""
        found = self.of(kind)
        assert len(found) == 1, f"one {kind} was expected, there are {[title(one) for one in found]}"
        return found[0]

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        return tuple(Workload(one) for one in self.manifests if one["kind"] in _TEMPLATES)

    @property
    def services(self) -> Iterator[Workload]:
        """The pods of the service itself."""
        return (one for one in self.workloads if one.component in SERVICE_COMPONENTS)

    def workload(self, component: str) -> Workload:
        """What runs a component; raises AssertionError unless there is exactly one."""
        found = [one for one in self.workloads if one.component == component]
        have = sorted(one.component for one in self.workloads)
        assert len(found) == 1, f"one workload of {component!r} was expected, there are {have}"
        return found[0]

    def for_component(self, kind: str, component: str) -> Manifest | None:
        """The manifest of a kind that carries a component's label."""
        labelled = (one for one in self.of(kind) if at(one, "metadata", "labels", COMPONENT) == component)
        return next(labelled, None)

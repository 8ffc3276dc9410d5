"""As much of a Kubernetes API server as helm talks to: keeps objects in memory on loopback, to be looked up again.

Jobs and pods have succeeded as soon as they are made. It checks nothing: what manifests are worth is tested elsewhere.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from tests.charts.helm import CHART, CI, NAMESPACE, RELEASE, helm
from tests.charts.manifests import Manifest, title

VERSION = "1.33"

_KINDS: dict[str, dict[str, str]] = {
    "v1": {
        "configmaps": "ConfigMap",
        "persistentvolumeclaims": "PersistentVolumeClaim",
        "pods": "Pod",
        "secrets": "Secret",
        "serviceaccounts": "ServiceAccount",
        "services": "Service",
    },
    "apps/v1": {"deployments": "Deployment"},
    "batch/v1": {"jobs": "Job"},
    "autoscaling/v2": {"horizontalpodautoscalers": "HorizontalPodAutoscaler"},
    "policy/v1": {"poddisruptionbudgets": "PodDisruptionBudget"},
    "networking.k8s.io/v1": {"ingresses": "Ingress", "networkpolicies": "NetworkPolicy"},
    "gateway.networking.k8s.io/v1": {"gateways": "Gateway", "httproutes": "HTTPRoute"},
    "monitoring.coreos.com/v1": {"prometheusrules": "PrometheusRule", "servicemonitors": "ServiceMonitor"},
    "keda.sh/v1alpha1": {"scaledobjects": "ScaledObject"},
}
"""Resources by group and version, with their kinds."""


class Cluster:
    """Objects by their path, and what was done to them in its order."""

    def __init__(self) -> None:
        self.objects: dict[str, Manifest] = {}
        self.made: list[str] = []
        self.deleted: list[str] = []
        self.url = ""

    def find(self, kind: str, name: str) -> Manifest | None:
        """An object that is there."""
        return next((one for one in self.objects.values() if title(one) == f"{kind}/{name}"), None)

    @property
    def titles(self) -> set[str]:
        """Everything that is there, without what helm keeps for itself."""
        return {title(one) for one in self.objects.values() if not title(one).startswith("Secret/sh.helm.release")}

    def helm(self, command: str, *arguments: str, values: dict[str, Any] | None = None) -> str:
        """Run a helm command on the release here; what it prints."""
        where = ("--kube-apiserver", self.url, "--namespace", NAMESPACE)
        given = ("--values", "-") if values is not None else ()
        return helm(command, RELEASE, *arguments, *where, *given, stdin=json.dumps(values or {}), KUBECONFIG="")

    def install(self, *files: str, values: dict[str, Any] | None = None) -> str:
        return self._bring("install", *files, values=values)

    def upgrade(self, *files: str, values: dict[str, Any] | None = None) -> str:
        return self._bring("upgrade", *files, values=values)

    def _bring(self, command: str, *files: str, values: dict[str, Any] | None) -> str:
        named = [word for file in files for word in ("--values", str(CI / file))]
        return self.helm(command, str(CHART), *named, values=values or {})


@contextmanager
def a_cluster() -> Iterator[Cluster]:
    """An empty cluster for as long as the block runs."""
    cluster = Cluster()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"cluster": cluster}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    cluster.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield cluster
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One request of helm."""

    cluster: ClassVar[Cluster]

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests look at the objects."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        if parts.path == "/openapi/v2":
            self._send(200, b"")  # a description of no kind: helm then validates none
        elif (found := _discovery(parts.path)) is not None:
            self._answer(200, found)
        elif (one := self.cluster.objects.get(parts.path)) is not None:
            self._answer(200, one)
        elif parts.path.removesuffix("/log") in self.cluster.objects:
            self._send(200, b"what the pod said\n")
        elif _is_collection(parts.path):
            items = [one for path, one in self.cluster.objects.items() if path.rpartition("/")[0] == parts.path]
            self._list(parts.path, [one for one in items if _wanted(one, query)], watched="watch" in query)
        else:
            self._answer(404, _status(404, "NotFound"))

    def do_POST(self) -> None:
        made = self._body()
        path = f"{urlsplit(self.path).path}/{made['metadata']['name']}"
        if path in self.cluster.objects:
            return self._answer(409, _status(409, "AlreadyExists"))
        made["metadata"] |= {"uid": path, "resourceVersion": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
        if made["kind"] == "Job":
            made["status"] = {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}
        if made["kind"] == "Pod":
            made["status"] = {"phase": "Succeeded"}
        self.cluster.objects[path] = made
        self.cluster.made.append(title(made))
        return self._answer(201, made)

    def do_PUT(self) -> None:
        self.cluster.objects[urlsplit(self.path).path] = made = self._body()
        self._answer(200, made)

    def do_PATCH(self) -> None:
        path = urlsplit(self.path).path
        self.cluster.objects[path] = patched = _patched(self.cluster.objects[path], self._body())
        self._answer(200, patched)

    def do_DELETE(self) -> None:
        self._body()
        gone = self.cluster.objects.pop(urlsplit(self.path).path, None)
        if gone is None:
            return self._answer(404, _status(404, "NotFound"))
        self.cluster.deleted.append(title(gone))
        return self._answer(200, _status(200, "Success"))

    def _list(self, path: str, items: list[Manifest], *, watched: bool) -> None:
        if not watched:
            return self._answer(200, {**_list_of(path), "metadata": {"resourceVersion": "1"}, "items": items})
        lines = [json.dumps({"type": "ADDED", "object": one}) for one in items]
        return self._send(200, "\n".join(lines).encode())

    def _body(self) -> Manifest:
        length = int(self.headers.get("Content-Length", 0))
        found: Manifest = json.loads(self.rfile.read(length) or b"{}")
        return found

    def _answer(self, status: int, document: Manifest) -> None:
        self._send(status, json.dumps(document).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _discovery(path: str) -> Manifest | None:
    """What helm asks to learn which kinds there are."""
    if path == "/version":
        major, minor = VERSION.split(".")
        return {"major": major, "minor": minor, "gitVersion": f"v{VERSION}.0"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        named = [{"groupVersion": one, "version": one.partition("/")[2]} for one in _KINDS if "/" in one]
        groups = [
            {"name": one["groupVersion"].partition("/")[0], "versions": [one], "preferredVersion": one} for one in named
        ]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    group = path.removeprefix("/apis/").removeprefix("/api/")
    if group not in _KINDS:
        return None
    verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
    kinds = [
        {"name": name, "singularName": "", "namespaced": True, "kind": kind, "verbs": verbs}
        for name, kind in _KINDS[group].items()
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": kinds}


def _is_collection(path: str) -> bool:
    return any(path.endswith(f"/{name}") for kinds in _KINDS.values() for name in kinds)


def _list_of(path: str) -> Manifest:
    """How a list of what lies below a path calls itself."""
    name = path.rpartition("/")[2]
    group, kinds = next((group, kinds) for group, kinds in _KINDS.items() if name in kinds)
    return {"kind": f"{kinds[name]}List", "apiVersion": group}


def _wanted(one: Manifest, query: dict[str, list[str]]) -> bool:
    labels = one["metadata"].get("labels", {})
    wanted = [part.split("=") for text in query.get("labelSelector", []) for part in text.split(",")]
    fields = [part.split("=") for text in query.get("fieldSelector", []) for part in text.split(",")]
    by_name = all(one["metadata"]["name"] == value for name, value in fields if name == "metadata.name")
    return by_name and all(labels.get(name) == value for name, value in wanted)


def _patched(old: Any, patch: Any) -> Any:
    """A map with a merge patch applied (RFC 7396); lists are replaced, which is enough for what is looked at here."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if name.startswith("$"):
            continue  # directives of a strategic merge, about the order of lists
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _patched(result.get(name), value)
    return result


def _status(code: int, reason: str) -> Manifest:
    status = "Success" if code < 400 else "Failure"
    return {"kind": "Status", "apiVersion": "v1", "status": status, "reason": reason, "code": code, "message": reason}

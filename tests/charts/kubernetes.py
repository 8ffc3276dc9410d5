"""What a Kubernetes API server of a version says to a manifest, as far as its published schemas tell.

The schemas come with the package kubernetes-validate. Kinds that other projects bring are checked against small schemas
of our own: an unknown kind is a finding here.
"""

import functools
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import jsonschema
from referencing import Registry, Resource

from tests.charts.foreign_kinds import FOREIGN
from tests.charts.manifests import Manifest, at

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_NAME = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_DNS_LABEL_KINDS = {"Service"}
"""Whose names go into DNS as one label of at most 63 characters; pods of the others add their own endings."""


def complaints(manifest: Manifest, version: str) -> list[str]:
    """What is wrong with a manifest for a cluster of this version, each as one sentence."""
    return [*_schema_complaints(manifest, version), *_metadata_complaints(manifest)]


def _schema_complaints(manifest: Manifest, version: str) -> Iterator[str]:
    kind = (manifest.get("apiVersion"), manifest.get("kind"))
    if kind in FOREIGN:
        yield from (_told(error) for error in jsonschema.Draft202012Validator(FOREIGN[kind]).iter_errors(manifest))
        return
    validator = _validator(str(kind[0]), str(kind[1]), version)
    if validator is None:
        yield f"Kubernetes {version} has no {kind[1]} of {kind[0]}"
        return
    yield from (_told(error) for error in validator.iter_errors(manifest))


@functools.cache
def _validator(api_version: str, kind: str, version: str) -> jsonschema.Draft202012Validator | None:
    """What knows all members of a kind; None where this version of Kubernetes does not have it."""
    group, _, name = api_version.rpartition("/")
    path = f"{kind.lower()}-{group.partition('.')[0]}-{name}.json".replace("--", "-")
    try:
        schema = _schema(version, path)
    except FileNotFoundError:
        return None
    return jsonschema.Draft202012Validator(schema, registry=_definitions(version))


@functools.cache
def _definitions(version: str) -> Registry[Any]:
    """What the schemas of a version refer to; read once, as it is large."""
    found: Resource[Any] = Resource.from_contents(_schema(version, "_definitions.json"))
    return (found @ Registry()).crawl()


def _schema(version: str, name: str) -> Any:
    """A published schema that refuses members which it does not know; raises FileNotFoundError."""
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}-local-strict"
    return json.loads((folder / name).read_text("utf-8"))


def _told(error: Any) -> str:
    return f"{'.'.join(str(part) for part in error.absolute_path) or 'the manifest'}: {error.message}"


def _metadata_complaints(manifest: Manifest) -> Iterator[str]:
    """What schemas leave out and every API server refuses."""
    name = at(manifest, "metadata", "name", default="")
    longest = 63 if manifest["kind"] in _DNS_LABEL_KINDS else 253
    if not _NAME.fullmatch(name) or len(name) > longest:
        yield f"metadata.name: {name!r} is no name"
    for where in (("metadata",), ("spec", "template", "metadata"), ("spec", "selector")):
        labels = at(manifest, *where, "matchLabels" if where[-1] == "selector" else "labels", default={})
        for label, value in labels.items():
            if not _LABEL_NAME.fullmatch(label) or not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
                yield f"{'.'.join(where)}: {label}: {value!r} is no label"
        for annotation, value in at(manifest, *where, "annotations", default={}).items():
            if not isinstance(value, str):
                yield f"{'.'.join(where)}.annotations: {annotation}: {value!r} is no text"

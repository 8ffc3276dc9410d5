"""Whether a process traces: what it takes, what it says where something is missing, and that nothing costs nothing."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from service.bootstrap import open_components
from service.doctor import Level, examine
from service.errors import SettingsError
from service.observability.tracing import NO_TRACING
from tests.support.app import settings_for
from tests.support.collector import collector

NOWHERE = {"endpoint": "http://127.0.0.1:1"}


def python(code: str, **environment: str) -> str:
    """The last line that a fresh interpreter prints; its environment is this alone."""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()[-1]


def opened(folder: Path, settings: dict[str, Any]) -> str:
    """Code that opens a service with these settings, or prints why it does not start."""
    return f"""
import sys
from service.bootstrap import open_components
from service.errors import SettingsError
from service.settings import load_settings
settings = load_settings(env_file=None, data_dir={str(folder)!r}, **{settings!r})
try:
    with open_components(settings) as parts:
        print(sorted({{name.split(".")[0] for name in sys.modules}} & {{"opentelemetry", "requests", "google"}}))
except SettingsError as error:
    print(error)
"""


@pytest.mark.long
def test_without_an_endpoint_nothing_is_traced_and_nothing_of_it_imported(tmp_path: Path) -> None:
    with open_components(settings_for(tmp_path)) as parts:
        assert parts.tracing is NO_TRACING
    assert python(opened(tmp_path / "other", {})) == "[]"
    assert "opentelemetry" in python(opened(tmp_path / "third", {"traces": NOWHERE}))


@pytest.mark.long
def test_an_endpoint_without_the_extra_stops_the_start_with_a_line_that_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "opentelemetry").mkdir()  # an empty one goes before the one that is installed
    (tmp_path / "opentelemetry" / "__init__.py").touch()
    said = python(opened(tmp_path / "data", {"traces": NOWHERE}), PYTHONPATH=str(tmp_path))
    assert said.startswith("DARKROOM_TRACES__ENDPOINT: traces need `pip install 'darkroom[traces]'` (opentelemetry")
    assert python(opened(tmp_path / "data", {}), PYTHONPATH=str(tmp_path)) == "[]"


def test_a_standard_variable_that_cannot_be_used_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100000")
    with pytest.raises(SettingsError, match="OTEL_"), open_components(settings_for(tmp_path, traces=NOWHERE)):
        pass


@pytest.mark.parametrize(
    "traces",
    [{"ratio": -0.1}, {"ratio": 1.5}, {"ratio": "nan"}, {"ratio": "all"}, {"endpoint": "collector:4318"}]
    + [{"endpoint": f"http://{rest}"} for rest in ("user:secret@collector:4318", "collector:4318/?a=1", "")],
)
def test_a_wrong_setting_stops_the_start(tmp_path: Path, traces: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="DARKROOM_TRACES__") as refused:
        settings_for(tmp_path, traces=traces)
    assert "secret@" not in str(refused.value)


async def test_the_doctor_asks_the_collector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
    with collector() as taken:
        for status, level, words in ((200, Level.OK, "takes spans"), (404, Level.WEAK, "it answers 404")):
            taken.status = status
            findings = await examine(settings_for(tmp_path, traces={"endpoint": taken.url}))
            [finding] = [finding for finding in findings if finding.check == "traces"]
            assert (finding.level, words in finding.message) == (level, True)
    assert not [finding for finding in await examine(settings_for(tmp_path)) if finding.check == "traces"]

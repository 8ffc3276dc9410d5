"""The guide for operators names values, commands, settings and alerts that there are."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.cli.group import MODULES
from service.settings import settings_table

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "operations.md").read_text("utf-8")
RUNBOOK = (ROOT / "docs" / "alerts.md").read_text("utf-8")
VALUES: dict[str, Any] = yaml.safe_load((ROOT / "charts" / "darkroom" / "values.yaml").read_text("utf-8"))


def exists(path: str) -> bool:
    """Whether the values have this key; what is below an empty map is the operator's."""
    place: Any = VALUES
    for key in path.split("."):
        if place == {}:
            return True
        if not isinstance(place, dict) or key not in place:
            return False
        place = place[key]
    return True


def paths_of(block: Any, outer: str = "") -> list[str]:
    """Every key of a block of values, as a path."""
    if not isinstance(block, dict) or not block:
        return [outer]
    return [path for key, inner in block.items() for path in paths_of(inner, f"{outer}.{key}" if outer else key)]


def test_values_in_its_sentences_exist() -> None:
    named = {
        name for name in re.findall(r"`([a-z][A-Za-z]+(?:\.[A-Za-z]+)+)`", GUIDE) if name.partition(".")[0] in VALUES
    }
    named |= set(re.findall(r"`([a-z][A-Za-z]+): ", GUIDE)) | set(re.findall(r"--set ([A-Za-z.]+)=", GUIDE))
    assert len(named) > 10
    assert [name for name in sorted(named) if not exists(name)] == []


def test_values_in_its_examples_exist() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    assert blocks
    named = [path for block in blocks for path in paths_of(yaml.safe_load(block))]
    assert [name for name in named if not exists(name)] == []


def test_commands_that_it_shows_exist() -> None:
    shown = set(re.findall(r"(?:-- |`)darkroom ([a-z][a-z-]+)", GUIDE))
    assert shown
    assert shown <= set(MODULES)


def test_metrics_and_alerts_that_it_names_are_in_the_runbook() -> None:
    for name in {*re.findall(r"darkroom_[a-z_]+", GUIDE), *re.findall(r"`(Darkroom[A-Za-z]+)`", GUIDE)}:
        assert name in RUNBOOK


def test_settings_that_it_names_exist() -> None:
    known = {name.removeprefix("DARKROOM_") for name, _, _ in settings_table()}
    named = set(re.findall(r"`(?:DARKROOM_)?([A-Z]+__[A-Z_]+)`", GUIDE))
    assert named
    assert named <= known


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(((?!http)[^)#]+)", GUIDE))))
def test_what_it_links_to_is_there(target: str) -> None:
    assert (ROOT / "docs" / target).exists()

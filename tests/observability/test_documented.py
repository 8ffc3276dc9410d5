"""docs/alerts.md tells of every metric with its type, its labels and their values, as the program declares them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from service.cli.group import MODULES
from service.observability import Metrics
from service.observability.metrics import REASONS
from service.settings import settings_table

DOCUMENT = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")


def own_families() -> Iterator[Metric]:
    for family in text_string_to_metric_families(Metrics().render()[0].decode()):
        if not family.name.startswith(("process_", "python_")):
            yield family


def labels_of(family: Metric) -> str:
    """Each label with the values that it may have; a version is any."""
    found: dict[str, list[str]] = {}
    for sample in family.samples:
        for label, value in sample.labels.items():
            if value not in found.setdefault(label, []):
                found[label].append(value)
    found.pop("le", None)
    return "; ".join(
        f"`{label}`" if label == "version" else f"`{label}`: {', '.join(values)}" for label, values in found.items()
    )


def rendered_table() -> str:
    """The table of metrics as the document has to show it."""
    lines = ["| metric | type | labels | what it tells |", "|---|---|---|---|"]
    for family in own_families():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        lines.append(f"| `{name}` | {family.type} | {labels_of(family)} | {family.documentation} |")
    return "\n".join(lines)


def test_the_table_of_metrics_is_the_programs_own() -> None:
    shown = re.search(r"<!-- metrics -->\n(.*?)\n?<!-- /metrics -->", DOCUMENT, re.DOTALL)
    assert shown is not None, "docs/alerts.md has lost the marks of its table"
    if shown.group(1).strip() != rendered_table():
        pytest.fail(f"the table between the marks has to be:\n\n{rendered_table()}\n", pytrace=False)


def test_every_reason_for_a_death_is_explained_once() -> None:
    section = DOCUMENT.partition("## Why something is dead")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == sorted(REASONS)


def test_every_setting_and_every_command_that_the_runbook_names_exists() -> None:
    settings = set(re.findall(r"DARKROOM_[A-Z_]+[A-Z]", DOCUMENT))
    commands = set(re.findall(r"`darkroom ([a-z][a-z-]+)", DOCUMENT))
    assert min(len(settings), len(commands)) > 5
    assert settings <= {name for name, _, _ in settings_table()}
    assert commands <= set(MODULES)


def test_every_event_that_the_runbook_has_people_look_for_in_the_log_is_written() -> None:
    named = set(re.findall(r"log\s+lines?\s+`(\w+)`", DOCUMENT))
    source = "".join(path.read_text("utf-8") for path in (Path(__file__).parents[2] / "service").rglob("*.py"))
    assert len(named) > 3
    assert [name for name in sorted(named) if f'"{name}"' not in source] == []

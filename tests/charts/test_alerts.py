"""Every alert fires when it has to, and not before, and is silent in the nearest case in which all is well."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from service.observability.metrics import REASONS
from tests.charts.alert_cases import CASES, FIRES, HEALTHY, SILENT
from tests.charts.alert_series import Fires, Silent
from tests.charts.declared import declared_values, metrics_in, unknown_metrics
from tests.charts.helm import CHART, refusal, render, values_of
from tests.charts.promtool import OURS, World, check, firing, never_fired
from tests.charts.schema import ValuesSchema

TEMPLATES = CHART / "templates"
GROUPS = re.findall(r'include "darkroom.alerts-(\w+)"', (TEMPLATES / "_alerts.tpl").read_text("utf-8"))
TEMPLATE = "\n".join((TEMPLATES / "alerts" / f"_{name}.tpl").read_text("utf-8") for name in GROUPS)
RUNBOOK = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text("utf-8")
ALERTS = re.findall(r"- alert: (\w+)", TEMPLATE)
ENABLED: Mapping[str, Any] = {"monitoring": {"rules": {"enabled": True}}}
AMONG_OTHERS = ("DarkroomNotScraped",)
"""Alerts that fire because our own series are missing, whatever other releases have."""

needs_helm = pytest.mark.long


def rules_with(**given: Any) -> dict[str, Any]:
    """The groups of rules of a release with these values under `monitoring.rules`."""
    values = {"monitoring": {"rules": {"enabled": True, **given}}}
    spec: dict[str, Any] = render("scaled-values.yaml", values=values).one("PrometheusRule")["spec"]
    return spec


def alerts_of(spec: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for group in spec["groups"] for rule in group["rules"] if "alert" in rule}


def told(case: Fires | Silent) -> str:
    return f"{case.alert}: {case.when}"


def world_of(case: Fires | Silent, folder: Path, releases: Sequence[Mapping[str, str]] = (OURS,)) -> World:
    return World(rules_with(), case.series, folder, releases, case.every)


def labels_of(case: Fires) -> list[dict[str, str]]:
    severity = alerts_of(rules_with())[case.alert]["labels"]
    return [{**OURS, **severity, **labels} for labels in case.labels]


@needs_helm
@pytest.mark.parametrize("case", FIRES, ids=told)
def test_an_alert_fires_in_its_time_and_not_before(case: Fires, tmp_path: Path) -> None:
    world = world_of(case, tmp_path)
    fires = firing(case.alert, *labels_of(case), at=case.fires)
    world.expect(never_fired(case.alert, until=case.silent), fires)


@needs_helm
@pytest.mark.parametrize("case", SILENT, ids=told)
def test_an_alert_is_silent(case: Silent, tmp_path: Path) -> None:
    world_of(case, tmp_path).expect(never_fired(case.alert, until=case.until, since=case.since))


@needs_helm
@pytest.mark.parametrize("case", [case for case in FIRES if case.alert not in AMONG_OTHERS], ids=told)
def test_an_alert_is_silent_about_other_releases(case: Fires, tmp_path: Path) -> None:
    others = [{**OURS, "job": "other-metrics"}, {**OURS, "namespace": "elsewhere"}]
    world_of(case, tmp_path, others).expect(never_fired(case.alert, until=case.fires))


@needs_helm
def test_no_alert_fires_where_all_is_well(tmp_path: Path) -> None:
    World(rules_with(), HEALTHY, tmp_path).expect(never_fired(".+", until=180))


@needs_helm
@pytest.mark.parametrize("case", FIRES, ids=told)
def test_what_an_alert_tells_is_filled_in(case: Fires, tmp_path: Path) -> None:
    annotations = world_of(case, tmp_path).annotations(case.alert, at=case.fires)
    assert "summary=" in annotations
    assert "description=" in annotations
    for wrong in ("error", "<no value>", "{{", "%!"):
        assert wrong not in annotations


@needs_helm
@pytest.mark.parametrize("case", FIRES, ids=told)
def test_an_alert_tells_only_of_labels_that_it_has(case: Fires) -> None:
    """Prometheus puts nothing in the place of a label that is not there."""
    mentioned = set(re.findall(r"\$labels\.(\w+)", str(alerts_of(rules_with())[case.alert]["annotations"])))
    for labels in labels_of(case):
        assert mentioned <= labels.keys()


@needs_helm
def test_prometheus_takes_the_rules_of_both_shapes(tmp_path: Path) -> None:
    single = render("default-values.yaml", values=ENABLED).one("PrometheusRule")["spec"]
    check(single, tmp_path)
    assert alerts_of(single).keys() == alerts_of(rules_with()).keys() == set(ALERTS)


@needs_helm
def test_every_alert_has_a_severity_and_says_what_is_wrong_and_what_to_do() -> None:
    for name, alert in alerts_of(rules_with()).items():
        assert alert["labels"]["severity"] in ("critical", "warning", "info"), name
        assert set(alert["annotations"]) == {"summary", "description"}, name
        assert 'job="pictures-darkroom-metrics"' in alert["expr"], name


@needs_helm
def test_every_selector_is_of_this_release_alone() -> None:
    own = 'job="pictures-darkroom-metrics",namespace="studio"'
    for name, alert in alerts_of(rules_with()).items():
        expression = alert["expr"]
        assert expression.count(f"{{{own}") == expression.count("{") == len(metrics_in(expression)), name


@needs_helm
def test_an_alert_names_its_page_of_the_runbook_when_there_is_one() -> None:
    for name, alert in alerts_of(rules_with(runbookUrl="https://docs.example/alerts")).items():
        assert alert["annotations"]["runbook_url"] == f"https://docs.example/alerts#{name.lower()}"


@needs_helm
@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_can_be_turned_off_by_its_name_alone(name: str) -> None:
    assert alerts_of(rules_with(disabled={name: True})).keys() == set(ALERTS) - {name}


@needs_helm
def test_a_group_whose_alerts_are_all_off_is_left_out() -> None:
    off = {name: True for name in ALERTS if name.startswith("DarkroomProvider")}
    assert [group["name"] for group in rules_with(disabled=off)["groups"]] == [
        f"pictures-darkroom.{name}" for name in GROUPS if name != "provider"
    ]


@needs_helm
def test_alerts_carry_the_labels_they_are_routed_by_and_more_rules_stand_beside_them() -> None:
    more = {"record": "mine", "expr": "vector(1)", "labels": {"note": "{{ untouched }}"}}
    spec = rules_with(alertLabels={"team": "pictures"}, extraRules=[more])
    assert {alert["labels"]["team"] for alert in alerts_of(spec).values()} == {"pictures"}
    assert spec["groups"][-1] == {"name": "pictures-darkroom.extra", "rules": [more]}


@needs_helm
def test_a_name_that_no_alert_has_is_refused() -> None:
    values = {"monitoring": {"rules": {"enabled": True, "disabled": {"DarkroomLinkExpireSoon": True}}}}
    assert "DarkroomLinkExpireSoon" in refusal("default-values.yaml", values=values)


@needs_helm
@pytest.mark.parametrize("name", sorted(values_of()["monitoring"]["rules"]["thresholds"]))
def test_a_threshold_changes_what_it_is_said_to_change(name: str) -> None:
    usual = values_of()["monitoring"]["rules"]["thresholds"][name]
    other = "41m" if isinstance(usual, str) else 41
    before, after = alerts_of(rules_with()), alerts_of(rules_with(thresholds={name: other}))
    changed = {alert for alert in before if before[alert] != after[alert]}
    described = re.search(rf"# -- ([\w, ]+):.*\n +{name}:", (CHART / "values.yaml").read_text("utf-8"))
    assert described is not None, f"values.yaml does not say which alert {name} is of"
    assert changed == set(described[1].split(", "))


def test_every_threshold_is_used() -> None:
    used = set(re.findall(r"\$t\.(\w+)", TEMPLATE))
    assert used == set(values_of()["monitoring"]["rules"]["thresholds"])


def test_the_schema_knows_every_alert_by_name() -> None:
    schema = ValuesSchema.of_text((CHART / "values.schema.json").read_text("utf-8"))
    assert schema.declared(("monitoring", "rules", "disabled")) == set(ALERTS)


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    assert len(ALERTS) == len(set(ALERTS)) > 20
    assert {case.alert for case in FIRES} == {case.alert for case in SILENT} == set(ALERTS)
    assert len({told(case) for case in CASES}) == len(CASES)


def test_every_metric_of_an_alert_is_one_of_ours() -> None:
    assert unknown_metrics(TEMPLATE) == set()


def test_every_file_of_alerts_is_one_of_the_groups() -> None:
    assert sorted(path.name for path in (TEMPLATES / "alerts").iterdir()) == sorted(f"_{name}.tpl" for name in GROUPS)


@needs_helm
def test_every_label_value_of_an_alert_is_one_that_the_program_has() -> None:
    asked = re.findall(r'(darkroom_\w+)\{job="[^"]+",namespace="[^"]+",(\w+)=~?"([^"]+)"\}', str(rules_with()))
    ours = [
        (metric, label, value) for metric, label, text in asked if label != "component" for value in text.split("|")
    ]
    assert len(ours) > 20
    assert [one for one in ours if one[2] not in declared_values(one[0], one[1])] == []


def test_each_reason_that_a_server_can_give_something_up_for_has_one_alert() -> None:
    """`lost` is counted by a command, which nobody scrapes."""
    images, tasks = re.findall(r'reason=~"([^"]+)"', TEMPLATE)
    assert sorted([*images.split("|"), *tasks.split("|")]) == sorted(set(REASONS) - {"lost"})


@needs_helm
@pytest.mark.parametrize(
    ("file", "asks", "serves"),
    [("default-values.yaml", "", ""), ("scaled-values.yaml", "-reconciler", "-api")],
    ids=["single", "scaled"],
)
def test_commands_of_alerts_name_a_deployment_that_is_there_and_can_run_them(file: str, asks: str, serves: str) -> None:
    release = render(file, values=ENABLED)
    alerts = alerts_of(release.one("PrometheusRule")["spec"])
    told = " ".join(str(alert["annotations"]) for alert in alerts.values())
    run = set(re.findall(r"`kubectl -n studio exec deploy/(\S+) -- darkroom (\w+)", told))
    asking = {(f"pictures-darkroom{asks}", command) for command in ("doctor", "retry", "reconcile")}
    serving = {(f"pictures-darkroom{serves}", command) for command in ("revoke", "replay", "doctor")}
    assert run == asking | serving
    assert {name for name, _ in run} <= {deployment["metadata"]["name"] for deployment in release.of("Deployment")}
    assert set(re.findall(r"`darkroom (\w+)", told)) == {"copy", "migrate"}, "others have to say where they run"


def test_every_alert_has_its_section_in_the_runbook_and_every_section_its_alert() -> None:
    assert re.findall(r"^### (Darkroom\w+)$", RUNBOOK, re.MULTILINE) == ALERTS


@pytest.mark.parametrize("name", ALERTS)
def test_a_section_says_what_is_lost_how_to_look_what_to_do_and_when_it_is_over(name: str) -> None:
    section = RUNBOOK.partition(f"### {name}\n")[2].partition("\n###")[0]
    asked = ["**Means:**", "**At stake:**", "**Look:**", "**Do:**", "**Over:**"]
    assert re.findall(r"^\*\*[A-Z][a-z ]+:\*\*", section, re.MULTILINE) == asked

"""The dashboard is one that Grafana loads, asks only for what there is, and comes out of the chart as it went in."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.charts.declared import declared_metrics, metrics_in, unknown_metrics
from tests.charts.helm import CHART, render
from tests.charts.promtool import NOTHING, Series, World, check_expressions

FILE = CHART / "files" / "dashboard.json"
TEXT = FILE.read_text("utf-8")
DASHBOARD: dict[str, Any] = json.loads(TEXT)
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
DRAWN = [panel for panel in PANELS if panel["type"] != "row"]
VARIABLES: list[dict[str, Any]] = DASHBOARD["templating"]["list"]
OWN = 'namespace="$namespace",job="$job"'
OF_GRAFANA = {"__rate_interval": "5m", "__range": "6h"}
"""Variables that Grafana itself has, and what may stand for them."""

LARGEST_CONFIG_MAP = 1 << 20
THE_SAME = "assets_pending|oldest|next_expiry|submissions_unclear|events_pending|details_pending"
"""Metrics by which every process tells of the one database."""

ON = {"monitoring": {"dashboard": {"enabled": True}}}

needs_helm = pytest.mark.long
needs_promtool = pytest.mark.long


def expressions() -> Iterator[str]:
    """Everything that Prometheus is asked, variables and all."""
    for panel in DRAWN:
        yield from (target["expr"] for target in panel["targets"])
    yield from (one["expr"] for one in DASHBOARD["annotations"]["list"] if "expr" in one)


def with_values(expression: str) -> str:
    """An expression as Grafana sends it."""
    return re.sub(r"\$(\w+)", lambda found: OF_GRAFANA.get(found[1], "some"), expression)


def sources(part: Any) -> Iterator[dict[str, Any]]:
    """Every data source that is named anywhere."""
    if isinstance(part, dict):
        if isinstance(part.get("datasource"), dict):
            yield part["datasource"]
        for below in part.values():
            yield from sources(below)
    elif isinstance(part, list):
        for below in part:
            yield from sources(below)


def without_names(dashboard: dict[str, Any]) -> dict[str, Any]:
    """All of it but what each release calls its own."""
    return {name: part for name, part in dashboard.items() if name not in ("uid", "title")}


def rendered_dashboard(**values: Any) -> dict[str, Any]:
    """The one in the ConfigMap of a release with these values."""
    release = render("default-values.yaml", values={**ON, **values})
    [config] = [one for one in release.of("ConfigMap") if one["metadata"]["name"].endswith("-dashboard")]
    [text] = config["data"].values()
    dashboard: dict[str, Any] = json.loads(text)
    return dashboard


def test_panels_have_ids_of_their_own_and_do_not_lie_on_each_other() -> None:
    ids = [panel["id"] for panel in PANELS]
    assert len(set(ids)) == len(ids) > 20
    for one, other in combinations((panel["gridPos"] for panel in PANELS), 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"], (one, other)
    assert max(panel["gridPos"]["x"] + panel["gridPos"]["w"] for panel in PANELS) == 24


def test_rows_go_from_what_may_be_lost_to_what_does_the_work() -> None:
    rows = [panel["title"] for panel in PANELS if panel["type"] == "row"]
    lost, *work = rows
    assert lost == "Is anything about to be lost?"
    assert work == ["Callbacks", "Archive", "Provider", "Submissions", "Events", "Keeping", "Processes"]
    assert PANELS[0]["type"] == "row"


@pytest.mark.parametrize("panel", DRAWN, ids=lambda panel: str(panel["title"]))
def test_a_panel_says_what_it_shows_in_which_unit_and_from_when_on_it_is_bad(panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["description"].endswith(".")
    assert defaults["unit"]
    assert defaults["thresholds"]["steps"][0]["value"] is None
    assert [target["refId"] for target in panel["targets"]] == list("ABCDEFGH"[: len(panel["targets"])])


def test_no_data_source_is_hard_coded() -> None:
    named = {source["uid"] for source in sources(DASHBOARD)}
    assert named == {"${datasource}", "-- Grafana --"}
    assert all("datasource" in target for panel in DRAWN for target in panel["targets"])
    assert not DASHBOARD["id"]


def test_source_namespace_and_release_are_chosen_in_this_order() -> None:
    assert [(one["name"], one["type"]) for one in VARIABLES] == [
        ("datasource", "datasource"),
        ("namespace", "query"),
        ("job", "query"),
    ]


def test_every_variable_that_is_used_exists_and_is_used() -> None:
    used = set(re.findall(r"\$\{?(\w+)", TEXT)) - OF_GRAFANA.keys()
    assert used == {one["name"] for one in VARIABLES}


def test_only_metrics_that_the_program_has_are_asked_for_and_of_one_release_only() -> None:
    asked = list(expressions())
    assert len(asked) > 25
    assert unknown_metrics(" ".join([*asked, *(one["query"]["query"] for one in VARIABLES[1:])])) == set()
    for expression in asked:
        assert expression.count(f"{{{OWN}") == expression.count("{") > 0, expression


def test_every_metric_of_the_program_is_shown() -> None:
    asked = {name for expression in expressions() for name in metrics_in(expression)}
    parts = re.compile(r"_(bucket|sum|count)$")
    ours = {parts.sub("", name) for name in declared_metrics() if name.startswith("darkroom_")}
    assert ours <= {parts.sub("", name) for name in asked}


def test_what_is_the_same_in_every_process_is_never_summed() -> None:
    for expression in expressions():
        assert not re.search(rf"(sum|avg|count)[^(]*\((darkroom_({THE_SAME}))", expression)


@needs_promtool
def test_every_expression_parses(tmp_path: Path) -> None:
    check_expressions([with_values(one) for one in expressions()], tmp_path)


@needs_promtool
def test_a_start_is_marked_when_a_new_pod_is_first_seen_and_no_longer_after_two_minutes(tmp_path: Path) -> None:
    """With a name that was not there before, as after every rollout."""
    [starts] = [with_values(one["expr"]) for one in DASHBOARD["annotations"]["list"] if "expr" in one]
    began = Series("process_start_time_seconds", [*[NOTHING] * 60, *[3590] * 10])
    marked = {"expr": f"count({starts})", "eval_time": "60m", "exp_samples": [{"labels": "{}", "value": 1}]}
    over = {"expr": f"count({starts})", "eval_time": "62m", "exp_samples": []}
    World({"groups": []}, [began], tmp_path, [{"namespace": "some", "job": "some"}]).expect(marked, over)


@needs_helm
def test_the_chart_hands_the_file_over_whole_where_grafana_looks_for_it() -> None:
    config = render("default-values.yaml", values=ON).named("ConfigMap", "pictures-darkroom-dashboard")
    assert config is not None
    [(name, text)] = config["data"].items()
    assert name.endswith(".json")
    assert without_names(json.loads(text)) == without_names(DASHBOARD)
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert len(text.encode()) < LARGEST_CONFIG_MAP


@needs_helm
def test_every_release_has_a_dashboard_of_its_own() -> None:
    found = [rendered_dashboard(fullnameOverride=name) for name in ("pictures", "photos", "p" * 39 + "a")]
    assert [one["title"] for one in found[:2]] == ["pictures (studio)", "photos (studio)"]
    uids = {one["uid"] for one in found}
    assert len(uids) == 3
    assert all(re.fullmatch(r"[a-z0-9-]{9,40}", uid) for uid in uids)


@needs_helm
def test_the_dashboard_goes_into_another_namespace_with_labels_and_annotations_of_its_own() -> None:
    own = {"namespace": "grafana", "labels": {"find": "me"}, "annotations": {"grafana_folder": "Darkroom"}}
    values = {"monitoring": {"dashboard": {**ON["monitoring"]["dashboard"], **own}}}
    config = render("default-values.yaml", values=values).named("ConfigMap", "pictures-darkroom-dashboard")
    assert config is not None
    metadata = config["metadata"]
    assert (metadata["namespace"], metadata["annotations"]) == ("grafana", {"grafana_folder": "Darkroom"})
    assert metadata["labels"]["find"] == "me"

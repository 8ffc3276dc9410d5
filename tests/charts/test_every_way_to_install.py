"""Every values file in ci/ renders to manifests that clusters take and that hang together, oldest and newest."""

import re
from collections import Counter

import pytest
from yamllint import linter  # type: ignore[import-untyped] # it ships no types
from yamllint.config import YamlLintConfig  # type: ignore[import-untyped] # the same

from tests.charts import references
from tests.charts.helm import (
    CHART,
    CI,
    NAMESPACE,
    NEWEST,
    OLDEST,
    ci_files,
    helm,
    render,
    rendered_text,
    source_of,
    values_of,
)
from tests.charts.kubernetes import complaints
from tests.charts.manifests import COMPONENT, Rendered, at, is_hook, title

pytestmark = pytest.mark.long

WAYS = {
    "default-values.yaml",
    "single-values.yaml",
    "scaled-values.yaml",
    "scaled-full-values.yaml",
    "scaled-keda-values.yaml",
    "gateway-values.yaml",
    "stand-in-values.yaml",
}
STABLE = {"app.kubernetes.io/name", "app.kubernetes.io/instance", COMPONENT}
"""Labels that selectors may ask for: they are the same in every version, as a selector can never change."""

LABELS = {*STABLE, "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"} - {COMPONENT}

TIDY = YamlLintConfig(
    "extends: default\n"
    "rules: {line-length: disable, document-start: disable, comments: {min-spaces-from-content: 1},"
    " indentation: {indent-sequences: whatever}}"
)
"""What yamllint looks for; Helm and people indent lists in two ways, and queries are as long as they are."""

every_way = pytest.mark.parametrize("file", ci_files())
every_version = pytest.mark.parametrize("kube", [OLDEST, NEWEST])


def test_there_is_a_values_file_for_every_way_to_install() -> None:
    assert set(ci_files()) >= WAYS


@every_way
def test_helm_lints_it_without_a_warning(file: str) -> None:
    said = helm("lint", str(CHART), "--strict", "--values", str(CI / file))
    assert "[ERROR]" not in said
    assert "[WARNING]" not in said


@every_way
@every_version
def test_clusters_take_every_manifest(file: str, kube: str) -> None:
    told = [f"{title(one)}: {line}" for one in render(file, kube=kube).manifests for line in complaints(one, kube)]
    assert told == []


@every_way
def test_nothing_is_printed_twice_or_empty(file: str) -> None:
    text = rendered_text(file)
    documents = [part for part in re.split(r"^---$", text, flags=re.MULTILINE) if part.strip()]
    empty = [part for part in documents if not re.sub(r"#.*", "", part).strip()]
    assert empty == []
    names = Counter((at(one, "metadata", "namespace"), title(one)) for one in Rendered.of_text(text).manifests)
    assert [name for name, count in names.items() if count > 1] == []


@every_way
def test_what_is_printed_is_tidy(file: str) -> None:
    assert [str(problem) for problem in linter.run(rendered_text(file), TIDY)] == []


def test_what_people_read_is_tidy() -> None:
    for path in (CHART / "Chart.yaml", CHART / "values.yaml", *sorted(CI.iterdir())):
        assert [str(problem) for problem in linter.run(path.read_text("utf-8"), TIDY)] == [], path.name


@every_way
def test_everything_is_in_the_namespace_of_the_release_or_in_one_that_was_chosen(file: str) -> None:
    chosen = {at(one, "namespace") for one in values_of(file).get("monitoring", {}).values()}
    found = {at(one, "metadata", "namespace") for one in render(file).manifests}
    assert found <= {None, NAMESPACE, *chosen}


@every_way
def test_no_environment_names_a_variable_twice(file: str) -> None:
    for workload in render(file).workloads:
        for container in workload.containers:
            names = Counter(one["name"] for one in container.get("env") or [])
            twice = [name for name, count in names.items() if count > 1]
            assert twice == [], title(workload.manifest)


@every_way
def test_every_name_that_is_referred_to_is_there(file: str) -> None:
    rendered, values = render(file), values_of(file)
    assert references.dangling(rendered, values) == []
    assert references.port_complaints(rendered) == []


@every_way
def test_selectors_select_what_they_are_for(file: str) -> None:
    assert references.selector_complaints(render(file)) == []


@every_way
def test_hooks_find_what_they_need(file: str) -> None:
    assert references.hook_complaints(render(file)) == []


@every_way
def test_selectors_ask_for_nothing_that_a_version_changes(file: str) -> None:
    for workload in render(file).workloads:
        if workload.kind != "Deployment":
            continue
        selector = at(workload.manifest, "spec", "selector", "matchLabels", default={})
        assert set(selector) == STABLE, workload.name


@every_way
def test_every_object_of_the_charts_own_carries_the_labels_that_people_look_for(file: str) -> None:
    for template, manifest in source_of(rendered_text(file)):
        missing = LABELS - {*at(manifest, "metadata", "labels", default={})}
        assert not missing or template.endswith("extra-objects.yaml"), title(manifest)


@every_way
def test_another_release_in_the_same_namespace_has_other_names(file: str) -> None:
    here, there = ({title(one) for one in render(file, release=name).manifests} for name in ("here", "there"))
    assert here & there == set()


@every_way
def test_every_hook_is_removed_before_the_next_one_of_its_name(file: str) -> None:
    for manifest in render(file).manifests:
        if is_hook(manifest):
            policy = manifest["metadata"]["annotations"].get("helm.sh/hook-delete-policy", "")
            assert "before-hook-creation" in policy, title(manifest)


@every_version
def test_the_oldest_and_the_newest_cluster_get_the_same_kinds(kube: str) -> None:
    kinds = {(one["apiVersion"], one["kind"]) for one in render("scaled-full-values.yaml", kube=kube).manifests}
    assert kinds == {
        (one["apiVersion"], one["kind"]) for one in render("scaled-full-values.yaml", kube="1.30.0").manifests
    }

"""Values that cannot work are refused before anything is installed, with the key and what to set instead."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.charts.helm import CHART, HelmError, merged, refusal, render, set_at
from tests.charts.schema import ValuesSchema
from tests.charts.values_file import read

pytestmark = pytest.mark.long

SINGLE, SCALED, STAND_IN = "default-values.yaml", "scaled-values.yaml", "stand-in-values.yaml"
PEER = [{"ipBlock": {"cidr": "0.0.0.0/0"}}]
GATEWAY_OPEN = set_at("networkPolicy.gateway.from", PEER)
NO_DATABASE = set_at("settings.databaseUrl", {"value": "", "existingSecret": ""})
ON = {"enabled": True}
HOST = {"enabled": True, "host": "a.example.com"}
PARENT = {"parentRefs": [{"name": "public"}]}
REDIRECT = [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}]
NONE_AWAY = [("maxUnavailable", 0), ("maxUnavailable", "0%"), ("minAvailable", 2), ("minAvailable", "60%")]
OWN_SECRET = {
    "settings": {"databaseUrl": {"existingSecret": "pictures-darkroom"}, "evolink": {"apiKey": {"value": "evk-a"}}}
}
RULE = {"name": "old", "max_age": "30d"}
BUDGET = {"name": "a", "per": "day", "stop_usd": 1}
ENDPOINT = {"name": "a", "url": "https://a.example.com/in", "secrets": [f"whsec_{'ab' * 16}"]}
KEY = {"name": "me", "key": "a long random text", "scopes": ["admin"]}


def refused(file: str, values: Mapping[str, Any], *words: str) -> None:
    said = refusal(file, values=values)
    assert said, f"{values} was taken"
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        ("shape", "double", "shape"),
        ("shap", "single", "shap"),
        ("image.digest", "sha256:abc", "image.digest"),
        ("image.tag", "not a tag", "image.tag"),
        ("image.pullPolicy", "Sometimes", "image.pullPolicy"),
        ("fullnameOverride", "Not_A_Name", "fullnameOverride"),
        ("fullnameOverride", "a" * 41, "fullnameOverride"),
        ("commonLabels", {"a": 1}, "commonLabels"),
        ("single.replicas", 2, "single.replicas"),
        ("settings.publicURL", "https://a.example.com", "publicURL"),
        ("settings.publicUrl", "a.example.com", "settings.publicUrl"),
        ("settings.publicUrl", "https://a.example.com/?b=c", "settings.publicUrl"),
        ("settings.apiKeys.value", [{**KEY, "scopes": ["everything"]}], "settings.apiKeys"),
        ("settings.apiKeys.value", [{"name": "me", "scopes": ["read"]}], "settings.apiKeys"),
        ("settings.apiKeys.value", [{**KEY, "sha256": "ab" * 32}], "settings.apiKeys"),
        ("settings.apiKeys.secret", "mine", "settings.apiKeys"),
        ("settings.server.trustedProxies", ["proxy.example.com"], "settings.server.trustedProxies"),
        ("settings.storage.url", "ftp://a", "settings.storage.url"),
        ("settings.storage.options.value", {"a": ["b"]}, "settings.storage.options"),
        ("settings.storage.redirect", "perhaps", "settings.storage.redirect"),
        ("settings.storage.minFreeBytes", "much", "settings.storage.minFreeBytes"),
        ("settings.callbacks.maxBodyBytes", -1, "settings.callbacks.maxBodyBytes"),
        ("settings.callbacks.retention", "for ever", "settings.callbacks.retention"),
        ("settings.confirm.mode", "maybe", "settings.confirm.mode"),
        ("settings.reconcile.requestsPerSecond", 0, "settings.reconcile.requestsPerSecond"),
        ("settings.download.allowedHosts", ["https://a.example.com"], "settings.download.allowedHosts"),
        ("settings.download.trustedNetworks", ["everything"], "settings.download.trustedNetworks"),
        ("settings.download.concurrency", 0, "settings.download.concurrency"),
        ("settings.download.concurrency", 257, "settings.download.concurrency"),
        ("settings.download.proxy.value", "socks5://a", "settings.download.proxy"),
        ("settings.log.level", "loud", "settings.log.level"),
        ("settings.log.format", "xml", "settings.log.format"),
        ("settings.traces.ratio", 2, "settings.traces.ratio"),
        ("settings.traces.endpoint", "collector:4318", "settings.traces.endpoint"),
        ("settings.submit.otherModels", "some", "settings.submit.otherModels"),
        ("settings.cost.prices", "prices.json", "settings.cost.prices"),
        ("settings.cost.budgets", [{"name": "a", "per": "week", "stop_usd": 1}], "settings.cost.budgets"),
        ("settings.cost.budgets", [{"name": "a", "per": "day"}], "settings.cost.budgets"),
        ("settings.cost.budgets", [{"name": "a", "per": "day", "stop_usd": -1}], "settings.cost.budgets"),
        ("settings.cost.budgets", [{**BUDGET, "key": "a", "tag": "a=b"}], "settings.cost.budgets"),
        ("settings.cost.budgets", [{**BUDGET, "stop": 1}], "settings.cost.budgets"),
        ("settings.retention.rules", [{"name": "a"}], "settings.retention.rules"),
        ("settings.retention.rules", [{"name": "a", "max_images": 0}], "settings.retention.rules"),
        ("settings.retention.rules", [{"name": "a", "max_age": "a month"}], "settings.retention.rules"),
        ("settings.notify.endpoints.value", [{**ENDPOINT, "url": "http://a.example.com"}], "settings.notify.endpoints"),
        ("settings.notify.endpoints.value", [{**ENDPOINT, "secrets": []}], "settings.notify.endpoints"),
        ("settings.notify.endpoints.value", [{**ENDPOINT, "secrets": ["whsec_short"]}], "settings.notify.endpoints"),
        ("settings.notify.endpoints.value", [{**ENDPOINT, "events": ["task.begun"]}], "settings.notify.endpoints"),
        ("settings.notify.endpoints.value", [{**ENDPOINT, "name": "The Shop"}], "settings.notify.endpoints"),
        ("settings.notify.trustedNetworks", ["everything"], "settings.notify.trustedNetworks"),
        ("priceLists.value", [{"from": "2026-01-01", "models": {}}], "priceLists"),
        ("priceLists.value", [{"from": "soon", "credits_per_dollar": 68, "models": {}}], "priceLists"),
        ("api.submissions.enabled", "yes", "api.submissions"),
        ("receiver.replicas", 0, "receiver.replicas"),
        ("receiver.replicas", "two", "receiver.replicas"),
        ("receiver.resources.limit", {}, "receiver.resources"),
        ("receiver.autoscaling.maxReplicas", 0, "receiver.autoscaling"),
        ("archiver.keda.minReplicas", 0, "archiver.keda.minReplicas"),
        ("archiver.keda.imagesPerSecond", 0, "archiver.keda.imagesPerSecond"),
        ("persistence.size", "large", "persistence.size"),
        ("persistence.accessModes", ["ReadWriteSometimes"], "persistence.accessModes"),
        ("persistence.accessModes", [], "persistence.accessModes"),
        ("migrations.backoffLimit", -1, "migrations.backoffLimit"),
        ("service.type", "ExternalName", "service.type"),
        ("service.port", 70000, "service.port"),
        ("ingress.host", "https://a.example.com", "ingress.host"),
        ("gateway.scheme", "ftp", "gateway.scheme"),
        ("networkPolicy.gateway.from", {"cidr": "0.0.0.0/0"}, "networkPolicy.gateway.from"),
        ("networkPolicy.except", ["here"], "networkPolicy.except"),
        ("networkPolicy.dns.ports", [0], "networkPolicy.dns.ports"),
        ("serviceAccount.create", "yes", "serviceAccount.create"),
        ("probes.liveness.periodSeconds", 0, "probes.liveness"),
        ("probes.liveness.path", "/", "probes.liveness"),
        ("shutdown.preStopSeconds", -1, "shutdown.preStopSeconds"),
        ("shutdown.drainSeconds", "20s", "shutdown.drainSeconds"),
        ("extraEnv", [{"value": "a"}], "extraEnv"),
        ("tests.timeoutSeconds", 0, "tests.timeoutSeconds"),
        ("standIn.certificateDays", 0, "standIn.certificateDays"),
        ("extraObjects", {"kind": "ConfigMap"}, "extraObjects"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_its_key(path: str, value: Any, word: str) -> None:
    refused(SINGLE, set_at(path, value), *word.split("."))


@pytest.mark.parametrize(
    ("file", "values", "words"),
    [
        (SINGLE, set_at("settings.databaseUrl.existingSecret", "a"), "databaseUrl: the shape single keeps SQLite"),
        (SINGLE, set_at("receiver.autoscaling.enabled", True), "receiver.autoscaling: the shape single is exactly one"),
        (SINGLE, set_at("archiver.keda.enabled", True), "archiver.keda: the shape single is exactly one pod"),
        (SINGLE, set_at("api.submissions.enabled", False), "api.submissions.enabled: the one pod of the shape single"),
        (SINGLE, {"priceLists": {"value": "[]", "existingConfigMap": "a"}}, "the one file of price lists"),
        (SINGLE, {"priceLists": {"existingConfigMap": "a"}, **set_at("settings.cost.prices", "/a")}, "the one file of"),
        (SINGLE, set_at("settings.cost.budgets", [BUDGET, BUDGET]), "settings.cost.budgets: two have the same name"),
        (SINGLE, set_at("settings.retention.rules", [RULE, RULE]), "settings.retention.rules: two have the same name"),
        (SINGLE, set_at("settings.cost.budgets", [{**BUDGET, "warn_usd": 1.5}]), "warn_usd of a is above stop_usd"),
        (SINGLE, set_at("settings.notify.endpoints.value", [ENDPOINT, ENDPOINT]), "endpoints: two have the same name"),
        (SCALED, NO_DATABASE, "settings.databaseUrl: the shape scaled needs"),
        (SCALED, merged(NO_DATABASE, set_at("settings.databaseUrl.value", "sqlite:///a")), "needs PostgreSQL"),
        (SCALED, set_at("settings.storage.url", ""), "settings.storage.url: the shape scaled needs a bucket"),
        (SCALED, set_at("settings.storage.url", "file:///data"), "storage.url: the shape scaled needs a bucket"),
        (SCALED, set_at("persistence.existingClaim", "a"), "persistence.existingClaim: the shape scaled keeps nothing"),
        (SCALED, {"archiver": {"autoscaling": ON, "keda": {**ON, "serverAddress": "http://p:1"}}}, "two autoscalers"),
        (SCALED, set_at("archiver.keda.enabled", True), "archiver.keda.serverAddress: say where Prometheus answers"),
        (SCALED, set_at("api.autoscaling", {**ON, "minReplicas": 9, "maxReplicas": 3}), "minReplicas is above"),
        (SCALED, set_at("api.podDisruptionBudget", {"minAvailable": 1, "maxUnavailable": 1}), "set one of"),
        *[
            (SCALED, set_at(f"api.podDisruptionBudget.{name}", number), "none of its 2 pods could ever leave its node")
            for name, number in NONE_AWAY
        ],
        (SINGLE, set_at("service.nodePort", 30080), "service.nodePort: a Service of type ClusterIP has none"),
        (SINGLE, set_at("service.externalTrafficPolicy", "Local"), "set service.type: NodePort or LoadBalancer"),
        (SINGLE, {"service": {"type": "NodePort", "loadBalancerClass": "a"}, **GATEWAY_OPEN}, "service.loadBalancer"),
        (SINGLE, set_at("service.loadBalancerSourceRanges", ["10.0.0.0/8"]), "set service.type: LoadBalancer"),
        (SINGLE, set_at("serviceAccount.name", "mine"), "set serviceAccount.create: false beside it"),
        (SCALED, OWN_SECRET, "settings.databaseUrl.existingSecret: pictures-darkroom is the name of the Secret"),
        (SINGLE, set_at("settings.apiKeys", {"value": [KEY], "existingSecret": "a"}), "a value and an existingSecret"),
        (SINGLE, set_at("settings.confirm.mode", "required"), "needs the provider's key"),
        (SINGLE, set_at("settings.download.proxy.value", "http://10.0.0.1:3128"), "networkPolicy.proxy.to: say where"),
        (SINGLE, merged(set_at("trustedCa.existingSecret", "a"), set_at("settings.tls.caFile", "/a")), "the one file"),
        (SINGLE, merged(set_at("ingress.enabled", True), GATEWAY_OPEN), "ingress.host: set the public host name"),
        (SINGLE, merged(set_at("gateway.enabled", True), GATEWAY_OPEN), "gateway.host: set the public host name"),
        (SINGLE, {"ingress": HOST}, "networkPolicy.gateway.from: say where"),
        (SINGLE, set_at("service.type", "LoadBalancer"), "networkPolicy.gateway.from: say where"),
        (SINGLE, {"gateway": HOST, **GATEWAY_OPEN}, "gateway.parentRefs: name"),
        (SINGLE, set_at("ingress.api.enabled", True), "ingress.api.enabled needs ingress.enabled"),
        (SINGLE, {"gateway": {**HOST, **PARENT, "filters": REDIRECT}, **GATEWAY_OPEN}, "a redirect on the callback"),
        (STAND_IN, set_at("settings.evolink.apiKey.value", "evk-real"), "leave settings.evolink.apiKey empty"),
        (STAND_IN, set_at("settings.evolink.apiKey.existingSecret", "real"), "leave settings.evolink.apiKey empty"),
        (STAND_IN, set_at("settings.evolink.apiUrl", "https://api.evolink.ai"), "leave settings.evolink.apiUrl empty"),
        (STAND_IN, set_at("settings.download.allowedHosts", ["*.evolink.ai"]), "leave settings.download.allowedHosts"),
    ],
)  # fmt: skip
def test_values_that_cannot_work_together_are_refused_with_what_to_set(
    file: str, values: Mapping[str, Any], words: str
) -> None:
    refused(file, values, words)


@pytest.mark.parametrize("kind", ["permanent-redirect", "temporal-redirect", "from-to-www-redirect"])
def test_an_ingress_that_sends_callbacks_elsewhere_is_refused(kind: str) -> None:
    annotations = {f"nginx.ingress.kubernetes.io/{kind}": "https://b.example.com"}
    refused(SINGLE, {"ingress": {**HOST, "annotations": annotations}, **GATEWAY_OPEN}, kind, "the callback is lost")


@pytest.mark.parametrize("release", ["1rel", "my.rel"])
def test_a_release_whose_name_no_service_can_have_is_refused(release: str) -> None:
    with pytest.raises(HelmError, match="cannot be the name of a Service"):
        render(SINGLE, release=release)
    assert render(SINGLE, values={"fullnameOverride": "pictures"}, release=release).manifests


@pytest.mark.parametrize(
    "path",
    ["extraEnv", "commonLabels", "podLabels", "single.podAnnotations", "persistence.annotations", "settings.confirm",
     "serviceAccount.annotations", "tests", "standIn", "monitoring", "probes.startup", "settings.apiKeys.key"],
)  # fmt: skip
def test_a_key_with_nothing_behind_it_is_refused_by_its_name(path: str) -> None:
    refused(SINGLE, set_at(path, None), f"{path.rpartition('.')[2]} is required")


def test_the_schema_asks_for_every_key_that_values_have() -> None:
    known = ValuesSchema.of_text((CHART / "values.schema.json").read_text("utf-8"))
    keys = [key for first in read((CHART / "values.yaml").read_text("utf-8")) for key in first.walk()]
    asked = {key.path: {name for node in known.at(key.path[:-1]) for name in node.get("required", [])} for key in keys}
    left_out = [key.name for key in keys if key.path[-1] not in asked[key.path]]
    assert [name for name in left_out if not name.startswith("monitoring.")] == []


@pytest.mark.parametrize("budget", [{"minAvailable": "50%"}, {"minAvailable": 1}, {"maxUnavailable": "10%"}])
def test_a_budget_that_lets_one_pod_go_is_taken(budget: dict[str, Any]) -> None:
    assert refusal(SCALED, values=set_at("api.podDisruptionBudget", budget)) == ""


@pytest.mark.parametrize("file", [SINGLE, SCALED, STAND_IN])
def test_a_good_file_is_not_refused(file: str) -> None:
    assert refusal(file) == ""


@pytest.mark.parametrize("name", ["global", "nameOverride"])
def test_what_helm_itself_gives_is_taken(name: str) -> None:
    assert refusal(SINGLE, values={name: {} if name == "global" else "pictures"}) == ""

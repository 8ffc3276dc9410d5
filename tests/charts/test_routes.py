"""How a release is reached from outside: the callback path alone, unless told otherwise, and never by a redirect."""

from typing import Any

import pytest

from tests.charts.environment import environment
from tests.charts.helm import ci_files, merged, render, set_at
from tests.charts.manifests import Rendered, at

pytestmark = pytest.mark.long

SINGLE, SCALED = "default-values.yaml", "scaled-values.yaml"


def routed(rendered: Rendered) -> dict[tuple[str, str], str]:
    """Which Service answers for a host and a path, by Ingress or HTTPRoute."""
    found = {}
    for ingress in rendered.of("Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                found[rule.get("host", ""), path["path"]] = path["backend"]["service"]["name"]
    for route in rendered.of("HTTPRoute"):
        for rule in route["spec"]["rules"]:
            for match in rule["matches"]:
                for host in route["spec"].get("hostnames", [""]):
                    found[host, match["path"]["value"]] = rule["backendRefs"][0]["name"]
    return found


ANYBODY = {"gateway": {"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}}


def a_route(kind: str, **changed: Any) -> dict[str, Any]:
    parents = {"parentRefs": [{"name": "public"}]} if kind == "gateway" else {}
    return {kind: {"enabled": True, "host": "a.example.com", **parents, **changed}, "networkPolicy": ANYBODY}


@pytest.mark.parametrize("kind", ["ingress", "gateway"])
@pytest.mark.parametrize("file", [SINGLE, SCALED])
def test_only_the_callback_path_is_public_and_leads_to_the_receiver(file: str, kind: str) -> None:
    rendered = render(file, values=a_route(kind))
    receiver = "pictures-darkroom" if file == SINGLE else "pictures-darkroom-receiver"
    assert routed(rendered) == {("a.example.com", "/callbacks"): receiver}


@pytest.mark.parametrize("kind", ["ingress", "gateway"])
def test_the_api_can_be_public_under_the_same_host_or_its_own(kind: str) -> None:
    api = "pictures-darkroom-api"
    same = routed(render(SCALED, values=a_route(kind, api={"enabled": True})))
    assert {same["a.example.com", path] for path in ("/v1", "/evolink/v1", "/a")} == {api}
    own = routed(render(SCALED, values=a_route(kind, api={"enabled": True, "host": "b.example.com"})))
    assert own["b.example.com", "/v1"] == api
    assert ("a.example.com", "/v1") not in own


@pytest.mark.parametrize("kind", ["ingress", "gateway"])
def test_links_to_images_lead_to_the_api_at_the_public_url_as_well(kind: str) -> None:
    rendered = render(SCALED, values=a_route(kind, api={"enabled": True, "host": "b.example.com"}))
    assert routed(rendered)["a.example.com", "/a"] == routed(rendered)["b.example.com", "/a"] == "pictures-darkroom-api"
    assert routed(rendered)["a.example.com", "/callbacks"] == "pictures-darkroom-receiver"
    unpublished = render(SCALED, values=a_route(kind, api={"enabled": True, "host": "b.example.com", "paths": ["/v1"]}))
    assert ("a.example.com", "/a") not in routed(unpublished)


def public_url(rendered: Rendered) -> str:
    return environment(rendered, rendered.workload("all").main)["DARKROOM_PUBLIC_URL"]


@pytest.mark.parametrize("kind", ["ingress", "gateway"])
def test_where_it_is_reached_from_outside_follows_from_the_route(kind: str) -> None:
    assert public_url(render(SINGLE, values=a_route(kind))) == "https://a.example.com"


def test_a_public_address_that_was_told_counts_more_than_the_route() -> None:
    values = merged(a_route("ingress"), set_at("settings.publicUrl", "https://told.example.com"))
    assert public_url(render(SINGLE, values=values)) == "https://told.example.com"


@pytest.mark.parametrize("file", [SINGLE, SCALED])
def test_a_gateway_is_told_by_the_service_that_pods_speak_https(file: str) -> None:
    tls = set_at("service.tls.existingSecret", "mine")
    for values, wanted in ((tls, "https"), ({}, None)):
        ports = [port for one in render(file, values=values).of("Service") for port in one["spec"]["ports"]]
        assert {port.get("appProtocol") for port in ports if port["name"] != "metrics"} == {wanted}


@pytest.mark.parametrize("issuer", ["clusterIssuer", "issuer"])
def test_cert_manager_is_asked_for_a_certificate_and_where_to_put_it(issuer: str) -> None:
    key = "cert-manager.io/cluster-issuer" if issuer == "clusterIssuer" else "cert-manager.io/issuer"
    ingress = render(SINGLE, values=a_route("ingress", certManager={issuer: "letsencrypt"})).one("Ingress")
    assert ingress["metadata"]["annotations"][key] == "letsencrypt"
    (tls,) = ingress["spec"]["tls"]
    assert tls["hosts"] == ["a.example.com"]
    assert tls["secretName"]


@pytest.mark.parametrize("file", ci_files())
def test_nothing_redirects_on_the_callback_path(file: str) -> None:
    rendered = render(file)
    for ingress in rendered.of("Ingress"):
        annotations = at(ingress, "metadata", "annotations", default={})
        assert not [name for name, value in annotations.items() if "redirect" in name and value != "false"]
    for route in rendered.of("HTTPRoute"):
        filters = [one["type"] for rule in route["spec"]["rules"] for one in rule.get("filters") or []]
        assert "RequestRedirect" not in filters
    for gateway in rendered.of("Gateway"):
        assert {one["protocol"] for one in gateway["spec"]["listeners"]} == {"HTTPS"}

"""What pods may reach, and who may reach them: the rendered policies, evaluated against the program's own rules.

The program refuses links to addresses that are not public; these policies are the second wall, for the day that the
first one has a hole. So what the program forbids, the network has to forbid, too.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import pytest

from service.outbound.address_policy import FORBIDDEN
from tests.charts.helm import NAMESPACE, ci_files, merged, render, set_at
from tests.charts.manifests import ROLES, Rendered, title
from tests.charts.network import Network, Peer, blocks, in_block, outside, pod
from tests.outbound.test_address_policy import FORBIDDEN_ADDRESSES, PUBLIC

pytestmark = pytest.mark.long

SCALED, SINGLE = "scaled-values.yaml", "default-values.yaml"
DATABASE, STORE, PROVIDER, PROXY, SHOP = "10.20.0.5", "10.30.0.7", "10.40.0.9", "10.50.0.3", "10.60.0.2"
METADATA = ("169.254.169.254", "169.254.169.253", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "192.0.0.192")
PRIVATE = (
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.1", "224.0.0.1", "198.51.100.7", "168.63.129.16",
    "fd12::1", "fe80::1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::1", "::ffff:169.254.169.254",
    "ff02::1",
)  # fmt: skip
PUBLIC_ADDRESSES = ("1.1.1.1", "168.63.129.15", "2606:4700:4700::1111")

GATEWAY_RULE = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}}}
TOLD = {
    "networkPolicy": {
        "gateway": {"from": [GATEWAY_RULE]},
        "database": {"to": [{"ipBlock": {"cidr": f"{DATABASE}/32"}}]},
        "store": {"to": [{"ipBlock": {"cidr": f"{STORE}/32"}}]},
        "provider": {"to": [{"ipBlock": {"cidr": f"{PROVIDER}/32"}}]},
        "notify": {"to": [{"ipBlock": {"cidr": f"{SHOP}/32"}}], "ports": [443, 8443]},
        "proxy": {"to": [{"ipBlock": {"cidr": f"{PROXY}/32"}}]},
    },
    "settings": {
        "download": {"proxy": {"value": "http://10.50.0.3:3128"}},
        "evolink": {"apiKey": {"value": "evk-1", "existingSecret": ""}},
    },
}
"""Every destination narrowed to one address."""

GATEWAY = pod("gateways", {"app": "gateway"})
MONITORING = pod("monitoring", {"app.kubernetes.io/name": "prometheus"})
NAME_SERVER = pod("kube-system", {"k8s-app": "kube-dns"}, "10.96.0.10")
NEIGHBOUR = pod(NAMESPACE, {"app": "neighbour"})
STRANGERS = (NEIGHBOUR, pod("default", {"app": "stranger"}), outside("10.2.3.4"), outside("1.1.1.1"))


def network(rendered: Rendered) -> Network:
    return Network.of(rendered, NAMESPACE)


def reaches(rendered: Rendered, component: str, to: str | Peer, port: int, protocol: str = "TCP") -> bool:
    peer = outside(to) if isinstance(to, str) else to
    return network(rendered).may_reach(rendered.workload(component), peer, port, protocol)


def reached(rendered: Rendered, component: str, by: Peer, port: int) -> bool:
    return network(rendered).may_be_reached(rendered.workload(component), by, port)


def forbidden_addresses() -> Iterator[IPv4Address | IPv6Address]:
    """What the program refuses, as far as a block of addresses can tell: not what hides in an interface identifier."""
    for block in map(ip_network, FORBIDDEN):
        yield from (block[0], block[-1])
    for text in FORBIDDEN_ADDRESSES.split():
        if "%" not in text and "5efe" not in text:
            yield ip_address(text)


# --- out of the pods


def test_what_the_program_forbids_no_archiver_can_reach() -> None:
    for file, component in ((SCALED, "archiver"), (SINGLE, "all")):
        rendered = render(file)
        open_ = [
            one for one in forbidden_addresses() for port in (443, 80) if reaches(rendered, component, str(one), port)
        ]
        assert open_ == [], component


@pytest.mark.parametrize(
    "address", [one for one in PUBLIC.split() if "5efe" not in one and not one.startswith(("::ffff", "64:"))]
)
def test_what_the_program_allows_an_archiver_can_reach(address: str) -> None:
    assert reaches(render(SCALED), "archiver", address, 443)
    assert reaches(render(SINGLE), "all", address, 443)


@pytest.mark.parametrize("address", METADATA)
@pytest.mark.parametrize("file", ci_files())
def test_no_pod_reaches_the_clouds_metadata(file: str, address: str) -> None:
    rendered = render(file)
    for workload in rendered.workloads:
        open_ = [
            port for port in (80, 443, 988, 8080, 5432) if network(rendered).may_reach(workload, outside(address), port)
        ]
        assert open_ == [], workload.name


@pytest.mark.parametrize(
    ("component", "address", "port", "wanted"),
    [
        ("receiver", DATABASE, 5432, True),
        ("receiver", STORE, 443, False),
        ("receiver", PROVIDER, 443, False),
        ("receiver", "1.1.1.1", 443, False),
        ("archiver", DATABASE, 5432, True),
        ("archiver", STORE, 443, True),
        ("archiver", PROXY, 3128, True),
        ("archiver", SHOP, 443, False),
        ("archiver", "1.1.1.1", 443, True),
        ("archiver", "1.1.1.1", 80, False),
        ("archiver", "1.1.1.1", 5432, False),
        ("reconciler", DATABASE, 5432, True),
        ("reconciler", PROVIDER, 443, True),
        ("reconciler", STORE, 443, False),
        ("reconciler", "1.1.1.1", 443, False),
        ("api", DATABASE, 5432, True),
        ("api", STORE, 443, True),
        ("api", PROVIDER, 443, True),
        ("api", SHOP, 443, True),
        ("api", SHOP, 8443, True),
        ("api", SHOP, 80, False),
        ("api", PROXY, 3128, True),
        ("api", "1.1.1.1", 443, False),
        ("migrate", DATABASE, 5432, True),
        ("migrate", STORE, 443, False),
        ("migrate", "1.1.1.1", 443, False),
    ],
)
def test_a_pod_reaches_what_its_role_needs_and_nothing_else(
    component: str, address: str, port: int, wanted: bool
) -> None:
    assert reaches(render(SCALED, values=TOLD), component, address, port) is wanted


@pytest.mark.parametrize(
    "values",
    [set_at("api.submissions.enabled", False), set_at("settings.evolink.apiKey", {"value": "", "existingSecret": ""})],
    ids=["nothing is submitted", "there is no key"],
)
def test_the_api_reaches_the_provider_only_to_submit(values: dict[str, Any]) -> None:
    rendered = render(SCALED, values=merged(TOLD, values))
    assert [one for one in ROLES if reaches(rendered, one, PROVIDER, 443)] == ["reconciler"]


def test_the_api_reaches_others_only_where_somebody_is_told() -> None:
    def reach(values: dict[str, Any]) -> list[str]:
        rendered = render(SCALED, values=merged(TOLD, values))
        return [place for place, port in ((SHOP, 443), (PROXY, 3128)) if reaches(rendered, "api", place, port)]

    nothing, endpoints = (
        set_at("api.submissions.enabled", False),
        set_at("settings.notify.endpoints.existingSecret", "a"),
    )
    assert reach({}) == reach(merged(nothing, endpoints)) == [SHOP, PROXY]
    assert reach(nothing) == []


@pytest.mark.parametrize("component", [*ROLES, "migrate"])
@pytest.mark.parametrize("address", PRIVATE)
def test_no_pod_reaches_private_addresses_that_nobody_named(component: str, address: str) -> None:
    rendered = render(SCALED, values=TOLD)
    assert [port for port in (22, 80, 443, 3128, 5432, 6379, 8080) if reaches(rendered, component, address, port)] == []


@pytest.mark.parametrize("component", [*ROLES, "migrate"])
@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
def test_every_pod_asks_the_clusters_name_servers_and_no_others(component: str, protocol: str) -> None:
    rendered = render(SCALED, values=TOLD)
    assert reaches(rendered, component, NAME_SERVER, 53, protocol)
    assert not reaches(rendered, component, "8.8.8.8", 53, protocol)
    assert not reaches(rendered, component, NEIGHBOUR, 53, protocol)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_by_default_bucket_provider_and_endpoints_may_be_any_public_address(address: str) -> None:
    rendered = render(SCALED)
    assert [one for one in ROLES if reaches(rendered, one, address, 443)] == ["archiver", "reconciler", "api"]


def test_by_default_the_database_may_be_anywhere_but_in_link_local_addresses() -> None:
    rendered = render(SCALED)
    assert all(reaches(rendered, one, "10.1.2.3", 5432) for one in ROLES)
    assert not any(reaches(rendered, one, "169.254.1.1", 5432) for one in ROLES)


def test_by_default_the_database_may_be_a_pod_which_its_plugin_knows_by_no_address() -> None:
    rendered = render(SCALED)
    database = pod("databases", {"app": "postgres"})
    for component in (*ROLES, "migrate"):
        assert reaches(rendered, component, database, 5432)
        assert not reaches(rendered, component, database, 6379)


@pytest.mark.parametrize(("group", "component"), [("download", "archiver"), ("notify", "api")])
def test_networks_that_are_trusted_are_open_to_those_who_send_there(group: str, component: str) -> None:
    trusted = set_at(f"settings.{group}.trustedNetworks", ["10.7.0.0/16", "fd07::/16"])
    rendered = render(SCALED, values=merged(TOLD, trusted))
    for address in ("10.7.1.1", "fd07::1"):
        assert [one for one in ROLES if reaches(rendered, one, address, 8080)] == [component]
    assert not reaches(rendered, "archiver", "10.8.0.1", 443)


def test_the_metadata_address_opens_only_by_name_and_only_for_pods_that_reach_the_bucket() -> None:
    identity = {"to": [{"ipBlock": {"cidr": "169.254.169.252/32"}}], "ports": [988]}
    rendered = render(SCALED, values=set_at("networkPolicy.workloadIdentity", identity))
    assert [one for one in ROLES if reaches(rendered, one, "169.254.169.252", 988)] == ["archiver", "api"]
    assert not reaches(rendered, "archiver", "169.254.169.254", 80)


def test_networks_of_ones_own_can_be_taken_from_the_public_ones() -> None:
    rendered = render(SCALED, values=set_at("networkPolicy.except", ["203.0.114.0/24", "2a00:1450::/32"]))
    for address in ("203.0.114.9", "2a00:1450::1"):
        assert not reaches(rendered, "archiver", address, 443)
    assert reaches(rendered, "archiver", "203.0.115.1", 443)


@pytest.mark.parametrize("place", ["networkPolicy.extraEgress", "archiver.networkPolicy.extraEgress"])
def test_rules_of_ones_own_open_more(place: str) -> None:
    rule = {"to": [{"ipBlock": {"cidr": "10.99.0.0/16"}}], "ports": [{"port": 8125, "protocol": "UDP"}]}
    rendered = render(SCALED, values=set_at(place, [rule]))
    assert reaches(rendered, "archiver", "10.99.1.1", 8125, "UDP")
    assert reaches(rendered, "receiver", "10.99.1.1", 8125, "UDP") is (place == "networkPolicy.extraEgress")


def test_the_one_pod_of_the_shape_single_has_no_way_to_a_database() -> None:
    assert not reaches(render(SINGLE), "all", "10.1.2.3", 5432)


# --- into the pods


@pytest.mark.parametrize("component", ROLES)
def test_only_the_gateway_reaches_the_receiver_and_nobody_the_rest(component: str) -> None:
    rendered = render(SCALED, values=TOLD)
    assert reached(rendered, component, GATEWAY, 8080) is (component == "receiver")
    assert not any(reached(rendered, component, by, port) for by in STRANGERS for port in (8080, 9090))


@pytest.mark.parametrize("component", ROLES)
def test_only_monitoring_reads_metrics(component: str) -> None:
    rendered = render(SCALED, values=TOLD)
    assert reached(rendered, component, MONITORING, 9090)
    assert not reached(rendered, component, MONITORING, 8080)
    assert not reached(rendered, component, GATEWAY, 9090)


@pytest.mark.parametrize("place", ["ingress", "gateway"])
def test_the_gateway_reaches_the_api_where_that_is_public(place: str) -> None:
    route = {"enabled": True, "host": "a.example.com", "api": {"enabled": True}}
    if place == "gateway":
        route["parentRefs"] = [{"name": "public"}]
    rendered = render(SCALED, values=merged(TOLD, {place: route}))
    assert reached(rendered, "api", GATEWAY, 8080)
    assert not reached(rendered, "archiver", GATEWAY, 8080)


def test_clients_inside_the_cluster_reach_the_api_when_they_are_named() -> None:
    client = {"podSelector": {"matchLabels": {"app": "shop"}}}
    rendered = render(SCALED, values=merged(TOLD, set_at("networkPolicy.clients.from", [client])))
    shop = pod(NAMESPACE, {"app": "shop"})
    assert [one for one in ROLES if reached(rendered, one, shop, 8080)] == ["api"]


@pytest.mark.parametrize("file", ci_files())
def test_every_pod_is_behind_policies_in_both_directions(file: str) -> None:
    rendered = render(file)
    for workload in rendered.workloads:
        for direction in ("Ingress", "Egress"):
            assert network(rendered).is_isolated(workload, direction), f"{title(workload.manifest)}: {direction}"


def test_the_test_pod_reaches_what_it_asks() -> None:
    for file in (SCALED, SINGLE, "stand-in-values.yaml"):
        rendered = render(file)
        test = rendered.workload("test")
        here = pod(NAMESPACE, test.labels)
        asked = [one for one in rendered.workloads if one.component in ("all", "receiver", "api", "stand-in")]
        for workload in asked:
            port = workload.ports.get("http", 8443)
            there = pod(NAMESPACE, workload.labels, ports=workload.ports)
            assert network(rendered).may_reach(test, there, port), f"{file}: {workload.name}"
            assert network(rendered).may_be_reached(workload, here, port), f"{file}: {workload.name}"


def test_the_stand_in_is_reached_by_those_that_need_it_and_calls_back() -> None:
    rendered = render("stand-in-values.yaml")
    stand_in = rendered.workload("stand-in")
    there = pod(NAMESPACE, stand_in.labels, "10.244.1.9", stand_in.ports)
    for workload in rendered.services:
        here = pod(NAMESPACE, workload.labels, ports=workload.ports)
        if workload.component in ("all", "archiver", "reconciler", "api"):
            assert network(rendered).may_reach(workload, there, 8443), workload.name
            assert network(rendered).may_be_reached(stand_in, here, 8443), workload.name
        if workload.component in ("all", "receiver"):
            assert network(rendered).may_reach(stand_in, here, 8080), workload.name
            assert network(rendered).may_be_reached(workload, pod(NAMESPACE, stand_in.labels), 8080), workload.name
    assert not any(reaches(rendered, "stand-in", one, 443) for one in (*PUBLIC_ADDRESSES, "169.254.169.254"))


def test_beside_the_stand_in_endpoints_are_told_all_the_same() -> None:
    endpoints = set_at("settings.notify.endpoints.existingSecret", "mine")
    for values, wanted in ((endpoints, True), ({}, False)):
        assert reaches(render("stand-in-values.yaml", values=values), "all", "1.1.1.1", 443) is wanted


@pytest.mark.parametrize("submits", [True, False])
def test_the_stand_in_takes_submissions_from_the_api(submits: bool) -> None:
    scaled = {"standIn": {"enabled": True}, "api": {"submissions": {"enabled": submits}}}
    rendered = render(SCALED, values=scaled)
    stand_in = pod(NAMESPACE, rendered.workload("stand-in").labels, ports=rendered.workload("stand-in").ports)
    assert [one for one in ROLES if reaches(rendered, one, stand_in, 8443)] == [
        "archiver",
        "reconciler",
        *(["api"] if submits else []),
    ]


@pytest.mark.parametrize("file", ci_files())
def test_exceptions_lie_inside_the_block_that_they_are_taken_from(file: str) -> None:
    for policy in render(file).of("NetworkPolicy"):
        for block in blocks(policy):
            outer = ip_network(block["cidr"])
            for text in block.get("except") or []:
                inner = ip_network(text)
                assert inner.version == outer.version
                assert inner.subnet_of(outer), f"{title(policy)}: {text} is not in {outer}"  # type: ignore[arg-type]
                assert inner != outer, f"{title(policy)}: nothing is left of {outer}"


def test_without_policies_there_are_none() -> None:
    assert render(SCALED, values=set_at("networkPolicy.enabled", False)).of("NetworkPolicy") == []


def test_a_public_block_says_no_to_what_the_program_refuses_in_every_policy() -> None:
    for policy in render(SCALED).of("NetworkPolicy"):
        for block in blocks(policy):
            if block["cidr"] in ("0.0.0.0/0", "::/0", "2000::/3"):
                assert not in_block(block, ip_address("169.254.169.254")), title(policy)
                assert not in_block(block, ip_address("fe80::1")), title(policy)

"""NetworkPolicies evaluated as a cluster's network would: may this pod reach that, may that reach this pod. Pure.

Source: the API reference of networking.k8s.io/v1. A pod that no policy selects for a direction is open in it; a
selected one may do what the union of all its policies allows. Whether an ipBlock also stands for pods with such an
address depends on the network plugin: here it does for those whose address is told, which is the wider reading.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from tests.charts.manifests import Manifest, Rendered, Workload, at, matches

NAMESPACE_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True)
class Peer:
    """The other side: a pod with labels in a namespace with labels, or something outside with an address alone."""

    address: IPv4Address | IPv6Address | None = None
    labels: Mapping[str, str] | None = None
    namespace: str = ""
    ports: Mapping[str, int] = field(default_factory=dict)

    @property
    def namespace_labels(self) -> dict[str, str]:
        return {NAMESPACE_LABEL: self.namespace}


def outside(address: str) -> Peer:
    """A host that is no pod."""
    return Peer(address=ip_address(address))


def pod(
    namespace: str, labels: Mapping[str, str], address: str | None = None, ports: Mapping[str, int] | None = None
) -> Peer:
    return Peer(ip_address(address) if address else None, labels, namespace, ports or {})


@dataclass(frozen=True, slots=True)
class Network:
    """The policies of one namespace."""

    namespace: str
    policies: Sequence[Manifest]

    @classmethod
    def of(cls, rendered: Rendered, namespace: str) -> "Network":
        return cls(namespace, rendered.of("NetworkPolicy"))

    def may_reach(self, workload: Workload, to: Peer, port: int, protocol: str = "TCP") -> bool:
        """Whether pods of a workload may open connections to a port of a peer."""
        rules = self._rules(workload, "Egress")
        return rules is None or any(
            self._peers_match(rule.get("to"), to) and _ports_match(rule.get("ports"), port, protocol, to.ports)
            for rule in rules
        )

    def may_be_reached(self, workload: Workload, by: Peer, port: int, protocol: str = "TCP") -> bool:
        """Whether a peer may open connections to a port of a workload's pods."""
        rules = self._rules(workload, "Ingress")
        return rules is None or any(
            self._peers_match(rule.get("from"), by) and _ports_match(rule.get("ports"), port, protocol, workload.ports)
            for rule in rules
        )

    def is_isolated(self, workload: Workload, direction: str) -> bool:
        """Whether any policy selects these pods for `Ingress` or `Egress`: without one everything is open."""
        return self._rules(workload, direction) is not None

    def _rules(self, workload: Workload, direction: str) -> list[Manifest] | None:
        chosen = [
            policy["spec"]
            for policy in self.policies
            if matches(policy["spec"].get("podSelector", {}), workload.labels) and direction in _types(policy["spec"])
        ]
        if not chosen:
            return None
        return [rule for spec in chosen for rule in spec.get(direction.lower()) or []]

    def _peers_match(self, rule: Sequence[Manifest] | None, peer: Peer) -> bool:
        return not rule or any(self._peer_matches(one, peer) for one in rule)

    def _peer_matches(self, rule: Manifest, peer: Peer) -> bool:
        if "ipBlock" in rule:
            return peer.address is not None and in_block(rule["ipBlock"], peer.address)
        if peer.labels is None:
            return False
        if "namespaceSelector" in rule:
            in_namespace = matches(rule["namespaceSelector"], peer.namespace_labels)
        else:
            in_namespace = peer.namespace == self.namespace
        return in_namespace and matches(rule.get("podSelector", {}), peer.labels)


def in_block(block: Manifest, address: IPv4Address | IPv6Address) -> bool:
    """Whether an ipBlock stands for an address."""
    return address in ip_network(block["cidr"]) and not any(
        address in ip_network(one) for one in block.get("except") or []
    )


def blocks(policy: Manifest) -> Iterator[Manifest]:
    """Every ipBlock of a policy."""
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for rule in at(policy, "spec", direction, default=[]):
            yield from (peer["ipBlock"] for peer in rule.get(side) or [] if "ipBlock" in peer)


def _types(spec: Manifest) -> set[str]:
    """Which directions a policy is about; where it does not say, ingress, and egress if it has such rules."""
    return set(spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])])


def _ports_match(rules: Sequence[Manifest] | None, port: int, protocol: str, named: Mapping[str, int]) -> bool:
    return not rules or any(_port_matches(rule, port, protocol, named) for rule in rules)


def _port_matches(rule: Manifest, port: int, protocol: str, named: Mapping[str, int]) -> bool:
    if rule.get("protocol", "TCP") != protocol:
        return False
    wanted = rule.get("port")
    if wanted is None:
        return True
    if isinstance(wanted, str):
        return named.get(wanted) == port
    first = int(wanted)
    return first <= port <= int(rule.get("endPort", first))

"""The code that judges pods and networks: each rule refuses what it is there for, and a good pod breaks none."""

import copy
from typing import Any

import pytest

from tests.charts.helm import merged
from tests.charts.manifests import Manifest, Workload
from tests.charts.network import Network, outside, pod
from tests.charts.pod_security import violations

pytestmark = pytest.mark.long  # as what they are the harness of

CONTAINER: Manifest = {
    "name": "main",
    "image": "darkroom:1",
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
SPEC: Manifest = {
    "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [CONTAINER],
    "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
}


def a_workload(spec: Manifest, **annotations: str) -> Workload:
    template = {"metadata": {"labels": {"app": "a"}, "annotations": annotations}, "spec": spec}
    return Workload({"kind": "Deployment", "metadata": {"name": "a"}, "spec": {"template": template}})


def test_a_restricted_pod_breaks_no_rule() -> None:
    assert violations(a_workload(SPEC)) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"hostNetwork": True}, "hostNetwork is shared"),
        ({"hostPID": True}, "hostPID is shared"),
        ({"hostIPC": True}, "hostIPC is shared"),
        ({"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}, "volume host is a hostPath"),
        ({"volumes": [{"name": "nfs", "nfs": {"server": "a"}}]}, "volume nfs is a nfs"),
        ({"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}}, "sysctl kernel.msgmax"),
        ({"securityContext": {"runAsUser": 0}}, "the pod runs as user 0"),
        ({"securityContext": {"runAsNonRoot": False}}, "the pod may run as root"),
        ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, "seccomp profile Unconfined"),
        ({"securityContext": {"seccompProfile": None}}, "has no seccomp profile"),
        ({"securityContext": {"appArmorProfile": {"type": "Unconfined"}}}, "AppArmor profile Unconfined"),
        ({"securityContext": {"seLinuxOptions": {"type": "spc_t"}}}, "SELinux type spc_t"),
        ({"securityContext": {"seLinuxOptions": {"user": "root"}}}, "an SELinux user or role"),
        ({"securityContext": {"windowsOptions": {"hostProcess": True}}}, "is a process of the host"),
    ],
)
def test_a_pod_that_breaks_a_rule_is_told(changed: Manifest, told: str) -> None:
    assert any(told in sentence for sentence in violations(a_workload(merged(SPEC, changed))))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"securityContext": {"privileged": True}}, "is privileged"),
        ({"securityContext": {"allowPrivilegeEscalation": None}}, "allowPrivilegeEscalation is not false"),
        ({"securityContext": {"capabilities": {"drop": ["NET_RAW"]}}}, "does not drop ALL"),
        ({"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}, "adds the capability SYS_ADMIN"),
        ({"securityContext": {"runAsNonRoot": False}}, "runAsNonRoot is not true"),
        ({"securityContext": {"runAsUser": 0}}, "runs as user 0"),
        ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, "has no seccomp profile"),
        ({"securityContext": {"procMount": "Unmasked"}}, "has an unmasked /proc"),
        ({"ports": [{"containerPort": 80, "hostPort": 80}]}, "takes the host's port 80"),
        ({"livenessProbe": {"httpGet": {"host": "169.254.169.254", "port": 80}}}, "livenessProbe names a host"),
        ({"lifecycle": {"preStop": {"httpGet": {"host": "10.0.0.1", "port": 80}}}}, "preStop names a host"),
    ],
)
@pytest.mark.parametrize("kind", ["containers", "initContainers"])
def test_a_container_that_breaks_a_rule_is_told(changed: Manifest, told: str, kind: str) -> None:
    spec = {**copy.deepcopy(SPEC), kind: [merged(CONTAINER, changed)]}
    assert any(told in sentence for sentence in violations(a_workload(spec)))


def test_an_annotation_that_switches_apparmor_off_is_told() -> None:
    annotation = {"container.apparmor.security.beta.kubernetes.io/main": "unconfined"}
    assert violations(a_workload(SPEC, **annotation)) == ["AppArmor profile 'unconfined'"]


def test_only_one_capability_may_be_added() -> None:
    container = merged(CONTAINER, {"securityContext": {"capabilities": {"add": ["NET_BIND_SERVICE"]}}})
    assert violations(a_workload({**SPEC, "containers": [container]})) == []


# --- networks

ANY_POD: Manifest = {}
HERE = a_workload(SPEC)
SAME = pod("studio", {"app": "b"})
GATEWAY = pod("gateways", {"app": "gateway"})
GATEWAY_NAMESPACE = {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}}


def a_network(*specs: Any) -> Network:
    return Network("studio", [{"kind": "NetworkPolicy", "metadata": {"name": "p"}, "spec": spec} for spec in specs])


def egress(*rules: Manifest) -> Network:
    return a_network({"podSelector": {}, "policyTypes": ["Egress"], "egress": [*rules]})


def test_a_pod_that_no_policy_selects_is_open() -> None:
    network = a_network({"podSelector": {"matchLabels": {"app": "other"}}, "policyTypes": ["Egress", "Ingress"]})
    assert network.may_reach(HERE, outside("10.0.0.1"), 80)
    assert network.may_be_reached(HERE, GATEWAY, 80)
    assert not network.is_isolated(HERE, "Egress")


def test_a_policy_without_rules_closes_a_pod() -> None:
    network = a_network({"podSelector": {}, "policyTypes": ["Egress", "Ingress"]})
    assert not network.may_reach(HERE, outside("1.1.1.1"), 443)
    assert not network.may_be_reached(HERE, SAME, 80)


def test_a_policy_that_names_no_direction_is_about_ingress() -> None:
    network = a_network({"podSelector": {}})
    assert network.may_reach(HERE, outside("1.1.1.1"), 443)
    assert not network.may_be_reached(HERE, SAME, 80)


def test_a_block_leaves_out_its_exceptions() -> None:
    network = egress({"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]})
    assert network.may_reach(HERE, outside("11.0.0.1"), 443)
    assert not network.may_reach(HERE, outside("10.255.0.1"), 443)
    assert not network.may_reach(HERE, outside("2606:4700::1"), 443)


def test_what_one_policy_leaves_out_another_one_opens() -> None:
    closed = {"podSelector": {}, "policyTypes": ["Egress"]}
    opened = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]}
    assert a_network(closed, opened).may_reach(HERE, outside("10.0.0.1"), 1)


@pytest.mark.parametrize(
    ("ports", "port", "protocol", "open_"),
    [
        (None, 1, "TCP", True),
        ([{"port": 53, "protocol": "UDP"}], 53, "UDP", True),
        ([{"port": 53, "protocol": "UDP"}], 53, "TCP", False),
        ([{"port": 443}], 443, "TCP", True),
        ([{"port": 443}], 80, "TCP", False),
        ([{"port": 8000, "endPort": 9000}], 8500, "TCP", True),
        ([{"port": 8000, "endPort": 9000}], 9001, "TCP", False),
        ([{"port": "http"}], 8080, "TCP", True),
        ([{"port": "http"}], 9090, "TCP", False),
    ],
)
def test_ports_are_taken_by_number_range_and_name(ports: Any, port: int, protocol: str, open_: bool) -> None:
    network = egress({"ports": ports} if ports else {})
    assert network.may_reach(HERE, pod("studio", {}, ports={"http": 8080}), port, protocol) is open_


def test_a_pod_selector_alone_is_about_the_own_namespace() -> None:
    network = egress({"to": [{"podSelector": ANY_POD}]})
    assert network.may_reach(HERE, SAME, 80)
    assert not network.may_reach(HERE, GATEWAY, 80)


def test_a_namespace_selector_alone_takes_all_its_pods() -> None:
    network = egress({"to": [{"namespaceSelector": GATEWAY_NAMESPACE}]})
    assert network.may_reach(HERE, GATEWAY, 80)
    assert not network.may_reach(HERE, SAME, 80)


def test_both_selectors_in_one_entry_have_to_match() -> None:
    rule = {"namespaceSelector": GATEWAY_NAMESPACE, "podSelector": {"matchLabels": {"app": "other"}}}
    assert not egress({"to": [rule]}).may_reach(HERE, GATEWAY, 80)


def test_selectors_take_expressions() -> None:
    rule = {"namespaceSelector": {"matchExpressions": [
        {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"]},
        {"key": "secret", "operator": "DoesNotExist"},
    ]}}  # fmt: skip
    assert egress({"to": [rule]}).may_reach(HERE, GATEWAY, 80)
    assert not egress({"to": [rule]}).may_reach(HERE, pod("kube-system", {}), 80)

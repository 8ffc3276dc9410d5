"""The Pod Security Standard `restricted` as code, with all rules of `baseline` below it. Pure.

Source: the Kubernetes documentation, "Pod Security Standards", as of v1.34 (host of probes and hooks included).
Windows pods are not considered: each rule holds as for Linux.
"""

from collections.abc import Callable, Iterator

from tests.charts.manifests import Manifest, Workload, at

VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"
}  # fmt: skip
SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}
PROFILES = {"RuntimeDefault", "Localhost"}
APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


def violations(workload: Workload) -> list[str]:
    """What `restricted` would refuse of a pod, each as one sentence."""
    pod = workload.pod
    told = [sentence for rule in _POD_RULES for sentence in rule(pod)]
    told += list(_apparmor_annotations(workload.annotations))
    for container in _all_containers(pod):
        told += [
            f"container {container['name']}: {sentence}"
            for rule in _CONTAINER_RULES
            for sentence in rule(container, pod)
        ]
    return told


def _all_containers(pod: Manifest) -> list[Manifest]:
    kinds = ("containers", "initContainers", "ephemeralContainers")
    return [container for kind in kinds for container in pod.get(kind) or []]


def _security(of: Manifest) -> Manifest:
    found: Manifest = of.get("securityContext") or {}
    return found


# --- of a pod as a whole


def _host_namespaces(pod: Manifest) -> Iterator[str]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            yield f"{name} is shared"


def _volumes(pod: Manifest) -> Iterator[str]:
    for volume in pod.get("volumes") or []:
        for kind in volume.keys() - {"name"} - VOLUMES:
            yield f"volume {volume['name']} is a {kind}"


def _sysctls(pod: Manifest) -> Iterator[str]:
    for one in _security(pod).get("sysctls") or []:
        if one["name"] not in SYSCTLS:
            yield f"sysctl {one['name']} is not a safe one"


def _pod_user(pod: Manifest) -> Iterator[str]:
    if _security(pod).get("runAsUser") == 0:
        yield "the pod runs as user 0"
    if _security(pod).get("runAsNonRoot") is False:
        yield "the pod may run as root"


def _pod_profiles(pod: Manifest) -> Iterator[str]:
    yield from _profiles(_security(pod))


def _apparmor_annotations(annotations: dict[str, str]) -> Iterator[str]:
    for name, profile in annotations.items():
        allowed = profile == "runtime/default" or profile.startswith("localhost/")
        if name.startswith(APPARMOR_ANNOTATION) and not allowed:
            yield f"AppArmor profile {profile!r}"


# --- of one container


def _privileges(container: Manifest, pod: Manifest) -> Iterator[str]:
    if _security(container).get("privileged"):
        yield "is privileged"
    if _security(container).get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false"


def _capabilities(container: Manifest, pod: Manifest) -> Iterator[str]:
    if "ALL" not in at(container, "securityContext", "capabilities", "drop", default=[]):
        yield "does not drop ALL capabilities"
    for name in at(container, "securityContext", "capabilities", "add", default=[]):
        if name != "NET_BIND_SERVICE":
            yield f"adds the capability {name}"


def _user(container: Manifest, pod: Manifest) -> Iterator[str]:
    own = _security(container).get("runAsNonRoot")
    if not (_security(pod).get("runAsNonRoot") if own is None else own):
        yield "runAsNonRoot is not true"
    if _security(container).get("runAsUser") == 0:
        yield "runs as user 0"


def _seccomp(container: Manifest, pod: Manifest) -> Iterator[str]:
    own = at(container, "securityContext", "seccompProfile", "type")
    if (own or at(pod, "securityContext", "seccompProfile", "type")) not in PROFILES:
        yield "has no seccomp profile RuntimeDefault or Localhost"


def _container_profiles(container: Manifest, pod: Manifest) -> Iterator[str]:
    yield from _profiles(_security(container))


def _ports(container: Manifest, pod: Manifest) -> Iterator[str]:
    for port in container.get("ports") or []:
        if port.get("hostPort"):
            yield f"takes the host's port {port['hostPort']}"


def _hosts_of_probes(container: Manifest, pod: Manifest) -> Iterator[str]:
    handlers = {name: container.get(name) for name in ("livenessProbe", "readinessProbe", "startupProbe")}
    handlers |= {name: at(container, "lifecycle", name) for name in ("postStart", "preStop")}
    for name, handler in handlers.items():
        for kind in ("httpGet", "tcpSocket"):
            if at(handler, kind, "host"):
                yield f"{name} names a host"


def _proc_mount(container: Manifest, pod: Manifest) -> Iterator[str]:
    if _security(container).get("procMount", "Default") != "Default":
        yield "has an unmasked /proc"


# --- of both


def _profiles(security: Manifest) -> Iterator[str]:
    if at(security, "seccompProfile", "type", default="RuntimeDefault") not in PROFILES:
        yield f"seccomp profile {security['seccompProfile']['type']}"
    if at(security, "appArmorProfile", "type", default="RuntimeDefault") not in PROFILES:
        yield f"AppArmor profile {security['appArmorProfile']['type']}"
    selinux = security.get("seLinuxOptions") or {}
    if selinux.get("type", "") not in SELINUX_TYPES:
        yield f"SELinux type {selinux['type']}"
    if selinux.get("user") or selinux.get("role"):
        yield "an SELinux user or role of its own"
    if at(security, "windowsOptions", "hostProcess"):
        yield "is a process of the host"


_POD_RULES: tuple[Callable[[Manifest], Iterator[str]], ...] = (
    _host_namespaces, _volumes, _sysctls, _pod_user, _pod_profiles
)  # fmt: skip
_CONTAINER_RULES: tuple[Callable[[Manifest, Manifest], Iterator[str]], ...] = (
    _privileges, _capabilities, _user, _seccomp, _container_profiles, _ports, _hosts_of_probes, _proc_mount
)  # fmt: skip

"""An S3 server that is neither ours nor a stand-in: Ceph's RADOS Gateway, with one monitor and one OSD in memory.

It checks signatures, rights and times. Everything is on loopback and in a folder of its own, and stopped by its pid;
the gateway can be killed and started again alone, and what was stored is there then.
"""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.own_process import free_port
from tests.support.packages import program
from tests.support.s3_objects import Bucket, Key

PACKAGES = {
    "ceph": "ceph-common",
    "ceph-authtool": "ceph-common",
    "monmaptool": "ceph-common",
    "radosgw-admin": "radosgw",
    "radosgw": "radosgw",
    "ceph-mon": "ceph-mon",
    "ceph-osd": "ceph-osd",
}
"""Programs, and the Debian packages that bring them."""

BUCKET = "pictures"
START_WITHIN = 60.0
GATEWAY = "client.rgw.a"

_CONFIG = """
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{monitor}
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
keyring = {folder}/keyring
log file = {folder}/$name.log
run dir = {folder}
admin socket =
ms bind ipv6 = false
# one of each, and no waiting for votes that nobody else casts: it is up in two seconds and not in fourteen
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 2000
paxos propose interval = 0.02
paxos min wait = 0.01
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
[mon.a]
mon data = {folder}/mon
[osd.0]
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 2147483648
[{gateway}]
rgw data = {folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:{port} tcp_nodelay=1
rgw enable ops log = false
rgw enable usage log = false
"""

_RIGHTS = {
    "mon.": ("mon", "allow *"),
    "client.admin": ("mon", "allow *", "osd", "allow *", "mgr", "allow *"),
    GATEWAY: ("mon", "allow rw", "osd", "allow rwx", "mgr", "allow rw"),
    "osd.0": ("mon", "allow profile osd", "mgr", "allow profile osd", "osd", "allow *"),
}


class CephGateway:
    """One server with one bucket, an owner who may do everything, and a key that may only read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, self._monitor = free_port(), free_port()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.owner = Key(f"OWNER{secrets.token_hex(6).upper()}", secrets.token_hex(20))
        self.reader = Key(f"READER{secrets.token_hex(6).upper()}", secrets.token_hex(20))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def bucket(self) -> Bucket:
        return self.bucket_of(self.owner)

    def bucket_of(self, key: Key) -> Bucket:
        """The bucket as it is for who has this key."""
        return Bucket(self.url, BUCKET, key)

    def start(self) -> None:
        """Bring up all of it, with an empty bucket."""
        values = {"fsid": uuid.uuid4(), "monitor": self._monitor, "port": self._port}
        config = _CONFIG.format(folder=self._folder, gateway=GATEWAY, **values)
        (self._folder / "ceph.conf").write_text(config)
        for name in ("mon", "osd", "rgw"):
            (self._folder / name).mkdir()
        self._start_monitor(str(values["fsid"]))
        self._start_osd()
        self.start_gateway()
        self._admin("user", "create", "--uid=test", "--display-name=test", *_as_options(self.owner))
        reader = ("--subuser=test:reader", "--key-type=s3", *_as_options(self.reader))
        self._admin("subuser", "create", "--uid=test", "--access=read", *reader)
        self.bucket.make()

    def start_gateway(self) -> None:
        """Start the part that speaks S3."""
        self._spawn("gateway", "radosgw", "-f", "-n", GATEWAY)
        self._until("gateway", self._listens)

    def kill_gateway(self) -> None:
        """Kill the part that speaks S3, in the middle of whatever it does; what was stored stays."""
        self._kill("gateway")

    def stop(self) -> None:
        for name in [*self._running]:
            self._kill(name)

    def _start_monitor(self, fsid: str) -> None:
        monitors = str(self._folder / "monmap")
        self._run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{self._monitor}]", monitors)
        keyring = str(self._folder / "keyring")
        Path(keyring).touch()
        for name, rights in _RIGHTS.items():
            caps = [part for kind, may in zip(rights[::2], rights[1::2], strict=True) for part in ("--cap", kind, may)]
            self._run("ceph-authtool", keyring, "--gen-key", "-n", name, *caps)
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monitors, "--keyring", keyring)
        self._spawn("monitor", "ceph-mon", "-f", "-i", "a")
        self._run("ceph", "-s")

    def _start_osd(self) -> None:
        identity = str(uuid.uuid4())
        self._run("ceph", "osd", "new", identity)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", identity)
        self._run("ceph", "osd", "crush", "add", "osd.0", "1.0", "root=default", "host=h0")
        self._spawn("osd", "ceph-osd", "-f", "-i", "0")
        self._until("osd", lambda: b"1 up" in self._run("ceph", "osd", "stat"))

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def _until(self, name: str, is_up: Callable[[], bool]) -> None:
        until = time.monotonic() + START_WITHIN
        while not is_up():
            if self._running[name].poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the {name} did not start: {(self._folder / f'{name}.out').read_text()}")
            time.sleep(0.05)

    def _admin(self, *command: str) -> None:
        self._run("radosgw-admin", "-n", GATEWAY, *command)

    def _run(self, name: str, *arguments: str) -> bytes:
        line = [program(name), *arguments]
        done = subprocess.run(line, check=False, capture_output=True, env=self._environment, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{name} {arguments[0]}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def _spawn(self, name: str, *command: str) -> None:
        with (self._folder / f"{name}.out").open("ab") as out:
            line = [program(command[0]), *command[1:]]
            self._running[name] = subprocess.Popen(line, stdout=out, stderr=out, env=self._environment, cwd="/")

    def _kill(self, name: str) -> None:
        process = self._running.pop(name)
        process.kill()
        process.wait(20)

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "CEPH_CONF": str(self._folder / "ceph.conf")}


def _as_options(key: Key) -> tuple[str, str]:
    return f"--access-key={key.name}", f"--secret-key={key.secret}"


@contextmanager
def ceph_gateway() -> Iterator[CephGateway]:
    """A server for as long as the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="darkroom-ceph-"))
    gateway = CephGateway(folder)
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.stop()
        shutil.rmtree(folder, ignore_errors=True)

"""The service as an operator has it: a data directory, environment variables, and a process that is told to stop."""

import asyncio
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import httpx

from tests.system.support import container
from tests.system.support.api import Api
from tests.system.support.archive_folder import ArchiveFolder
from tests.system.support.settings import KEY
from tests.system.support.waiting import eventually

COMMAND = (sys.executable, "-m", "service")
STOP_WITHIN = 30.0


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Ours without settings of the caller's shell, and with these; names go without their prefix."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
    return inherited | {f"DARKROOM_{name}": value for name, value in settings.items()}


class Darkroom:
    """One data directory and the server that works in it; the server can be killed and started again."""

    def __init__(self, *, folder: Path, settings: Mapping[str, str], tls: ssl.SSLContext | None) -> None:
        self.folder = folder
        self.settings = settings
        self.tls = tls
        self.port = int(settings["SERVER__PORT"])
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.log_file = folder / "service.log"
        self.log_file.touch()
        self.archive = ArchiveFolder(folder / "data")
        self.api = Api(self.client(KEY))
        self._process: subprocess.Popen[bytes] | None = None
        self._container = ""

    def client(self, key: str | None) -> httpx.AsyncClient:
        """A client with a key, or without one. It keeps no connections, as servers come and go."""
        return httpx.AsyncClient(
            base_url=self.url,
            verify=self.tls or True,
            trust_env=False,
            timeout=20,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    @property
    def log(self) -> str:
        """What the server wrote, over all its lives."""
        return self.log_file.read_text("utf-8")

    def leaked(self, names: Collection[str] = ()) -> list[str]:
        """Which secrets its log tells: keys, the provider's too, tokens or their signatures, and these names."""
        signatures = {token.rpartition(".")[2] for token in self.api.tokens}
        keys = {KEY, self.settings.get("EVOLINK__API_KEY", KEY)}
        log = self.log
        return sorted(secret for secret in {*keys, *self.api.tokens, *signatures, *names} if secret in log)

    async def start(self, *, prefix: Sequence[str] = ()) -> None:
        """Start the server, under another command if given, and wait until it answers."""
        self.spawn(prefix=prefix)
        await eventually(self._alive, what="the service answers")

    def spawn(self, *, prefix: Sequence[str] = ()) -> None:
        """Start the server and do not wait."""
        self._container = container.new_name()
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*prefix, *self._command("serve", name=self._container, settings=self.settings)],
                env=environment(self.settings),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def halt(self) -> None:
        """Halt the server until it gets SIGCONT; returns when it stands still."""
        assert self._process is not None
        self.signal(signal.SIGSTOP)
        await asyncio.to_thread(os.waitid, os.P_PID, self._process.pid, os.WSTOPPED)

    async def ended(self) -> int:
        """Wait for the end of the process; its exit code."""
        assert self._process is not None
        return await asyncio.to_thread(self._process.wait, STOP_WITHIN)

    async def stop(self) -> int:
        """Ask the server to stop; its exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        """End the server as a power cut would, as far as a process can tell."""
        if container.IMAGE:
            async with asyncio.timeout(STOP_WITHIN):
                while self.alive:  # one that only comes into being cannot be killed yet
                    await asyncio.to_thread(container.kill, self._container)
                    await asyncio.sleep(0.1)
        else:
            self.signal(signal.SIGKILL)
        await self.ended()

    async def close(self) -> None:
        """Leave nothing running."""
        if self.alive:
            await self.kill()
        await self.api.client.aclose()

    async def run(
        self, *arguments: str, prefix: Sequence[str] = (), **settings: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command beside the server, under another one if given, with its settings and these; bounded in time."""
        settings = {**self.settings, **settings}
        return await asyncio.to_thread(
            subprocess.run,
            [*prefix, *self._command(*arguments, name=container.new_name(), settings=settings)],
            env=environment(settings),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=STOP_WITHIN,
        )

    def begin(self, *arguments: str, prefix: Sequence[str] = ()) -> subprocess.Popen[str]:
        """Start a command, under another one if given, and do not wait; what it reads and says goes through pipes."""
        return subprocess.Popen(
            [*prefix, *self._command(*arguments, name=container.new_name(), settings=self.settings)],
            env=environment(self.settings),
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _command(self, *arguments: str, name: str, settings: Mapping[str, str]) -> list[str]:
        if container.IMAGE:
            return container.command(container.IMAGE, name, arguments, self.folder, settings)
        return [*COMMAND, *arguments]

    async def _alive(self) -> bool | None:
        assert self._process is not None
        assert self._process.poll() is None, f"the service ended at once:\n{self.log}"
        try:
            answer = await self.api.client.get("/livez")
        except httpx.TransportError:
            return None
        return answer.status_code == 200 or None

"""The service's side of the process that decodes images: starts it, asks it, and takes its death for an answer.

One image at a time. What kills the process on an image's account makes that image unreadable; what is no image's fault
(no room for a process, somebody ended it) is Unavailable.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import Any

import service
from service.errors import Unavailable
from service.inspection.bounded_text import clean
from service.inspection.pixel_process import CHILD, SECONDS

MOST_IMAGES = 500
"""Images after which the process is replaced, against memory that decoders leak."""

_GRACE = 5.0  # seconds beyond its own limit, and for it to end
_LONGEST_ANSWER = 64 * 1024
_NONSENSE = "the process that decoded it gave no sensible answer"
_CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP}


class PixelReader:
    """Asks a process of its own, which is started when there is work and replaced when it is gone."""

    def __init__(self, command: tuple[str, ...] = (sys.executable, "-m", CHILD)) -> None:
        self._command = command
        self._process: Process | None = None
        self._asked = 0
        self._turn = asyncio.Lock()

    async def look(self, path: Path) -> dict[str, Any] | str:
        """What the pixels of a file tell, or why it could not be read. Raises Unavailable for troubles of our own."""
        async with self._turn:
            for _ in range(2):
                answer = await self._ask(path)
                if answer is not None:
                    return answer
        return "the process that decoded it was ended twice, perhaps for want of memory"

    async def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()

    async def _ask(self, path: Path) -> dict[str, Any] | str | None:
        """The answer; None where the process was gone or went without a reason that is the image's."""
        process = await self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(SECONDS + _GRACE):
                process.stdin.write(json.dumps(str(path)).encode() + b"\n")
                await process.stdin.drain()
                line = await process.stdout.readline()
        except TimeoutError:
            await self.close()
            return f"decoding it takes more than {SECONDS} s"
        except ConnectionError:
            line = b""
        except ValueError:
            await self.close()
            return _NONSENSE
        except BaseException:  # cancelled: its answer would be taken for the next one's
            await self.close()
            raise
        if line.endswith(b"\n"):
            return _read(line)
        return await self._died(process)

    async def _died(self, process: Process) -> str | None:
        try:
            async with asyncio.timeout(_GRACE):
                code = await process.wait()
        except TimeoutError:
            await self.close()
            return _NONSENSE
        self._process = None
        if code == -signal.SIGALRM:
            return f"decoding it takes more than {SECONDS} s"
        if -code in _CRASHES:
            return "it crashes its decoder"
        if code > 0:
            raise Unavailable(f"the process that decodes images ended with {code}")
        return None

    async def _started(self) -> Process:
        if self._asked >= MOST_IMAGES:
            await self.close()
        self._asked += 1
        if self._process is None or self._process.returncode is not None:
            self._asked = 1
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=PIPE,
                    stdout=PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                    env=_environment(),
                    limit=_LONGEST_ANSWER,
                    start_new_session=True,  # an interrupt at the terminal is for the service alone
                )
            except OSError as error:
                raise Unavailable(f"no process to decode images in: {error.strerror}") from error
        return self._process


def _environment() -> dict[str, str]:
    """No setting and no secret; only where this program is."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "PYTHONPATH": str(Path(service.__file__).parent.parent), "PYTHONDONTWRITEBYTECODE": "1"}


def _read(line: bytes) -> dict[str, Any] | str:
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        return _NONSENSE
    told = answer.get("told") if isinstance(answer, dict) else None
    if isinstance(told, dict):
        return told
    return clean(str(answer.get("unreadable"))) if isinstance(answer, dict) else _NONSENSE

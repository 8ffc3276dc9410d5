"""What a running service costs its machine and its operator: processor time, memory, open files, and lines of log."""

import json
import time
from dataclasses import dataclass

import psutil

from tests.support.processes import running
from tests.system.support.darkroom import Darkroom


@dataclass(frozen=True, slots=True)
class Burden:
    """Over a while: seconds of it, processor seconds, bytes that memory grew by, lines that were logged."""

    seconds: float
    processor: float
    grown: int
    lines: list[str]


class Meter:
    """Measures the process that runs now, from its making on."""

    def __init__(self, service: Darkroom) -> None:
        self._service = service
        self._process = psutil.Process(process_id(service))
        self._began = _now(self._process)
        self._memory = self._process.memory_info().rss
        self._logged = len(service.log)

    @property
    def open_files(self) -> int:
        return self._process.num_fds()

    def read(self) -> Burden:
        at, processor = _now(self._process)
        lines = self._service.log[self._logged :].splitlines()
        grown = self._process.memory_info().rss - self._memory
        return Burden(at - self._began[0], processor - self._began[1], grown, lines)


def process_id(service: Darkroom) -> int:
    """Of the server as it runs now; its log tells."""
    told = [json.loads(line) for line in service.log.splitlines() if '"listening"' in line]
    return int(told[-1]["pid"])


def helpers(service: Darkroom, module: str) -> list[psutil.Process]:
    """The processes that run this module for the server as it runs now."""
    return running(module, of=process_id(service))


def _now(process: psutil.Process) -> tuple[float, float]:
    times = process.cpu_times()
    return time.monotonic(), times.user + times.system

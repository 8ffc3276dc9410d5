"""Runs one target for a time, and says what came of it. Each starts from its seeds and what earlier runs found new."""

import hashlib
import importlib
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
SLOW = 20
"""Seconds for one input, which count as a finding; a machine that others use is slow now and then."""

MOST_MEMORY = 2048
"""MiB; more is a finding."""

LONGEST_INPUT = 8192
GRACE = 120
"""Seconds beyond the time that was asked for, after which a fuzzer has failed itself."""

_FIGURES = {"executions": r"stat::number_of_executed_units:\s+(\d+)", "new": r"stat::new_units_added:\s+(\d+)"}
_FEATURES = re.compile(r"ft: (\d+)")
_TRACE = re.compile(r"=== Uncaught Python exception: ===\n(.*?)(?:\n\n|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to; a run that ended badly without an input to show for it has `trouble`."""

    target: str
    executions: int
    features: int
    new: int
    findings: tuple[Path, ...]
    trouble: str

    @property
    def line(self) -> str:
        return (
            f"{self.target:16} {self.executions:>10} executions  {self.features:>6} features  "
            f"{self.new:>5} new inputs  {len(self.findings)} findings"
        )

    @property
    def complaint(self) -> str:
        """How to see each finding again, and what was said of the last; empty where all is well."""
        again = [f"run it again: make fuzz TARGET={self.target} INPUT={finding}" for finding in self.findings]
        return "\n".join([*again, self.trouble] if again or self.trouble else [])


def load(name: str) -> ModuleType:
    return importlib.import_module(f"tests.fuzz.{name}")


def run(name: str, folder: Path, seconds: int) -> Report:
    """Fuzz one target; the folder keeps its `seeds`, its `corpus` and its `findings`."""
    seeds, corpus, findings = (folder / name / part for part in ("seeds", "corpus", "findings"))
    for part in (seeds, corpus, findings):
        part.mkdir(parents=True, exist_ok=True)
    for seed in load(name).seeds():
        (seeds / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    known = set(findings.iterdir())
    arguments = [
        f"-max_total_time={seconds}",
        f"-artifact_prefix={findings}/",
        f"-timeout={SLOW}",
        f"-rss_limit_mb={MOST_MEMORY}",
        f"-max_len={LONGEST_INPUT}",
        "-print_final_stats=1",
    ]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.in_process", name, str(corpus), str(seeds), *arguments],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=seconds + GRACE,
    )
    said = (ended.stdout + ended.stderr).decode(errors="replace")
    found = {key: int(match[1]) if (match := re.search(figure, said)) else 0 for key, figure in _FIGURES.items()}
    trace = _TRACE.search(said)
    return Report(
        target=name,
        executions=found["executions"],
        features=max(map(int, _FEATURES.findall(said)), default=0),
        new=found["new"],
        findings=tuple(sorted(set(findings.iterdir()) - known)),
        trouble="" if ended.returncode == 0 else (trace[1] if trace else said[-2000:]),
    )

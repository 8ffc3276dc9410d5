"""Runs promtool on rules: do they parse, and which alerts fire for which series. Time is in minutes."""

import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.charts.helm import NAMESPACE

MISSING = (
    "promtool is not installed: `apt-get install --no-install-recommends prometheus` brings it (.ci/run does that)"
)
WITHIN = 60.0

JOB = "pictures-darkroom-metrics"
OURS: Mapping[str, str] = {"job": JOB, "namespace": NAMESPACE}

NOTHING, GONE = "_", "stale"
"""No sample at a time; a scrape in which the series was not there any more."""

Value = float | str


class PromtoolError(Exception):
    """What promtool said."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of our release, with a value for each step."""

    name: str
    values: Sequence[Value]
    labels: Mapping[str, str] = field(default_factory=dict)

    def written(self, release: Mapping[str, str]) -> dict[str, str]:
        labels = ",".join(f'{name}="{value}"' for name, value in {**release, **self.labels}.items())
        return {"series": f"{self.name}{{{labels}}}", "values": " ".join(str(value) for value in self.values)}


def promtool(*arguments: str) -> str:
    """What it prints; raises PromtoolError with what it complains about."""
    found = shutil.which("promtool")
    if found is None:
        raise PromtoolError(MISSING)
    done = subprocess.run([found, *arguments], capture_output=True, text=True, timeout=WITHIN, check=False)
    if done.returncode:
        raise PromtoolError(f"{done.stdout}\n{done.stderr}")
    return done.stdout


def check(spec: Mapping[str, Any], folder: Path) -> None:
    """Whether Prometheus takes these groups of rules; raises PromtoolError."""
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(_written(folder / "checked.yml", spec)))


def check_expressions(expressions: Iterable[str], folder: Path) -> None:
    """Whether every expression parses; raises PromtoolError."""
    rules = [{"record": f"number:{number}", "expr": one} for number, one in enumerate(expressions)]
    check({"groups": [{"name": "expressions", "rules": rules}]}, folder)


@dataclass(frozen=True, slots=True)
class World:
    """Rules, and the series that they see, of each release; `every` is the length of a step in minutes."""

    rules: Mapping[str, Any]
    series: Sequence[Series]
    folder: Path
    releases: Sequence[Mapping[str, str]] = (OURS,)
    every: int = 1

    def expect(self, *expectations: Mapping[str, Any]) -> None:
        """Evaluate expressions, `{expr, eval_time, exp_samples}`; raises PromtoolError where one is different."""
        self._test({"promql_expr_test": list(expectations)})

    def annotations(self, alert: str, at: int) -> str:
        """What people are told by an alert that fires at this minute, as promtool prints it; empty when none does."""
        asked = {"alertname": alert, "eval_time": f"{at}m", "exp_alerts": []}
        try:
            self._test({"alert_rule_test": [asked]})
        except PromtoolError as told:
            if found := re.search(r"Annotations:\{(.*)\}", str(told)):
                return found[1]
            raise
        return ""

    def _test(self, asked: Mapping[str, Any]) -> None:
        rules = _written(self.folder / "rules.yml", self.rules)
        series = [one.written(release) for release in self.releases for one in self.series]
        test = {"interval": f"{self.every}m", "input_series": series, **asked}
        tests = {"rule_files": [str(rules)], "evaluation_interval": f"{self.every}m", "tests": [test]}
        promtool("test", "rules", str(_written(self.folder / "tests.yml", tests)))


def firing(alert: str, *labels: Mapping[str, str], at: int) -> dict[str, Any]:
    """Expects the alert to fire at this minute with exactly these sets of labels, and under no other."""
    name = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
    samples = [{"labels": _labels({"alertname": alert, "alertstate": "firing", **one}), "value": 1} for one in labels]
    return {"expr": name, "eval_time": f"{at}m", "exp_samples": samples}


def never_fired(alert: str, *, until: int, since: int = 0) -> dict[str, Any]:
    """Expects that the alert has not fired from one minute to another, both included; `.+` is any."""
    ever = f'count_over_time(ALERTS{{alertname=~"{alert}",alertstate="firing"}}[{until - since + 1}m])'
    return {"expr": ever, "eval_time": f"{until}m", "exp_samples": []}


def _labels(labels: Mapping[str, str]) -> str:
    return "ALERTS{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def _written(path: Path, document: Mapping[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(dict(document)), "utf-8")
    return path

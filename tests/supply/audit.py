"""`make audit`: are there known vulnerabilities in what the locks name?

Ends with 0 when every package was asked about and has none, 1 when one has, 2 when it could not be asked about all:
pip-audit passes over what the service does not know, and says that all is well.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock", "requirements-checks.lock")
WITHIN = 600
"""Seconds for one lock."""

NAMED = 5
"""Packages that are named where many have the same fault."""

WHAT_TO_DO = """This is no clean bill: the service cannot be reached from here, or does not know all packages.
Run `make audit` where it can be, or name another one: make audit ARGS='--service osv'"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of the packages of a lock: those with holes, and those of which nothing is known."""

    vulnerable: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def code(self) -> int:
        if self.unknown:
            return 2
        return 1 if self.vulnerable else 0


def read_answer(said: str, trouble: str) -> Answer:
    """What pip-audit said, as JSON; where it said nothing of the kind, nothing is known."""
    try:
        packages = json.loads(said)["dependencies"]
        vulnerable = [_line(one, hole) for one in packages for hole in one.get("vulns", [])]
        unknown = [one["name"] for one in packages if "vulns" not in one]
    except (ValueError, KeyError, TypeError):
        lines = trouble.strip().splitlines()
        return Answer((), (f"all: {lines[-1] if lines else 'pip-audit said nothing'}",))
    if not packages:
        unknown = ["all: no package was looked at"]
    return Answer(tuple(vulnerable), tuple(unknown))


def _line(package: dict[str, str], hole: dict[str, list[str]]) -> str:
    mended = ", ".join(hole.get("fix_versions", [])) or "no version yet"
    return f"{package['name']} {package['version']}: {hole['id']}; mended in {mended}"


def ask(lock: Path, service: str) -> Answer:
    """Nothing is installed or resolved: versions are taken from the lock, with its hashes."""
    asked = ["--requirement", str(lock), "--disable-pip", "--require-hashes", "--vulnerability-service", service]
    told = ["--format", "json", "--progress-spinner", "off", "--desc", "off"]
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "pip_audit", *asked, *told],
            capture_output=True,
            text=True,
            check=False,
            timeout=WITHIN,
        )
    except subprocess.TimeoutExpired:
        return Answer((), (f"all: no answer within {WITHIN} s",))
    return read_answer(ended.stdout, ended.stderr)


def report(answers: dict[str, Answer]) -> int:
    """Print what was said, lock by lock; the exit code."""
    for lock, answer in answers.items():
        verdict = {0: "no known vulnerabilities", 1: "VULNERABLE", 2: "COULD NOT ASK"}[answer.code]
        print(f"{lock}: {verdict}")
        for line in answer.vulnerable:
            print(f"  {line}")
        if answer.unknown:
            more = f" and {len(answer.unknown) - NAMED} more" if len(answer.unknown) > NAMED else ""
            print(f"  nothing is known of {', '.join(answer.unknown[:NAMED])}{more}")
    code = max(answer.code for answer in answers.values())
    if code == 2:
        print(WHAT_TO_DO)
    return code


def main() -> int:
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("--service", choices=("pypi", "osv", "esms"), default="pypi", help="who is asked")
    service = parser.parse_args().service
    return report({lock: ask(ROOT / lock, service) for lock in LOCKS})


if __name__ == "__main__":
    sys.exit(main())

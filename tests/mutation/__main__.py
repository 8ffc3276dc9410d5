"""`make mutants MODULES="service/domain/retry.py …"`: mutmut on copies of modules, with the tests that import them.

Prints what no test noticed, but for what tests/mutants.md says to be no change at all. Ends with 1 when something is
left.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORK = ROOT / "mutants"
COPIED = ("service", "tests", "docs", "charts", "pyproject.toml", "README.md", "Makefile", "Dockerfile")
NOT_COPIED = shutil.ignore_patterns("__pycache__")
KNOWN = ROOT / "tests" / "mutants.md"
LOWEST = 19
"""Priority: it takes hours, and others have work to do."""

_KNOWN = re.compile(r"^- `(.+?)` → `(.*?)`: ", re.MULTILINE)
_WHOLE = re.compile(r"^- every change of `(.+?)`: ", re.MULTILINE)
_LEFT = re.compile(r"^\s+(\S+): (survived|no tests|suspicious)$", re.MULTILINE)
"""A change that has the tests hang was noticed."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change that was not noticed: what mutmut calls it, the line as it is, and as it was changed."""

    name: str
    fate: str
    before: str
    after: str


def beside(module: str) -> list[str]:
    """The tests beside a module that import it or have its name; all of that part where there are none."""
    part = module.split("/")[1]
    dotted = module.removesuffix(".py").replace("/", ".")
    parent, _, name = dotted.rpartition(".")
    imports = re.compile(
        rf"^\s*(from {re.escape(dotted)} |import {re.escape(dotted)}\b|from {parent} import .*\b{name}\b)", re.MULTILINE
    )
    neighbours = sorted((ROOT / "tests" / part).glob("test_*.py"))
    found = [
        path for path in neighbours if path.stem.startswith(f"test_{name}") or imports.search(path.read_text("utf-8"))
    ]
    return [path.relative_to(ROOT).as_posix() for path in found] or [f"tests/{part}"]


def configuration(modules: Iterable[str], tests: Iterable[str]) -> str:
    """What mutmut reads; the seed has a run find what the run before found. What mypy proves is not tried."""
    return f"""
[tool.mutmut]
source_paths = ["service"]
only_mutate = {sorted(modules)}
do_not_mutate_patterns = ['^\\s+case _:$', 'assert_never']
also_copy = {[one for one in COPIED if one not in ("service", "tests")]}
pytest_add_cli_args_test_selection = {sorted(tests)}
pytest_add_cli_args = ["-m", "not long", "--hypothesis-seed=0", "-x"]
"""


def prepare(modules: list[str]) -> None:
    """A fresh copy of all that the tests need."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, WORK / name, ignore=NOT_COPIED)
        else:
            shutil.copy(source, WORK / name)
    tests = {test for module in modules for test in beside(module)}
    with (WORK / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(configuration(modules, tests))


def mutmut(*arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "mutmut", *arguments], cwd=WORK, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise SystemExit((ended.stdout + ended.stderr)[-4000:])
    return ended.stdout


def left(unreachable: tuple[str, ...]) -> list[Mutant]:
    """What was not noticed."""
    found = [(name, fate) for name, fate in _LEFT.findall(mutmut("results")) if not name.startswith(unreachable)]
    return [shown(name, fate, mutmut("show", name)) for name, fate in found]


def shown(name: str, fate: str, diff: str) -> Mutant:
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    before, after = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in ("-", "+"))
    return Mutant(name, fate, before, after)


def known(text: str) -> set[tuple[str, str]]:
    """Changes that are none, as the list has them."""
    return set(_KNOWN.findall(text))


def out_of_reach(text: str) -> tuple[str, ...]:
    """How the names of those changes begin that mutmut cannot make at all."""
    functions = (name.rpartition(".") for name in _WHOLE.findall(text))
    return tuple(f"{module}.x_{name}__mutmut_" for module, _, name in functions)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("modules", nargs="+", help="files of service/domain, service/outbound, service/intake")
    parser.add_argument("--processes", default="1", help="at a time")
    asked = parser.parse_args()
    os.nice(LOWEST)
    prepare(asked.modules)
    print(mutmut("run", "--max-children", asked.processes).rsplit("\r", 1)[-1].strip().splitlines()[-1])
    listed = KNOWN.read_text("utf-8")
    equivalent = known(listed)
    unnoticed = left(out_of_reach(listed))
    new = [mutant for mutant in unnoticed if (mutant.before, mutant.after) not in equivalent]
    for mutant in new:
        print(f"{mutant.name}: {mutant.fate}\n  - {mutant.before}\n  + {mutant.after}")
    print(f"{len(new)} changes that no test notices, and {len(unnoticed) - len(new)} that change nothing")
    return int(bool(new))


if __name__ == "__main__":
    sys.exit(main())

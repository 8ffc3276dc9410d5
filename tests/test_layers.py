"""The order of the house: imports only point down, each library has its place, files stay short.

Read from the source, imports inside functions too; nothing is imported to find out.
"""

import ast
import sys
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

import pytest

SERVICE = Path(__file__).parent.parent / "service"

LAYERS: tuple[Set[str], ...] = (
    {"__main__"},
    {"cli"},
    {"demo", "doctor", "healthcheck", "serve"},  # a command each
    {"app"},
    {"server"},
    {"gallery"},
    {"web", "simulator"},
    {"bootstrap"},
    {"http_protocol"},
    {"connections", "listener", "secrets_file", "server_lock", "settings"},
    {"submission", "reconcile", "upkeep", "notify", "keys"},
    {"intake", "thumbnails"},
    {"fetching", "inspection"},
    {"archive", "decoding"},
    {"catalog", "storage"},
    {"provider"},
    {"outbound", "background"},
    {"domain"},
    {"errors", "observability"},
)
"""Top to bottom; what stands on one line does not import each other. A new part of the house gets its place here."""

LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
COMMANDS = LAYERS[0] | LAYERS[1] | LAYERS[2]

ONLY: Mapping[str, Set[str]] = {
    "sqlalchemy": {"catalog"},
    "alembic": {"catalog"},
    "asyncpg": {"catalog"},
    "starlette": {"web", "gallery", "app", "server", "simulator"},
    "jinja2": {"gallery"},
    "prometheus_client": {"observability"},
    "opentelemetry": {"observability"},
    "requests": {"observability"},
    "click": {"cli"},
    "obstore": {"storage"},
    "pyvips": {"decoding", "simulator"},
    "standardwebhooks": {"notify"},
    "service.settings": COMMANDS | {"app", "bootstrap"},
}
"""Who may import what; the part that is named may always import itself."""

NEVER: Mapping[str, Set[str]] = {"service.provider": {"archive"}}
"""Imports that point down and are wrong all the same: the archive makes the task due, it never asks the provider."""

IMPURE = {"asyncio", "io", "logging", "os", "pathlib", "random", "secrets", "socket", "subprocess", "threading", "time"}
CLOCKS = {"now", "utcnow", "today"}
NO_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
MOST_LINES = 350


@dataclass(frozen=True, slots=True)
class Source:
    """A module of the service: its path below `service/`, and what it says."""

    path: str
    text: str

    @property
    def part(self) -> str:
        """The first name below `service`: a package, or a module of its own."""
        return self.path.split("/")[0].removesuffix(".py")

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and full name of everything imported; relative imports come as names that begin with a dot."""
        for node in ast.walk(ast.parse(self.text)):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                inner = [f"{module}.{alias.name}" for alias in node.names] if module == "service" else [module]
                yield from ((node.lineno, name) for name in inner)


def sources() -> list[Source]:
    return [
        Source(path.relative_to(SERVICE).as_posix(), path.read_text("utf-8"))
        for path in sorted(SERVICE.rglob("*.py"))
        if path != SERVICE / "__init__.py"
    ]


def complaints(source: Source) -> Iterator[str]:
    """What is wrong with a module, each as `path:line: sentence`."""
    if source.part not in LEVEL:
        yield f"service/{source.path}:1: {source.part!r} has no place in LAYERS"
        return
    for line, name in source.imports():
        for sentence in wrong_import(source.part, name):
            yield f"service/{source.path}:{line}: {sentence}"
    if source.part == "domain":
        for line, name in clock_calls(source):
            yield f"service/{source.path}:{line}: domain reads a clock (.{name}): pass the time in"


def wrong_import(part: str, name: str) -> Iterator[str]:
    if name.startswith("."):
        yield f"a relative import, {name}: write it in full"
    top, _, rest = name.partition(".")
    below = rest.split(".")[0] if top == "service" else ""
    place = f"service.{below}" if below else top
    if below and below != part:
        if below not in LEVEL:
            yield f"imports {name}, which has no place in LAYERS"
        elif LEVEL[below] <= LEVEL[part]:
            direction = "upwards" if LEVEL[below] < LEVEL[part] else "sideways"
            yield f"{part} imports {below}, which points {direction}"
    if place in ONLY and part not in ONLY[place] and below != part:
        yield f"{part} imports {place}, which only {', '.join(sorted(ONLY[place]))} may"
    if part in NEVER.get(place, ()):
        yield f"{part} must not import {place}"
    if part == "domain" and top != "service" and (top in IMPURE or top not in sys.stdlib_module_names):
        yield f"domain imports {name}: it is pure, pass in what is needed"


def clock_calls(source: Source) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source.text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
            yield node.lineno, node.func.attr


def test_imports_only_point_down() -> None:
    found = [complaint for source in sources() for complaint in complaints(source)]
    assert not found, "\n" + "\n".join(found)


def test_files_are_short_enough_to_read() -> None:
    long = [f"service/{one.path}: {lines} lines" for one in sources() if (lines := one.text.count("\n")) > MOST_LINES]
    assert not long, f"\nlonger than {MOST_LINES} lines:\n" + "\n".join(long)


def test_names_say_what_a_module_is_for() -> None:
    vague = [one.path for one in sources() if NO_NAMES & set(one.path.removesuffix(".py").split("/"))]
    assert not vague, f"\nnames that say nothing: {', '.join(vague)}"


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        ("domain/task.py", "import service.catalog.tables", "domain imports catalog, which points upwards"),
        ("domain/task.py", "def f():\n    from service import intake", "domain imports intake, which points upwards"),
        ("catalog/catalog.py", "from service.storage import X", "catalog imports storage, which points sideways"),
        ("archive/worker.py", "from service.provider import X", "archive must not import service.provider"),
        ("intake/accept.py", "import sqlalchemy as sa", "intake imports sqlalchemy, which only catalog may"),
        ("archive/worker.py", "from starlette.requests import R", "archive imports starlette, which only"),
        ("web/tasks.py", "from service.settings import Role", "web imports service.settings, which only"),
        ("domain/retry.py", "import random", "domain imports random"),
        ("domain/retry.py", "import structlog", "domain imports structlog"),
        ("domain/retry.py", "at = datetime.now(UTC)", "domain reads a clock (.now)"),
        ("web/tasks.py", "from . import keys", "a relative import"),
        ("shelf/task.py", "", "'shelf' has no place"),
        ("web/tasks.py", "import service.shelf", "has no place in LAYERS"),
    ],
)
def test_a_wrong_import_is_told(path: str, text: str, complaint: str) -> None:
    assert any(complaint in told for told in complaints(Source(path, text)))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("web/tasks.py", "from service.web.keys import ApiKeys\nfrom starlette.routing import Route"),
        ("archive/worker.py", "from service.catalog.catalog import Catalog\nimport asyncio"),
        ("settings/load.py", "from service.settings.model import Settings"),
        ("domain/task.py", "from datetime import datetime\nfrom service.domain import asset"),
        ("doctor.py", "from service import bootstrap, settings"),
    ],
)
def test_a_right_import_is_not_told(path: str, text: str) -> None:
    assert list(complaints(Source(path, text))) == []

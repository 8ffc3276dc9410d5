"""The README says what the program does: its settings, routes and commands."""

import re
from pathlib import Path

import pytest
from starlette.routing import Route

from service.app import create_app
from service.bootstrap import open_components
from service.catalog.postgres import CONNECTIONS, INTAKE_CONNECTIONS
from service.cli.group import MODULES
from service.settings import settings_table
from tests.support.app import settings_for
from tests.support.pages import is_page

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")

SECURITY = (Path(__file__).parents[1] / "SECURITY.md").read_text(encoding="utf-8")

SCALE = (Path(__file__).parents[1] / "docs" / "scale.md").read_text(encoding="utf-8")

ELSEWHERE = {"/callbacks/{}/{}": "POST /callbacks/evolink/{", "/a/{}": "a signed link `/a/"}
"""Routes that the README tells of outside its table, and how."""

PAGES = {"GET /images/{id}", "GET /ops", "GET /login"}
"""What people go to by its address, beside `/`."""


def rendered_table() -> str:
    """The table of settings as the README has to show it."""
    lines = ["| setting | default | what it is for |", "|---|---|---|"]
    lines += [f"| `{name}` | {_cell(default)} | {what} |" for name, default, what in settings_table()]
    return "\n".join(lines)


def _cell(default: str) -> str:
    return (
        default
        if default in ("none", "generated") or " else " in default or " on a terminal" in default
        else f"`{default}`"
    )


def documented_routes() -> set[tuple[str, str]]:
    """Method and path of everything that the README's table of routes names; a path stands for those behind it."""
    found: set[tuple[str, str]] = set()
    for row in re.findall(r"^\| (`(?:GET|POST|PUT|PATCH|DELETE) .*?) \|", README, re.MULTILINE):
        path = ""
        for method, named in re.findall(r"`(GET|POST|PUT|PATCH|DELETE)(?: (/\S+))?`", row):
            path = named or path
            found.add((method, _nameless(path)))
    return found


def _nameless(path: str) -> str:
    """A path without the names of its parameters."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_the_table_of_settings_is_the_programs_own() -> None:
    shown = re.search(r"<!-- settings -->\n(.*?)\n?<!-- /settings -->", README, re.DOTALL)
    assert shown is not None, "the README has lost the marks of its table"
    if shown.group(1).strip() != rendered_table():
        pytest.fail(f"the table between the marks has to be:\n\n{rendered_table()}\n", pytrace=False)


def test_every_route_is_in_the_readme(tmp_path: Path) -> None:
    documented = documented_routes()
    with open_components(settings_for(tmp_path)) as parts:
        routes = [route for route in create_app(parts).routes if isinstance(route, Route)]
    assert len(routes) > 15
    for route in routes:
        for method in (route.methods or set()) - {"HEAD"}:
            if is_page(route) and f"{method} {route.path}" not in PAGES:
                continue  # a part of one of these
            path = _nameless(route.path).rstrip("/")
            in_words = path in ELSEWHERE and ELSEWHERE[path] in README
            assert in_words or (method, path) in documented, f"the README does not name {method} {route.path}"


def test_every_route_of_the_table_exists(tmp_path: Path) -> None:
    with open_components(settings_for(tmp_path)) as parts:
        routes = [route for route in create_app(parts).routes if isinstance(route, Route)]
    known = {(method, _nameless(route.path)) for route in routes for method in route.methods or set()}
    documented = documented_routes()
    assert len(documented) > 10
    assert documented <= known


def test_every_command_is_in_the_readme() -> None:
    section = README.partition("## Commands")[2].partition("\n## ")[0]
    for name in MODULES:
        assert f"`{name}" in section or f"`darkroom {name}" in section, f"the README does not name `darkroom {name}`"


def test_every_command_that_the_readme_shows_exists() -> None:
    shown = set(re.findall(r"(?:^|[`(])darkroom ([a-z][a-z-]+)", README, re.MULTILINE))
    assert shown
    assert shown <= set(MODULES)


def test_every_setting_that_the_readme_mentions_exists() -> None:
    known = {name for name, _, _ in settings_table()}
    assert set(re.findall(r"DARKROOM_(?!TEST_)[A-Z_]+[A-Z]", README)) <= known


def test_the_readme_and_the_plan_tell_how_many_connections_a_process_uses() -> None:
    listener = 1
    number = INTAKE_CONNECTIONS + CONNECTIONS + listener
    assert f"up to {number} connections" in README
    assert f"{number} = {10 * number}" in SCALE


def test_every_test_that_the_security_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", SECURITY)
    assert len(named) > 40
    for path, test in named:
        text = (Path(__file__).parents[1] / path).read_text(encoding="utf-8")
        assert "def test_" in text or path.startswith("tests/fuzz/"), f"{path} holds no tests"
        assert f"def {test}(" in text or not test, f"{path} has no {test}"


def test_every_setting_and_command_that_the_security_page_names_exists() -> None:
    known = {name for name, _, _ in settings_table()}
    named = set(re.findall(r"`(?:DARKROOM_)?([A-Z]+__[A-Z_]+)", SECURITY))
    assert named
    assert {f"DARKROOM_{name}" for name in named} <= known
    commands = set(re.findall(r"`darkroom ([a-z]+)", SECURITY))
    assert commands
    assert commands <= set(MODULES)

"""The audit of what the locks name never passes in silence."""

import json
from typing import Any

import pytest

from tests.supply.audit import ROOT, WHAT_TO_DO, Answer, ask, read_answer, report

CLEAN = {"name": "starlette", "version": "1.10.0", "vulns": []}
HOLED = {"name": "jinja2", "version": "3.1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1.6"], "aliases": []}]}
SKIPPED = {"name": "yarl", "skip_reason": "Dependency not found on PyPI and could not be audited: yarl (1.25.1)"}


def said(*packages: dict[str, Any]) -> Answer:
    return read_answer(json.dumps({"dependencies": packages, "fixes": []}), "")


def test_it_is_clean_only_when_all_were_asked_about_and_have_no_hole() -> None:
    assert said(CLEAN).code == 0


def test_a_hole_is_told_with_the_version_that_mends_it() -> None:
    answer = said(CLEAN, HOLED)
    assert answer.code == 1
    assert answer.vulnerable == ("jinja2 3.1.0: PYSEC-1; mended in 3.1.6",)


@pytest.mark.parametrize("packages", [[SKIPPED], [CLEAN, SKIPPED], [HOLED, SKIPPED], []])
def test_what_was_passed_over_is_no_pass(packages: list[dict[str, Any]]) -> None:
    assert said(*packages).code == 2


@pytest.mark.parametrize("output", ["", "null", "[]", "{}", '{"dependencies": 7}', "Traceback"])
def test_a_tool_that_says_nothing_of_the_kind_is_no_pass(output: str) -> None:
    answer = read_answer(output, "warning\nERROR: no route to host\n")
    assert answer.code == 2
    assert answer.unknown == ("all: ERROR: no route to host",)


def test_the_worst_of_the_locks_is_the_exit_code_and_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert report({"a.lock": said(CLEAN), "b.lock": said(SKIPPED), "c.lock": said(HOLED)}) == 2
    told = capsys.readouterr().out
    assert "a.lock: no known vulnerabilities" in told
    assert "jinja2 3.1.0: PYSEC-1" in told
    assert "nothing is known of yarl" in told
    assert WHAT_TO_DO in told
    assert report({"a.lock": said(CLEAN)}) == 0
    assert WHAT_TO_DO not in capsys.readouterr().out


@pytest.mark.long
def test_the_tool_without_a_way_to_the_service_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    answer = ask(ROOT / "requirements-build.lock", "pypi")
    assert answer.code == 2
    assert answer.unknown

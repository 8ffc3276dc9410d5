"""The targets of the fuzzer: each holds for its seeds, and for as long as `make test-all` has."""

from pathlib import Path

import pytest

from tests.fuzz import TARGETS
from tests.fuzz.campaign import load, run

HERE = Path(__file__).parent
SECONDS = 12
NO_TARGETS = {"__init__", "__main__", "broken", "campaign", "in_process", "pieces", "storable", "test_targets"}


def test_every_module_is_a_target_or_belongs_to_the_tools() -> None:
    assert {path.stem for path in HERE.glob("*.py")} == {*TARGETS, *NO_TARGETS}


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_for_its_seeds_however_they_are_cut(name: str) -> None:
    target = load(name)
    seeds = list(target.seeds())
    assert seeds
    for seed in seeds:
        for end in (len(seed), len(seed) // 2, len(seed) - 1, 1, 0):
            target.check(seed[:end])


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_for_what_a_fuzzer_finds_in_some_seconds(name: str, tmp_path: Path) -> None:
    report = run(name, tmp_path, SECONDS)
    inputs = "\n".join(f"{found.name}: {found.read_bytes()!r}" for found in report.findings)
    assert not report.complaint, f"{report.complaint}\n{inputs}"
    assert report.executions > len(list(load(name).seeds())), "the fuzzer has not run"
    assert report.features > 0, "the fuzzer sees nothing of the service"


@pytest.mark.long
def test_a_promise_that_does_not_hold_is_found_and_shown(tmp_path: Path) -> None:
    report = run("broken", tmp_path, 1)
    (finding,) = report.findings
    assert finding.read_bytes().startswith(b"lost")
    assert "something was lost" in report.trouble
    assert str(finding) in report.complaint

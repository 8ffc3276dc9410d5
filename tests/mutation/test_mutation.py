"""What `make mutants` runs and what it passes over."""

import tomllib
from pathlib import Path

from tests.mutation.__main__ import KNOWN, ROOT, Mutant, beside, configuration, known, out_of_reach, shown

DIFF = """--- service/domain/lease.py
+++ service/domain/lease.py
@@ -1,3 +1,3 @@
 def f(a):
-    return a < 1
+    return a <= 1
"""


def test_a_module_is_tried_by_the_tests_beside_it_that_import_it_or_have_its_name() -> None:
    assert beside("service/domain/lease.py") == ["tests/domain/test_lease.py"]
    assert "tests/outbound/test_guarded_client_proxy.py" in beside("service/outbound/guarded_client.py")
    assert beside("service/domain/nothing.py") == ["tests/domain"]


def test_what_is_written_for_mutmut_is_what_it_reads() -> None:
    read = tomllib.loads(configuration(["service/domain/lease.py"], ["tests/domain"]))["tool"]["mutmut"]
    assert read["only_mutate"] == ["service/domain/lease.py"]
    assert read["pytest_add_cli_args_test_selection"] == ["tests/domain"]


def test_a_change_is_known_by_its_lines_and_not_by_its_number() -> None:
    mutant = shown("service.domain.lease.x_f__mutmut_1", "survived", DIFF)
    assert mutant == Mutant("service.domain.lease.x_f__mutmut_1", "survived", "return a < 1", "return a <= 1")
    assert known("- `return a < 1` → `return a <= 1`: never 1\n") == {(mutant.before, mutant.after)}


def test_every_line_that_is_said_to_be_no_change_still_stands_in_the_code() -> None:
    code = "\n".join(
        path.read_text("utf-8")
        for part in ("domain", "outbound", "intake")
        for path in Path(ROOT, "service", part).glob("*.py")
    )
    words = " ".join(code.split())
    for before, _ in known(KNOWN.read_text("utf-8")):
        assert " ".join(before.split()) in words, f"{before!r} is no line of the code any more"


def test_a_function_that_mutmut_cannot_reach_is_passed_over() -> None:
    assert out_of_reach("- every change of `service.domain.words._plain`: at import\n") == (
        "service.domain.words.x__plain__mutmut_",
    )

"""How long work tells of what it finds: a line for each finding at once, or one JSON document. Nothing is collected."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from service.cli.group import fail
from service.cli.lines import Lines
from service.errors import DarkroomError, SettingsError
from service.upkeep.findings import Finding, Kind

INTERRUPTED = 130


class Told:
    """Findings on standard output, as they come; `advice` is what to do about each kind."""

    def __init__(self, advice: Mapping[Kind, str], *, as_json: bool) -> None:
        self._advice = advice
        self._lines = Lines("findings", as_json=as_json)
        self._kinds: Counter[Kind] = Counter()

    def found(self, finding: Finding) -> None:
        self._kinds[finding.kind] += 1
        done = f" ({finding.done})" if finding.done else ""
        key = finding.key if finding.key.isprintable() else ascii(finding.key)  # anybody may have named a file
        self._lines.tell(f"{finding.kind}: {key}: {finding.detail}{done}", self._document(finding))

    @contextmanager
    def until_the_end(self, summary: Callable[[], Mapping[str, Any]], *, hint: str = "") -> Iterator[None]:
        """Run the work; however it ends, the report does too, and with it the command where something is wrong."""
        error, code = None, 1
        try:
            yield
        except SettingsError:
            raise
        except DarkroomError as unexpected:
            error = str(unexpected)
        except KeyboardInterrupt:
            error, code = "interrupted", INTERRUPTED
        self._end(summary(), error)
        if error is not None:
            fail(f"{error}{hint}", code)
        if self._kinds:
            sys.exit(1)

    def _end(self, summary: Mapping[str, Any], error: str | None) -> None:
        lines = [f"{kind} ({number}): {self._advice[kind]}" for kind, number in self._kinds.items()]
        lines += [
            f"{name.replace('_', ' ')}: {_in_words(value)}" for name, value in summary.items() if value is not None
        ]
        well = error is None and not self._kinds
        found = {kind.value: number for kind, number in self._kinds.items()}
        self._lines.end(
            [*lines, *(["all is well"] if well else [])], {**summary, "found": found, "error": error, "ok": well}
        )

    def _document(self, finding: Finding) -> dict[str, Any]:
        return {
            "kind": finding.kind.value,
            "key": finding.key,
            "task_id": finding.task_id,
            "asset_id": f"{finding.task_id}.{finding.index}" if finding.index is not None else None,
            "detail": finding.detail,
            "done": finding.done,
            "advice": self._advice[finding.kind],
        }


def _in_words(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in value.items())
    return "".join(f"\n  {line}" for line in value)

"""How long work tells of what it finds: a line for each finding at once, or one JSON document. Nothing is collected."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from service.cli.group import fail
from service.errors import DarkroomError, SettingsError
from service.upkeep.findings import Finding, Kind

INTERRUPTED = 130


class Told:
    """Findings on standard output, as they come; `advice` is what to do about each kind."""

    def __init__(self, advice: Mapping[Kind, str], *, as_json: bool) -> None:
        self._advice = advice
        self._as_json = as_json
        self._kinds: Counter[Kind] = Counter()

    def found(self, finding: Finding) -> None:
        first = not self._kinds
        self._kinds[finding.kind] += 1
        if self._as_json:
            click.echo(f"{_BEGIN if first else ','}\n{json.dumps(self._document(finding))}", nl=False)
        else:
            done = f" ({finding.done})" if finding.done else ""
            key = finding.key if finding.key.isprintable() else ascii(finding.key)  # anybody may have named a file
            print(f"{finding.kind}: {key}: {finding.detail}{done}")  # not by click, which would write through the bar

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
        if self._as_json:
            found = {kind.value: number for kind, number in self._kinds.items()}
            rest = {**summary, "found": found, "error": error, "ok": error is None and not found}
            click.echo(f"{'' if self._kinds else _BEGIN}],\n{json.dumps(rest, indent=2)[2:]}")
            return
        for kind, number in self._kinds.items():
            click.echo(f"{kind} ({number}): {self._advice[kind]}")
        for name, value in ((name, value) for name, value in summary.items() if value is not None):
            click.echo(f"{name.replace('_', ' ')}: {_in_words(value)}")
        if error is None and not self._kinds:
            click.echo("all is well")

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


_BEGIN = '{"findings": ['


def _in_words(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in value.items())
    return "".join(f"\n  {line}" for line in value)

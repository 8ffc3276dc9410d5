"""What long work tells of as it comes: a line each, or the members of one JSON document. Nothing is collected."""

import json
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import click


class Lines:
    """Results on standard output; as JSON a list of this name, and what the end tells beside it."""

    def __init__(self, name: str, *, as_json: bool) -> None:
        self._name = name
        self._as_json = as_json
        self._told = False
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _at: TracebackType | None
    ) -> None:
        if error is not None and not self._ended:
            self.end([], {"error": str(error) or "interrupted"})

    def tell(self, line: str, document: Mapping[str, Any]) -> None:
        if self._as_json:
            click.echo(f"{',' if self._told else self._begin}\n{json.dumps(document)}", nl=False)
            self._told = True
        else:
            print(line)  # not by click, which would write through the bar

    def end(self, lines: Sequence[str], document: Mapping[str, Any]) -> None:
        """What to say at the end; where something went wrong, `document` has an `error`."""
        self._ended = True
        if self._as_json:
            click.echo(f"{'' if self._told else self._begin}],\n{json.dumps(document, indent=2)[2:]}")
            return
        for line in lines:
            click.echo(line)

    @property
    def _begin(self) -> str:
        return f'{{"{self._name}": ['

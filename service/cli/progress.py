"""Progress of long work: a bar on a terminal, nothing elsewhere. It goes to standard error, as results do not."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn

Advance = Callable[..., None]


@contextmanager
def bar(label: str, *, shown: bool, total: float | None = None, as_share: bool = False) -> Iterator[Advance]:
    """A bar that is told how many are done, what `more` there is to say, and the `total` once it is known.

    `as_share`: done and total are shares, shown in percent.
    """
    console = Console(stderr=True)
    amount = TaskProgressColumn() if as_share else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TextColumn("{task.fields[more]}"))
    hidden = not (shown and console.is_terminal)
    # results are printed meanwhile: through the bar where both are the same terminal, elsewhere past it
    with Progress(*columns, console=console, disable=hidden, redirect_stdout=sys.stdout.isatty()) as progress:
        running = progress.add_task(label, total=total, more="")

        def advance(done: float | None = None, more: str | None = None, *, total: float | None = None) -> None:
            progress.update(running, completed=done, total=total)
            if more is not None:
                progress.update(running, more=more)

        yield advance

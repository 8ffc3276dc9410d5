"""The table at the end, and how to look at an image."""

from rich.console import Console
from rich.table import Table

from service.demo.ledger import Account
from service.demo.process import Place

_SHOWN = 10


def show(account: Account, place: Place, console: Console) -> None:
    """Print the ledger, what is wrong if anything, and where the images are."""
    table = Table(title="Ledger", title_justify="left", show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    for label, value in _rows(account):
        table.add_row(label, value)
    console.print(table)
    for line in [
        *account.missing,
        *(f"believed a forgery: {one}" for one in account.believed),
        *(f"stray file: {name}" for name in account.strays),
    ][:_SHOWN]:
        console.print(f"  [red]✗[/] {line}")
    if account.good:
        console.print("[green]✓ every image of every completed task is on disk, byte for byte, once[/]")
    console.print(f"\nImages:   {place.archive}", soft_wrap=True)
    first = next((path for path in sorted(place.archive.rglob("*.png"))), None)
    if first is not None:
        console.print(f"Look at one:  xdg-open '{first}'   (macOS: open)", soft_wrap=True)


def _rows(account: Account) -> list[tuple[str, str]]:
    status = account.statuses
    return [
        ("tasks submitted", str(account.submitted)),
        ("  completed", str(status.get("completed", 0))),
        ("  failed", str(status.get("failed", 0))),
        ("  cancelled", str(status.get("cancelled", 0))),
        ("callbacks received", str(account.callbacks)),
        ("  lost on the way, made up for", str(account.lost_callbacks)),
        ("  forged through a leaked URL", str(account.forged)),
        ("  forged and believed", str(len(account.believed))),
        ("  duplicates dropped", str(account.duplicates)),
        ("  unreadable, kept raw", str(account.unreadable)),
        ("questions to the provider", str(account.questions)),
        ("images of completed tasks", str(account.images)),
        ("  archived", f"{account.archived}  ({account.bytes / 2**20:.1f} MiB)"),
        ("  downloads repeated after a fault", str(account.failed_attempts)),
        ("  stored twice or stray", str(len(account.strays))),
        ("[bold]lost[/]", f"[bold]{account.lost}[/]"),
    ]

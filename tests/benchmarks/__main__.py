"""Everything that is promised as a ratio, measured: `python -m tests.benchmarks [--quick] [--only NAME …]`.

Prints one table and writes one JSON file. Figures of a shared machine are worth nothing alone; a ratio of two that were
taken in turn on it is.
"""

import argparse
import asyncio
import json
import platform
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

from tests.benchmarks import bucket, callbacks, images, lists, starting
from tests.benchmarks.ratio import Better, Ratio

Scenario = Callable[[Path], Awaitable[list[Ratio]]]

FULL: Mapping[str, Scenario] = {
    "sqlite": partial(callbacks.on_sqlite, callbacks=8000, rounds=5),
    "postgresql": partial(callbacks.on_postgres, callbacks=4000, rounds=5),
    "downloads": partial(images.answered_meanwhile, callbacks=2000, pace=200, images=1500, side=1182),
    "archive": partial(images.beside_aria2, images=256, side=1182, rounds=3),
    "bucket": partial(bucket.beside_client, images=48, side=1182, rounds=3),
    "latency": partial(images.soon_safe, images=60, side=836),
    "memory": partial(images.in_memory, downloads=64, side=2582),
    "lists": partial(lists.among_many, images=1_000_000, few=1000, rounds=5),
    "start": partial(starting.beside_imports, rounds=7),
    "many": partial(callbacks.among_many, tasks=1_000_000, few=10_000, callbacks=4000, rounds=5),
}
QUICK: Mapping[str, Scenario] = {
    "sqlite": partial(callbacks.on_sqlite, callbacks=500, rounds=2),
    "postgresql": partial(callbacks.on_postgres, callbacks=500, rounds=2),
    "downloads": partial(images.answered_meanwhile, callbacks=100, pace=100, images=300, side=836),
    "archive": partial(images.beside_aria2, images=16, side=418, rounds=2),
    "bucket": partial(bucket.beside_client, images=8, side=418, rounds=2),
    "latency": partial(images.soon_safe, images=10, side=418),
    "memory": partial(images.in_memory, downloads=16, side=836),
    "lists": partial(lists.among_many, images=4000, few=1000, rounds=1),
    "start": partial(starting.beside_imports, rounds=1),
    "many": partial(callbacks.among_many, tasks=2000, few=500, callbacks=500, rounds=2),
}


def line(ratio: Ratio) -> str:
    """A row of the table."""
    goal, sign = ratio.goal, "≥" if ratio.goal.better is Better.MORE else "≤"
    slack = f" + {goal.slack:g} {goal.unit}" if goal.slack else ""
    spread = f"{min(ratio.ratios):.2f}-{max(ratio.ratios):.2f}"
    measured = f"{ratio.ours:>10,.1f} {ratio.baseline:>10,.1f} {goal.unit:9} {ratio.ratio:6.2f} {spread:>11}"
    return f"{goal.what:58} {measured}  {sign} {goal.factor:g}{slack:12} {'holds' if ratio.holds else 'MISSED'}"


async def run(chosen: Mapping[str, Scenario]) -> list[Ratio]:
    """One after the other, as they share the machine."""
    measured = []
    print(f"{'':58} {'ours':>10} {'baseline':>10} {'':9} {'ratio':>6} {'spread':>11}  goal", flush=True)
    for scenario in chosen.values():
        with tempfile.TemporaryDirectory() as folder:
            for ratio in await scenario(Path(folder)):
                measured.append(ratio)
                print(line(ratio), flush=True)
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few and small: whether it works, not what it comes to")
    parser.add_argument("--only", nargs="+", choices=list(FULL), metavar="NAME", help=f"of {' '.join(FULL)}")
    parser.add_argument("--out", type=Path, default=Path("bench.json"), help="the JSON file")
    options = parser.parse_args()
    scenarios = QUICK if options.quick else FULL
    measured = asyncio.run(run({name: scenarios[name] for name in options.only or scenarios}))
    machine = {"machine": platform.machine(), "system": platform.system(), "python": platform.python_version()}
    document = {**machine, "quick": options.quick, "figures": [ratio.document() for ratio in measured]}
    options.out.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
    missed = [ratio.goal.what for ratio in measured if not ratio.holds]
    print(f"{len(measured) - len(missed)} of {len(measured)} hold; written to {options.out}")
    sys.exit(1 if missed and not options.quick else 0)


if __name__ == "__main__":
    main()

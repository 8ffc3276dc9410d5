"""`python -m tests.chaos`: a run at full length: prints its seed, a table, and what is wrong; then the exit code is 1.

With the same seed the same tasks, faults and images come; when exactly a kill strikes depends on the machine.
"""

import argparse
import asyncio
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos import run as alone
from tests.chaos.phases import Outcome
from tests.chaos.plan import Plan
from tests.replicas import run as together
from tests.replicas.store import quick_store, real_store

SHOWN = 40


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    words.add_argument("--tasks", type=int, default=10_000, help="how many tasks to submit (default: 10000)")
    words.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="repeats a run (default: a new one)")
    words.add_argument("--rate", type=float, default=40.0, help="tasks submitted a second (default: 40)")
    words.add_argument("--replicas", action="store_true", help="several processes on one PostgreSQL and one bucket")
    words.add_argument(
        "--ceph", action="store_true", help="with replicas: Ceph's gateway as the bucket, killed as well"
    )
    given = words.parse_args()
    if given.ceph and not given.replicas:
        words.error("--ceph goes with --replicas: one process alone keeps its archive in a folder")
    plan = Plan(tasks=given.tasks, seed=given.seed, rate=given.rate)
    print(f"seed {plan.seed}", flush=True)
    folder, began = Path(tempfile.mkdtemp(prefix="darkroom-chaos-")), time.monotonic()
    try:
        outcome = asyncio.run(_run(plan, folder, replicas=given.replicas, ceph=given.ceph))
    except BaseException:
        print(f"what was written is in {folder}", file=sys.stderr)
        raise
    print(table(plan, outcome, time.monotonic() - began))
    for what in outcome.wrong[:SHOWN]:
        print(what)
    if outcome.wrong:
        print(f"{len(outcome.wrong)} findings; repeat with --seed {plan.seed}; what was written is in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


async def _run(plan: Plan, folder: Path, *, replicas: bool, ceph: bool) -> Outcome:
    if replicas:
        return await together.run(plan, folder, _say, store=real_store if ceph else quick_store)
    return await alone.run(plan, folder, _say)


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


def table(plan: Plan, outcome: Outcome, seconds: float) -> str:
    """The result as the README shows it."""
    storm, rebuilt = outcome.storm, outcome.rebuilt
    rows = [
        ("tasks submitted", storm.tasks),
        *((what, number) for what, number in sorted(outcome.seen.items())),
        ("callbacks answered 2xx", storm.acknowledged),
        ("images of completed tasks", f"{storm.images} ({storm.size / 2**20:.0f} MiB)"),
        ("", ""),
        ("callbacks answered 2xx and missing", len(storm.forgotten)),
        ("lost", len(storm.lost)),
        ("stored twice", len(storm.twice)),
        ("stray files", len(storm.stray)),
        ("wrong bytes or sidecars", len(storm.unsound)),
        ("the same after a rebuild", len(rebuilt.wrong)),
    ]
    lines = [f"{what:<38}{number:>18}".rstrip() for what, number in rows]
    return "\n".join([f"seed {plan.seed}, {seconds:.0f} s", *lines])


if __name__ == "__main__":
    sys.exit(main())

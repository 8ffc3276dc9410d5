"""What is asked about images that are to be looked at, and about those that look alike."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from service.catalog.catalog import Transaction
from service.catalog.details import ClaimedDetails
from service.domain.details import Looked
from tests.catalog.million import TASKS, task_id

Look = Callable[[Transaction], object]

HERE, THERE = ClaimedDetails(task_id(1000), 0, "claim"), ClaimedDetails(task_id(TASKS // 2), 1, "claim")
ALIKE = (0x1234, 0x5678, 0x9ABC, 0xDEF0)


def writes() -> Iterator[tuple[str, Look]]:
    yield "details.claim", lambda tx: tx.details.claim(2, wanted=Looked.AT_THE_PIXELS)
    yield "details.claim files only", lambda tx: tx.details.claim(2, wanted=Looked.AT_THE_FILE)
    yield "details.claim new only", lambda tx: tx.details.claim(2, wanted=Looked.AT_THE_PIXELS, since=tx.now)
    yield "details.holds", lambda tx: tx.details.holds(HERE)
    yield "details.release", lambda tx: tx.details.release(HERE, after=timedelta(days=1))
    yield "details.renew", lambda tx: tx.details.renew([HERE, THERE])
    yield "details.forget_claims", lambda tx: tx.details.forget_claims()
    yield "details.pull_in", lambda tx: tx.details.pull_in(tx.now + timedelta(days=1))


def reads() -> Iterator[tuple[str, Look]]:
    def candidates(distance: int) -> Look:
        return lambda tx: tx.details.candidates(ALIKE, distance)

    def waiting(wanted: Looked) -> Look:
        return lambda tx: tx.details.waiting(wanted=wanted)

    for distance in (0, 6, 11, 16):
        yield f"details.candidates {distance}", candidates(distance)
    for wanted in (Looked.AT_THE_FILE, Looked.AT_THE_PIXELS):
        yield f"details.waiting {wanted.name}", waiting(wanted)
    yield "details.archived", lambda tx: tx.details.archived([77, 78, 500_000])

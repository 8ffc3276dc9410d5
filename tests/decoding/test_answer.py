"""A process that was taken over by an image says nonsense, and is asked about no other image."""

import json

import psutil
import pytest

from service.decoding.answer import read_answer
from service.decoding.frames import Look, Order, Thumbnail
from service.decoding.pool import Pool
from service.decoding.process import WorkerProcess
from service.decoding.seen import seen_json
from service.decoding.verdict import Unusable
from service.storage import Blocks
from tests.decoding.lying import answering
from tests.support.hostile_images import encoded, noise
from tests.support.looking import SEEN
from tests.system.support.waiting import eventually

SMALL = Thumbnail(256, "ab" * 32)
WEBP = encoded(noise((8, 8)), "WEBP")
SOUND = json.loads(seen_json(SEEN))
NONSENSE: list[tuple[Order, bytes]] = [
    (SMALL, b"ubroken"),
    (SMALL, b"u\xff"),
    (SMALL, b"u"),
    (SMALL, b"q" + WEBP),
    (SMALL, b"m<script>"),
    (SMALL, b"m" + WEBP + b"more"),
    (Look(), b"m" + WEBP),
    (Look(), b"m{}"),
    (Look(), b"m" + json.dumps({**SOUND, "dominant": [{"colour": "#000000", "share": 10**400}]}).encode()),
]


@pytest.mark.parametrize(("order", "answer"), NONSENSE)
def test_what_no_worker_says_is_no_answer(order: Order, answer: bytes) -> None:
    assert read_answer(order, answer) is None


def test_what_workers_say_is_taken_as_it_is() -> None:
    assert read_answer(SMALL, b"m" + WEBP) == WEBP
    assert read_answer(Look(), b"m" + seen_json(SEEN)) == seen_json(SEEN)
    assert [read_answer(Look(), b"u" + one.value.encode()) for one in Unusable] == list(Unusable)


@pytest.mark.parametrize("number", [0, 8])
async def test_who_says_nonsense_crashed_and_is_asked_no_more(number: int) -> None:
    order, answer = NONSENSE[number]
    worker = await answering(answer)
    try:
        assert await worker.decode(order, await image()) is Unusable.CRASHED
        assert not worker.is_at_rest
    finally:
        await worker.end()


async def test_a_pool_ends_who_says_nonsense_and_gives_the_next_image_to_another() -> None:
    started: list[WorkerProcess] = []

    async def start() -> WorkerProcess:
        started.append(await answering(b"m" + seen_json(SEEN) if started else b"m{}"))
        return started[-1]

    pool = Pool(workers=2, start=start)
    pool.start()
    try:
        assert await pool.decode(Look(), image, heavy=False) is Unusable.CRASHED
        assert await pool.decode(Look(), image, heavy=False) == seen_json(SEEN)
        liar, honest = started
        assert honest.is_at_rest

        async def gone() -> bool | None:
            return not psutil.pid_exists(liar.pid) or None

        await eventually(gone, what="who says nonsense is ended")
    finally:
        await pool.stop()


async def image() -> Blocks:
    async def blocks() -> Blocks:
        yield WEBP

    return blocks()

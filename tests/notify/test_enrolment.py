"""Processes with other settings: nobody takes an endpoint from the others before nobody has known it for an hour."""

from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from service.domain.announcement import CALLER
from service.domain.telling import DeliveryStatus
from service.notify.endpoint import Endpoint
from service.notify.enrolment import EVERY_SECONDS, SILENT_SECONDS, TOGETHER, Enrolment
from service.notify.listeners import listeners
from tests.notify.world import World, endpoint, image, task
from tests.support.deliveries import NOW, TASK

ROUNDS = int(SILENT_SECONDS / EVERY_SECONDS)
SHOP, NEW = endpoint("shop"), endpoint("new")


@dataclass(slots=True)
class Processes:
    """Beside each other, under one clock that is not the database's."""

    world: World
    running: list[Enrolment] = field(default_factory=list)
    seconds: float = 0.0

    def start(self, *endpoints: Endpoint) -> None:
        enrolment = Enrolment(
            catalog=self.world.catalog, endpoints=endpoints, tally=self.world.tally, clock=lambda: self.seconds
        )
        self.running.append(enrolment)

    async def go_on(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            for one in self.running:
                await one.renew()
            self.seconds += EVERY_SECONDS
            self.world.clock.move(seconds=EVERY_SECONDS)

    async def heard(self) -> set[str]:
        return {one.name for one in await self.world.catalog.read(listeners)}


@pytest.fixture
def processes(world: World) -> Processes:
    return Processes(world)


async def test_one_that_knows_less_and_starts_later_silences_nobody(processes: Processes) -> None:
    processes.start(SHOP, NEW)
    await processes.go_on()
    processes.start(SHOP)
    await processes.go_on(2 * ROUNDS)
    assert await processes.heard() == {"shop", "new"}
    found = await processes.world.catalog.read(listeners)
    assert {one.since for one in found} == {NOW}


async def test_what_nobody_has_known_for_an_hour_listens_no_longer(processes: Processes) -> None:
    processes.start(SHOP, NEW)
    await processes.go_on()
    processes.running.clear()
    processes.start(SHOP)
    await processes.go_on(ROUNDS)
    assert await processes.heard() == {"shop", "new"}
    await processes.go_on()
    assert await processes.heard() == {"shop"}


async def test_a_command_without_endpoints_takes_nothing_away_however_long_nobody_has_served(
    processes: Processes,
) -> None:
    processes.start(SHOP)
    await processes.go_on()
    processes.running.clear()
    processes.world.clock.move(days=3)
    processes.start()
    await processes.go_on(ROUNDS)
    assert await processes.heard() == {"shop"}


async def test_a_clock_that_leaps_takes_nobody_out(processes: Processes) -> None:
    processes.start(SHOP)
    processes.start(NEW)
    await processes.go_on()
    processes.world.clock.move(days=9)
    await processes.go_on(2)
    assert await processes.heard() == {"shop", "new"}


async def test_what_waits_for_one_that_nobody_has_known_for_an_hour_is_given_up_with_the_reason(
    processes: Processes,
) -> None:
    world = processes.world
    world.endpoints, world.callers = (SHOP, NEW), {TASK: "https://client.example.com/"}
    processes.start(SHOP, NEW)
    await processes.go_on()
    await world.tell(task(), image(0))
    processes.running.clear()
    processes.start(SHOP)
    await processes.go_on(ROUNDS)
    assert {one.status for one in await world.deliveries()} == {DeliveryStatus.PENDING}
    with capture_logs() as lines:
        await processes.go_on()
    told = {(one.endpoint, one.status, one.attempts, one.detail) for one in await world.deliveries()}
    assert told == {
        (CALLER, DeliveryStatus.PENDING, 0, None),
        ("new", DeliveryStatus.DEAD, 0, "no endpoint of this name is configured"),
        ("shop", DeliveryStatus.PENDING, 0, None),
    }
    assert world.tally.outcomes == {"dead": 2}
    assert [(one["endpoint"], one["count"]) for one in lines if one["event"] == "events_given_up"] == [("new", 2)]


async def test_many_are_given_up_in_small_transactions(processes: Processes) -> None:
    processes.start()
    await processes.world.tell_many(TOGETHER + 5)
    await processes.go_on(ROUNDS + 1)
    assert {one.status for one in await processes.world.deliveries()} == {DeliveryStatus.DEAD}
    assert processes.world.tally.outcomes == {"dead": TOGETHER + 5}

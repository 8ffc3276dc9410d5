"""Since when each endpoint listens, remembered where everybody can read it: its name and what it wants, and no more."""

from service.domain.announcement import EventKind, Listener
from service.notify.listeners import enrol, listeners
from tests.notify.world import World, endpoint
from tests.support.deliveries import NOW

ENDS, LOSSES = EventKind.TASK_SETTLED, EventKind.ASSET_DEAD
SHOP = endpoint("shop", kinds=frozenset({ENDS}))


async def heard(world: World) -> tuple[Listener, ...]:
    return await world.catalog.read(listeners)


async def test_an_endpoint_listens_from_when_it_was_first_configured(world: World) -> None:
    await world.catalog.write(lambda tx: enrol(tx, [SHOP]))
    world.clock.move(days=3)
    audit = endpoint("audit", kinds=frozenset({ENDS}))
    await world.catalog.write(lambda tx: enrol(tx, [SHOP, audit]))
    assert await heard(world) == (
        Listener("audit", frozenset({ENDS}), world.clock.now),
        Listener("shop", frozenset({ENDS}), NOW),
    )


async def test_what_it_wants_later_it_hears_from_then_on(world: World) -> None:
    await world.catalog.write(lambda tx: enrol(tx, [SHOP]))
    world.clock.move(days=3)
    more = endpoint("shop", kinds=frozenset({ENDS, LOSSES}))
    await world.catalog.write(lambda tx: enrol(tx, [more]))
    assert {(*one.kinds, one.since) for one in await heard(world)} == {(ENDS, NOW), (LOSSES, world.clock.now)}


async def test_one_that_another_process_knows_goes_on_listening_since_when_it_did(world: World) -> None:
    await world.catalog.write(lambda tx: enrol(tx, [SHOP]))
    world.clock.move(minutes=1)
    await world.catalog.write(lambda tx: enrol(tx, []))
    assert await heard(world) == (Listener("shop", frozenset({ENDS}), NOW),)


async def test_a_kind_that_only_another_version_knows_is_left_alone(world: World) -> None:
    await world.catalog.write(lambda tx: tx.marks.set("notify:shop:task.painted", tx.now))
    assert await heard(world) == ()

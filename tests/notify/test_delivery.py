"""What an endpoint gets: signed by the standard, telling what happened, with links that stay."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from structlog.testing import capture_logs

from service.domain.announcement import KEPT
from service.domain.asset import AssetReason, AssetStatus
from service.domain.telling import DeliveryStatus
from tests.notify.receiver import Post, Receiver, receiving, status
from tests.notify.world import (
    PUBLIC_URL,
    SIGNER,
    World,
    dead_image,
    deleted_image,
    endpoint,
    image,
    secret,
    task,
)
from tests.support.deliveries import NOW, TASK

RUNNING = task(settled_at=None)


def verified(post: Post, signing: str) -> Any:
    return Webhook(signing).verify(post.body, dict(post.headers))


def link_of(url: str) -> str | None:
    assert url.startswith(f"{PUBLIC_URL}/a/")
    return SIGNER.verify(urlsplit(url).path.removeprefix("/a/"), now=NOW + timedelta(days=36500))


async def told(world: World, host: Receiver) -> list[Any]:
    """What the endpoint gets of all that is due."""
    before = len(host.posts)
    await world.deliver()
    return [post.document for post in host.posts[before:]]


async def test_an_event_is_signed_so_that_the_standards_library_verifies_it(world: World) -> None:
    async with receiving() as host:
        world.endpoints = (endpoint("shop", host.url("/hooks?k=v"), secret(1)),)
        await world.tell(task(), image(0))
        await world.deliver()
    [first, last] = host.posts
    assert (first.method, first.path, first.headers["content-type"]) == ("POST", "/hooks?k=v", "application/json")
    assert first.headers["user-agent"] == "Darkroom/test (image archiver)"
    document = verified(first, secret(1))
    assert (document["type"], document["timestamp"]) == ("asset.archived", "2026-05-01T12:00:00.000Z")
    assert verified(last, secret(1))["type"] == "task.settled"
    kept = [one.event_id for one in await world.deliveries()]
    assert [post.headers["webhook-id"] for post in host.posts] == kept
    with pytest.raises(WebhookVerificationError):
        verified(first, secret(2))
    with pytest.raises(WebhookVerificationError):
        verified(replace(first, body=first.body.replace(b"archived", b"arch1ved")), secret(1))


async def test_while_secrets_are_rotated_both_verify_and_the_next_one_first(world: World) -> None:
    async with receiving() as host:
        world.endpoints = (endpoint("shop", host.url(), secret(1), secret(2)),)
        await world.tell(task())
        await world.deliver()
    [post] = host.posts
    assert verified(post, secret(1)) == verified(post, secret(2))
    assert len(post.headers["webhook-signature"].split(" ")) == 2


async def test_the_time_of_the_signature_is_that_of_the_attempt(world: World) -> None:
    async with receiving(status("500 Oops")) as host:
        world.endpoints = (endpoint("shop", host.url()),)
        await world.tell(task())
        for at in (NOW, NOW + timedelta(seconds=5)):
            world.clock.now = at
            async with world.courier(now=at) as courier:
                [claimed] = await courier.claim(1)
                await courier.work(claimed)
    assert [post.headers["webhook-timestamp"] for post in host.posts] == ["1777636800", "1777636805"]
    assert host.posts[0].body == host.posts[1].body


async def test_each_archived_image_has_a_link_that_stays_and_nothing_else_has_one(world: World) -> None:
    async with receiving() as host:
        world.endpoints = (endpoint("shop", host.url()), endpoint("audit", host.url()))
        await world.tell(task(), image(0), dead_image(1), image(2))
        bodies = await told(world, host)
    settled = [one["data"]["assets"] for one in bodies if one["type"] == "task.settled"]
    assert settled[0] == settled[1]
    assert ["url" in asset for asset in settled[0]] == [True, False, True]
    archived = {one["data"]["asset"]["index"]: one["data"]["asset"]["url"] for one in bodies if _is_archived(one)}
    assert archived == {asset["index"]: asset["url"] for asset in settled[0] if "url" in asset}
    for index, url in archived.items():
        link = await world.catalog.read(lambda tx, url=url: tx.tokens.link(link_of(url) or ""))  # type: ignore[misc]
        assert link is not None
        assert (link.task_id, link.index, link.expires_at) == (TASK, index, None)


def _is_archived(body: Any) -> bool:
    return bool(body["type"] == "asset.archived")


async def test_a_link_that_was_revoked_before_another_attempt_is_replaced(world: World) -> None:
    async with receiving(status("500 Oops")) as host:
        world.endpoints = (endpoint("shop", host.url()),)
        await world.tell(RUNNING, image(0))
        [first] = await told(world, host)
        revoked = link_of(first["data"]["asset"]["url"])
        await world.catalog.write(lambda tx: tx.tokens.revoke_link(revoked or "", tx.now))
        world.clock.move(seconds=5)
        [second] = await told(world, host)
    assert link_of(second["data"]["asset"]["url"]) not in (None, revoked)


async def test_an_image_that_was_deleted_or_refuted_since_is_told_without_a_link(world: World) -> None:
    async with receiving() as host:
        world.endpoints = (endpoint("shop", host.url()),)
        await world.tell(RUNNING, image(0), image(1), image(2, AssetStatus.PENDING, next_attempt_at=NOW))
        await world.have(RUNNING, deleted_image(0), image(1, reason=AssetReason.REFUTED), image(2))
        bodies = await told(world, host)
    assert [one["data"]["asset"]["url"] for one in bodies] == [None, None]
    assert [one["data"]["asset"]["status"] for one in bodies] == ["archived", "archived"]


async def test_a_dead_image_that_was_archived_since_is_told_as_it_was(world: World) -> None:
    async with receiving() as host:
        world.endpoints = (endpoint("shop", host.url()),)
        await world.tell(RUNNING, dead_image(0))
        await world.have(RUNNING, image(0))
        [body] = await told(world, host)
    assert (body["type"], body["data"]["asset"]["status"]) == ("asset.dead", "dead")
    assert "url" not in body["data"]["asset"]


async def test_odd_characters_arrive_as_they_are(world: World) -> None:
    prompt = '\u4f60\u597d \U0001f5bc \u2028 " \\ \x07 </script>'
    async with receiving() as host:
        world.endpoints = (endpoint("shop", host.url(), secret(1)),)
        await world.tell(task(prompt=prompt))
        await world.deliver()
    assert verified(host.posts[0], secret(1))["data"]["task"]["prompt"] == prompt


async def test_what_is_made_again_long_after_is_the_same_but_for_its_time(world: World) -> None:
    async with receiving(status("410 Gone")) as host:
        world.endpoints = (endpoint("shop", host.url()),)
        await world.tell(task(), image(0))
        first = await told(world, host)
        world.clock.now += 2 * KEPT
        await world.catalog.write(lambda tx: tx.events.again([1, 2], DeliveryStatus.DEAD))
        assert await told(world, host) == first
    ids = [post.headers["webhook-id"] for post in host.posts]
    assert ids[:2] == ids[2:]


async def test_neither_url_nor_secret_is_shown_in_what_may_be_logged(world: World) -> None:
    async with receiving(status("500 Oops")) as host:
        url = host.url("/hooks/a-secret-path?token=hidden")
        world.endpoints = (endpoint("shop", url, secret(1)),)
        world.callers = {TASK: url}
        await world.tell(task())
        with capture_logs() as lines:
            await world.deliver()
        shown = repr(lines) + repr(world.endpoints) + repr(await world.deliveries())
        letter = await world.catalog.write(lambda tx: _letters(world, tx))
        shown += repr(letter)
    assert len(lines) == 2
    for hidden in ("a-secret-path", "hidden", "https:", secret(1)[6:20]):
        assert hidden not in shown


def _letters(world: World, tx: Any) -> list[Any]:
    now = datetime.now(UTC)
    found = [tx.events.one(seq) for seq in (1, 2)]
    return [world.letters.write(tx, one, links_to=lambda _tx, _assets: {}, at=now) for one in found]

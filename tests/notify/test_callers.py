"""A client that submitted through us is called as the provider would call it, with links that stay."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.bootstrap.notify import guarded_post
from service.domain.announcement import CALLER
from service.domain.asset import AssetReason, AssetStatus
from service.domain.attempt import Failed, Failure
from service.domain.task import TaskReason, TaskStatus
from service.domain.telling import DeliveryStatus
from service.settings import Settings
from tests.notify.receiver import Receiver, receiving, status
from tests.notify.world import PUBLIC_URL, SIGNER, World, dead_image, deleted_image, endpoint, image, task
from tests.support.deliveries import LINK, NOW, TASK, task_object


async def called(world: World, host: Receiver, *, url: str | None = None) -> Any:
    """What the client gets of its task."""
    world.endpoints = ()
    world.callers = {TASK: url or host.url("/done?order=7")}
    assert await world.publish() == 1
    await world.deliver()
    [post] = host.posts
    return post.document


async def test_it_gets_the_providers_task_object_with_our_links_in_their_order(world: World) -> None:
    said = task_object(results=[LINK, f"{LINK}?1", f"{LINK}?2"], usage={"credits_used": 3}, created=1777600000)
    await world.have(task(provider_json=json.dumps(said)), image(0), dead_image(1), image(2), deleted_image(3))
    async with receiving() as host:
        got = await called(world, host)
    [post] = host.posts
    assert (post.method, post.path, post.headers["content-type"]) == ("POST", "/done?order=7", "application/json")
    assert [name for name in post.headers if name.startswith("webhook-")] == []
    assert {name: got[name] for name in ("id", "status", "model", "usage", "created")} == {
        name: said[name] for name in ("id", "status", "model", "usage", "created")
    }
    assert got["result_data"] == [{"url": url} for url in got["results"]]
    indexes = [await linked(world, url) for url in got["results"]]
    assert indexes == [0, 2]


async def linked(world: World, url: str) -> int:
    """The index of the image that a link leads to."""
    assert url.startswith(f"{PUBLIC_URL}/a/")
    link_id = SIGNER.verify(urlsplit(url).path.removeprefix("/a/"), now=NOW)
    link = await world.catalog.read(lambda tx: tx.tokens.link(link_id or ""))
    assert link is not None
    return link.index


async def test_it_is_not_called_before_all_images_are_safe_or_given_up(world: World) -> None:
    world.endpoints, world.callers = (), {TASK: "https://client.example.com/"}
    waiting = image(1, AssetStatus.PENDING, next_attempt_at=NOW)
    assert await world.tell(task(settled_at=None), image(0), waiting) == 0
    assert await world.tell(task(), image(0), dead_image(1)) == 1


async def test_a_failed_task_is_told_with_its_error(world: World) -> None:
    error = {"code": "content_policy_violation", "message": "no", "type": "task_error"}
    await world.have(task(TaskStatus.FAILED, provider_json=json.dumps(task_object("failed", error=error))))
    async with receiving() as host:
        got = await called(world, host)
    assert (got["status"], got["error"]) == ("failed", error)


async def test_a_task_that_was_given_up_is_told_as_failed_with_the_reason(world: World) -> None:
    await world.have(task(TaskStatus.DEAD, reason=TaskReason.UNKNOWN_TO_PROVIDER))
    async with receiving() as host:
        got = await called(world, host)
    assert (got["id"], got["status"], got["progress"]) == (TASK, "failed", 100)
    assert got["error"] == {
        "code": "unknown_error",
        "message": "the provider does not know this task",
        "type": "task_error",
    }


async def test_an_image_that_the_provider_does_not_know_is_left_out(world: World) -> None:
    await world.have(task(), image(0, reason=AssetReason.REFUTED), image(1))
    async with receiving() as host:
        got = await called(world, host)
    assert [await linked(world, url) for url in got["results"]] == [1]


async def test_it_is_called_again_after_1_2_and_4_seconds_as_the_provider_would(world: World) -> None:
    await world.have(task())
    async with receiving() as host:
        host.answers = [status("500 Oops")] * 3
        await called(world, host)
        for wait in (1, 2, 4):
            before = len(host.posts)
            world.clock.move(seconds=wait - 0.001)
            assert await world.deliver() == []
            world.clock.move(seconds=0.001)
            await world.deliver()
            assert len(host.posts) == before + 1
    [one] = await world.deliveries()
    assert (one.status, one.attempts) == (DeliveryStatus.DELIVERED, 4)


async def test_gone_is_an_answer_like_any_other_from_a_client(world: World) -> None:
    await world.have(task())
    async with receiving(status("410 Gone")) as host:
        await called(world, host)
    [one] = await world.deliveries()
    assert (one.status, one.detail) == (DeliveryStatus.PENDING, "127.0.0.1 answered 410")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/done",
        "https://user:pass@127.0.0.1:{port}/done",
        "https://127.0.0.2:{port}/done",
        "https://[::1]:{port}/done",
        "https://169.254.169.254/latest/meta-data",
        "nonsense",
    ],
)
async def test_a_url_that_leads_inside_is_never_called_nor_tried_again(world: World, url: str) -> None:
    await world.have(task())
    world.endpoints = ()
    async with receiving() as host, receiving(address="127.0.0.2", port=host.port) as other:
        world.callers = {TASK: url.format(port=host.port)}
        await world.publish()
        await world.deliver(trusted=("127.0.0.1/32",))
        assert (host.connections, other.connections) == (0, 0)
    [one] = await world.deliveries()
    assert (one.endpoint, one.status, one.attempts) == (CALLER, DeliveryStatus.DEAD, 1)
    assert "/done" not in (one.detail or "")


async def test_where_the_url_is_no_longer_known_it_is_dead_without_an_attempt(world: World) -> None:
    world.endpoints, world.callers = (), {TASK: "https://client.example.com/"}
    await world.tell(task())
    world.callers = {}
    await world.deliver()
    [one] = await world.deliveries()
    assert (one.status, one.attempts, one.detail) == (DeliveryStatus.DEAD, 0, "its client gave no callback_url")


async def test_clients_have_a_way_out_of_their_own(world: World) -> None:
    await world.have(task())
    async with receiving() as host:
        world.endpoints, world.callers = (endpoint("shop", host.url()),), {TASK: host.url("/done")}
        await world.publish()
        async with world.courier(callers={"trusted": ()}) as courier:
            for claimed in await courier.claim(9):
                await courier.work(claimed)
    assert [post.path for post in host.posts] == ["/hooks"]
    told = {one.endpoint: one.status for one in await world.deliveries()}
    assert told == {CALLER: DeliveryStatus.DEAD, "shop": DeliveryStatus.DELIVERED}


async def test_what_clients_name_is_called_at_no_port_but_443() -> None:
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    async with guarded_post(settings, to_callers=True) as post:
        answer = await post.post("https://1.1.1.1:8443/done", b"{}", headers={})
    assert answer == Failed(Failure.REFUSED_ADDRESS, "port 8443 is not 443")

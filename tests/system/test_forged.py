"""Forged callbacks through a leaked callback URL: what they say is kept and marked, and never acted upon."""

import hashlib
import json
import secrets
from datetime import datetime
from typing import Any

import pytest

from tests.system.conftest import Begin, Start
from tests.system.support.answers import whole
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.kept import assert_ended, assert_kept, at_rest, told
from tests.system.support.pictures import a_picture
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.stand_in import StandIn
from tests.system.support.waiting import eventually

pytestmark = pytest.mark.long

ERROR = {"code": "service_error", "message": "so the forger says", "type": "task_error"}
UNKNOWN = "unknown_to_provider"
ARCHIVED, REFUTED = ("archived", None), ("archived", "refuted")


def a_lie(image_host: ImageHost) -> str:
    """A link to a good picture on a host that images may be fetched from."""
    return image_host.put(whole(a_picture(secrets.token_hex(4))))


def elsewhere(stand_in: StandIn) -> str:
    """A link to the provider's own host that no task has."""
    return f"{stand_in.url}/files/0123456789ab/images/2026/05/01/{secrets.token_hex(16)}.png"


async def forge(service: Darkroom, url: str, task_id: str, status: str, *links: str) -> None:
    """A callback that the provider never sent; it is accepted, for the URL is good."""
    extra = {} if status == "completed" else {"error": ERROR}
    answer = await call_back(service.api.client, url, task_object(task_id, status=status, links=links, **extra))
    assert answer.status_code == 202


@pytest.mark.parametrize("mode", ["preferred", "required"])
async def test_a_forgery_about_a_real_or_invented_task_changes_nothing_and_has_nothing_fetched(
    start: Start, stand_in: Begin, image_host: ImageHost, mode: str
) -> None:
    provider = await stand_in("--seconds", "1", "1")
    service = await start(asks=provider, CONFIRM__MODE=mode, CONFIRM__PATIENCE="2s")
    url = await service.api.mint()

    async def lie(good: str, relinked: str, failed: str) -> str:
        """About these, and about a task that does not exist; its id."""
        invented = new_task_id()
        await forge(service, url, good, "failed")
        await forge(service, url, relinked, "completed", elsewhere(provider), a_lie(image_host))
        await forge(service, url, failed, "completed", a_lie(image_host))
        await forge(service, url, invented, "completed", a_lie(image_host), elsewhere(provider))
        return invented

    lied_about_before = await three_tasks(provider, url)
    invented = [await lie(*lied_about_before)]
    lied_about_after = await three_tasks(provider, url)
    await provider.done(*lied_about_before, *lied_about_after)
    for task_id in (*lied_about_before, *lied_about_after):
        await provider.call_back(task_id)
    for task_id in lied_about_after:
        await at_rest(service, task_id)
    invented.append(await lie(*lied_about_after))

    for good, relinked, failed in (lied_about_before, lied_about_after):
        await assert_kept(service, await provider.ledger(), good, relinked)
        failure = await assert_ended(service, failed, "failed")
        assert failure["error"]["code"] == "content_policy_violation"
    for task_id in invented:
        await assert_ended(service, task_id, "dead", reason=UNKNOWN)
    assert image_host.connections == 0
    assert (await provider.ledger()).files == 6, "each true image was fetched once, and nothing else"


async def three_tasks(provider: StandIn, url: str) -> tuple[str, str, str]:
    """Two tasks that come to good and one that fails; their callbacks are sent when a test says so."""
    good = await provider.submit("[fault:lost]", callback_url=url)
    relinked = await provider.submit("[fault:lost]", callback_url=url, n=2)
    return good, relinked, await provider.submit("[fault:lost] [fail]", callback_url=url)


async def test_the_history_of_a_task_tells_of_each_forgery_and_why_it_did_not_count(
    start: Start, stand_in: Begin, image_host: ImageHost
) -> None:
    provider = await stand_in()
    service = await start(asks=provider, CONFIRM__PATIENCE="2s")
    url = await service.api.mint()
    good = await provider.submit(callback_url=url)
    failed = await provider.submit("[fail]", callback_url=url)
    await provider.done(good, failed)
    for task_id in (good, failed):
        await at_rest(service, task_id)
    await forge(service, url, good, "failed")
    await forge(service, url, good, "completed", a_lie(image_host))
    await forge(service, url, failed, "completed", a_lie(image_host))

    kept, failure = await at_rest(service, good), await at_rest(service, failed)
    assert told(kept)[1:] == [hint("failed", conflict=True), hint("completed", conflict=False)]
    assert told(failure)[1:] == [hint("completed", conflict=True)]
    for task in (kept, failure):
        *earlier, answer = told(task, origin="poll")
        assert {one["effect"] for one in earlier} <= {"seen"}  # by a sweep
        assert (answer["status"], answer["standing"], answer["effect"]) == (task["status"], "authoritative", "decided")
    callbacks = await service.api.all("/v1/callbacks", task_id=good)
    assert [callback["verdict"] for callback in callbacks] == ["accepted"] * 3
    assert image_host.connections == 0


def hint(status: str, *, conflict: bool) -> dict[str, object]:
    """How a history shows a callback that was not believed."""
    return {
        "status": status,
        "standing": "hint",
        "verdict": "accepted",
        "effect": "hint",
        "why": "a callback is not believed by itself: the provider's answer decides",
        "conflict": conflict,
        "note": None,
    }


async def test_the_callback_url_of_one_task_says_nothing_of_another(
    start: Start, stand_in: Begin, image_host: ImageHost
) -> None:
    provider = await stand_in()
    service = await start(asks=provider, CONFIRM__PATIENCE="2s")
    task_id = await provider.submit(callback_url=await service.api.mint(ref="order-1", tags={"team": "shop"}))
    await provider.done(task_id)
    leaked = await service.api.mint(ref="somebody else's")
    bound = await service.api.mint(task_id=new_task_id())
    await forge(service, leaked, task_id, "failed")
    await forge(service, bound, task_id, "completed", a_lie(image_host))
    task = await at_rest(service, task_id)
    assert (task["ref"], task["tags"]) == ("order-1", {"team": "shop"})
    lies = [(entry["verdict"], entry["standing"], entry["effect"]) for entry in told(task)[1:]]
    assert lies == [("foreign", "hint", "foreign")] * 2
    await assert_kept(service, await provider.ledger(), task_id)
    assert image_host.connections == 0


async def test_while_the_provider_is_down_required_fetches_nothing_and_then_the_truth(
    start: Start, stand_in: Begin, image_host: ImageHost
) -> None:
    provider = await stand_in()
    service = await start(asks=provider, CONFIRM__MODE="required", CONFIRM__PATIENCE="2s")
    url = await service.api.mint()
    await provider.turn("down")
    good = await provider.submit(callback_url=url)
    failed, invented = await provider.submit("[fail]", callback_url=url), new_task_id()
    await provider.done(good, failed)
    await forge(service, url, good, "completed", elsewhere(provider))
    await forge(service, url, failed, "completed", a_lie(image_host))
    await forge(service, url, invented, "completed", a_lie(image_host))
    for task_id in (good, failed, invented):
        await past_patience(service, task_id)
    for task_id in (good, failed, invented):
        task = await service.api.get(f"/v1/tasks/{task_id}")
        assert (task["status"], task["confirmed"], task["assets"], task["settled_at"]) == ("pending", False, [], None)
    assert ((await provider.ledger()).files, image_host.connections) == (0, 0)

    await provider.turn("ok")
    await assert_kept(service, await provider.ledger(), good)
    await assert_ended(service, failed, "failed")
    await assert_ended(service, invented, "dead", reason=UNKNOWN)
    assert ((await provider.ledger()).files, image_host.connections) == (1, 0)


async def past_patience(service: Darkroom, task_id: str) -> None:
    """Wait until the question at the end of a patience of 2 s was asked in vain: the one after it is seconds away."""

    async def look() -> bool | None:
        task = await service.api.get(f"/v1/tasks/{task_id}")
        wait = datetime.fromisoformat(task["next_check_at"]) - datetime.fromisoformat(task["received_at"])
        return wait.total_seconds() > 4 or None

    await eventually(look, what=f"the patience for {task_id} is over", every=0.2)


async def test_while_the_provider_is_down_preferred_believes_allowed_hosts_and_takes_back_what_is_refuted(
    start: Start, stand_in: Begin, image_host: ImageHost
) -> None:
    provider = await stand_in()
    service = await start(asks=provider, CONFIRM__MODE="preferred", CONFIRM__PATIENCE="2s")
    url = await service.api.mint()
    await provider.turn("down")
    good, relinked = [await provider.submit(callback_url=url, n=n) for n in (2, 1)]
    failed, invented, abroad = await provider.submit("[fail]", callback_url=url), new_task_id(), new_task_id()
    await provider.done(good, relinked, failed)
    await forge(service, url, good, "failed")
    for task_id in (relinked, failed, invented):
        await forge(service, url, task_id, "completed", a_lie(image_host))
    await forge(service, url, abroad, "completed", f"https://127.0.0.1:{image_host.port}/0.png")

    believed = [await service.api.settled(task_id) for task_id in (good, relinked, failed, invented, abroad)]
    assert [fate(task) for task in believed] == [
        ("completed", None, False, False, [ARCHIVED, ARCHIVED]),
        ("completed", None, False, False, [ARCHIVED, ARCHIVED]),
        ("completed", None, False, False, [ARCHIVED]),
        ("completed", None, False, False, [ARCHIVED]),
        ("completed", None, False, False, [("dead", "refused_host")]),
    ]
    assert (await service.api.get("/v1/stats"))["unconfirmed"] == 5
    assert image_host.requests.total() == 3

    await provider.turn("ok")
    confirmed = [await at_rest(service, task_id) for task_id in (good, relinked, failed, invented, abroad)]
    assert [fate(task) for task in confirmed] == [
        ("completed", None, True, False, [ARCHIVED, ARCHIVED]),
        ("completed", None, True, False, [ARCHIVED, REFUTED]),
        ("failed", None, True, True, [REFUTED]),
        ("dead", "refuted", False, True, [REFUTED]),
        ("dead", "refuted", False, True, [("dead", "refuted")]),
    ]
    ledger = await provider.ledger()
    await assert_kept(service, ledger, good)
    assert [confirmed[1]["assets"][0]["sha256"]] == ledger.hashes(relinked)
    assert (ledger.files, image_host.requests.total()) == (3, 3), "nothing was fetched again"
    await assert_hidden(service, shown=[good, relinked], hidden=[failed, invented, abroad], images=3, refuted=4)


def fate(task: Any) -> tuple[str, str | None, bool, bool, list[tuple[str, str | None]]]:
    """Status, reason, whether confirmed, whether refuted, and what became of the images."""
    images = [(asset["status"], asset["reason"]) for asset in task["assets"]]
    return task["status"], task["reason"], task["confirmed"], task["conflict"], images


async def assert_hidden(service: Darkroom, *, shown: list[str], hidden: list[str], images: int, refuted: int) -> None:
    """Lists show what is refuted only to those who ask; it is still there for them, bytes and all."""
    api = service.api
    assert {task["id"] for task in await api.all("/v1/tasks")} == set(shown)
    assert {task["id"] for task in await api.all("/v1/tasks", conflict="true")} == {*shown, *hidden}
    everything = await api.all("/v1/assets", conflict="true")
    assert (len(await api.all("/v1/assets")), len(everything)) == (images, images + refuted)
    for asset in everything:
        if asset["status"] == "archived":
            content = await api.client.get(asset["content_url"])
            assert hashlib.sha256(content.content).hexdigest() == asset["sha256"]
    figures = await api.get("/v1/stats")
    assert (figures["unconfirmed"], figures["conflicts"]) == (0, len(hidden))


async def test_an_id_that_the_provider_turns_away_is_not_believed_while_it_answers_others(
    start: Start, stand_in: Begin, image_host: ImageHost
) -> None:
    provider = await stand_in("--integer-codes")  # so that its 400 does not say that the id is the reason
    service = await start(asks=provider, CONFIRM__MODE="preferred", CONFIRM__PATIENCE="2s")
    url = await service.api.mint()
    good = await provider.submit(callback_url=url)
    await provider.done(good)
    await at_rest(service, good)
    for invented in ("batch", "invented-0001"):
        await forge(service, url, invented, "completed", a_lie(image_host))
    for invented in ("batch", "invented-0001"):
        await past_patience(service, invented)
        assert (await service.api.get(f"/v1/tasks/{invented}"))["assets"] == []
    await assert_kept(service, await provider.ledger(), good)
    assert image_host.connections == 0


async def test_a_key_that_has_never_seen_a_task_kills_none_and_doctor_says_so(
    start: Start, stand_in: Begin, image_host: ImageHost
) -> None:
    provider = await stand_in()
    service = await start(asks=provider, CONFIRM__MODE="required", CONFIRM__PATIENCE="2s")
    url, invented = await service.api.mint(), new_task_id()
    await forge(service, url, invented, "completed", a_lie(image_host))
    await past_patience(service, invented)
    assert (await service.api.get(f"/v1/tasks/{invented}"))["status"] == "pending"
    assert "never seen any task" in await finding(service, "provider")

    real = await provider.submit(callback_url=url)
    await provider.done(real)
    await at_rest(service, real)
    assert (await service.api.client.post(f"/v1/tasks/{invented}/retry")).status_code == 202
    await assert_ended(service, invented, "dead", reason=UNKNOWN)
    assert "takes the key" in await finding(service, "provider")
    assert image_host.connections == 0


async def finding(service: Darkroom, check: str) -> str:
    """What `darkroom doctor` says of something that is not broken."""
    done = await service.run("doctor", "--json")
    assert done.returncode == 0, done.stdout
    (message,) = [one["message"] for one in json.loads(done.stdout) if one["check"] == check]
    return str(message)

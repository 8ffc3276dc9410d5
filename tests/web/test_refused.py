"""The ring of refused callbacks: bounded, newest first, and without secrets."""

from datetime import UTC, datetime
from urllib.parse import quote

from service.web.refused import KEPT, RefusalReason, RefusedCallback, RefusedCallbacks
from tests.support.app import House


def refused(client: str) -> RefusedCallback:
    return RefusedCallback(datetime.now(UTC), "evolink", RefusalReason.BAD_TOKEN, client, None)


def test_the_ring_keeps_the_last_hundred_newest_first() -> None:
    ring = RefusedCallbacks()
    for number in range(KEPT + 20):
        ring.add(refused(str(number)))
    found = [one.client for one in ring.newest_first()]
    assert found == [str(number) for number in reversed(range(20, KEPT + 20))]


async def test_a_refused_callback_is_shown_with_its_reason(house: House) -> None:
    await house.anyone.post("/callbacks/evolink/wrong", headers={"User-Agent": "curl/8"})
    [shown] = (await house.json("/v1/callbacks", verdict="refused"))["items"]
    assert shown.pop("received_at").endswith("Z")
    assert shown == {
        "source": "evolink",
        "verdict": "refused",
        "reason": "bad_token",
        "client": "127.0.0.1",
        "user_agent": "curl/8",
    }


async def test_the_list_of_refused_ones_is_bounded_and_takes_a_limit(house: House) -> None:
    for _ in range(KEPT + 5):
        await house.anyone.post("/callbacks/evolink/wrong")
    assert len((await house.json("/v1/callbacks", verdict="refused", limit="200"))["items"]) == KEPT
    page = await house.json("/v1/callbacks", verdict="refused", limit="3")
    assert (len(page["items"]), page["next"]) == (3, None)


async def test_no_token_is_shown(house: House) -> None:
    path = await house.mint()
    token_id = (await house.json("/v1/callback-urls"))["items"][0]["id"]
    await house.admin.delete(f"/v1/callback-urls/{token_id}")
    await house.anyone.post(path, headers={"User-Agent": "x" * 5000})
    answer = await house.read.get("/v1/callbacks", params={"verdict": "refused"})
    [shown] = answer.json()["items"]
    assert shown["reason"] == "revoked_token"
    assert len(shown["user_agent"]) < 1000
    assert path.rpartition("/")[2] not in answer.text
    assert path.rpartition(".")[2] not in answer.text


async def test_a_token_in_the_place_of_the_source_is_not_shown(house: House) -> None:
    token = (await house.mint()).rpartition("/")[2]
    await house.anyone.post(f"/callbacks/{token}/evolink")
    assert token not in (await house.read.get("/v1/callbacks", params={"verdict": "refused"})).text


async def test_an_endless_source_is_cut(house: House) -> None:
    await house.anyone.post(f"/callbacks/{quote('é' * 3000)}/x")
    [shown] = (await house.json("/v1/callbacks", verdict="refused"))["items"]
    assert len(shown["source"]) < 1000


async def test_filters_that_do_not_fit_the_ring_are_refused(house: House) -> None:
    answer = await house.read.get("/v1/callbacks", params={"verdict": "refused", "task_id": "task-1"})
    assert answer.status_code == 400

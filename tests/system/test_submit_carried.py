"""What goes with a submission: prompt, parameters, labels, who paid, what it was to cost and did, and what it may."""

import json
from typing import Any

import pytest

from tests.system.conftest import Begin, Start
from tests.system.support.kept import assert_ended, assert_kept, at_rest
from tests.system.support.settings import KEY, list_setting
from tests.system.support.submitting import assert_archived_with, nothing_reserved, spent, straight, through, wish

BETA = "gpt-image-2-beta"
BETA_USD = 0.015
"""What an image of it costs, by the provider's page."""

SHOP_KEY = "dk_key-of-the-shop"
KEYS = (
    {"name": "tests", "key": KEY, "scopes": ["admin"]},
    {"name": "shop", "key": SHOP_KEY, "scopes": ["write"]},
)


async def test_a_task_carries_what_was_asked_for_its_labels_its_client_and_its_cost(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in()
    service = await start(asks=provider, API_KEYS=list_setting(*KEYS))
    asked = wish("a lighthouse, 灯台, \u202ein the fog", quality="low", n=2)
    labels = {"Darkroom-Ref": "Auftrag%207%2F%C3%A4", "Darkroom-Tags": "team=shop, note=a%2Cb%3Dc%20%E2%9C%93"}
    async with straight(provider) as there, through(service, provider, key=SHOP_KEY) as here:
        submitted = await here.submit(headers=labels, **asked)
        task = await assert_archived_with(service, await provider.done(submitted["id"]), submitted["id"], asked)
        true = (await there.look(submitted["id"])).json()["usage"]["cost"]
    assert (task["ref"], task["tags"]) == ("Auftrag 7/ä", {"team": "shop", "note": "a,b=c ✓"})
    assert {name: task["cost"][name] for name in true} == true
    assert task["cost"]["estimate"]["credits"] == submitted["usage"]["credits_reserved"]
    sidecar = (await service.archive.settled_sidecar(task["id"]))["task"]
    assert (sidecar["submitted_by"], sidecar["estimate"]) == ("shop", task["cost"]["estimate"])
    carried = ("prompt", "parameters", "ref", "tags")
    assert {name: sidecar[name] for name in carried} == {name: task[name] for name in carried}
    [kept] = await service.api.all("/v1/submissions", task_id=task["id"])
    assert (kept["status"], kept["key_name"], kept["attempts"]) == ("taken", "shop", 1)
    cost = await spent(service, images=2)
    assert cost["keys"]["shop"] == {"usd": pytest.approx(true["usd"], abs=1e-6), "tasks": 1, "images": 2}
    assert cost["tags"]["team=shop"]["usd"] == cost["models"]["gpt-image-2"]["usd"] == cost["total"]["usd"]
    assert cost["total"]["reserved_usd"] == 0


@pytest.mark.long
async def test_labels_that_are_none_are_refused_and_nothing_is_sent(start: Start, stand_in: Begin) -> None:
    provider = await stand_in()
    service = await start(asks=provider)
    wrong = (
        {"Darkroom-Ref": "x" * 201},
        {"Darkroom-Tags": "team"},
        {"Darkroom-Tags": "=shop"},
        {"Darkroom-Tags": f"team={'x' * 501}"},
        {"Darkroom-Tags": ",".join(f"tag{number}=1" for number in range(33))},
    )
    async with through(service, provider) as client:
        for headers in wrong:
            answer = await client.submit_once(headers=headers, **wish())
            assert answer.status_code == 400, headers
            assert answer.json()["error"]["param"] == next(iter(headers))
    assert (await provider.ledger()).requests["submit"] == 0


@pytest.mark.long
async def test_other_models_are_refused_unless_they_are_let_pass_and_then_the_provider_decides(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in()
    asked: dict[str, Any] = {"model": "seedream-9", "prompt": "a mill", "steps": 30}
    careful = await start(asks=provider)
    async with through(careful, provider) as client:
        refused = await client.submit_once(**asked)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "model")
    assert "DARKROOM_SUBMIT__OTHER_MODELS" in refused.json()["error"]["message"]
    assert (await provider.ledger()).requests["submit"] == 0

    trusting = await start(asks=provider, SUBMIT__OTHER_MODELS="on")
    async with straight(provider) as there, through(trusting, provider) as here:
        answer, true = await here.submit_once(**asked), await there.submit_once(**asked)
    assert (answer.status_code, answer.content) == (400, true.content)
    assert (await provider.ledger()).requests["submit"] == 2


@pytest.mark.long
async def test_a_budget_warns_then_stops_and_what_it_stops_never_leaves(start: Start, stand_in: Begin) -> None:
    provider = await stand_in()
    limits = {"per": "day", "warn_usd": 2 * BETA_USD, "stop_usd": 2.5 * BETA_USD}
    budgets = json.dumps([{"name": "the shop's", "key": "shop", **limits}])
    service = await start(asks=provider, API_KEYS=list_setting(*KEYS), COST__BUDGETS=budgets)
    async with through(service, provider, key=SHOP_KEY) as shop, through(service, provider) as other:
        failed = await shop.submit(**wish("[fail]", model=BETA))
        await assert_ended(service, failed["id"], "failed")
        await nothing_reserved(service)
        answers = [await shop.submit_once(**wish(f"a mill in the year {year}", model=BETA)) for year in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 402]
        assert "Darkroom-Warning" not in answers[0].headers
        assert "the shop's" in answers[1].headers["Darkroom-Warning"]
        error = answers[2].json()["error"]
        assert (error["code"], error["type"]) == ("budget_exceeded", "insufficient_quota_error")
        assert "the shop's" in error["message"]
        assert (await provider.ledger()).requests["submit"] == 3
        answers[2] = await other.submit_once(**wish(model=BETA))
        assert answers[2].status_code == 200, "it is another key's"
        task_ids = [answer.json()["id"] for answer in answers]
        await assert_kept(service, await provider.done(*task_ids), *task_ids)
    cost = await spent(service, images=3)
    assert (cost["keys"]["shop"]["usd"], cost["keys"]["shop"]["tasks"]) == (2 * BETA_USD, 3)
    [budget] = cost["budgets"]
    assert (budget["spent_usd"], budget["state"]) == (2 * BETA_USD, "warn")


@pytest.mark.long
async def test_a_prompt_that_one_page_of_the_provider_takes_and_another_does_not_is_sent_with_a_warning(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in()
    service = await start(asks=provider)
    async with through(service, provider) as client:
        answer = await client.submit_once(**wish("x" * 2001, model=BETA))
    assert answer.status_code == 200
    assert "2000" in answer.headers["Darkroom-Warning"]
    await at_rest(service, answer.json()["id"])


@pytest.mark.long
async def test_an_idempotency_key_is_one_client_s_own(start: Start, stand_in: Begin) -> None:
    provider = await stand_in("--no-idempotency")
    service = await start(asks=provider, API_KEYS=list_setting(*KEYS))
    async with through(service, provider, key=SHOP_KEY) as shop, through(service, provider) as other:
        answers = [await client.submit_once(key="order-0123456789", **wish()) for client in (shop, other, shop, other)]
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, None, "true", "true"]
    first, second, *again = [answer.json()["id"] for answer in answers]
    assert (await provider.ledger()).tasks.keys() == {first, second}
    assert again == [first, second]

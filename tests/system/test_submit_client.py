"""A client that was written for the provider: the same code works through Darkroom, with another base URL and key."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from tests.system.conftest import Begin, Start
from tests.system.support.kept import at_rest
from tests.system.support.provider_client import ProviderClient, ProviderError
from tests.system.support.stand_in import PROVIDER_KEY
from tests.system.support.submitting import nothing_reserved, quiet, straight, through, wish
from tests.system.support.waiting import eventually

ORDER = "order-of-a-lighthouse-1"
IMAGE = "https://images.example.com/a.png"

WRONG: Mapping[str, dict[str, Any]] = {
    "no model": {"model": None},
    "another model": {"model": "gpt-image-3"},
    "no prompt": {"prompt": None},
    "a blank prompt": {"prompt": "  "},
    "a prompt that is no text": {"prompt": 7},
    "a prompt that is too long": {"prompt": "x" * 32_001},
    "a size that is none": {"size": "large"},
    "a size that is no multiple of 16": {"size": "1025x640"},
    "a size with too few pixels": {"size": "64x64"},
    "another resolution": {"size": "1:1", "resolution": "8K"},
    "a resolution without a ratio": {"resolution": "2K"},
    "another quality": {"quality": "best"},
    "a quality where there is none": {"model": "gpt-image-2-beta", "quality": "low"},
    "no image": {"n": 0},
    "too many images": {"n": 11},
    "two images where there is one": {"model": "gpt-image-2-beta", "n": 2},
    "images that are no list": {"image_urls": IMAGE},
    "no input image": {"image_urls": []},
    "too many input images": {"image_urls": [IMAGE] * 17},
    "a mask without an image": {"mask_url": IMAGE},
    "a mask that is no PNG": {"image_urls": [IMAGE], "mask_url": "https://images.example.com/a.jpg"},
    "a callback without TLS": {"callback_url": "http://example.com/done"},
}


@dataclass(frozen=True, slots=True)
class Said:
    """What of an answer a client may rely on: the status, its members and their types, and what an error says."""

    status: int
    shape: Any
    error: tuple[str | None, str] | None
    param: str | None
    replayed: str | None

    def is_as(self, true: "Said") -> bool:
        """Whether it says the same; it may name a parameter where the provider names none."""
        return replace(self, param=true.param and self.param) == true


async def test_a_client_for_the_provider_gets_its_images_with_only_base_url_and_key_changed(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in("--api-key", PROVIDER_KEY)
    service = await start(asks=provider)
    for client in (straight(provider), through(service, provider)):
        async with client:
            task = await client.submit(**wish(n=2))
            ended = await client.wait(task["id"])
            images = await client.download(ended["results"])
        assert ended["status"] == "completed"
        assert [hashlib.sha256(image).hexdigest() for image in images] == (await provider.ledger()).hashes(task["id"])


async def test_every_answer_and_every_error_has_the_shape_that_the_provider_gives_it(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in("--api-key", PROVIDER_KEY)
    service = await start(asks=provider)
    heard = []
    for client, stranger in (
        (straight(provider), straight(provider, key="wrong")),
        (through(service, provider), through(service, provider, key="wrong")),
    ):
        async with client, stranger:
            heard.append(await manners(client, stranger))
    true, ours = heard
    assert ours.keys() == true.keys()
    assert {what: said for what, said in ours.items() if not said.is_as(true[what])} == {}
    assert {said.status for said in ours.values()} == {200, 400, 401, 404}
    assert all(ours[what].status == 400 for what in WRONG)


async def manners(client: ProviderClient, stranger: ProviderClient) -> dict[str, Said]:
    """How it answers to everything that a client may come to."""
    taken = await client.submit_once(key=ORDER, **wish())
    task_id = taken.json()["id"]
    failed = (await client.submit(**wish("[fail:content_policy_violation]")))["id"]
    answers = {
        "taken": taken,
        "the same again": await client.submit_once(key=ORDER, **wish()),
        "the key for another request": await client.submit_once(key=ORDER, **wish("a mill")),
        "a key that is too short": await client.submit_once(key="short", **wish()),
        "a wrong API key": await stranger.submit_once(**wish()),
        "no task": await client.look("task-unified-1757165031-uyujaw3d"),
        "no id": await client.look("task unified"),
        "a question with a wrong API key": await stranger.look(task_id),
        **{what: await client.submit_once(**wish() | members) for what, members in WRONG.items()},
    }
    await client.wait(task_id)
    await client.wait(failed)
    answers |= {"completed": await client.look(task_id), "failed": await client.look(failed)}
    return {what: said(answer) for what, answer in answers.items()}


def said(answer: httpx.Response) -> Said:
    """Which code a wrong key has is not documented."""
    document = answer.json()
    error = document.get("error") if answer.status_code >= 400 else None
    param = error.pop("param", None) if error is not None else None
    told = (error["code"] if answer.status_code != 401 else None, error["type"]) if error is not None else None
    return Said(answer.status_code, shape(document), told, param, answer.headers.get("Idempotency-Replayed"))


def shape(value: object) -> Any:
    """Members and types without the values."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shape(member) for member in value]
    return type(value).__name__


@pytest.mark.long
async def test_a_poll_during_the_work_tells_what_the_provider_tells(start: Start, stand_in: Begin) -> None:
    provider = await stand_in("--seconds", "3", "3")
    service = await start(asks=provider)
    async with straight(provider) as there, through(service, provider) as here:
        task = await here.submit(**wish())
        ours, true = (await here.look(task["id"])).json(), (await there.look(task["id"])).json()
        assert ours["status"] in ("pending", "processing")
        assert shape(ours) == shape(true)
        assert ours | {"progress": 0, "status": ""} == true | {"progress": 0, "status": ""}


@pytest.mark.long
async def test_the_client_tries_again_when_the_provider_is_down_or_wants_to_be_left_alone(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in()
    service = await start(asks=provider)
    async with through(service, provider, tries=1) as impatient, through(service, provider, tries=8) as patient:
        for state in ({"state": "throttling", "retry_after": 2}, {"state": "down"}):
            await provider.turn(**state, submit=True)
            with pytest.raises(ProviderError) as refused:
                await impatient.submit(**wish(str(state)))
            assert refused.value.status in (429, 503)
            await provider.turn("ok")
            task = await patient.submit(key=f"patience-{state['state']:_<12}", **wish(str(state)))
            assert task["status"] == "pending"
    assert (await provider.ledger()).totals["tasks"] == 2


@pytest.mark.long
async def test_refusals_of_the_provider_come_through_as_they_are_but_for_one_of_our_own_key(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in()
    service = await start(asks=provider)
    await quiet(provider)
    async with straight(provider) as there, through(service, provider) as here:
        for state, status in {"broke": 402, "forbidden": 403, "down": 503}.items():
            await provider.turn(state, submit=True)
            answer, true = await here.submit_once(**wish()), await there.submit_once(**wish())
            assert (answer.status_code, answer.content) == (status, true.content)
        await provider.turn("refusing", submit=True)
        answer = await here.submit_once(**wish())
        assert (answer.status_code, answer.json()["error"]["type"]) == (503, "server_error"), "it is not its client's"
    await nothing_reserved(service)


@pytest.mark.long
async def test_links_of_ours_need_no_key_and_work_when_those_of_the_provider_are_dead(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in("--link-lifetime", "8")
    service = await start(asks=provider)
    async with through(service, provider) as client:
        task = await client.submit(**wish(n=2))
        await client.wait(task["id"])
        await at_rest(service, task["id"])
        ended = await client.wait(task["id"])
        ledger = await provider.ledger()

        async def all_dead() -> bool | None:
            found = [(await client.fetch(link)).status_code for link in ledger.links(task["id"])]
            return all(status >= 400 for status in found) or None

        await eventually(all_dead, what="the provider's links are dead", every=0.5)
        assert ended["results"] == [one["url"] for one in ended["result_data"]]
        assert all(link.startswith(f"{service.url}/a/") for link in ended["results"])
        images = await client.download(ended["results"])
        assert [hashlib.sha256(image).hexdigest() for image in images] == ledger.hashes(task["id"])
        assert (await client.wait(task["id"]))["results"] == ended["results"], "they stay as they are"
    service.api.tokens |= {link.rpartition("/")[2] for link in ended["results"]}  # and no log has told them

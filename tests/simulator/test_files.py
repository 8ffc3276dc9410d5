import hashlib
import io
from typing import Any

import httpx
import pytest
from PIL import Image

from service.domain.image import ImageFormat
from tests.simulator.stand_in import StandIn, stand_in

PATIENCE = 4  # requests after which a client that persists must have the image


async def link_of(running: StandIn, **fields: Any) -> str:
    (link,) = (await running.made(**fields))["results"]
    return str(link)


async def image_of(running: StandIn) -> dict[str, Any]:
    """The ledger's entry of the only image."""
    (task,) = (await running.ledger())["tasks"]
    (image,) = task["images"]
    return dict(image)


@pytest.mark.parametrize("image_format", list(ImageFormat))
async def test_a_link_serves_the_true_bytes_without_a_key(image_format: ImageFormat) -> None:
    async with stand_in(formats=(image_format,)) as running:
        link = await link_of(running)
        answer = await running.client.get(link, headers={"authorization": ""})
        entry = await image_of(running)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == image_format.media_type
    assert int(answer.headers["content-length"]) == len(answer.content) == entry["bytes"]
    assert hashlib.sha256(answer.content).hexdigest() == entry["sha256"]
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == (entry["width"], entry["height"]) == (1024, 640)
    assert (entry["format"], entry["url"]) == (image_format.value, link)
    assert (entry["times_served"], entry["requests"]) == (1, 1)


async def test_asking_for_the_head_sends_no_body_and_counts_for_nothing() -> None:
    async with stand_in() as running:
        answer = await running.client.head(await link_of(running))
        entry = await image_of(running)
    assert (answer.status_code, int(answer.headers["content-length"])) == (200, entry["bytes"])
    assert (answer.content, entry["requests"]) == (b"", 0)


async def test_a_default_user_agent_is_refused_and_an_honest_one_is_not() -> None:
    defaults = ["python-httpx/0.28.1", "python-requests/2.32", "Python-urllib/3.11", "Python/3.11 aiohttp/3.13.0"]
    async with stand_in() as running:
        link = await link_of(running)
        for agent in (*defaults, "Go-http-client/2.0", ""):
            refused = await running.client.get(link, headers={"user-agent": agent})
            assert (refused.status_code, refused.text) == (403, "error code: 1010"), agent
        for agent in ("curl/8.7.1", "darkroom/1.0 (+https://example.com)"):
            assert (await running.client.get(link, headers={"user-agent": agent})).status_code == 200, agent


async def test_a_link_dies_after_its_lifetime_counted_from_created() -> None:
    now = [1_760_000_000.0]
    async with stand_in(clock=lambda: now[0], link_lifetime=3600) as running:
        link = await link_of(running)
        now[0] += 3599
        assert (await running.client.get(link)).status_code == 200
        now[0] += 1
        assert (await running.client.get(link)).status_code == 404


async def test_an_unknown_link_is_missing() -> None:
    async with stand_in() as running:
        link = await link_of(running)
        for wrong in (link.replace("/files/", "/files/x"), link[:-5] + "0.jpg", link + ".png"):
            assert (await running.client.get(wrong)).status_code == 404


async def test_links_can_name_another_host() -> None:
    async with stand_in(link_origin="https://127.0.0.1:{port}/") as running:
        link = await link_of(running)
        assert link.startswith(f"https://127.0.0.1:{running.simulator.port}/files/")
        assert (await running.client.get(link)).status_code == 200
    async with stand_in(link_origin="https://files.example") as running:
        assert (await link_of(running)).startswith("https://files.example/files/")


async def until_good(running: StandIn, link: str) -> tuple[list[httpx.Response | httpx.HTTPError], bytes]:
    """What a client that persists meets, and the bytes that it ends with."""
    met: list[httpx.Response | httpx.HTTPError] = []
    true = (await image_of(running))["sha256"]
    for _ in range(PATIENCE):
        try:
            answer = await running.client.get(link)
        except httpx.RemoteProtocolError as error:
            met.append(error)
            continue
        if answer.status_code == 200 and hashlib.sha256(answer.content).hexdigest() == true:
            return met, answer.content
        met.append(answer)
    raise AssertionError(f"never good: {met}")


def looks(met: httpx.Response | httpx.HTTPError, kind: str) -> bool:
    """Whether an answer is what the fault promises."""
    if isinstance(met, httpx.HTTPError):
        return kind == "truncated"
    match kind:
        case "html":
            return met.status_code == 200 and met.headers["content-type"].startswith("text/html")
        case "missing":
            return met.status_code == 404
        case "partial":
            return met.status_code == 206 and met.headers["content-range"].startswith("bytes 0-")
        case _:
            return met.status_code == 200 and "content-length" not in met.headers


@pytest.mark.parametrize("kind", ["truncated", "html", "missing", "partial"])
async def test_a_spoilt_image_is_true_after_one_or_two_requests(kind: str) -> None:
    async with stand_in(faults={kind: 1}) as running:
        link = await link_of(running)
        met, _ = await until_good(running, link)
        entry = await image_of(running)
    assert 1 <= len(met) <= 2
    assert all(looks(one, kind) for one in met)
    assert entry["faults"] == [kind] * len(met)
    assert (entry["times_served"], entry["requests"]) == (1, len(met) + 1)


async def test_truncation_comes_with_and_without_a_content_length() -> None:
    seen = set()
    async with stand_in(faults={"truncated": 1}) as running:
        for link in (await running.made(n=6))["results"]:
            try:
                answer = await running.client.get(link)
            except httpx.RemoteProtocolError:
                seen.add("announced more")
            else:
                assert "content-length" not in answer.headers
                seen.add("announced nothing")
    assert seen == {"announced more", "announced nothing"}


async def test_a_slow_image_takes_its_time_and_is_true() -> None:
    async with stand_in(faults={"slow": 1}, slow_seconds=0.2) as running:
        answer = await running.client.get(await link_of(running))
        entry = await image_of(running)
    assert answer.elapsed.total_seconds() >= 0.15
    assert hashlib.sha256(answer.content).hexdigest() == entry["sha256"]
    assert entry["times_served"] == 1


async def test_a_wrong_type_carries_the_true_bytes() -> None:
    async with stand_in(faults={"wrong-type": 1}) as running:
        answer = await running.client.get(await link_of(running))
        entry = await image_of(running)
    assert not answer.headers["content-type"].startswith("image/")
    assert hashlib.sha256(answer.content).hexdigest() == entry["sha256"]


@pytest.mark.parametrize(("kind", "status"), [("dies-early", 403), ("moved", 404)])
async def test_a_dead_link_works_as_it_is_read_after_its_refusal(kind: str, status: int) -> None:
    async with stand_in(faults={kind: 1}) as running:
        made = await running.made(n=2)
        assert [(await running.client.get(link)).status_code for link in made["results"]] == [status] * 2
        fresh = (await running.ended(made["id"]))["results"]
        answers = [await running.client.get(link) for link in fresh]
        assert [(await running.client.head(link)).status_code for link in made["results"]] == [status] * 2
        (task,) = (await running.ledger())["tasks"]
    assert [hashlib.sha256(answer.content).hexdigest() for answer in answers] == [
        image["sha256"] for image in task["images"]
    ]
    assert [(image["refused"], image["times_served"]) for image in task["images"]] == [(2, 1)] * 2
    assert (task["faults"], task["links_read"]) == ([kind], 2)


async def test_a_dead_link_does_not_use_up_the_faults_of_the_image() -> None:
    async with stand_in(faults={"dies-early": 1, "html": 1}) as running:
        made = await running.made()
        for _ in range(3):
            await running.client.get(made["results"][0])
        (fresh,) = (await running.ended(made["id"]))["results"]
        met, _ = await until_good(running, fresh)
    assert 1 <= len(met) <= 2


async def test_a_link_is_served_under_any_signature() -> None:
    async with stand_in(faults={"resigned": 1}) as running:
        made = await running.made()
        (link,) = (await running.ended(made["id"]))["results"]
        for one in (*made["results"], link, link.partition("?")[0], link + "x"):
            assert (await running.client.get(one)).status_code == 200


async def test_a_prompt_can_ask_for_a_fault() -> None:
    async with stand_in() as running:
        answer = await running.client.get(await link_of(running, prompt="a fox [fault:missing]"))
    assert answer.status_code == 404

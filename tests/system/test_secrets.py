"""Secrets stay where they belong: generated into files of the owner alone, and never told by a log."""

import stat
from urllib.parse import urlsplit

import pytest

from tests.system.conftest import Start
from tests.system.support.answers import nothing_here, page, truncated, whole
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.pictures import a_picture
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.waiting import eventually

GENERATED = ("api-key", "callback-secret")


def generated(service: Darkroom) -> list[str]:
    return [(service.folder / "data" / name).read_text().strip() for name in GENERATED]


@pytest.mark.long
async def test_generated_secrets_are_readable_by_their_owner_only_and_outlive_a_restart(start: Start) -> None:
    service = await start(API_KEYS=None)
    paths = [service.folder / "data" / name for name in GENERATED]
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o600, 0o600]
    first = generated(service)
    async with service.client(first[0]) as client:
        url = service.api.noted((await client.post("/v1/callback-urls")).json()["callback_url"])
        assert await service.stop() == 0
        await service.start()
        assert generated(service) == first
        assert (await call_back(client, url, task_object(new_task_id(), status="processing"))).status_code == 202
        assert (await client.get("/v1/tasks")).status_code == 200
    assert service.leaked(first) == []


@pytest.mark.parametrize("form", ["json", pytest.param("console", marks=pytest.mark.long)])
async def test_a_log_tells_no_token_and_no_link_whatever_goes_wrong(
    start: Start, image_host: ImageHost, form: str
) -> None:
    service = await start(LOG__FORMAT=form, DOWNLOAD__TRUSTED_NETWORKS='["127.0.0.1/32"]')
    picture, task_id = a_picture("secret"), new_task_id()
    answers = (whole(picture), page(), truncated(picture), nothing_here())
    links = [image_host.put(answer) for answer in answers]
    links += [
        image_host.put(whole(picture), host="files.evolink.ai"),  # not allowed here
        image_host.put(whole(picture)).replace(f":{image_host.port}/", ":1/"),  # nobody listens
        image_host.put(whole(picture)).replace("https:", "http:"),
        image_host.put(whole(picture)) + "?signature=secret-query",
    ]
    url = await service.api.mint(ref="order-1")
    await call_back(service.api.client, url, task_object(task_id, links=links))
    await call_back(service.api.client, f"{url}x", task_object(task_id, links=links))
    await call_back(service.api.client, url.replace("evolink", "apimart"), b"{}")
    await call_back(service.api.client, url, task_object("!", links=links))
    await service.api.client.get(urlsplit(url).path)
    await service.api.client.get(f"/a/{url.rpartition('/')[2]}")

    async def attempted() -> bool | None:
        assets = (await service.api.get(f"/v1/tasks/{task_id}"))["assets"]
        return all(asset["attempts"] > 0 or asset["status"] == "dead" for asset in assets) or None

    await eventually(attempted, what="all links were attempted")
    refused = await service.api.client.get("/v1/callbacks", params={"verdict": "refused"})
    assert url.rpartition("/")[2] not in refused.text
    assert await service.stop() == 0
    assert task_id in service.log, "the log tells what happened, without secrets"
    assert service.leaked([*image_host.names, "secret-query"]) == []

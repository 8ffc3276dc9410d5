"""One callback from its arrival to the files on disk, and through a restart."""

import json

import pytest

from tests.system.conftest import Start
from tests.system.support.answers import page, truncated, whole
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import all_looked_at
from tests.system.support.pictures import Format, Picture, a_picture
from tests.system.support.provider import call_back, new_task_id, task_object


async def test_a_callback_is_accepted_and_its_images_are_archived_as_received(
    start: Start, image_host: ImageHost
) -> None:
    service = await start()
    formats: tuple[Format, ...] = ("PNG", "JPEG", "WEBP")
    pictures = [a_picture(number, format=format) for number, format in enumerate(formats)]
    links = [image_host.put(whole(picture), extension=picture.extension) for picture in pictures]
    task_id = new_task_id()

    url = await service.api.mint(ref="order-7", tags={"team": "shop"})
    answer = await call_back(service.api.client, url, task_object(task_id, links=links))
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})

    task = await service.api.settled(task_id)
    assert (task["status"], task["ref"], task["tags"]) == ("completed", "order-7", {"team": "shop"})
    assert [asset["status"] for asset in task["assets"]] == ["archived"] * 3
    for asset, picture in zip(task["assets"], pictures, strict=True):
        assert service.archive.bytes_of(asset["object_key"]) == picture.body
        assert told_of(asset) == told_of_picture(picture)
        content = await service.api.client.get(asset["content_url"])
        assert (content.content, content.headers["ETag"]) == (picture.body, f'"{picture.sha256}"')
    await service.archive.settled_sidecar(task_id)
    names = [f"{number}-{picture.sha256[:12]}.{picture.extension}" for number, picture in enumerate(pictures)]
    assert service.archive.files()[task_id] == sorted([*names, "task.json"])


@pytest.mark.long
async def test_the_sidecar_holds_the_task_its_images_and_what_the_provider_said(
    start: Start, image_host: ImageHost
) -> None:
    service = await start()
    picture = a_picture("sidecar")
    link, task_id = image_host.put(whole(picture)), new_task_id()
    body = task_object(task_id, links=[link], usage={"credits_used": 1.02})
    await call_back(service.api.client, await service.api.mint(), body)
    sidecar = await service.archive.settled_sidecar(task_id)
    assert sidecar["schema"] == "darkroom/task/1"
    assert (sidecar["task"]["id"], sidecar["task"]["status"]) == (task_id, "completed")
    (asset,) = sidecar["assets"]
    assert (asset["sha256"], asset["bytes"], asset["links"]) == (picture.sha256, len(picture.body), [link])
    assert sidecar["provider"] == json.loads(body)


@pytest.mark.long
async def test_the_same_callback_again_is_a_duplicate_and_everything_outlives_a_restart(
    start: Start, image_host: ImageHost
) -> None:
    service = await start()
    picture = a_picture("twice")
    link, task_id = image_host.put(whole(picture)), new_task_id()
    url, body = await service.api.mint(), task_object(task_id, links=[link])
    await call_back(service.api.client, url, body)
    await service.api.settled(task_id)
    await all_looked_at(service)
    before = await service.api.get(f"/v1/tasks/{task_id}")
    again = await call_back(service.api.client, url, body)
    assert (again.status_code, again.json()) == (200, {"status": "duplicate"})

    assert await service.stop() == 0
    await service.start()
    after = await service.api.get(f"/v1/tasks/{task_id}")
    assert after == {**before, "history": after["history"]}
    third = await call_back(service.api.client, url, body)
    assert third.status_code == 200
    (callback,) = await service.api.all("/v1/callbacks", task_id=task_id)
    assert (callback["deliveries"], callback["verdict"]) == (3, "accepted")
    content = await service.api.client.get(f"/v1/assets/{task_id}.0/content")
    assert content.content == picture.body
    assert image_host.asked_for(link) == 1


@pytest.mark.long
async def test_the_metrics_tell_what_the_api_tells(start: Start, image_host: ImageHost) -> None:
    service = await start()
    picture, task_id = a_picture("counted"), new_task_id()
    url, body = await service.api.mint(), task_object(task_id, links=[image_host.put(whole(picture))])
    for _ in range(2):
        await call_back(service.api.client, url, body)
    await call_back(service.api.client, f"{url}x", body)
    await call_back(service.api.client, url, b"not JSON")
    await service.api.settled(task_id)

    metrics = await service.api.metrics()
    verdicts = {"accepted": 1.0, "duplicate": 1.0, "refused": 1.0, "unreadable": 1.0}
    told = {name: metrics[f'darkroom_callbacks_total{{source="evolink",verdict="{name}"}}'] for name in verdicts}
    assert told == verdicts
    assert metrics['darkroom_assets_total{outcome="archived"}'] == 1.0
    assert metrics["darkroom_archived_bytes_total"] == len(picture.body)
    assert metrics["darkroom_ack_seconds_count"] == 3.0


async def test_the_image_host_sees_a_truthful_name_and_no_credentials(start: Start, image_host: ImageHost) -> None:
    service = await start()
    task_id = new_task_id()
    body = task_object(task_id, links=[image_host.put(whole(a_picture("shy")))])
    await call_back(service.api.client, await service.api.mint(), body)
    await service.api.settled(task_id)
    (headers,) = image_host.headers
    assert headers["user-agent"].lower().startswith("darkroom/")
    assert headers["accept-encoding"] == "identity"
    assert not {"authorization", "cookie", "referer"} & headers.keys()


@pytest.mark.long
@pytest.mark.parametrize("what", ["truncated", "page"])
async def test_bytes_that_are_no_whole_image_are_never_archived_and_the_next_attempt_is(
    start: Start, image_host: ImageHost, what: str
) -> None:
    service = await start()
    picture, task_id = a_picture(what), new_task_id()
    wrong = {"truncated": truncated(picture), "page": page()}[what]
    link = image_host.put(wrong, whole(picture))
    await call_back(service.api.client, await service.api.mint(), task_object(task_id, links=[link]))
    task = await service.api.settled(task_id)
    (asset,) = task["assets"]
    assert (asset["status"], asset["attempts"], asset["sha256"]) == ("archived", 2, picture.sha256)
    await service.archive.settled_sidecar(task_id)
    assert await service.stop() == 0
    assert service.archive.files() == {task_id: [asset["object_key"].rpartition("/")[2], "task.json"]}
    assert service.archive.staged() == []


def told_of(asset: dict[str, object]) -> dict[str, object]:
    names = ("sha256", "bytes", "format", "media_type", "width", "height", "attempts", "url_host")
    return {name: asset[name] for name in names}


def told_of_picture(picture: Picture) -> dict[str, object]:
    return {
        "sha256": picture.sha256,
        "bytes": len(picture.body),
        "format": picture.format.lower(),
        "media_type": picture.media_type,
        "width": picture.side,
        "height": picture.side,
        "attempts": 1,
        "url_host": "localhost",
    }

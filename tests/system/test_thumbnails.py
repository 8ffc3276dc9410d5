"""Bytes and thumbnails as a browser and curl meet them, over sockets; and the processes that make thumbnails."""

import asyncio
import io

import httpx
import pytest
from PIL import Image

from tests.support.hostile_images import bombs
from tests.support.processes import has_ended
from tests.system.conftest import Start
from tests.system.support.answers import whole
from tests.system.support.burden import helpers
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.pictures import Picture, a_picture
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.waiting import eventually

PICTURE = a_picture("shown", side=700)
WORKER = "service.decoding.worker"


async def archived(service: Darkroom, image_host: ImageHost, picture: Picture = PICTURE) -> str:
    """The id of an archived image."""
    task_id = new_task_id()
    links = [image_host.put(whole(picture), extension=picture.extension)]
    await call_back(service.api.client, await service.api.mint(), task_object(task_id, links=links))
    await service.api.settled(task_id)
    return f"{task_id}.0"


def shown(answer: httpx.Response) -> Image.Image:
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")
    image = Image.open(io.BytesIO(answer.content))
    image.load()
    return image


@pytest.mark.long
async def test_thumbnails_are_made_once_and_outlive_the_process_and_no_process_is_left_of_it(
    start: Start, image_host: ImageHost
) -> None:
    service = await start()
    image = await archived(service, image_host)
    url = (await service.api.get(f"/v1/assets/{image}"))["thumbnail_url"]
    answers = await asyncio.gather(*(service.api.client.get(url, params={"size": "256"}) for _ in range(8)))
    assert {shown(answer).size for answer in answers} == {(256, 256)}
    assert len({answer.headers["ETag"] for answer in answers}) == 1
    made_by = helpers(service, WORKER)
    assert made_by
    assert await service.stop() == 0
    assert all(has_ended(one) for one in made_by)

    await service.start()
    again = await service.api.client.get(
        url, params={"size": "256"}, headers={"If-None-Match": answers[0].headers["ETag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert helpers(service, WORKER) == []  # it was kept
    assert (await service.run("verify")).returncode == 0

    deleted = await service.api.client.delete(f"/v1/assets/{image}")
    assert deleted.status_code == 204

    async def gone() -> bool | None:
        keys = service.archive.keys()
        return not [key for key in keys if key.endswith((".webp", ".png"))] or None

    await eventually(gone, what="the image and its thumbnail are gone")


@pytest.mark.long
async def test_a_killed_service_leaves_no_process_behind(start: Start, image_host: ImageHost) -> None:
    service = await start()
    image = await archived(service, image_host)
    shown(await service.api.client.get(f"/v1/assets/{image}/thumbnail"))
    orphans = helpers(service, WORKER)
    assert orphans
    await service.kill()

    async def gone() -> bool | None:
        return all(has_ended(one) for one in orphans) or None

    await eventually(gone, what="the processes of the dead service are gone")


async def test_a_bomb_in_the_archive_is_a_placeholder_and_the_service_goes_on(
    start: Start, image_host: ImageHost
) -> None:
    service = await start()
    bombed, good = await archived(service, image_host), await archived(service, image_host, a_picture("good", side=300))
    key = (await service.api.get(f"/v1/assets/{bombed}"))["object_key"]
    (service.folder / "data" / "archive" / key).write_bytes(next(iter(bombs().values())))
    answer = await service.api.client.get(f"/v1/assets/{bombed}/thumbnail")
    assert shown(answer).size == (256, 256)
    assert answer.headers["Darkroom-Placeholder"] == "too_large"
    assert answer.headers["Cache-Control"] == "no-store"
    assert shown(await service.api.client.get(f"/v1/assets/{good}/thumbnail")).size == (300, 300)


async def test_parts_and_conditions_over_a_socket(start: Start, image_host: ImageHost) -> None:
    service = await start()
    path, size = f"/v1/assets/{await archived(service, image_host)}/content", len(PICTURE.body)

    async def asked(**headers: str) -> httpx.Response:
        return await service.api.client.get(path, headers={name.replace("_", "-"): headers[name] for name in headers})

    begin, end = await asked(Range="bytes=0-9"), await asked(Range="bytes=-10", If_Range=f'"{PICTURE.sha256}"')
    assert (begin.status_code, begin.content) == (206, PICTURE.body[:10])
    assert (end.status_code, end.content) == (206, PICTURE.body[-10:])
    assert end.headers["Content-Range"] == f"bytes {size - 10}-{size - 1}/{size}"
    known = await asked(If_None_Match=f'"other", "{PICTURE.sha256}"', Range="bytes=0-9")
    assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", f'"{PICTURE.sha256}"')
    for answer, status in (
        (await asked(Range="bytes=0-1,5-6"), 416),
        (await asked(Range=f"bytes={size}-"), 416),
        (await asked(If_Match='"other"'), 412),
    ):
        assert (answer.status_code, answer.headers["Cache-Control"]) == (status, "no-store")
        assert len(answer.content) < 500
    saved = await service.api.client.get(path, params={"download": "1"})
    assert saved.headers["Content-Disposition"].startswith("attachment; filename=")

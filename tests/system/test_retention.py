"""Retention as an operator sets it: what the rules keep no longer goes, and what is held stays."""

import json

import pytest

from tests.system.conftest import Start
from tests.system.support.answers import whole
from tests.system.support.image_host import ImageHost
from tests.system.support.pictures import a_picture
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.waiting import eventually


@pytest.mark.long
async def test_a_rule_deletes_the_oldest_images_that_nobody_holds_and_their_bytes(
    start: Start, image_host: ImageHost
) -> None:
    rule = {"name": "few drafts", "tag": "stage=draft", "max_images": 1}
    service = await start(RETENTION__RULES=json.dumps([rule]))
    url = await service.api.mint(tags={"stage": "draft"})
    tasks = [new_task_id() for _ in range(3)]
    for task_id in tasks:
        link = image_host.put(whole(a_picture(task_id)))
        await call_back(service.api.client, url, task_object(task_id, links=[link]))
        await service.api.settled(task_id)
    held, oldest, newest = tasks
    answer = await service.api.client.put(f"/v1/tasks/{held}/hold", json={"reason": "claim 7"})
    assert answer.status_code == 200
    assert (await service.api.client.delete(f"/v1/assets/{held}.0")).status_code == 409
    await service.stop()
    await service.start()  # which begins with a pass

    async def is_deleted() -> bool | None:
        told = await service.api.get(f"/v1/assets/{oldest}.0")
        gone = all(name == "task.json" for name in service.archive.files()[oldest])
        return (told["status"] == "deleted" and gone) or None

    await eventually(is_deleted, what="the oldest image is deleted, with its bytes")
    told = await service.api.get(f"/v1/assets/{oldest}.0")
    assert told["detail"] == "deleted by the retention rule few drafts: more than 1 images"
    assert (await service.api.client.get(f"/v1/assets/{oldest}.0/content")).status_code == 410
    for task_id in (held, newest):
        assert (await service.api.client.get(f"/v1/assets/{task_id}.0/content")).status_code == 200
    [entry] = (await service.api.get("/v1/audit", action="asset.deleted"))["items"]
    assert (entry["actor"], entry["subject"]) == ({"id": "retention", "name": "few drafts"}, f"{oldest}.0")

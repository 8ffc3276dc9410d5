"""What was submitted through us, listed and one by one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.app import assert_problem, serving
from tests.support.loopback_provider import LoopbackProvider, on_loopback

ROUTE = "/evolink/v1/images/generations"
TASK = "task-unified-1757165031-abcdefgh"
ASKED = {"model": "gpt-image-2-beta", "prompt": "a lighthouse", "callback_url": "https://client.example.com/x?secret=1"}


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with on_loopback(LoopbackProvider(submit=lambda _: (200, {"id": TASK, "status": "pending"}))) as opened:
        yield opened


async def test_each_is_listed_with_what_became_of_it(tmp_path: Path, provider: LoopbackProvider) -> None:
    async with serving(tmp_path, evolink={"api_key": "sk-evo", "api_url": provider.url}) as house:
        headers = {"Idempotency-Key": "order-0123456789", "Darkroom-Tags": "project=lamp"}
        taken = await house.write.post(ROUTE, json=ASKED, headers=headers)
        provider.submit = lambda _: (400, {"error": {"code": "invalid_parameters", "message": "the prompt is bad"}})
        await house.write.post(ROUTE, json={**ASKED, "prompt": "another"})
        provider.submit = lambda _: (502, b"<html>")
        await house.write.post(ROUTE, json={**ASKED, "prompt": "a third"})

        listed = (await house.json("/v1/submissions"))["items"]
        assert [one["status"] for one in listed] == ["unclear", "refused", "taken"]
        assert listed[2]["id"] == taken.headers["darkroom-submission"]
        assert (listed[2]["task_id"], listed[2]["key_name"], listed[2]["tags"]) == (TASK, "write", {"project": "lamp"})
        assert (listed[2]["estimate"]["usd"], listed[2]["callback_host"]) == (0.015, "client.example.com")
        assert "the prompt is bad" in listed[1]["detail"]
        assert listed[0]["next_look_at"] > listed[0]["sent_at"]
        assert "secret" not in str(listed)

        [unclear] = (await house.json("/v1/submissions", status="unclear"))["items"]
        one = await house.json(f"/v1/submissions/{unclear['id']}")
        assert one["request"] == {"model": "gpt-image-2-beta", "prompt": "a third"}
        assert one["answer"] is None
        pages = [await house.json("/v1/submissions", limit="2")]
        pages.append(await house.json("/v1/submissions", limit="2", cursor=pages[0]["next"]))
        assert [one["status"] for page in pages for one in page["items"]] == ["unclear", "refused", "taken"]


async def test_what_is_not_there_or_no_status_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        assert_problem(await house.read.get("/v1/submissions/sub_none"), 404, "submission_not_found")
        assert (await house.read.get("/v1/submissions?status=odd")).status_code == 400
        assert (await house.anyone.get("/v1/submissions")).status_code == 401

"""The API by a browser's session: it looks freely, and changes things only for a page that read the session's token."""

from pathlib import Path

import pytest

from service.web.browsers import WRITE_TOKEN
from tests.support.app import House, assert_problem, client_for, serving
from tests.support.pages import browsing

MINT = "/v1/callback-urls"


async def minted(house: House) -> int:
    return len((await house.json(MINT))["items"])


async def test_a_session_reads_what_its_key_reads(house: House) -> None:
    async with browsing(house, "key-read") as browser:
        assert (await browser.client.get("/v1/tasks")).status_code == 200
        assert (await browser.client.head("/v1/tasks")).status_code == 200
        assert_problem(await browser.client.get("/v1/keys"), 403, "forbidden")
        answer = await browser.client.post(MINT, json={}, headers=await browser.writing())
        assert_problem(answer, 403, "forbidden")
    assert await minted(house) == 0


@pytest.mark.parametrize("token", [None, "", "wrong", "a.b", "é", "of another session"])
async def test_without_the_sessions_token_nothing_is_written(house: House, token: str | None) -> None:
    if token == "of another session":
        async with browsing(house) as other:
            token = await other.write_token()
    async with browsing(house) as browser:
        headers = [] if token is None else [(WRITE_TOKEN.encode(), token.encode("latin-1"))]
        for method, path in (("POST", MINT), ("DELETE", f"{MINT}/none"), ("PUT", "/v1/tasks/task-a/hold")):
            answer = await browser.client.request(method, path, headers=headers)
            assert_problem(answer, 403, "write_token_needed")
    assert await minted(house) == 0
    assert (await house.json("/v1/audit"))["items"] == []


async def test_with_it_the_change_is_made_and_the_trail_names_the_key(house: House) -> None:
    async with browsing(house, "key-write") as browser:
        answer = await browser.client.post(MINT, json={"ref": "by-hand"}, headers=await browser.writing())
        assert answer.status_code == 201
    assert await minted(house) == 1
    [row] = (await house.json("/v1/audit"))["items"]
    assert (row["actor"]["name"], row["action"]) == ("write", "callback_url.minted")


async def test_a_key_that_is_shown_as_well_counts_instead_good_or_not(house: House) -> None:
    async with browsing(house, "key-read") as browser:
        by_key = {"Authorization": "Bearer key-admin"}
        assert (await browser.client.get("/v1/keys", headers=by_key)).status_code == 200
        assert (await browser.client.post(MINT, json={}, headers=by_key)).status_code == 201
        wrong = await browser.client.get("/v1/tasks", headers={"Authorization": "Bearer wrong"})
        assert_problem(wrong, 401, "unauthorized")


@pytest.mark.parametrize("cookie", ["", "x", "a.b", "W10.x", '"', "é", "x" * 5000])
async def test_what_is_no_session_opens_nothing_and_counts_as_no_guess(house: House, cookie: str) -> None:
    shown = [(b"Cookie", f"__Host-darkroom={cookie}".encode("latin-1"))]
    for _ in range(30):
        assert_problem(await house.anyone.get("/v1/tasks", headers=shown), 401, "unauthorized")
    assert (await house.anyone.get("/v1/tasks", headers={"Authorization": "Bearer key-read"})).status_code == 200


async def test_where_only_callbacks_are_taken_a_session_opens_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as house, browsing(house) as browser:
        cookies = dict(browser.client.cookies)
        assert (await browser.client.get("/metrics")).status_code == 200
    async with serving(tmp_path, roles="receiver") as house, client_for(house.app) as client:
        client.cookies.update(cookies)
        assert_problem(await client.get("/metrics"), 401, "unauthorized")
        assert [(await client.get(path)).status_code for path in ("/", "/login", "/v1/tasks")] == [404] * 3

"""Logging in and out: a key opens the pages while it is good, and nobody is led or logged in from elsewhere."""

import re
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from service.domain.failures import BURST
from tests.support.app import House, client_for, serving
from tests.support.pages import Browser, Markup, browsing, pages_of

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/\t/evil.example/",
    "/\n/evil.example/",
    "/\r\nSet-Cookie: a=b",
    " //evil.example/",
    "javascript:alert(1)",
    "http:evil.example",
    "http://[::1",
    "evil.example",
    "/\u2028/evil.example",
    "/\x00",
    "",
]


async def log_in(client: httpx.AsyncClient, key: str, following: str = "/", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/login", params={"next": following}, data={"key": key}, headers=named)


async def test_who_is_not_logged_in_is_asked_to_and_comes_back(house: House) -> None:
    wanted = "/?q=%E7%81%AF%E5%A1%94&sort=oldest"
    asked = await house.anyone.get(wanted)
    assert asked.status_code == 303
    form = await house.anyone.get(asked.headers["location"])
    [action] = re.findall(r'action="(/login[^"]*)"', form.text)
    answer = await house.anyone.post(action, data={"key": "key-read"})
    assert answer.status_code == 303
    assert httpx.URL(answer.headers["location"]).raw_path == httpx.URL(wanted).raw_path
    assert (await house.anyone.get(answer.headers["location"])).status_code == 200


async def test_every_page_asks_people_to_log_in_and_tells_scripts_that_they_are_not(house: House) -> None:
    pages = pages_of(house.parts)
    assert {"GET /", "GET /images/{id}", "GET /ops"} <= pages
    for page in pages:
        method, path = page.replace("{id}", "task-a.0").split(" ")
        people = await house.anyone.request(method, path)
        assert people.status_code == 303, page
        assert people.headers["location"].startswith("/login?next=%2F")
        script = await house.anyone.request(method, path, headers={"Sec-Fetch-Dest": "empty"})
        assert (script.status_code, script.content) == (401, b"")
        by_key = await house.read.request(method, path)
        assert by_key.status_code == 303, "pages go by what a browser keeps, and not by a header"


@pytest.mark.parametrize(("key", "status"), [("wrong", 403), ("", 400), ("key-read ", 303)])
async def test_a_wrong_key_is_told_of_beside_its_field(house: House, key: str, status: int) -> None:
    answer = await log_in(house.anyone, key)
    assert answer.status_code == status
    if status != 303:
        assert 'aria-invalid="true"' in answer.text
        assert "set-cookie" not in answer.headers
        assert 'value="wrong"' not in answer.text


async def test_wrong_keys_count_where_they_are_typed_too_and_too_many_are_told_to_wait(tmp_path: Path) -> None:
    async with serving(tmp_path, clock=lambda: 0.0) as house:  # no time passes, however long this takes
        for _ in range(int(BURST)):
            assert (await log_in(house.anyone, "wrong")).status_code == 403
        refused = await log_in(house.anyone, "key-read")
        assert (refused.status_code, "set-cookie" in refused.headers) == (429, False)
        assert (await house.anyone.get("/login")).status_code == 200


async def test_the_log_tells_who_logged_in_and_no_secret(house: House) -> None:
    with capture_logs() as lines:
        answer = await log_in(house.anyone, "key-admin")
    [line] = [line for line in lines if line["event"] == "logged_in"]
    assert (line["key"], line["address"]) == ("admin", "127.0.0.1")
    session = answer.cookies["__Host-darkroom"]
    assert not any(secret in str(lines) for secret in ("key-admin", session))


@pytest.mark.parametrize("following", ELSEWHERE)
async def test_nobody_is_led_off_the_site(house: House, following: str) -> None:
    form = await house.anyone.get("/login", params={"next": following})
    assert 'action="/login?next=/"' in form.text
    assert (await log_in(house.anyone, "key-read", following)).headers["location"] == "/"
    chosen = await house.anyone.post("/language", data={"next": following, "language": "ja"})
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_form_of_another_site_logs_nobody_in(house: House, site: str) -> None:
    answer = await log_in(house.anyone, "key-admin", Sec_Fetch_Site=site)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


async def test_over_https_the_cookie_is_bound_to_the_host_and_no_script_reads_it(house: House) -> None:
    said = (await log_in(house.anyone, "key-read")).headers["set-cookie"]
    assert said.startswith("__Host-darkroom=")
    flags = {part.strip().lower().partition("=")[0] for part in said.split(";")[1:]}
    assert {"httponly", "secure", "samesite", "path", "expires"} <= flags
    assert "domain" not in flags
    assert "samesite=lax" in said.lower()


async def test_over_http_the_cookie_does_without_what_browsers_would_not_send_back(tmp_path: Path) -> None:
    async with serving(tmp_path, public_url="http://localhost:8080") as house:
        said = (await log_in(house.anyone, "key-read")).headers["set-cookie"]
    assert said.startswith("darkroom=")
    assert "httponly" in said.lower()
    assert "secure" not in said.lower()


async def test_a_session_ends_with_its_key_at_once(house: House) -> None:
    made = (await house.admin.post("/v1/keys", json={"name": "shop", "scopes": ["read"]})).json()
    async with browsing(house, made["key"]) as browser:
        await browser.page("/")
        assert (await house.admin.delete(f"/v1/keys/{made['id']}")).status_code == 204
        for path in ("/", "/ops"):
            assert (await browser.client.get(path)).status_code == 303
        assert (await browser.client.get("/v1/tasks")).status_code == 401


async def test_a_session_is_of_the_secret_that_it_began_with(tmp_path: Path) -> None:
    def keys(secret: str) -> list[dict[str, object]]:
        return [{"name": "me", "key": secret, "scopes": ["read"]}]

    async with serving(tmp_path, api_keys=keys("first")) as house, browsing(house, "first") as browser:
        cookies = dict(browser.client.cookies)
    for secret, status in (("first", 200), ("second", 303)):
        async with serving(tmp_path, api_keys=keys(secret)) as house, client_for(house.app) as client:
            client.cookies.update(cookies)
            assert (await client.get("/")).status_code == status


async def test_logging_out_takes_the_sessions_token(browser: Browser) -> None:
    for token in ("", "wrong"):
        answer = await browser.client.post("/logout", data={"write_token": token})
        assert "set-cookie" not in answer.headers
    await browser.page("/")
    answer = await browser.client.post("/logout", data={"write_token": await browser.write_token()})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert answer.headers["clear-site-data"] == '"cache"', "nobody looks at images in the browser that was left"
    assert (await browser.client.get("/")).status_code == 303


async def test_a_page_says_who_is_logged_in_and_offers_only_what_the_key_may(house: House) -> None:
    await house.complete("task-a")
    await house.archive()
    offered = {}
    for key in ("read", "write", "admin"):
        async with browsing(house, f"key-{key}") as browser:
            page = await browser.page("/images/task-a.0")
        assert f"Logged in with the key {key}" in Markup(page).said
        offered[key] = set(re.findall(r'data-do="(\w+)"', page))
    assert "sign" in offered["write"] - offered["read"]
    assert "delete" in offered["admin"] - offered["write"]


async def test_a_language_is_chosen_for_good_and_only_one_that_there_is(house: House) -> None:
    chinese = await house.anyone.get("/login", headers={"Accept-Language": "zh-TW,en;q=0.5"})
    assert '<html lang="zh">' in chinese.text
    wrong = await house.anyone.post("/language", data={"language": "xx", "next": "/login"})
    assert "set-cookie" not in wrong.headers
    await house.anyone.post("/language", data={"language": "ko", "next": "/login"})
    korean = await house.anyone.get("/login", headers={"Accept-Language": "zh"})
    assert '<html lang="ko">' in korean.text

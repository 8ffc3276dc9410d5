"""What an empty archive says: the commands to copy do what is said of them."""

import json
import re
import shlex
from html import unescape
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.app import House, serving
from tests.support.pages import browsing


async def page_for(house: House, *, scope: str = "write") -> str:
    async with browsing(house, f"key-{scope}") as opened:
        browser = opened.client
        return (await browser.get("/")).text


def command(page: str, name: str, **values: str) -> list[str]:
    """What a shell makes of a command on the page, with these values in their places."""
    found = re.search(rf'<code id="{name}">(.*?)</code>', page, re.DOTALL)
    assert found is not None
    text = unescape(found[1])
    for place, value in values.items():
        assert place in text
        text = text.replace(place, value)
    return shlex.split(text)


def after(option: str, words: list[str]) -> list[str]:
    return [word for before, word in pairwise(words) if before == option]


async def test_the_first_command_plays_the_provider(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        url = (await house.write.post("/v1/callback-urls", json={"ref": "first-steps"})).json()["callback_url"]
        words = command(await page_for(house), "play", CALLBACK_URL=url, TASK="one")
        assert (words[0], after("-H", words)) == ("curl", ["Content-Type: application/json"])
        answer = await house.call_back(after("-d", words)[0].encode(), path=urlsplit(words[1]).path)
        assert answer.status_code == 202
        [callback] = (await house.json("/v1/callbacks"))["items"]
        assert (callback["task_id"], callback["status"], callback["ref"]) == (
            "first-steps-one",
            "cancelled",
            "first-steps",
        )


async def test_the_second_command_submits_with_a_callback_url(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        words = command(await page_for(house), "submit", CALLBACK_URL="https://darkroom.example.com/callbacks/x/y")
        assert words[1] == "https://api.evolink.ai/v1/images/generations"
        assert "Authorization: Bearer $EVOLINK_API_KEY" in after("-H", words)
        body = json.loads(after("-d", words)[0])
        assert body["callback_url"] == "https://darkroom.example.com/callbacks/x/y"
        assert {"model", "prompt"} < set(body)


async def test_who_may_not_write_is_told_so(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        assert 'id="make"' in await page_for(house, scope="write")
        page = await page_for(house, scope="read")
        assert 'id="make"' not in page
        assert "Your key may only look." in page


async def test_an_address_that_the_provider_cannot_call_is_told(tmp_path: Path) -> None:
    warning = "The provider cannot call this service yet."
    async with serving(tmp_path / "public") as house:
        assert warning not in await page_for(house)
    async with serving(tmp_path / "private", public_url="https://192.168.1.7") as house:
        page = await page_for(house)
        assert warning in page
        assert "<code>https://192.168.1.7</code>" in page


async def test_they_are_gone_once_there_is_an_image(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        await house.complete()
        assert 'id="first-steps"' in await page_for(house)
        await house.archive()
        assert 'id="first-steps"' not in await page_for(house)

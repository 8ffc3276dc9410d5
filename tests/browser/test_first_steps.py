"""An empty archive in a real browser: it shows how to begin, and what it shows works in a shell."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.gallery import serving
from tests.browser.visit import logged_in
from tests.support.packages import require
from tests.system.support.authority import Authority

if TYPE_CHECKING:
    from playwright.async_api import Browser

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]


async def test_the_commands_that_it_shows_work_and_it_notices_by_itself(
    request: pytest.FixtureRequest, tmp_path: Path, authority: Authority, chromium: Browser
) -> None:
    require(request, {"curl": "curl"})
    async with serving(tmp_path / "service", authority) as service:
        visitor = await logged_in(chromium, service)
        async with visitor.visit() as page:
            await page.get_by_role("button", name="Make a callback URL").click()
            await page.wait_for_selector("#made:not([hidden])")
            command = await page.locator("#play").inner_text()
            assert "CALLBACK_URL" not in command
            assert "CALLBACK_URL" not in await page.locator("#submit").inner_text()
            shell = f'curl() {{ command curl --insecure --silent --fail "$@"; }}\n{command}'
            done = await asyncio.to_thread(subprocess.run, ["bash", "-c", shell], capture_output=True, check=False)
            assert (done.returncode, b"accepted" in done.stdout) == (0, True), done.stderr
            await page.wait_for_selector("#arrived a")
            assert await page.locator("#arrived a").get_attribute("href") == "/ops#inbox"
            await page.locator("#arrived a").click()
            await page.wait_for_selector("#inbox .mark")
            assert await page.locator("#inbox tbody").get_by_text("cancelled").count() > 0

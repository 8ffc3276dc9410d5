"""The script of `helm test`, run for real: against the service and the stand-in provider as processes on loopback."""

import asyncio
import subprocess
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.charts.helm import CHART
from tests.system.conftest import Begin, Start
from tests.system.support.authority import Authority
from tests.system.support.darkroom import Darkroom
from tests.system.support.ports import free_port
from tests.system.support.settings import KEY, list_setting
from tests.system.support.stand_in import PROVIDER_KEY, StandIn

pytestmark = pytest.mark.long

SCRIPT = CHART / "files" / "round_trip.py"


@dataclass(frozen=True, slots=True)
class Said:
    """How the script ended, and what it printed."""

    code: int
    out: str
    wrong: str


async def run(service: Darkroom | str, authority: Authority | StandIn, **changed: str | None) -> Said:
    """Run the script with the environment that its pod would have; None leaves a variable out."""
    url = service if isinstance(service, str) else service.url
    trusted = authority.settings["TLS__CA_FILE"] if isinstance(authority, StandIn) else str(authority.ca_file)
    usual = {"RECEIVER_URL": url, "API_URL": url, "API_KEY": KEY, "CA_FILE": trusted, "WITHIN_SECONDS": "30"}
    environment = {name: value for name, value in {**usual, **changed}.items() if value is not None}
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=60
    )
    return Said(done.returncode, done.stdout, done.stderr)


def provider(stand_in: StandIn) -> dict[str, str | None]:
    return {"PROVIDER_URL": stand_in.url, "PROVIDER_KEY": PROVIDER_KEY}


async def test_an_image_goes_the_whole_way_and_is_removed_again(start: Start, stand_in: Begin) -> None:
    one = await stand_in()
    service = await start(asks=one)
    said = await run(service, one, **provider(one))
    assert (said.code, said.wrong) == (0, "")
    assert said.out.endswith("all is well\n")
    (task,) = await service.api.all("/v1/tasks")
    assert [asset["status"] for asset in task["assets"]] == ["deleted"]
    (digest,) = (await one.ledger()).hashes(task["id"])
    assert f"its bytes are what the ETag says: {digest}" in said.out
    assert await left_over(service) == ["helm-test"]


async def test_without_a_stand_in_it_leaves_nothing_but_a_revoked_url(start: Start, authority: Authority) -> None:
    service = await start()
    said = await run(service, authority)
    assert said.code == 0, said.wrong
    assert "a forged callback is refused" in said.out
    assert await service.api.all("/v1/tasks") == []
    assert await left_over(service) == ["helm-test"]


async def left_over(service: Darkroom) -> list[str]:
    """The references of callback URLs; raises AssertionError when one of them still works."""
    urls = await service.api.all("/v1/callback-urls")
    assert all(url["revoked_at"] for url in urls), urls
    return [url["ref"] for url in urls]


async def test_a_key_may_lie_in_a_file_or_among_the_settings(
    start: Start, authority: Authority, tmp_path: Path
) -> None:
    service = await start()
    (tmp_path / "api-key").write_text(f"{KEY}\n", "ascii")
    keys = list_setting(
        {"name": "r", "key": "read", "scopes": ["read"]}, {"name": "a", "key": KEY, "scopes": ["admin"]}
    )
    for told in ({"API_KEY_FILE": str(tmp_path / "api-key")}, {"API_KEYS": keys}):
        said = await run(service, authority, API_KEY=None, **told)
        assert (said.code, "a callback URL is minted" in said.out) == (0, True), said.wrong


async def test_where_only_hashes_of_keys_are_known_the_rest_is_tried(start: Start, authority: Authority) -> None:
    keys = list_setting({"name": "a", "sha256": "ab" * 32, "scopes": ["admin"]})
    said = await run(await start(), authority, API_KEY=None, API_KEYS=keys)
    assert said.code == 0, said.wrong
    assert "no API key is to be had here" in said.out


async def test_a_wrong_key_is_told(start: Start, authority: Authority) -> None:
    said = await run(await start(), authority, API_KEY="dk_another")
    assert said.code == 1
    assert said.wrong.startswith("WRONG: POST /v1/callback-urls was answered 401")


async def test_a_service_that_is_not_ready_is_told_with_its_reason(start: Start, authority: Authority) -> None:
    service = await start(STORAGE__MIN_FREE_BYTES="9000 TiB")
    said = await run(service, authority, WITHIN_SECONDS="1")
    assert said.code == 1
    assert said.wrong.startswith("WRONG: receiver: not ready: ")
    assert "STORAGE__MIN_FREE_BYTES" in said.wrong


async def test_a_service_that_is_not_there_is_told(authority: Authority) -> None:
    said = await run(f"https://127.0.0.1:{free_port()}", authority, WITHIN_SECONDS="1")
    assert said.code == 1
    assert "does not answer" in said.wrong


async def test_a_certificate_that_nobody_trusts_is_told(start: Start, authority: Authority) -> None:
    said = await run(await start(), authority, CA_FILE=None, WITHIN_SECONDS="1")
    assert said.code == 1
    assert "CERTIFICATE_VERIFY_FAILED" in said.wrong


async def test_an_image_that_does_not_come_is_told_and_the_url_is_revoked(start: Start, stand_in: Begin) -> None:
    one = await stand_in("--fault", "lost=1")
    service = await start(TLS__CA_FILE=one.settings["TLS__CA_FILE"])
    said = await run(service, one, **provider(one), WITHIN_SECONDS="3")
    assert said.code == 1
    assert "no callback has come" in said.wrong
    assert await left_over(service) == ["helm-test"]


async def test_a_stand_in_that_refuses_the_key_is_told(start: Start, stand_in: Begin) -> None:
    one = await stand_in("--api-key", "another")
    said = await run(await start(asks=one, EVOLINK__API_KEY="another"), one, **provider(one))
    assert said.code == 1
    assert "WRONG: the stand-in does not take the task: 401" in said.wrong


class OpenDoor(BaseHTTPRequestHandler):
    """Says that it is ready, and takes whatever comes."""

    def do_GET(self) -> None:
        self._answer(200)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(202)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


async def test_a_door_that_takes_forged_callbacks_is_told(authority: Authority) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), OpenDoor)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        said = await run(f"http://127.0.0.1:{server.server_address[1]}", authority)
    finally:
        await asyncio.to_thread(server.shutdown)
        thread.join()
        server.server_close()
    assert said.code == 1
    assert said.wrong.startswith("WRONG: a forged callback was answered 202, not 404")

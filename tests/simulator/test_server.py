import asyncio
import os
import signal
import socket
import ssl
import time
from pathlib import Path

import httpx
import pytest

from service.simulator.certificates import Authority, write_key, write_public
from service.simulator.server import Simulator, serve
from tests.simulator.stand_in import quick, stand_in


async def alive(base_url: str, ca_file: Path) -> bool:
    tls = ssl.create_default_context(cafile=ca_file)
    async with httpx.AsyncClient(verify=tls, trust_env=False) as client:
        return (await client.get(f"{base_url}/livez")).status_code == 200


async def test_it_takes_a_free_port_and_says_where_it_is() -> None:
    async with Simulator(quick()) as one, Simulator(quick()) as other:
        assert one.port != other.port
        assert one.base_url == f"https://localhost:{one.port}"
        assert await alive(one.base_url, one.ca_file)
        assert one.ca_file.read_bytes() == one.ca_pem


async def test_a_taken_port_is_an_error_and_leaves_nothing_behind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        async with Simulator(quick(port=taken.getsockname()[1])):
            pass


async def test_without_a_seed_every_run_has_its_own() -> None:
    assert Simulator(quick(seed=None)).seed != Simulator(quick(seed=None)).seed
    assert Simulator(quick(seed=3)).seed == 3


async def test_the_certificate_authority_is_written_where_it_was_asked_for(tmp_path: Path) -> None:
    async with stand_in(ca_out=tmp_path / "certs" / "ca.pem") as running:
        assert await alive(running.simulator.base_url, tmp_path / "certs" / "ca.pem")
        directory = running.simulator.ca_file.parent
    assert not directory.exists()


def issued_elsewhere(folder: Path) -> Path:
    """The CA of a certificate that lies in the folder, as `cert.pem` and `key.pem`."""
    authority = Authority()
    issued = authority.issue()
    write_public(folder / "ca.pem", authority.pem)
    write_public(folder / "cert.pem", issued.certificate)
    write_key(folder / "key.pem", issued.key)
    return folder / "ca.pem"


async def test_it_answers_with_a_certificate_that_it_was_given(tmp_path: Path) -> None:
    ca_file = issued_elsewhere(tmp_path)
    async with Simulator(quick(cert=tmp_path / "cert.pem", key=tmp_path / "key.pem")) as simulator:
        assert await alive(simulator.base_url, ca_file)
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await alive(simulator.base_url, simulator.ca_file)


async def test_a_certificate_that_is_none_is_an_error_and_leaves_nothing_behind(tmp_path: Path) -> None:
    issued_elsewhere(tmp_path)
    with pytest.raises(ssl.SSLError):
        async with Simulator(quick(cert=tmp_path / "key.pem", key=tmp_path / "key.pem")):
            pass
    with pytest.raises(FileNotFoundError):
        async with Simulator(quick(cert=tmp_path / "none.pem", key=tmp_path / "key.pem")):
            pass


async def test_it_answers_to_an_address_of_ipv6_too() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    async with stand_in(host="::1") as running:
        assert (await running.client.get(f"https://[::1]:{running.simulator.port}/livez")).status_code == 200


async def test_serving_ends_with_the_event(tmp_path: Path) -> None:
    stop, ready = asyncio.Event(), asyncio.Event()
    urls: list[str] = []

    def on_ready(url: str) -> None:
        urls.append(url)
        ready.set()

    serving = asyncio.create_task(serve(quick(ca_out=tmp_path / "ca.pem"), on_ready=on_ready, stop=stop))
    await ready.wait()
    assert await alive(urls[0], tmp_path / "ca.pem")
    stop.set()
    await serving
    with pytest.raises(httpx.ConnectError):
        await alive(urls[0], tmp_path / "ca.pem")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_serving_ends_with_a_signal(number: signal.Signals) -> None:
    await serve(quick(), on_ready=lambda _url: os.kill(os.getpid(), number))


async def test_it_stops_soon_although_an_image_is_being_dribbled() -> None:
    async with stand_in(faults={"slow": 1}, slow_seconds=600) as running:
        (link,) = (await running.made())["results"]
        async with running.client.stream("GET", link) as answer:
            assert answer.status_code == 200
            started = time.monotonic()
            await running.simulator.__aexit__()
            assert time.monotonic() - started < 5


async def test_it_stops_at_once_although_a_client_keeps_its_connection() -> None:
    async with stand_in() as running:
        await running.ledger()
        started = time.monotonic()
        await running.simulator.__aexit__()
        assert time.monotonic() - started < 3

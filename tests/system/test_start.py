"""What stops the start: a wrong setting, a port or a directory that is taken. One line says which and why."""

from pathlib import Path

import pytest

from tests.system.conftest import Start
from tests.system.support.ports import free_port
from tests.system.support.settings import list_setting

SECRET = "dk_this-must-not-be-shown"

WRONG = {
    "SERVER__PORT": "abc",
    "SERVER__PROT": "8080",
    "SERVER__TLS_CERT": "nowhere.pem",
    "PUBLIC_URL": "darkroom.example.com",
    "DATABASE_URL": f"mysql://user:{SECRET}@db/darkroom",
    "CALLBACKS__SECRETS": SECRET,
    "API_KEYS": list_setting({"name": "me", "key": SECRET, "scopes": ["everything"]}),
    "DOWNLOAD__TRUSTED_NETWORKS": "10.0.0.0/99",
    "ROLES": "receiver,poet",
}


@pytest.mark.long
@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_setting_stops_the_start_with_one_line_that_names_it(start: Start, name: str) -> None:
    service = await start(running=False)
    done = await service.run("serve", **{name: WRONG[name]})
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"DARKROOM_{name}")
    assert SECRET not in line
    assert not (service.folder / "data").exists(), "a start that was stopped leaves nothing behind"


@pytest.mark.long
async def test_a_second_server_for_the_same_directory_is_refused_and_the_first_goes_on(start: Start) -> None:
    first = await start()
    second = await start(running=False, DATA_DIR=str(first.folder / "data"))
    done = await second.run("serve")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "another server" in line
    assert str(first.folder / "data") in line
    assert (await first.api.client.get("/readyz")).status_code == 200


@pytest.mark.long
async def test_a_taken_port_is_named(start: Start) -> None:
    first = await start()
    second = await start(running=False, SERVER__PORT=str(first.port))
    done = await second.run("serve")
    assert done.returncode == 2
    assert "DARKROOM_SERVER__PORT" in done.stderr.splitlines()[-1]


async def test_settings_may_stand_in_a_file_and_the_environment_goes_first(start: Start) -> None:
    service = await start(running=False, PUBLIC_URL=None)
    port = free_port()
    lines = ["DARKROOM_PUBLIC_URL=https://darkroom.example.com", f"DARKROOM_SERVER__PORT={port}"]
    Path(service.folder / ".env").write_text("\n".join(lines))
    await service.start()  # answers at the environment's port
    assert (await service.api.mint()).startswith("https://darkroom.example.com/callbacks/evolink/")

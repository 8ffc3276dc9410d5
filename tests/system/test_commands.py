"""The command line beside a running server."""

import json

import pytest

from tests.system.conftest import Start
from tests.system.support.darkroom import Darkroom
from tests.system.support.provider import call_back, new_task_id, task_object


async def output_of(service: Darkroom, *arguments: str) -> str:
    done = await service.run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
async def test_a_url_that_the_command_minted_is_accepted_by_the_running_server(start: Start) -> None:
    service = await start()
    printed = await output_of(service, "callback-url", "--ref", "order-9", "--tag", "team=shop")
    url = service.api.noted(printed.strip())
    assert url.startswith(f"{service.url}/callbacks/evolink/")
    task_id = new_task_id()
    assert (await call_back(service.api.client, url, task_object(task_id, status="processing"))).status_code == 202
    task = await service.api.get(f"/v1/tasks/{task_id}")
    assert (task["ref"], task["tags"]) == ("order-9", {"team": "shop"})

    minted = json.loads(await output_of(service, "callback-url", "--task-id", task_id, "--json"))
    service.api.noted(minted["callback_url"])
    assert minted["warnings"], "an address on this machine is worth a warning"
    assert minted["id"] in {listed["id"] for listed in await service.api.all("/v1/callback-urls")}


async def test_the_first_command_in_a_new_directory_prints_the_url_and_nothing_else(start: Start) -> None:
    service = await start(running=False)
    assert len((await output_of(service, "callback-url")).splitlines()) == 1


@pytest.mark.long
async def test_a_task_that_the_command_registered_is_known_to_the_running_server(start: Start) -> None:
    service = await start()
    task_ids = [new_task_id(), new_task_id()]
    words = ("register", *task_ids, "--prompt", "a lighthouse at dusk", "--ref", "order-3")
    assert "registered" in await output_of(service, *words)
    assert "known" in await output_of(service, *words)
    for task_id in task_ids:
        task = await service.api.get(f"/v1/tasks/{task_id}")
        assert (task["status"], task["prompt"], task["ref"]) == ("pending", "a lighthouse at dusk", "order-3")
    wrong = await service.run("register", "../../etc/passwd")
    assert wrong.returncode == 1
    assert "Traceback" not in wrong.stderr


async def test_healthcheck_follows_the_server(start: Start) -> None:
    service = await start()
    assert (await output_of(service, "healthcheck")).strip() == "ready"
    assert await service.stop() == 0
    done = await service.run("healthcheck")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.long
async def test_migrate_and_doctor_work_beside_the_server(start: Start) -> None:
    service = await start()
    assert "current" in await output_of(service, "migrate")
    findings = json.loads(await output_of(service, "doctor", "--json"))
    levels = {finding["check"]: finding["level"] for finding in findings}
    assert "broken" not in levels.values()
    assert levels["database"] == levels["data directory"] == levels["storage"] == "ok"
    assert (await service.api.client.get("/readyz")).status_code == 200


async def test_doctor_says_what_is_broken_and_ends_with_1(start: Start) -> None:
    service = await start(running=False)
    done = await service.run("doctor", "--json", STORAGE__MIN_FREE_BYTES="8000 TiB")
    assert done.returncode == 1
    broken = [finding for finding in json.loads(done.stdout) if finding["level"] == "broken"]
    assert "DARKROOM_STORAGE__MIN_FREE_BYTES" in broken[0]["message"]

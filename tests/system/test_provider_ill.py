"""A provider that is down, slow, silent or refuses the key for a while: nothing is given up, and all settles after."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import Begin, Start
from tests.system.support.answers import whole
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.kept import assert_ended, assert_kept, told
from tests.system.support.pictures import a_picture
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.stand_in import PROVIDER_KEY, StandIn
from tests.system.support.waiting import eventually

pytestmark = pytest.mark.long

TASKS = 30
KILLS = 2
UNREACHABLE = 'darkroom_reconcile_total{result="unreachable"}'


async def reads_after(provider: StandIn, before: int, *, times: int = 1) -> None:
    """Wait until the provider was asked so often since it had been asked `before` times."""

    async def look() -> bool | None:
        return (await provider.ledger()).reads >= before + times or None

    await eventually(look, what=f"the service asks {times} times")


async def counted(service: Darkroom, series: str, at_least: float) -> None:
    """Wait until a metric is that high."""

    async def look() -> bool | None:
        return (await service.api.metrics())[series] >= at_least or None

    await eventually(look, what=f"{series} is {at_least}")


async def test_callbacks_that_arrive_while_the_provider_is_ill_settle_when_it_is_well(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in()
    service = await start(asks=provider, CONFIRM__MODE="required", CONFIRM__PATIENCE="2s")
    url = await service.api.mint()
    await reads_after(provider, 0)  # the sweep at start
    await provider.turn("silent")
    before = await provider.ledger()
    unanswered = await provider.submit(callback_url=url)
    await reads_after(provider, before.reads)
    for state in ("throttling", "slow", "down"):  # while the first question waits in vain for its answer
        await provider.turn(state)
        before = await provider.ledger()
        tasks = await provider.submit_many(3, callback_url=url)
        failed = await provider.submit("[fail]", callback_url=url)
        await provider.done(*tasks, failed)
        await reads_after(provider, before.reads)
        assert (await provider.ledger()).files == before.files
        assert (await service.api.get("/v1/stats"))["next_expiry"]["seconds"] == pytest.approx(24 * 3600, abs=300)
        await provider.turn("ok")
        await assert_kept(service, await provider.ledger(), *tasks)
        await assert_ended(service, failed, "failed")
    await assert_kept(service, await provider.ledger(), unanswered)
    assert (await service.api.get("/v1/stats"))["next_expiry"] is None


async def test_being_asked_to_slow_down_is_no_silence_on_which_callbacks_would_be_believed(
    start: Start, stand_in: Begin, image_host: ImageHost
) -> None:
    provider = await stand_in()
    service = await start(asks=provider, CONFIRM__MODE="preferred", CONFIRM__PATIENCE="2s")
    url, invented = await service.api.mint(), new_task_id()
    await reads_after(provider, 0)  # the sweep at start
    await provider.turn("throttling")
    before = (await provider.ledger()).reads
    good = await provider.submit(callback_url=url)
    await provider.done(good)
    forged = task_object(invented, links=[image_host.put(whole(a_picture("forged")))])
    assert (await call_back(service.api.client, url, forged)).status_code == 202
    await reads_after(provider, before, times=4)  # at least a second apart, so that the patience is over
    assert ((await provider.ledger()).files, image_host.connections) == (0, 0)
    await provider.turn("ok")
    await assert_kept(service, await provider.ledger(), good)
    await assert_ended(service, invented, "dead", reason="unknown_to_provider")
    assert image_host.connections == 0


async def test_a_refused_key_is_told_once_and_hardly_used_and_nothing_is_lost_until_it_works(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in("--api-key", PROVIDER_KEY)
    service = await start(asks=provider, running=False, CONFIRM__MODE="required", CONFIRM__PATIENCE="2s")
    good = service.settings
    tasks: list[str] = []
    for state, key in (("ok", "evk-of-another-account"), ("broke", PROVIDER_KEY), ("forbidden", PROVIDER_KEY)):
        await provider.turn(state)
        service.settings = {**good, "EVOLINK__API_KEY": key}
        before = (await provider.ledger()).reads
        told = len(lines(service, "provider_key_refused"))
        await service.start()
        new = await provider.submit_many(6, callback_url=await service.api.mint())
        tasks += new
        await provider.done(*new)
        await counted(service, "darkroom_provider_key_refused", 1)
        await counted(service, UNREACHABLE, len(tasks))
        ready = await service.api.client.get("/readyz")
        assert (ready.status_code, list(ready.json()["warnings"])) == (200, ["provider"])
        asked = (await provider.ledger()).reads
        assert asked - before <= 20 + len(tasks), state  # each at most once more, however slow the machine is
        for task_id in new:
            assert (await service.api.client.post(f"/v1/tasks/{task_id}/retry")).status_code == 202
        await counted(service, UNREACHABLE, len(tasks) + len(new))
        assert (await provider.ledger()).reads == asked, "a refused key is left alone, however much there is to ask"
        assert [line["level"] for line in lines(service, "provider_key_refused")[told:]] == ["error"]
        assert key not in service.log
        assert await service.stop() == 0

    await provider.turn("ok")
    service.settings = good
    await service.start()
    await assert_kept(service, await provider.ledger(), *tasks)
    assert (await service.api.metrics())["darkroom_provider_key_refused"] == 0
    assert (await service.api.client.get("/readyz")).json()["warnings"] == {}


async def test_doctor_finds_a_key_that_the_provider_refuses(start: Start, stand_in: Begin) -> None:
    provider = await stand_in("--api-key", PROVIDER_KEY)
    service = await start(asks=provider, running=False)
    done = await service.run("doctor", "--json", EVOLINK__API_KEY="evk-of-another-account")
    broken = [one for one in json.loads(done.stdout) if one["level"] == "broken"]
    assert (done.returncode, [one["check"] for one in broken]) == (1, ["provider"])
    assert "refuses DARKROOM_EVOLINK__API_KEY" in broken[0]["message"]
    assert "evk-of-another-account" not in done.stdout + done.stderr
    assert (await service.run("doctor", "--json")).returncode == 0


def lines(service: Darkroom, event: str) -> list[Any]:
    """What the log says of one kind of event."""
    told = (json.loads(line) for line in service.log.splitlines() if line.startswith("{"))
    return [line for line in told if line["event"] == event]


async def test_tasks_outlive_a_service_that_is_killed_while_it_confirms_them(start: Start, stand_in: Begin) -> None:
    provider = await stand_in()
    service = await start(asks=provider, CONFIRM__MODE="required", CONFIRM__PATIENCE="2s")
    url = await service.api.mint()
    tasks: list[str] = []
    for _ in range(KILLS):
        tasks += await provider.submit_many(TASKS // KILLS // 2, callback_url=url)
        await provider.turn("silent")  # what is asked from now on is under way at the kill
        before = (await provider.ledger()).reads
        tasks += await provider.submit_many(TASKS // KILLS // 2, callback_url=url)
        await reads_after(provider, before)
        await service.kill()
        await provider.turn("ok")
        await service.start()
    ledger = await provider.done(*tasks)
    await assert_kept(service, ledger, *tasks, within=15)  # well before the lease of a dead process would end
    assert {task["id"] for task in await service.api.all("/v1/tasks")} == set(tasks)
    assert await service.stop() == 0
    assert service.archive.staged() == []
    assert set(service.archive.files()) == set(tasks)


async def test_after_a_time_of_not_being_ready_the_account_is_looked_through(start: Start, stand_in: Begin) -> None:
    provider = await stand_in("--fault", "lost=1")
    service = await start(asks=provider, CONFIRM__MODE="required", CONFIRM__PATIENCE="2s")
    url = await service.api.mint()
    archive = Path(service.settings["DATA_DIR"]) / "archive"
    away = archive.rename(archive.with_name("unmounted"))
    await readiness(service, 503)
    tasks = await provider.submit_many(3, callback_url=url)
    await provider.done(*tasks)
    assert (await call_back(service.api.client, url, task_object(tasks[0]))).status_code == 503
    away.rename(archive)
    await readiness(service, 200)
    await assert_kept(service, await provider.ledger(), *tasks)


async def readiness(service: Darkroom, status: int) -> None:
    async def look() -> bool | None:
        return (await service.api.client.get("/readyz")).status_code == status or None

    await eventually(look, what=f"/readyz answers {status}")


async def test_what_the_provider_calls_failed_and_its_callback_cancelled_is_cancelled(
    start: Start, stand_in: Begin
) -> None:
    provider = await stand_in("--cancelled-as-failed")
    service = await start(asks=provider, CONFIRM__MODE="required", CONFIRM__PATIENCE="2s")
    url = await service.api.mint()
    for plain, told_by_the_provider in ((False, "cancelled"), (True, "failed")):
        await provider.turn("ok", plain_failed=plain)
        cancelled = await provider.submit("[cancel]", callback_url=url)
        failed = await provider.submit("[fail]", callback_url=url)
        late = await provider.submit("[cancel] [fault:lost]", callback_url=url)
        await provider.done(cancelled, failed, late)
        await ask_now(service, late)
        await assert_ended(service, late, told_by_the_provider)
        await provider.call_back(late)
        await assert_ended(service, failed, "failed")
        for task_id in (cancelled, late):
            task = await assert_ended(service, task_id, "cancelled")
            assert task["confirmed"]
            assert [entry["conflict"] for entry in told(task)] == [False]


async def ask_now(service: Darkroom, task_id: str) -> None:
    """Tell of a task whose callback was lost, and have it asked about at once."""
    assert (await service.api.client.post("/v1/tasks", json={"id": task_id})).is_success
    asked = await service.api.client.post(f"/v1/tasks/{task_id}/retry")
    assert asked.status_code == 202 or asked.json()["code"] == "nothing_to_retry", "it was asked about meanwhile"

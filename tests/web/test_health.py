"""Health and figures."""

from pathlib import Path

from service.app import create_metrics_app
from service.archive.gauges import Gauges
from tests.support.app import House, assert_problem, client_for, serving
from tests.support.deliveries import LINK, task_object
from tests.support.fetching import picture


async def test_a_healthy_service_is_alive_and_ready(house: House) -> None:
    alive = await house.anyone.get("/livez")
    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    ready = await house.anyone.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "problems": {}, "warnings": {}})
    assert ready.headers["cache-control"] == "no-store"
    assert (await house.anyone.head("/livez")).status_code == 200


async def test_a_service_without_room_is_alive_but_not_ready_and_says_why(tmp_path: Path) -> None:
    async with serving(tmp_path, storage={"min_free_bytes": 1 << 60}) as house:
        assert (await house.anyone.get("/livez")).status_code == 200
        ready = await house.anyone.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
        assert "DARKROOM_STORAGE__MIN_FREE_BYTES" in ready.json()["problems"]["storage"]


async def test_the_figures_follow_a_callback_and_its_image(house: House) -> None:
    path = await house.mint()
    await house.call_back(task_object(), path=path)
    await house.call_back(task_object(), path=path)
    await Gauges(catalog=house.parts.catalog, metrics=house.parts.metrics).update()
    assert await house.metric('darkroom_callbacks_total{source="evolink",verdict="accepted"}') == 1
    assert await house.metric('darkroom_callbacks_total{source="evolink",verdict="duplicate"}') == 1
    assert await house.metric("darkroom_ack_seconds_count") == 2
    assert await house.metric("darkroom_inbox_batch_size_count") == 2
    assert await house.metric("darkroom_assets_pending") == 1
    assert 80_000 < await house.metric("darkroom_next_expiry_seconds") <= 86_400
    await house.archive()
    await Gauges(catalog=house.parts.catalog, metrics=house.parts.metrics).update()
    assert await house.metric('darkroom_assets_total{outcome="archived"}') == 1
    assert await house.metric("darkroom_archived_bytes_total") == len(picture(LINK))
    assert await house.metric("darkroom_archive_seconds_count") == 1
    assert await house.metric("darkroom_assets_pending") == 0
    assert await house.metric("darkroom_next_expiry_seconds") == float("inf")
    assert await house.metric("darkroom_details_pending") == 1


async def test_figures_are_prometheus_text(house: House) -> None:
    answer = await house.read.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers.get_list("content-type") == [answer.headers["content-type"]]


async def test_with_a_port_of_their_own_figures_need_no_key_there_and_are_nowhere_else(tmp_path: Path) -> None:
    async with serving(tmp_path, server={"metrics_port": 0}) as house:
        assert_problem(await house.admin.get("/metrics"), 404, "not_found")
        async with client_for(create_metrics_app(house.parts)) as client:
            assert "darkroom_build_info" in (await client.get("/metrics")).text
            assert (await client.get("/readyz")).status_code == 200
            assert_problem(await client.get("/v1/tasks"), 404, "not_found")

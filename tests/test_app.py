"""The application: routes by role, and a life from start to end."""

from pathlib import Path

import pytest

from service.app import create_app, create_metrics_app
from service.bootstrap import open_components
from service.errors import CatalogUnavailable
from tests.support.app import assert_problem, client_for, living, serving, settings_for
from tests.support.deliveries import task_object


async def test_a_receiver_takes_callbacks_and_shows_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, roles="api") as house:
        path = await house.mint()
        assert_problem(await house.call_back(task_object(), path=path), 404, "not_found")
    async with serving(tmp_path, roles="receiver") as house:
        assert (await house.call_back(task_object(), path=path)).status_code == 202
        for route in ("/v1/tasks", "/v1/assets", "/v1/callbacks", "/v1/callback-urls", "/a/x"):
            assert_problem(await house.admin.get(route), 404, "not_found")
        assert (await house.anyone.get("/readyz")).status_code == 200
        assert (await house.read.get("/metrics")).status_code == 200
    async with serving(tmp_path, roles="api") as house:
        assert len((await house.json("/v1/tasks"))["items"]) == 1


async def test_an_archiver_alone_has_health_and_figures_only(tmp_path: Path) -> None:
    async with serving(tmp_path, roles="archiver") as house:
        assert (await house.anyone.get("/livez")).status_code == 200
        assert_problem(await house.admin.get("/v1/tasks"), 404, "not_found")
        assert_problem(await house.anyone.post("/callbacks/evolink/x"), 404, "not_found")


async def test_it_is_not_ready_before_its_start_and_answers_503_to_callbacks(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        path = await house.mint()
    with open_components(settings_for(tmp_path)) as parts:
        async with client_for(create_app(parts)) as client:
            assert (await client.get("/readyz")).status_code == 503
            assert_problem(await client.post(path, json=task_object()), 503, "unavailable")


async def test_what_it_took_in_is_there_after_its_end(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        await house.complete()
        catalog = house.parts.catalog
    with pytest.raises(CatalogUnavailable):
        await catalog.write(lambda _tx: None)
    async with serving(tmp_path) as house:
        [task] = (await house.json("/v1/tasks"))["items"]
        assert [asset["status"] for asset in task["assets"]] == ["pending"]


async def test_it_starts_and_ends_twice_in_one_process(tmp_path: Path) -> None:
    with open_components(settings_for(tmp_path)) as parts:
        for _ in range(2):
            async with living(parts) as manager, client_for(manager.app) as client:
                assert (await client.get("/readyz")).status_code == 200


async def test_figures_on_a_port_of_their_own_need_no_running_work(tmp_path: Path) -> None:
    with open_components(settings_for(tmp_path)) as parts:
        async with client_for(create_metrics_app(parts)) as client:
            assert (await client.get("/livez")).status_code == 200
            assert "darkroom_build_info" in (await client.get("/metrics")).text
            assert (await client.get("/readyz")).status_code == 503

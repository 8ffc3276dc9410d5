"""What the spans of a task tell: callbacks, attempts, sidecars, questions, and the task as a whole."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from service.archive.archiver import Archiver
from service.archive.sidecar_writer import SidecarWriter
from service.background import Nudge
from service.bootstrap import reconcile_once
from service.domain.attempt import Failed, Failure
from service.errors import StorageUnavailable
from service.observability.tracing import trace_ids
from tests.support.app import SECRET, House, serving, settings_for
from tests.support.collector import Collector, Span, collector
from tests.support.deliveries import LINK, TASK, task_object
from tests.support.fetching import FakeFetcher
from tests.support.loopback_provider import on_loopback, showing

CALLBACKS = {"secrets": [SECRET], "retention": "36500d"}
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = LINK.replace("0.png", "1.png")
PROMPT = "a lighthouse that nobody may know of"


def traced(folder: Path, taken: Collector, **overrides: Any) -> Any:
    return serving(folder, traces={"endpoint": taken.url}, **overrides)


async def archive(house: House, answers: Mapping[str, bytes | Failed | Exception] | None = None) -> None:
    """One attempt at everything that is due, then the sidecars."""
    parts = house.parts
    archiver = Archiver(
        catalog=parts.catalog,
        store=parts.store,
        fetcher=FakeFetcher(parts.store.staging, answers),
        metrics=parts.metrics,
        sidecars=Nudge(),
        purge=Nudge(),
        reconcile=Nudge(),
        jitter=lambda: 0.5,
        tracing=parts.tracing,
    )
    for asset in await archiver.claim(10):
        try:
            await archiver.work(asset)
        except StorageUnavailable:
            await archiver.release(asset)
    writer = SidecarWriter(catalog=parts.catalog, store=parts.store, tracing=parts.tracing)
    for sidecar in await writer.claim(10):
        await writer.work(sidecar)


def of_darkroom(span: Span, part: str) -> dict[str, Any]:
    """The attributes of one part, by their last words."""
    prefix = f"darkroom.{part}."
    return {name.removeprefix(prefix): value for name, value in span.attributes.items() if name.startswith(prefix)}


async def test_a_callback_tells_its_verdict_and_its_answer(tmp_path: Path) -> None:
    with collector() as taken:
        async with traced(tmp_path, taken) as house:
            path = await house.mint()
            for _ in range(2):
                await house.anyone.post(path, json=task_object(), headers={"traceparent": TRACEPARENT})
            await house.call_back(task_object("processing"), path=await house.mint())
        spans = taken.named("callback")
    assert [of_darkroom(span, "callback")["verdict"] for span in spans] == ["accepted", "duplicate", "foreign"]
    assert [span.attributes["http.response.status_code"] for span in spans] == [202, 200, 202]
    assert of_darkroom(spans[1], "callback") == {
        "verdict": "duplicate",
        "duplicate": True,
        "together": 1,
        "status": "completed",
    }
    assert {(span.kind, span.attributes["http.route"], span.error) for span in spans} == {
        ("server", "/callbacks/{source}/{token}", None)
    }
    assert [len(span.links) for span in spans] == [1, 1, 0]
    assert {span.trace for span in spans} == {f"{trace_ids('evolink', TASK).trace:032x}"}


async def test_who_may_not_call_or_tells_of_no_task_leaves_no_trace(tmp_path: Path) -> None:
    with collector() as taken:
        async with traced(tmp_path, taken) as house:
            await house.call_back(task_object(), path="/callbacks/evolink/forged")
            await house.call_back(task_object(), path="/callbacks/elsewhere/forged")
            await house.call_back(b"not json")
            await house.call_back(b" " * (2 * 2**20))
        assert taken.spans == []


async def test_callbacks_that_are_committed_together_say_how_many(tmp_path: Path) -> None:
    with collector() as taken:
        async with traced(tmp_path, taken) as house:
            path, bodies = await house.mint(), [task_object("processing", f"task-{number}") for number in range(40)]
            await asyncio.gather(*(house.call_back(body, path=path) for body in bodies))
        together = [of_darkroom(span, "callback")["together"] for span in taken.named("callback")]
        assert len({span.trace for span in taken.spans}) == 40
    assert len(together) == 40
    assert max(together) > 1


async def test_a_callback_that_cannot_be_stored_is_an_error(tmp_path: Path) -> None:
    with collector() as taken:
        async with traced(tmp_path, taken) as house:
            path = await house.mint()
            house.parts.catalog.close()
            answer = await house.call_back(task_object(), path=path)
            assert answer.status_code == 503, answer.text
        (span,) = taken.named("callback")
    assert (span.attributes["http.response.status_code"], span.attributes["error.type"]) == (503, "CatalogUnavailable")
    assert span.error


async def test_each_attempt_is_a_span_and_the_task_one_when_it_has_settled(tmp_path: Path) -> None:
    gone = Failed(Failure.LINK_GONE, "files.evolink.ai answered 404")
    with collector() as taken:
        async with traced(tmp_path, taken) as house:
            await house.complete(results=[LINK, OTHER], prompt=PROMPT)
            await archive(house, {OTHER: gone, LINK: StorageUnavailable("the disk is full")})
            assert taken.named("task") == []
            await house.admin.post(f"/v1/tasks/{TASK}/retry")
            await archive(house)
        attempts, (root,) = taken.named("archive"), taken.named("task")
        sidecars = taken.named("sidecar")
    by_image = {
        index: [
            (of_darkroom(span, "archive")["outcome"], of_darkroom(span, "archive")["attempt"], span.error)
            for span in attempts
            if span.attributes["darkroom.asset.index"] == index
        ]
        for index in (0, 1)
    }
    assert by_image[0] == [("postponed", 1, "the disk is full"), ("archived", 1, None)]
    assert by_image[1] == [("link_gone", 1, gone.detail), ("archived", 2, None)]
    assert {span.attributes["server.address"] for span in attempts} == {"files.evolink.ai"}
    assert attempts[-1].attributes["http.response.body.size"] > 0
    assert of_darkroom(root, "task") == {
        "id": TASK,
        "status": "completed",
        "confirmed": False,
        "images": 2,
        "images.archived": 2,
        "images.dead": 0,
    }
    assert root.error is None
    assert {span.parent for span in (*attempts, *sidecars)} == {root.id}
    assert of_darkroom(sidecars[-1], "sidecar")["version"] >= 2


@pytest.mark.parametrize(
    ("status", "members", "error"),
    [
        ("failed", {"error": {"code": "service_error", "message": PROMPT}}, None),
        ("completed", {"results": []}, "dead: no_links"),
        ("completed", {"results": ["https://elsewhere.example/1.png"]}, "images that are dead: 1"),
    ],
)
async def test_a_task_that_settles_at_the_door_is_told_there(
    tmp_path: Path, status: str, members: dict[str, Any], error: str | None
) -> None:
    with collector() as taken:
        async with traced(tmp_path, taken) as house:
            path = await house.mint()
            for _ in range(2):
                await house.call_back(task_object(status, **members), path=path)
        (root,) = taken.named("task")
        assert PROMPT.encode() not in b"".join(taken.bodies)
    assert root.error == error


async def test_a_question_to_the_provider_is_a_span_and_says_what_it_came_to(tmp_path: Path) -> None:
    failed = {**task_object("failed"), "error": {"code": "service_error", "message": PROMPT}}
    with collector() as taken, on_loopback(showing(failed)) as provider:
        evolink = {"api_key": "sk-evo-0123456789abcdef", "api_url": provider.url}
        async with traced(tmp_path, taken, evolink=evolink, reconcile={"sweep": "off"}) as house:
            await house.complete()
            async with asyncio.timeout(20):
                while not (await house.json(f"/v1/tasks/{TASK}"))["settled_at"]:
                    await asyncio.sleep(0.02)
        (root,), confirms = taken.named("task"), taken.named("confirm")
        for secret in (PROMPT, "sk-evo", provider.url):
            assert secret.encode() not in b"".join(taken.bodies)
    assert of_darkroom(confirms[-1], "confirm") == {"result": "terminal", "together": 1, "believed": False}
    assert {(span.kind, span.attributes["peer.service"]) for span in confirms} == {("client", "evolink")}
    assert of_darkroom(root, "task")["status"] == "failed"
    assert confirms[-1].parent == root.id


async def test_a_question_by_the_command_is_in_the_trace_too(tmp_path: Path) -> None:
    with collector() as taken, on_loopback(showing(task_object("failed"))) as provider:
        asks = {"evolink": {"api_key": "sk-evo-0123456789", "api_url": provider.url}, "reconcile": {"sweep": "off"}}
        async with traced(tmp_path, taken, roles="receiver,api", **asks) as house:
            await house.complete()
        traces = {"endpoint": taken.url}
        await reconcile_once(settings_for(tmp_path, traces=traces, **asks))
        assert [span.name for span in taken.spans] == ["callback", "confirm", "task"]


async def test_a_silent_provider_is_an_error_without_its_words(tmp_path: Path) -> None:
    with collector() as taken:
        evolink = {"api_key": "sk-evo-0123456789abcdef", "api_url": "http://127.0.0.1:1"}
        async with traced(tmp_path, taken, evolink=evolink, reconcile={"sweep": "off"}) as house:
            await house.complete()
            async with asyncio.timeout(20):
                while not await house.metric('darkroom_reconcile_total{result="unreachable"}'):
                    await asyncio.sleep(0.02)
        span = taken.named("confirm")[0]
        assert taken.named("task") == []
    assert (span.attributes["error.type"], span.error) == ("unreachable", "the provider told nothing")


async def test_no_secret_of_a_task_is_in_its_trace(tmp_path: Path) -> None:
    with collector() as taken:
        async with traced(tmp_path, taken, callbacks=CALLBACKS) as house:
            path = await house.mint(ref="order-7", tags={"team": "shop-of-nobody"})
            body = task_object(prompt=PROMPT, results=[LINK.replace("0.png", "0123456789abcdef.png")])
            await house.call_back(body, path=path)
            await archive(house)
        sent = b"".join(taken.bodies)
        assert {span.name for span in taken.spans} == {"callback", "archive", "task", "sidecar"}
    token = path.rpartition("/")[2]
    for secret in (token, token.rpartition(".")[2], PROMPT, "0123456789abcdef", "order-7", "shop-of", SECRET, "key-"):
        assert secret.encode() not in sent, secret

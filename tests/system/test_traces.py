"""One trace of a task over processes, restarts and an outage of the collector, as the collector sees it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.collector import Collector, Span, collector
from tests.support.packages import require
from tests.support.postgres import PostgresDatabases
from tests.support.rotel import PACKAGES, rotel
from tests.system.conftest import Begin, Start
from tests.system.support.answers import nothing_here, whole
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.outage import ready
from tests.system.support.pictures import a_picture
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.settings import list_setting
from tests.system.support.waiting import eventually

SECRET = "a-secret-that-signs-callbacks-in-tests-of-traces"
PROMPT = "a lighthouse that only its owner may know of"


@pytest.fixture
def taken() -> Iterator[Collector]:
    with collector() as started:
        yield started


async def arrived(taken: Collector, enough: Callable[[list[Span]], bool]) -> list[Span]:
    """The spans, as soon as there are enough; they are sent every five seconds."""

    async def look() -> list[Span] | None:
        spans = taken.spans
        return spans if enough(spans) else None

    return await eventually(look, what="the spans have arrived", every=0.2)


def settled(spans: list[Span]) -> bool:
    """Whether a task and a sidecar that shows its end are among them."""
    ends = [span.ended for span in spans if span.name == "task"]
    return bool(ends) and any(span.ended >= ends[0] for span in spans if span.name == "sidecar")


def roles(span: Span) -> list[str]:
    found: list[str] = span.resource["darkroom.roles"]
    return found


def assert_one_trace(spans: list[Span]) -> None:
    """All are of one trace and children of its root, which spans them but for what is left to do when it ends."""
    (root,) = [span for span in spans if span.name == "task"]
    others = [span for span in spans if span is not root]
    assert {span.trace for span in spans} == {root.trace}
    assert ({span.parent for span in others}, root.parent) == ({root.id}, "")
    assert len({span.id for span in spans}) == len(spans)
    assert all(span.started < span.ended for span in spans)


@pytest.mark.long
async def test_a_callback_its_confirmation_and_its_image_are_one_trace_over_processes_and_a_restart(
    tmp_path: Path, start: Start, stand_in: Begin, postgres: PostgresDatabases, taken: Collector
) -> None:
    provider = await stand_in()
    shared: dict[str, Any] = {
        "DATABASE_URL": postgres.new(),
        "STORAGE__URL": f"file://{tmp_path}/archive",
        "CALLBACKS__SECRETS": list_setting(SECRET),
        "TRACES__ENDPOINT": taken.url,
    }
    receiver = await start(asks=provider, ROLES="receiver,api", **shared)
    worker = await start(asks=provider, running=False, ROLES="archiver,reconciler", **shared)
    await ready(receiver)
    task_id = await provider.submit(PROMPT, callback_url=await receiver.api.mint(ref="order-7"))
    ledger = await provider.done(task_id)
    assert await receiver.stop() == 0
    (callback,) = taken.spans
    assert (callback.name, roles(callback)) == ("callback", ["api", "receiver"])

    await worker.start()
    await receiver.start()
    assert (await receiver.api.settled(task_id))["status"] == "completed"
    spans = await arrived(taken, settled)
    assert_one_trace(spans)
    assert {span.name for span in spans} == {"callback", "confirm", "archive", "sidecar", "task"}
    assert {span.attributes["darkroom.task.id"] for span in spans} == {task_id}
    assert {tuple(roles(span)) for span in spans if span is not callback and span.name != "callback"} == {
        ("archiver", "reconciler")
    }
    began = {span.name: span.started for span in spans}
    assert began["callback"] < began["confirm"] < began["archive"]
    assert [await service.stop() for service in (receiver, worker)] == [0, 0]
    assert_nothing_told(taken, receiver, PROMPT, "order-7", SECRET, *ledger.names)
    assert_nothing_told(taken, worker)


@pytest.mark.long
async def test_a_failed_attempt_is_seen_beside_the_one_that_worked(
    start: Start, image_host: ImageHost, taken: Collector
) -> None:
    service = await start(TRACES__ENDPOINT=taken.url)
    picture, task_id = a_picture("traced"), new_task_id()
    link = image_host.put(nothing_here(), whole(picture))
    await call_back(service.api.client, await service.api.mint(), task_object(task_id, links=[link], prompt=PROMPT))
    await service.api.settled(task_id)
    assert await service.stop() == 0
    assert_one_trace(taken.spans)
    outcomes = [span.attributes["darkroom.archive.outcome"] for span in taken.named("archive")]
    assert outcomes == ["link_gone", "archived"]
    assert [span.attributes["http.response.body.size"] for span in taken.named("archive")[1:]] == [len(picture.body)]
    assert_nothing_told(taken, service, PROMPT, *image_host.names)


@pytest.mark.long
async def test_without_a_collector_everything_goes_on_with_a_line_and_the_process_leaves_in_time(
    start: Start, image_host: ImageHost
) -> None:
    service = await start(TRACES__ENDPOINT="http://127.0.0.1:1", SERVER__DRAIN_TIMEOUT="5s")
    for number in range(5):
        task_id = new_task_id()
        link = image_host.put(whole(a_picture(number)))
        answer = await call_back(service.api.client, await service.api.mint(), task_object(task_id, links=[link]))
        assert answer.status_code == 202
        await service.api.settled(task_id)
    began = time.monotonic()
    assert await service.stop() == 0
    assert time.monotonic() - began < 10
    assert service.log.count("traces_not_exported") == 1
    for name in ("opentelemetry", "urllib3", "Traceback"):
        assert name not in service.log


@pytest.mark.long
async def test_a_service_without_the_setting_says_and_sends_nothing(start: Start, image_host: ImageHost) -> None:
    service = await start()
    task_id = new_task_id()
    link = image_host.put(whole(a_picture("untraced")))
    await call_back(service.api.client, await service.api.mint(), task_object(task_id, links=[link]))
    await service.api.settled(task_id)
    assert await service.stop() == 0
    assert "trace" not in service.log


@pytest.mark.long
async def test_a_collector_that_others_made_understands_the_spans_and_passes_them_on(
    request: pytest.FixtureRequest, start: Start, image_host: ImageHost, taken: Collector
) -> None:
    require(request, PACKAGES)
    with rotel(taken.url) as url:
        service = await start(TRACES__ENDPOINT=url)
        picture, task_id = a_picture("passed on"), new_task_id()
        link = image_host.put(whole(picture))
        await call_back(service.api.client, await service.api.mint(), task_object(task_id, links=[link]))
        await service.api.settled(task_id)
        assert await service.stop() == 0
        await arrived(taken, settled)
    assert_one_trace(taken.spans)
    assert {span.name for span in taken.spans} == {"callback", "archive", "sidecar", "task"}
    assert {headers["user-agent"].partition(" ")[0] for headers in taken.headers} == {"Rotel"}
    assert "traces_not_exported" not in service.log


def assert_nothing_told(taken: Collector, service: Darkroom, *secrets: str) -> None:
    """No span holds a token, a key, the name of a link, or any of these."""
    sent = b"".join(taken.bodies)
    signatures = {token.rpartition(".")[2] for token in service.api.tokens}
    keys = {service.settings[name] for name in ("EVOLINK__API_KEY",) if name in service.settings}
    for secret in {*secrets, *keys, *service.api.tokens, *signatures}:
        assert secret.encode() not in sent, secret

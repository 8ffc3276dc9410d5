import json
import ssl
from pathlib import Path
from typing import Any

from tests.simulator.receiver import receiver
from tests.simulator.stand_in import stand_in


async def test_a_finished_task_is_called_back_with_the_task_object() -> None:
    async with receiver() as receiving, stand_in() as running:
        submitted = await running.submit(callback_url=receiving.url)
        entry = await running.announced(submitted["id"])
        shown = await running.ended(submitted["id"])
    assert [json.loads(body) for body in receiving.bodies] == [shown]
    assert entry["callbacks"]["statuses"] == ["completed"]
    assert entry["callback_url_sent"]


async def test_a_callback_gives_plain_links_in_the_true_order_whatever_reads_give() -> None:
    kinds = ("reorder-links", "resigned", "dies-early", "moved", "one-link-behind")
    async with receiver() as receiving, stand_in(faults=dict.fromkeys(kinds, 1)) as running:
        submitted = await running.submit(callback_url=receiving.url, n=3)
        entry = await running.announced(submitted["id"])
        await running.client.get(entry["images"][0]["url"])
        await running.ended(submitted["id"])
        await running.client.post(f"/simulator/tasks/{submitted['id']}/callback")
    told = [json.loads(body)["results"] for body in receiving.bodies]
    assert told == [[image["url"] for image in entry["images"]]] * 2


async def test_a_cancelled_task_is_called_back_as_such_although_reads_show_it_as_failed() -> None:
    async with receiver() as receiving, stand_in(cancelled_as_failed=True) as running:
        submitted = await running.submit(prompt="[cancel]", callback_url=receiving.url)
        await running.announced(submitted["id"])
        shown = await running.ended(submitted["id"])
    assert [json.loads(body)["status"] for body in receiving.bodies] == ["cancelled"]
    assert (shown["status"], shown["error"]["code"]) == ("failed", "request_cancelled")


async def test_a_task_without_callback_url_calls_nobody() -> None:
    async with stand_in() as running:
        entry = await running.announced((await running.submit())["id"])
    assert (entry["callbacks"]["attempted"], entry["callback_url_sent"]) == (0, False)


async def test_failed_and_cancelled_tasks_are_called_back_too() -> None:
    async with receiver() as receiving, stand_in() as running:
        for prompt in ("[fail]", "[cancel]"):
            submitted = await running.submit(prompt=prompt, callback_url=receiving.url)
            await running.announced(submitted["id"])
    assert [json.loads(body)["status"] for body in receiving.bodies] == ["failed", "cancelled"]


async def test_the_schedule_of_the_options_is_kept_when_the_receiver_is_ill() -> None:
    async with receiver([500] * 9) as receiving, stand_in(callback_retries=(0.01, 0.02)) as running:
        entry = await running.announced((await running.submit(callback_url=receiving.url))["id"])
    assert [attempt["response"] for attempt in entry["callbacks"]["attempts"]] == [500] * 3
    assert (entry["callbacks"]["delivered"], entry["callbacks"]["attempted"]) == (0, 3)


async def test_faults_by_rate_are_sent_and_noted() -> None:
    async with receiver([422]) as receiving, stand_in(faults={"malformed": 1, "reorder": 1, "late": 1}) as running:
        entry = await running.announced((await running.submit(callback_url=receiving.url))["id"])
    assert entry["faults"] == ["late", "malformed", "reorder"]
    assert [attempt["response"] for attempt in entry["callbacks"]["attempts"]] == [422, 204, 204]
    assert entry["callbacks"]["statuses"] == ["completed", "processing"]
    assert receiving.bodies[1].startswith(receiving.bodies[0])


async def test_a_lost_callback_never_comes_although_the_task_ended() -> None:
    async with receiver() as receiving, stand_in(faults={"lost": 1}) as running:
        submitted = await running.submit(callback_url=receiving.url)
        entry = await running.announced(submitted["id"])
    assert (entry["finished"], entry["callbacks"]["attempted"], receiving.bodies) == (True, 0, [])


async def test_callbacks_over_tls_trust_certificates_of_the_stand_in_s_own_authority(tmp_path: Path) -> None:
    certificate, key = tmp_path / "tls" / "cert.pem", tmp_path / "tls" / "key.pem"
    async with stand_in(cert_out=certificate, key_out=key, allow_http_callbacks=False) as running:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        async with receiver(tls=tls) as receiving:
            entry = await running.announced((await running.submit(callback_url=receiving.url))["id"])
    assert entry["callbacks"]["delivered"] == 1
    assert key.stat().st_mode & 0o077 == 0


async def test_callbacks_over_tls_refuse_a_stranger_s_certificate_unless_its_authority_is_given(
    tmp_path: Path,
) -> None:
    files: dict[str, Any] = {
        "ca_out": tmp_path / "ca.pem",
        "cert_out": tmp_path / "cert.pem",
        "key_out": tmp_path / "key.pem",
    }
    async with stand_in(**files):
        pass
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files["cert_out"], files["key_out"])
    async with receiver(tls=tls) as receiving:
        async with stand_in(callback_retries=()) as wary:
            entry = await wary.announced((await wary.submit(callback_url=receiving.url))["id"])
            assert entry["callbacks"]["attempts"][0]["error"] == "ConnectError"
        async with stand_in(callback_ca_file=files["ca_out"]) as trusting:
            entry = await trusting.announced((await trusting.submit(callback_url=receiving.url))["id"])
            assert entry["callbacks"]["delivered"] == 1


async def test_work_under_way_does_not_keep_the_stand_in_from_stopping() -> None:
    async with stand_in(generation_seconds=(60.0, 60.0)) as running:
        submitted = await running.submit()
        assert submitted["task_info"]["estimated_time"] == 60

import asyncio
import json

from tests.simulator.stand_in import SMALL, stand_in

BODY = {"model": "gpt-image-2", "prompt": "a fox", "size": SMALL}
KEY = "0123456789abcdef"


async def test_a_task_goes_from_submission_to_its_links() -> None:
    async with stand_in() as running:
        submitted = await running.submit(n=2)
        shown = await running.ended(submitted["id"])
    assert submitted["status"] == "pending"
    assert (shown["id"], shown["status"], len(shown["results"])) == (submitted["id"], "completed", 2)


async def test_a_task_under_way_says_so() -> None:
    async with stand_in(generation_seconds=(60.0, 60.0)) as running:
        submitted = await running.submit()
        shown = (await running.client.get(f"/v1/tasks/{submitted['id']}")).json()
    assert shown == submitted


async def test_without_the_key_nothing_is_answered() -> None:
    routes = [("POST", "/v1/images/generations"), ("GET", "/v1/tasks/task-unified-1")]
    routes += [("POST", "/v1/tasks/batch"), ("GET", "/v1/tasks")]
    async with stand_in(api_key="right") as running:
        for authorization in ("", "Bearer", "Basic right", "Bearer wrong", "Bearer schlüssel"):
            for method, path in routes:
                headers = [(b"authorization", authorization.encode())]
                answer = await running.client.request(method, path, headers=headers)
                assert answer.status_code == 401
                assert answer.json()["error"]["type"] == "authentication_error"
        answer = await running.client.get("/v1/tasks", headers={"authorization": "bearer right"})
        assert answer.status_code == 200


async def test_errors_have_the_documented_shape() -> None:
    async with stand_in() as running:
        error = await running.refused(n=11)
        assert set(error) == {"code", "message", "type", "param"}
        assert (error["code"], error["param"]) == ("invalid_parameters", "n")
        assert (await running.refused(callback_url="ftp://localhost/"))["param"] == "callback_url"
        unknown = await running.client.get("/v2/anything")
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")
        wrong = await running.client.get("/v1/images/generations")
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")


async def test_callbacks_without_tls_are_refused_by_default() -> None:
    async with stand_in(allow_http_callbacks=False) as running:
        assert (await running.refused(callback_url="http://localhost/"))["param"] == "callback_url"


async def test_a_body_that_is_too_long_is_refused() -> None:
    async with stand_in() as running:
        answer = await running.client.post("/v1/images/generations", content=b" " * (1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


async def test_an_idempotency_key_makes_one_task_however_often_it_comes() -> None:
    async with stand_in() as running:
        headers = {"idempotency-key": KEY}
        posts = (running.client.post("/v1/images/generations", json=BODY, headers=headers) for _ in range(4))
        answers = await asyncio.gather(*posts)
        assert len({answer.text for answer in answers}) == 1
        assert sum(answer.headers.get("idempotency-replayed") == "true" for answer in answers) == 3
        await running.ended(answers[0].json()["id"])
        again = await running.client.post("/v1/images/generations", json=BODY, headers=headers)
        assert again.json() == answers[0].json()
        assert (await running.ledger())["totals"]["tasks"] == 1


async def test_an_idempotency_key_for_another_request_or_of_another_shape_is_refused() -> None:
    async with stand_in() as running:
        await running.client.post("/v1/images/generations", json=BODY, headers={"idempotency-key": KEY})
        for key, body in ((KEY, {**BODY, "n": 2}), ("short", BODY), ("x" * 97, BODY), ("with space 12345678", BODY)):
            answer = await running.client.post("/v1/images/generations", json=body, headers={"idempotency-key": key})
            assert answer.status_code == 400


async def test_reading_a_task_tells_a_wrong_id_from_an_unknown_one() -> None:
    async with stand_in() as running:
        for task_id, status, code in (
            ("task-unified-1-unknown", 404, "task_not_found"),
            ("task-1", 400, "invalid_task_id"),
            ("task-unified-%20", 400, "invalid_task_id"),
            ("task-unified-" + "x" * 128, 400, "invalid_task_id"),
        ):
            answer = await running.client.get(f"/v1/tasks/{task_id}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_several_tasks_are_read_at_once_without_the_unknown_ones() -> None:
    async with stand_in() as running:
        made = [await running.made(), await running.made(prompt="[fail]")]
        wanted = [*(one["id"] for one in made), "task-unified-1-unknown", made[0]["id"]]
        answer = await running.client.post("/v1/tasks/batch", json={"task_ids": wanted})
    assert answer.json()["data"] == made


async def test_a_wrong_list_of_ids_is_refused() -> None:
    too_many = json.dumps({"task_ids": ["task-unified-1"] * 51}).encode()
    async with stand_in() as running:
        for content in (b"{", b"[]", b"{}", b'{"task_ids": []}', b'{"task_ids": [1]}', too_many):
            answer = await running.client.post("/v1/tasks/batch", content=content)
            assert answer.status_code == 400, content


async def test_the_list_is_newest_first_in_pages_without_links() -> None:
    async with stand_in() as running:
        ids = [(await running.made(prompt=f"fox {number}"))["id"] for number in range(3)]
        first = (await running.client.get("/v1/tasks", params={"page_size": 2, "type": "image"})).json()
        second = (await running.client.get("/v1/tasks", params={"page_size": 2, "page": 2})).json()
    assert [one["id"] for one in first["data"] + second["data"]] == ids[::-1]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert not any("results" in one or "result_data" in one for one in first["data"])


async def test_the_list_is_filtered_by_status_and_type() -> None:
    async with stand_in() as running:
        failed = await running.made(prompt="[fail]")
        await running.made()
        by_status = (await running.client.get("/v1/tasks", params={"status": "failed"})).json()
        by_type = (await running.client.get("/v1/tasks", params={"type": "video"})).json()
    assert [one["id"] for one in by_status["data"]] == [failed["id"]]
    assert by_type["data"] == []


async def test_a_wrong_page_or_status_is_refused() -> None:
    async with stand_in() as running:
        for query in ("page=0", "page=x", "page_size=51", "page_size=0", "status=asleep"):
            answer = await running.client.get(f"/v1/tasks?{query}")
            assert answer.status_code == 400, query

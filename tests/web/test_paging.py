"""Lists: what they take, what they refuse, and pages that follow each other."""

import base64

import pytest

from tests.support.app import House, assert_problem

LISTS = ("/v1/tasks", "/v1/assets", "/v1/callbacks", "/v1/callback-urls")


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.asyncio(loop_scope="module")
async def test_an_empty_list_has_no_items_and_no_next_page(empty: House, path: str) -> None:
    assert await empty.json(path) == {"items": [], "next": None}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.asyncio(loop_scope="module")
async def test_an_unknown_parameter_is_refused_by_name(empty: House, path: str) -> None:
    answer = await empty.read.get(path, params={"limmit": "3"})
    assert_problem(answer, 400, "unknown_parameter")
    assert "limmit" in answer.json()["detail"]
    assert "limit" in answer.json()["detail"]


@pytest.mark.parametrize("query", ["limit=1&limit=2", "cursor=czE&cursor=czE", "limit=5&limit=5"])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_parameter_that_is_given_twice_is_refused_by_name(empty: House, query: str) -> None:
    answer = await empty.read.get(f"/v1/tasks?{query}")
    assert_problem(answer, 400, "repeated_parameter")
    assert query.partition("=")[0] in answer.json()["detail"]


@pytest.mark.parametrize("limit", ["0", "-1", "201", "", "many", "1.5", "1e2", "\u0663", "9" * 500, " 5", "0x10"])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_limit_outside_1_to_200_is_refused(empty: House, limit: str) -> None:
    assert_problem(await empty.read.get("/v1/tasks", params={"limit": limit}), 400, "invalid_limit")


@pytest.mark.parametrize("limit", ["1", "200", "050"])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_limit_within_1_to_200_is_taken(empty: House, limit: str) -> None:
    assert (await empty.read.get("/v1/tasks", params={"limit": limit})).status_code == 200


@pytest.mark.parametrize(
    "text",
    ["", "x", "garbage", "!!!!", "\u00e9", "\x00", "A" * 4000]
    + [cursor(odd) for odd in ("s", "t1", "s1.5", "sx", "s" + "9" * 30, "s\U0001f600", "s\u0661")],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_cursor_that_no_list_gave_is_refused(empty: House, text: str) -> None:
    for path in LISTS:
        assert_problem(await empty.read.get(path, params={"cursor": text}), 400, "invalid_cursor")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_cursor_beyond_any_row_number_is_refused(empty: House) -> None:
    assert_problem(await empty.read.get("/v1/tasks", params={"cursor": cursor("s" + "9" * 19)}), 400, "invalid_cursor")


@pytest.mark.parametrize("text", ["s-5", "s+5", "s 5", "s1_0"])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_cursor_is_s_and_digits_only(empty: House, text: str) -> None:
    assert_problem(await empty.read.get("/v1/tasks", params={"cursor": cursor(text)}), 400, "invalid_cursor")


async def test_pages_follow_each_other_without_gap_or_repetition_while_tasks_arrive(house: House) -> None:
    for number in range(7):
        await house.write.post("/v1/tasks", json={"id": f"task-{number:03}"})
    seen: list[str] = []
    page = await house.json("/v1/tasks", limit="3")
    await house.write.post("/v1/tasks", json={"id": "task-late"})
    while True:
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        assert len(page["items"]) == 3
        page = await house.json("/v1/tasks", limit="3", cursor=page["next"])
    assert seen == [f"task-{number:03}" for number in reversed(range(7))]


async def test_a_page_that_ends_with_the_last_row_has_no_next(house: House) -> None:
    for number in range(4):
        await house.mint(ref=str(number))
    first = await house.json("/v1/callback-urls", limit="2")
    second = await house.json("/v1/callback-urls", limit="2", cursor=first["next"])
    assert [item["ref"] for item in first["items"] + second["items"]] == ["3", "2", "1", "0"]
    assert second["next"] is None


async def test_a_filter_holds_on_every_page(house: House) -> None:
    for number in range(6):
        await house.write.post(
            "/v1/tasks", json={"id": f"task-{number:03}", "ref": "even" if number % 2 == 0 else "odd"}
        )
    first = await house.json("/v1/tasks", limit="2", ref="even")
    second = await house.json("/v1/tasks", limit="2", ref="even", cursor=first["next"])
    assert [item["id"] for item in first["items"] + second["items"]] == ["task-004", "task-002", "task-000"]


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/v1/tasks", "status", "complete"),
        ("/v1/tasks", "status", "COMPLETED"),
        ("/v1/tasks", "conflict", "yes"),
        ("/v1/assets", "status", "stored"),
        ("/v1/assets", "format", "jpg"),
        ("/v1/callbacks", "verdict", "bad"),
        ("/v1/callbacks", "origin", "email"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_filter_of_a_closed_set_refuses_a_word_that_is_not_in_it(
    empty: House, path: str, name: str, value: str
) -> None:
    answer = await empty.read.get(path, params={name: value})
    assert_problem(answer, 400, "invalid_parameter")
    assert name in answer.json()["detail"]


@pytest.mark.parametrize("value", ["\x00", "'; DROP TABLE tasks; --", "%", "\u65e5\u843d", "x" * 3000])
@pytest.mark.asyncio(loop_scope="module")
async def test_an_open_filter_takes_any_text_and_finds_nothing(empty: House, value: str) -> None:
    assert await empty.json("/v1/tasks", ref=value) == {"items": [], "next": None}


@pytest.mark.asyncio(loop_scope="module")
async def test_a_query_that_is_not_utf_8_is_answered(empty: House) -> None:
    assert (await empty.read.get("/v1/tasks?ref=%ff%fe")).status_code == 200
    assert_problem(await empty.read.get("/v1/tasks?%ff=1"), 400, "unknown_parameter")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_list_answers_head(empty: House, path: str) -> None:
    answer = await empty.read.head(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")

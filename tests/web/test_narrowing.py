"""Lists and facets are narrowed by the query string; what it does not make sense of is refused by name."""

import pytest

from tests.support.app import House, assert_problem

PROMPTS = {
    "task-sea": "夕暮れの海辺、日落",
    "task-cat": "고양이가 앉아 있다",
    "task-art": "美しい庭",
    "task-fog": "A foggy Lighthouse, café",
}


@pytest.fixture
async def told(house: House) -> House:
    for task_id, prompt in PROMPTS.items():
        tags = {"team": "posters", "for": task_id}
        body = {"id": task_id, "prompt": prompt, "ref": f"order of {task_id}", "tags": tags}
        answer = await house.write.post("/v1/tasks", json=body)
        assert answer.status_code == 201, answer.text
    return house


async def ids(house: House, path: str = "/v1/tasks", **query: str | list[str]) -> list[str]:
    answer = await house.read.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("日落", ["task-sea"]),
        ("海", ["task-sea"]),
        ("고양이", ["task-cat"]),
        ("美しい", ["task-art"]),
        ("CAFE light*", ["task-fog"]),
        ("order", ["task-fog", "task-art", "task-cat", "task-sea"]),
        ("posters", ["task-fog", "task-art", "task-cat", "task-sea"]),
        ("海 lighthouse", []),
        ("海" * 1000, []),
    ],
)
async def test_words_of_any_script_find_tasks(told: House, typed: str, expected: list[str]) -> None:
    assert await ids(told, q=typed) == expected
    counted = (await told.json("/v1/facets/tasks", q=typed))["count"]
    assert counted == len(expected)


async def test_tags_are_taken_together_and_to_the_letter(told: House) -> None:
    assert await ids(told, tag=["team:posters", "for:task-cat"]) == ["task-cat"]
    assert await ids(told, tag="for") == [*reversed(PROMPTS)]
    assert await ids(told, tag="team:Posters") == []


async def test_images_are_found_by_what_their_task_says(told: House) -> None:
    await told.complete("task-sea", results=[f"https://files.evolink.ai/sea/{index}.png" for index in range(2)])
    await told.archive()
    both = ["task-sea.1", "task-sea.0"]
    assert await ids(told, "/v1/assets", q="海", host="files.evolink.ai", format="png", sort="largest") == both
    assert await ids(told, "/v1/assets", q="日落", sort="oldest") == both[::-1]
    assert await ids(told, "/v1/assets", size="8x6", tag="for:task-sea") == both
    assert await ids(told, "/v1/assets", size="8x7") == await ids(told, "/v1/assets", min_bytes="1000000") == []
    facets = await told.json("/v1/facets/assets", q="海")
    assert (facets["count"], facets["exact"]) == (2, True)
    assert facets["facets"]["format"] == [{"value": "png", "count": 2}]
    assert facets["facets"]["tag"][0] == {"value": "team:posters", "count": 2}


async def test_images_are_picked_by_their_ids_and_only_where_the_rest_holds(house: House) -> None:
    links = [f"https://files.evolink.ai/sea/{index}.png" for index in range(3)]
    for task_id in ("task-sea", "task.with.dots", "task-fog"):
        await house.complete(task_id, results=links)
    picked = ["task-sea.2", "task.with.dots.1", "task-sea.2", "task-sea.7", "task-none.0"]
    assert await ids(house, "/v1/assets", id=picked) == ["task.with.dots.1", "task-sea.2"]
    assert await ids(house, "/v1/assets", id=picked, task_id="task-sea") == ["task-sea.2"]
    assert await ids(house, "/v1/assets", id=picked, status="archived") == []
    facets = (await house.read.get("/v1/facets/assets", params={"id": picked})).json()
    assert facets["count"] == 2
    many = [f"task-sea.{index}" for index in range(500)]
    assert len(await ids(house, "/v1/assets", id=many)) == 3


async def test_times_narrow_lists(told: House) -> None:
    assert await ids(told, received_after="2020-01-01T00:00:00Z", received_before="2020-01-02T00:00:00Z") == []
    assert len(await ids(told, received_after="2020-01-01T00:00:00+09:00")) == len(PROMPTS)
    assert await ids(told, "/v1/assets", archived_after="2020-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("path", "query", "code", "named"),
    [
        ("/v1/tasks", {"format": "png"}, "unknown_parameter", "format"),
        ("/v1/tasks", {"held": "yes"}, "invalid_parameter", "held takes one of true, false"),
        ("/v1/tasks", {"sort": "largest"}, "invalid_parameter", "newest, oldest"),
        ("/v1/tasks", {"q": "—"}, "invalid_parameter", "q takes words"),
        ("/v1/tasks", {"q": ""}, "invalid_parameter", "q takes words"),
        ("/v1/tasks", {"q": "x" * 1001}, "invalid_parameter", "q takes at most 1000 characters"),
        ("/v1/tasks", {"q": "x " * 33}, "invalid_parameter", "q takes at most 32 words"),
        ("/v1/tasks", {"tag": ["a"] * 9}, "invalid_parameter", "tag may be given 8 times"),
        ("/v1/tasks", {"q": ["a", "b"]}, "repeated_parameter", "q was given"),
        ("/v1/tasks", {"received_after": "yesterday"}, "invalid_parameter", "received_after takes a time"),
        ("/v1/assets", {"size": "large"}, "invalid_parameter", "1024x1536"),
        ("/v1/assets", {"min_bytes": "-1"}, "invalid_parameter", "min_bytes"),
        ("/v1/assets", {"id": ["task-sea.0", "task-sea.01"]}, "invalid_parameter", "'task-sea.01' is none"),
        ("/v1/assets", {"id": "task-sea"}, "invalid_parameter", "'task-sea' is none"),
        ("/v1/assets", {"id": "task-sea."}, "invalid_parameter", "'task-sea.' is none"),
        ("/v1/assets", {"id": "sea.0"}, "invalid_parameter", "'sea.0' is none"),
        ("/v1/assets", {"id": ["task-sea.0"] * 501}, "invalid_parameter", "id may be given 500 times"),
        ("/v1/tasks", {"id": "task-sea.0"}, "unknown_parameter", "id"),
        ("/v1/assets", {"prompt": "a"}, "unknown_parameter", "prompt"),
        ("/v1/facets/assets", {"limit": "5"}, "unknown_parameter", "limit"),
        ("/v1/facets/tasks", {"sort": "oldest"}, "unknown_parameter", "sort"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    house: House, path: str, query: dict[str, str | list[str]], code: str, named: str
) -> None:
    answer = await house.read.get(path, params=query)
    assert_problem(answer, 400, code)
    assert named in answer.json()["detail"]

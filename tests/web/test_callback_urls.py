"""`/v1/callback-urls`: minted ones work, revoked ones do not, and what they carry is checked."""

import json
from datetime import UTC, datetime
from hashlib import sha512
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from service.intake.callback_token import CallbackToken
from tests.support.app import PUBLIC_URL, House, assert_problem, serving
from tests.support.deliveries import TASK, task_object

# hashes, as text that repeats itself is compressed
LONG_TAGS = json.dumps({"tags": {str(n): sha512(str(n).encode()).hexdigest() for n in range(32)}}).encode()


async def test_a_minted_url_is_under_the_public_url_and_listed_without_its_token(house: House) -> None:
    answer = await house.write.post(
        "/v1/callback-urls", json={"ref": "r", "tags": {"k": "v"}, "task_id": TASK, "expires_in": 60}
    )
    minted = answer.json()
    assert answer.status_code == 201
    assert set(minted) == {"id", "callback_url", "warnings"}
    assert minted["callback_url"].startswith(f"{PUBLIC_URL}/callbacks/evolink/")
    assert len(minted["callback_url"]) <= 2048
    assert minted["warnings"] == []
    listing = await house.read.get("/v1/callback-urls")
    [listed] = listing.json()["items"]
    assert listed["created_at"] < listed["expires_at"]
    assert {name: listed[name] for name in ("id", "source", "task_id", "ref", "tags", "revoked_at")} == {
        "id": minted["id"],
        "source": "evolink",
        "task_id": TASK,
        "ref": "r",
        "tags": {"k": "v"},
        "revoked_at": None,
    }
    assert minted["callback_url"].rpartition("/")[2] not in listing.text


@pytest.mark.parametrize("body", [b"", b"{}", b'{"ref":null}'])
async def test_nothing_has_to_be_asked_for(house: House, body: bytes) -> None:
    answer = await house.write.post("/v1/callback-urls", content=body)
    assert answer.status_code == 201
    answer = await house.call_back(task_object(), path=urlsplit(answer.json()["callback_url"]).path)
    assert answer.status_code == 202


async def test_a_base_that_the_provider_would_refuse_is_minted_with_a_warning(tmp_path: Path) -> None:
    async with serving(tmp_path, public_url="http://localhost:8080") as house:
        answer = await house.write.post("/v1/callback-urls")
    assert answer.status_code == 201
    assert len(answer.json()["warnings"]) == 2


async def test_a_revoked_url_is_404_from_then_on_also_after_a_restart(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        path, other = await house.mint(), await house.mint()
        revoked = (await house.json("/v1/callback-urls"))["items"][1]["id"]
        assert (await house.admin.delete(f"/v1/callback-urls/{revoked}")).status_code == 204
        assert_problem(await house.call_back(task_object(), path=path), 404, "not_found")
        assert (await house.call_back(task_object(), path=other)).status_code == 202
        assert (await house.admin.delete(f"/v1/callback-urls/{revoked}")).status_code == 204
    async with serving(tmp_path) as house:
        assert_problem(await house.call_back(task_object(), path=path), 404, "not_found")
        newest, oldest = (await house.json("/v1/callback-urls"))["items"]
        assert newest["revoked_at"] is None
        assert oldest["revoked_at"].endswith("Z")


async def test_a_url_tells_which_tasks_its_callbacks_named_also_once_it_is_revoked(house: House) -> None:
    path = await house.mint(ref="leaked")
    [listed] = (await house.json("/v1/callback-urls"))["items"]
    url = f"/v1/callback-urls/{listed['id']}"
    assert await house.json(url) == {**listed, "touched": {"tasks": [], "total": 0}}
    await house.call_back(task_object("failed", "task-a"), path=path)
    await house.call_back(task_object("processing", "task-b"), path=path)
    await house.call_back(task_object("failed", "task-of-others"))
    await house.call_back(b"bad", path=path)
    assert (await house.admin.delete(url)).status_code == 204
    one = await house.json(url)
    assert one["revoked_at"] is not None
    assert one["touched"] == {
        "tasks": [
            {"id": "task-b", "status": "processing", "confirmed": False},
            {"id": "task-a", "status": "failed", "confirmed": False},
        ],
        "total": 2,
    }


async def test_at_most_a_hundred_tasks_are_listed_and_all_are_counted(house: House) -> None:
    path = await house.mint()
    for number in range(120):
        await house.call_back(task_object("failed", f"task-{number:03}"), path=path)
    [listed] = (await house.json("/v1/callback-urls"))["items"]
    touched = (await house.json(f"/v1/callback-urls/{listed['id']}"))["touched"]
    assert (len(touched["tasks"]), touched["tasks"][0]["id"], touched["total"]) == (100, "task-119", 120)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_url_that_was_never_minted_is_404(empty: House, method: str) -> None:
    answer = await empty.admin.request(method, "/v1/callback-urls/none")
    assert_problem(answer, 404, "callback_url_not_found")


async def test_a_url_of_which_only_callbacks_are_left_can_be_revoked(house: House) -> None:
    """As after the database was made anew from the archive: the signature is still good."""
    token = CallbackToken(id="old", source="evolink", issued_at=datetime.now(UTC), ref="r")
    path = f"/callbacks/evolink/{house.parts.signer.sign(token)}"
    assert_problem(await house.admin.delete("/v1/callback-urls/old"), 404, "callback_url_not_found")
    assert (await house.call_back(task_object("failed"), path=path)).status_code == 202
    assert (await house.admin.delete("/v1/callback-urls/old")).status_code == 204
    assert_problem(await house.call_back(task_object("failed"), path=path), 404, "not_found")
    assert (await house.json("/v1/callback-urls/old"))["ref"] == "r"


async def test_a_url_for_one_task_speaks_for_no_other(house: House) -> None:
    path = await house.mint(task_id="task-mine")
    assert (await house.call_back(task_object(task_id="task-other"), path=path)).status_code == 202
    assert_problem(await house.admin.get("/v1/tasks/task-other"), 404, "task_not_found")
    [kept] = (await house.json("/v1/callbacks"))["items"]
    assert kept["verdict"] == "foreign"


@pytest.mark.parametrize(
    ("body", "code", "names"),
    [
        (b'{"reff":"x"}', "invalid_request", "reff"),
        (b'{"expires_in":0}', "invalid_request", "expires_in"),
        (b'{"expires_in":1e300}', "invalid_request", "expires_in"),
        (b'{"expires_in":99999999999}', "invalid_request", "expires_in"),
        (b'{"tags":{"":"v"}}', "invalid_request", "tags"),
        (b'{"tags":{"k":7}}', "invalid_request", "tags"),
        (b'{"tags":["k"]}', "invalid_request", "tags"),
        (b'{"ref":"\\ud800"}', "invalid_request", "body"),
        (b'{"ref":7}', "invalid_request", "ref"),
        (b"[]", "invalid_request", "body"),
        (b"nonsense", "invalid_request", "body"),
        (b"\xff", "invalid_request", "body"),
        (b'{"task_id":"../x"}', "invalid_task_id", "task_id"),
        (LONG_TAGS, "url_too_long", "2048"),
        (b'{"ref":"' + b"x" * 300_000 + b'"}', "body_too_large", "262144"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_wish_that_cannot_be_granted_is_400_and_names_what_is_wrong(
    empty: House, body: bytes, code: str, names: str
) -> None:
    answer = await empty.write.post("/v1/callback-urls", content=body)
    assert_problem(answer, 400 if code != "body_too_large" else answer.status_code, code)
    assert names in answer.json()["detail"]
    assert (await empty.json("/v1/callback-urls"))["items"] == []


@pytest.mark.asyncio(loop_scope="module")
async def test_a_body_over_the_cap_is_413(empty: House) -> None:
    answer = await empty.write.post("/v1/callback-urls", content=b'{"ref":"' + b"x" * 300_000 + b'"}')
    assert_problem(answer, 413, "body_too_large")

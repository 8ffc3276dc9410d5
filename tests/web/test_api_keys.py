"""`/v1/keys`: keys that are made work at once, revoked ones do not, and none is shown twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from service.domain.api_key import setting_id
from tests.support.app import SCOPES, House, assert_problem, client_for, serving

FIELDS = {"id", "name", "scopes", "note", "replaces", "created_at", "created_by"} | {
    f"{what}_at" for what in ("last_used", "expires", "revoked")
}


async def make(house: House, name: str = "shop", *scopes: str, **more: Any) -> dict[str, Any]:
    answer = await house.admin.post("/v1/keys", json={"name": name, "scopes": scopes or ["read"], **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def ask(house: House, key: str, path: str = "/v1/tasks") -> httpx.Response:
    async with client_for(house.app, key=key) as client:
        return await client.get(path)


async def test_a_key_works_at_once_and_no_longer_than_until_it_is_revoked_also_after_a_restart(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        made, other = await make(house), await make(house, "other")
        assert (await ask(house, made["key"])).status_code == 200
        assert_problem(await ask(house, made["key"], "/v1/keys"), 403, "forbidden")
        assert (await house.admin.delete(f"/v1/keys/{made['id']}")).status_code == 204
        assert_problem(await ask(house, made["key"]), 401, "unauthorized")
        assert (await house.admin.delete(f"/v1/keys/{made['id']}")).status_code == 204
    async with serving(tmp_path) as house:
        assert_problem(await ask(house, made["key"]), 401, "unauthorized")
        assert (await ask(house, other["key"])).status_code == 200


async def test_a_key_is_shown_once_and_described_without_it_from_then_on(house: House) -> None:
    with capture_logs() as lines:
        answer = await house.admin.post(
            "/v1/keys", json={"name": "shop", "scopes": ["write"], "note": "the shop's", "expires_in": 3600}
        )
        made = answer.json()
        secret = made.pop("key")
        assert answer.headers["cache-control"] == "no-store"
        assert set(made) == FIELDS
        assert (made["name"], made["scopes"], made["note"]) == ("shop", ["write"], "the shop's")
        assert (made["created_by"], made["revoked_at"], made["last_used_at"]) == ("admin", None, None)
        assert await house.json(f"/v1/keys/{made['id']}") == made
        listed = await house.json("/v1/keys")
        assert listed["items"] == [made]
        assert [one["name"] for one in listed["setting"]] == list(SCOPES)
        told = [answer.text for answer in [await house.admin.get(path) for path in ("/v1/keys", "/v1/audit")]]
    told += [str(line) for line in lines]
    assert not any(secret in text or secret.removeprefix("darkroom_") in text for text in told)


async def test_unknown_revoked_and_expired_keys_are_answered_the_same_to_the_byte(house: House) -> None:
    revoked, expired = await make(house, "a"), await make(house, "b", expires_in=1)
    await house.admin.delete(f"/v1/keys/{revoked['id']}")
    past = datetime.now(UTC) - timedelta(seconds=5)
    kept = await house.parts.catalog.read(lambda tx: tx.keys.get(expired["id"]))
    assert kept is not None
    object.__setattr__(kept.key, "expires_at", past)
    await house.parts.catalog.write(lambda tx: tx.keys.save_end(kept))
    await house.parts.keys.refresh()
    unknown = f"darkroom_{'x' * 43}"
    answers = [await ask(house, key) for key in (unknown, revoked["key"], expired["key"])]
    assert {(one.status_code, one.content, str(sorted(one.headers.items()))) for one in answers} == {
        (401, answers[0].content, str(sorted(answers[0].headers.items())))
    }
    reasons = ("unknown", "revoked", "expired")
    counted = [await house.metric(f'darkroom_auth_failures_total{{reason="{reason}"}}') for reason in reasons]
    assert counted == [1, 1, 1]


async def test_a_key_of_the_setting_is_shown_and_not_revoked(house: House) -> None:
    one = setting_id("read")
    assert await house.json(f"/v1/keys/{one}") == {"id": one, "name": "read", "scopes": ["read"]}
    answer = await house.admin.delete(f"/v1/keys/{one}")
    assert_problem(answer, 409, "key_of_setting")
    assert "DARKROOM_API_KEYS" in answer.json()["detail"]


async def test_where_the_setting_has_no_admin_the_last_one_is_not_revoked_by_itself(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        made = await make(house, "boss", "admin")
    keys = [{"name": "reader", "key": "key-read", "scopes": ["read"]}]
    async with serving(tmp_path, api_keys=keys) as house, client_for(house.app, key=made["key"]) as boss:
        assert_problem(await boss.delete(f"/v1/keys/{made['id']}"), 409, "last_admin_key")
        assert (await boss.post("/v1/keys", json={"name": "next", "scopes": ["admin"]})).status_code == 201
        assert (await boss.delete(f"/v1/keys/{made['id']}")).status_code == 204
        assert_problem(await boss.get("/v1/keys"), 401, "unauthorized")


async def test_submissions_of_a_key_and_of_the_one_that_replaces_it_are_of_one_name(house: House) -> None:
    old = await make(house, "shop", "write")
    new = await make(house, None, replaces=old["id"], scopes=[], overlap=60)  # type: ignore[arg-type]
    assert (new["name"], new["scopes"], new["replaces"]) == ("shop", ["write"], old["id"])
    assert [(await ask(house, one["key"])).status_code for one in (old, new)] == [200, 200]
    ends = (await house.json(f"/v1/keys/{old['id']}"))["expires_at"]
    assert ends is not None
    assert ends > old["created_at"]


@pytest.mark.parametrize(
    ("body", "status", "code", "names"),
    [
        ({}, 400, "invalid_key_name", "name"),
        ({"name": "shop"}, 400, "invalid_scopes", "read"),
        ({"name": "shop", "scopes": []}, 400, "invalid_scopes", "read"),
        ({"name": "shop", "scopes": ["root"]}, 400, "invalid_request", "scopes"),
        ({"name": "(command line)", "scopes": ["read"]}, 400, "invalid_key_name", "name"),
        ({"name": "admin", "scopes": ["read"]}, 409, "key_name_taken", "admin"),
        ({"name": "shop", "scopes": ["read"], "expires_in": 0}, 400, "invalid_request", "expires_in"),
        ({"name": "shop", "scopes": ["read"], "overlap": -1}, 400, "invalid_request", "overlap"),
        ({"name": "shop", "scopes": ["read"], "sha256": "0" * 64}, 400, "invalid_request", "sha256"),
        ({"name": "shop", "scopes": ["read"], "replaces": "key_none"}, 404, "key_not_found", "key_none"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_wish_that_cannot_be_granted_names_what_is_wrong(
    empty: House, body: dict[str, Any], status: int, code: str, names: str
) -> None:
    answer = await empty.admin.post("/v1/keys", json=body)
    assert_problem(answer, status, code)
    assert names in answer.json()["detail"]
    assert (await empty.json("/v1/keys"))["items"] == []


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_key_that_was_never_made_is_404(empty: House, method: str) -> None:
    assert_problem(await empty.admin.request(method, "/v1/keys/key_none"), 404, "key_not_found")


async def test_the_last_use_is_known_a_little_later(house: House) -> None:
    made = await make(house)
    await ask(house, made["key"])
    await house.parts.keys.note_use()
    assert (await house.json(f"/v1/keys/{made['id']}"))["last_used_at"] >= made["created_at"]

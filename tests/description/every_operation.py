"""Everything that answers JSON, asked once of a service that has something to tell: answers by operation and status.

What is sent are the description's own examples, so that those are known to be taken.
"""

from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.support.described import operation
from tests.system.support.darkroom import Darkroom
from tests.system.support.jobs import all_looked_at
from tests.system.support.waiting import eventually

Answers = dict[tuple[str, int], Any]


class Asker:
    """Asks one service as an admin, and keeps what it answered."""

    def __init__(self, service: Darkroom) -> None:
        self.answers: Answers = {}
        self._client = service.api.client

    async def __call__(self, name: str, status: int, *, headers: dict[str, str] | None = None, **where: str) -> Any:
        """The JSON of an operation's answer, which has to have this status; `where` is for path and query."""
        one = operation(name)
        path = one.path.format(**{key: where[key] for key in one.where})
        query = {key: value for key, value in where.items() if key not in one.where}
        body = {"json": one.body.example} if one.body is not None else {}
        answer: httpx.Response = await self._client.request(
            one.method, path, params=query, headers=headers or {}, **body
        )
        assert answer.status_code == status, (name, answer.status_code, answer.text)
        if status == 204:
            return None
        self.answers[name, status] = answer.json()
        return answer.json()


async def answers_of(service: Darkroom) -> Answers:
    """Ask for everything; the service submits to a provider that lets tasks end at once."""
    ask = Asker(service)
    labels = {each.name: str(each.example) for each in operation("submit").headers}
    submitted = await ask("submit", 200, headers=labels)
    task = await service.api.settled(submitted["id"])
    asset = task["assets"][0]["id"]
    await all_looked_at(service)
    await _of_callbacks(ask, task["id"])
    await ask("tell_task", 201)
    told = await ask("tell_task", 200)
    await ask("retry_task", 202, id=told["id"])
    await ask("tag_task", 200, id=told["id"])
    await ask("hold_task", 200, id=told["id"])
    await ask("release_task", 204, id=told["id"])
    await ask("get_task", 200, id=task["id"])
    await ask("get_provider_task", 200, id=task["id"])
    for name in ("list_tasks", "list_assets", "count_tasks", "count_assets"):
        await ask(name, 200, model=task["model"], sort="oldest") if name.startswith("list") else await ask(name, 200)
    await ask("get_asset", 200, id=asset)
    await ask("list_similar", 200, id=asset)
    link = await ask("sign_link", 201, id=asset)
    await ask("list_links", 200, id=asset)
    await ask("revoke_link", 204, id=asset, link=link["id"])
    submissions = await ask("list_submissions", 200)
    await ask("get_submission", 200, id=submissions["items"][0]["id"])
    await _of_events(ask)
    await _of_keys(ask)
    for name in ("get_stats", "is_alive", "is_ready"):
        await ask(name, 200)
    await ask("delete_asset", 204, id=asset)
    return ask.answers


async def _of_callbacks(ask: Asker, task_id: str) -> None:
    minted = await ask("mint_callback_url", 201)
    token = urlsplit(minted["callback_url"]).path.rpartition("/")[2]
    await ask("receive_callback", 202, source="evolink", token=token)
    await ask("receive_callback", 200, source="evolink", token=token)
    await ask("list_callback_urls", 200)
    await ask("get_callback_url", 200, id=minted["id"])
    inbox = await ask("list_callbacks", 200, task_id=task_id)
    await ask("get_callback", 200, id=inbox["items"][0]["id"])
    await ask("replay_callbacks", 200)
    await ask("revoke_callback_url", 204, id=minted["id"])


async def _of_events(ask: Asker) -> None:
    async def told() -> Any:
        return (await ask("list_events", 200, kind="asset.archived"))["items"] or None

    events = await eventually(told, what="an endpoint is to be told")
    await ask("get_event", 200, id=events[0]["id"])
    await ask("replay_events", 200)


async def _of_keys(ask: Asker) -> None:
    made = await ask("make_key", 201)
    await ask("list_keys", 200)
    await ask("get_key", 200, id=made["id"])
    await ask("revoke_key", 204, id=made["id"])
    await ask("list_changes", 200, action="key.created")

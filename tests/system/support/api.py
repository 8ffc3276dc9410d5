"""Darkroom's HTTP interface as its users see it."""

from collections.abc import Mapping
from typing import Any

import httpx

from tests.system.support.waiting import eventually

SETTLED = {"completed", "failed", "cancelled", "dead"}


class Api:
    """Calls one server with one key; remembers the tokens it minted, so that logs can be searched for them."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.tokens: set[str] = set()

    async def mint(self, **wish: Any) -> str:
        """A fresh callback URL."""
        answer = await self.client.post("/v1/callback-urls", json=wish)
        assert answer.status_code == 201, answer.text
        return self.noted(answer.json()["callback_url"])

    def noted(self, callback_url: str) -> str:
        """The URL; its token is remembered."""
        self.tokens.add(callback_url.rpartition("/")[2])
        return callback_url

    async def get(self, path: str, **parameters: str | int) -> Any:
        """The JSON at a path; raises AssertionError unless the answer is 200."""
        answer = await self.client.get(path, params=parameters)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def all(self, path: str, **parameters: str | int) -> list[Any]:
        """Every item of a list, page by page."""
        items: list[Any] = []
        page: Mapping[str, Any] = {"next": ""}
        while page["next"] is not None:
            cursor = {"cursor": page["next"]} if page["next"] else {}
            page = await self.get(path, limit=200, **cursor, **parameters)
            items += page["items"]
        return items

    async def settled(self, task_id: str, *, within: float = 30.0) -> Any:
        """A task, as soon as nothing is left to do for it."""

        async def look() -> Any:
            task = await self.get(f"/v1/tasks/{task_id}")
            return task if task["settled_at"] else None

        return await eventually(look, what=f"{task_id} is settled", within=within)

    async def metrics(self) -> dict[str, float]:
        """Every series by its name with labels."""
        answer = await self.client.get("/metrics")
        assert answer.status_code == 200
        lines = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

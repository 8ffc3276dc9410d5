"""A delivery as it is sent: where to, what, and by which headers it is known to be ours."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.catalog.catalog import Transaction
from service.catalog.delivery_filter import Delivery
from service.domain.announcement import CALLER
from service.domain.asset import Asset, AssetReason, AssetStatus
from service.domain.task import Task
from service.domain.telling import Undeliverable
from service.intake.asset_link import AssetLinkSigner
from service.intake.permanent_link import url_of
from service.notify.body import archived_in, compact, event_body
from service.notify.endpoint import Endpoint
from service.provider.task_object import with_links

CallbackUrlOf = Callable[[Transaction, str], str | None]
"""Where the client that submitted a task through us wants to be called."""

LinksTo = Callable[[Transaction, Sequence[Asset]], dict[int, str] | None]
"""The ids of permanent links to images, by index; None where one has to be made first."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is posted; its URL may be a secret."""

    event_id: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


class LetterWriter:
    """Writes letters to endpoints, by name, and to callers; `public_url` is where our own links lead."""

    def __init__(
        self,
        *,
        endpoints: Sequence[Endpoint],
        callback_url_of: CallbackUrlOf,
        signer: AssetLinkSigner,
        public_url: str,
    ) -> None:
        self._endpoints = {endpoint.name: endpoint for endpoint in endpoints}
        self._callback_url_of = callback_url_of
        self._signer = signer
        self._public_url = public_url

    @property
    def names(self) -> frozenset[str]:
        """Whom it can write to."""
        return frozenset({*self._endpoints, CALLER})

    def write(
        self, tx: Transaction, delivery: Delivery, *, links_to: LinksTo, at: datetime
    ) -> Letter | Undeliverable | None:
        """The letter of an attempt at that time; None where `links_to` has first to be one that makes links."""
        if delivery.endpoint == CALLER:
            return self._to_caller(tx, delivery, links_to)
        endpoint = self._endpoints.get(delivery.endpoint)
        if endpoint is None:
            return Undeliverable("no endpoint of this name is configured")
        assert delivery.data is not None, "deliveries to be made are read with their data"
        data = json.loads(delivery.data)
        _, assets = _kept(tx, delivery.task_id)
        urls = self._urls(tx, [assets[index] for index in archived_in(data)], links_to)
        if urls is None:
            return None
        content = event_body(delivery.kind, delivery.happened_at, data, urls)
        headers = endpoint.signed(delivery.event_id, content, at=at)
        return _letter(delivery, endpoint.url, content, headers)

    def _to_caller(self, tx: Transaction, delivery: Delivery, links_to: LinksTo) -> Letter | Undeliverable | None:
        url = self._callback_url_of(tx, delivery.task_id)
        if url is None:
            return Undeliverable("its client gave no callback_url")
        task, assets = _kept(tx, delivery.task_id)
        urls = self._urls(tx, assets, links_to)
        if urls is None:
            return None
        return _letter(delivery, url, compact(with_links(task.provider_json, task=task, links=urls)), {})

    def _urls(self, tx: Transaction, assets: Sequence[Asset], links_to: LinksTo) -> dict[int, str] | None:
        """Where the bytes of those images are that are archived, and that the provider knows."""
        links = links_to(tx, [one for one in assets if _is_shown(one)])
        return (
            {index: url_of(self._signer, self._public_url, one) for index, one in links.items()}
            if links is not None
            else None
        )


def shown_body(tx: Transaction, delivery: Delivery) -> dict[str, Any]:
    """What a delivery says, or would say now, without the links that only its receiver gets."""
    if delivery.endpoint == CALLER:
        task, _ = _kept(tx, delivery.task_id)
        return with_links(task.provider_json, task=task, links=None)
    assert delivery.data is not None, "deliveries to be shown are read with their data"
    body: dict[str, Any] = json.loads(event_body(delivery.kind, delivery.happened_at, json.loads(delivery.data)))
    return body


def _is_shown(asset: Asset) -> bool:
    return asset.status is AssetStatus.ARCHIVED and asset.reason is not AssetReason.REFUTED


def _kept(tx: Transaction, task_id: str) -> tuple[Task, tuple[Asset, ...]]:
    state = tx.tasks.get(task_id)
    assert state is not None, "tasks are never removed"
    return state.task, state.assets


def _letter(delivery: Delivery, url: str, content: str, headers: Mapping[str, str]) -> Letter:
    return Letter(delivery.event_id, url, {"Content-Type": "application/json", **headers}, content.encode())

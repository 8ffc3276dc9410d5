"""Events out, as the settings describe them: who is told, who keeps what is to be told, and who delivers it."""

import asyncio
import random
from collections.abc import Sequence
from functools import partial

from service.archive.leases import Leases
from service.archive.sidecar_writer import FollowUp
from service.archive.worker import Worker
from service.background import Background
from service.bootstrap.components import Components
from service.bootstrap.provider import USER_AGENT
from service.catalog.catalog import Catalog, Transaction
from service.notify.courier import ANSWER_WITHIN, CONNECT_WITHIN, Courier
from service.notify.endpoint import Endpoint
from service.notify.forgetting import Forgetting
from service.notify.letter import LetterWriter
from service.notify.listeners import enrol, listeners
from service.notify.outbox import Audience, publish
from service.outbound.address_policy import AddressPolicy
from service.outbound.guarded_post import GuardedPost
from service.outbound.tls import tls_context
from service.settings import Settings
from service.submission.booking import book
from service.submission.price_list import Prices
from service.upkeep.elected import Elected

DELIVERIES_AT_ONCE = 16


def endpoints_of(settings: Settings) -> tuple[Endpoint, ...]:
    """Who is told of what."""
    return tuple(
        Endpoint(
            name=one.name,
            url=one.url.get_secret_value(),
            secrets=tuple(secret.get_secret_value() for secret in one.secrets),
            kinds=one.events,
        )
        for one in settings.notify.endpoints
    )


def follow_up(prices: Prices) -> FollowUp:
    """What a task's change leads to: others are to be told of it, and what it cost is counted, which goes last."""
    return partial(_followed, prices=prices)


def _followed(tx: Transaction, task_id: str, *, prices: Prices) -> None:
    publish(tx, task_id, Audience(listeners(tx), _has_caller))
    book(tx, task_id, prices)


def _has_caller(tx: Transaction, task_id: str) -> bool:
    return tx.submissions.callback_url_of(task_id) is not None


def guarded_post(settings: Settings) -> GuardedPost:
    """The way out for events: any port, for who gave the address has asked for them."""
    proxy = settings.download.proxy
    return GuardedPost(
        policy=AddressPolicy(settings.notify.trusted_networks, any_port=True),
        tls=tls_context(settings.tls.ca_file),
        connect_timeout=CONNECT_WITHIN,
        total_timeout=ANSWER_WITHIN,
        user_agent=USER_AGENT,
        max_connections=DELIVERIES_AT_ONCE,
        proxy=proxy.get_secret_value() if proxy else None,
    )


def start_deliveries(parts: Components, background: Background, post: GuardedPost) -> None:
    """Have the endpoints listen, deliver what they are to be told, and forget in time what they were."""
    endpoints = endpoints_of(parts.settings)
    background.start("listeners", partial(_enrolled, parts.catalog, endpoints))
    letters = LetterWriter(
        endpoints=endpoints,
        callback_url_of=lambda tx, task_id: tx.submissions.callback_url_of(task_id),
        signer=parts.link_signer,
        public_url=parts.settings.public_url,
    )
    courier = Courier(
        catalog=parts.catalog,
        post=post,
        letters=letters,
        tally=parts.metrics,
        places=DELIVERIES_AT_ONCE,
        jitter=random.random,
    )
    worker = Worker(name="deliver", job=courier, concurrency=DELIVERIES_AT_ONCE, nudge=parts.deliver_nudge)
    leases = Leases(catalog=parts.catalog, worker=worker, renew=lambda tx, held: tx.events.renew(held))
    background.start("delivery leases", leases.run)
    background.start("deliver", worker.run, drain=worker.stop)
    forgetting = Forgetting(catalog=parts.catalog)
    background.start("events", Elected("events", forgetting.run, catalog=parts.catalog).run)


async def _enrolled(catalog: Catalog, endpoints: Sequence[Endpoint]) -> None:
    """Once is enough; where the database is away at the start it is tried again until it is there."""
    await catalog.write(partial(enrol, endpoints=endpoints))
    await asyncio.Event().wait()

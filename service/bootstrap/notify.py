"""Events out, as the settings describe them: who is told, who keeps what is to be told, and who delivers it."""

import random
from functools import partial

from service.archive.leases import Leases
from service.archive.sidecar_writer import FollowUp
from service.archive.worker import Worker
from service.background import Background
from service.bootstrap.components import Components
from service.bootstrap.provider import USER_AGENT
from service.catalog.catalog import Transaction
from service.domain.rules import Rules
from service.notify.courier import ANSWER_WITHIN, CONNECT_WITHIN, Courier
from service.notify.endpoint import Endpoint
from service.notify.enrolment import Enrolment
from service.notify.forgetting import Forgetting
from service.notify.letter import LetterWriter
from service.notify.listeners import listeners
from service.notify.outbox import Audience, publish
from service.outbound.address_policy import AddressPolicy
from service.outbound.guarded_post import GuardedPost
from service.outbound.tls import tls_context
from service.settings import Settings
from service.submission.booking import book
from service.submission.price_list import Prices
from service.submission.record import adopt_late
from service.upkeep.elected import hourly, start_duty

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


def follow_up(prices: Prices, rules: Rules) -> FollowUp:
    """What a task's change leads to: it gets the submission that it came of, others are to be told of it, and what it
    cost is counted, which goes last."""
    return partial(_followed, prices=prices, rules=rules)


def _followed(tx: Transaction, task_id: str, *, prices: Prices, rules: Rules) -> bool:
    state = tx.tasks.get(task_id)
    if state is not None and adopt_late(tx, state.task, rules=rules):
        state = tx.tasks.get(task_id)
    if state is None:
        return False
    events = publish(tx, state, Audience(listeners(tx), _has_caller))
    book(tx, state, prices)
    return events > 0


def _has_caller(tx: Transaction, task_id: str) -> bool:
    return tx.submissions.callback_url_of(task_id) is not None


def guarded_post(settings: Settings, *, to_callers: bool) -> GuardedPost:
    """The way out for events: any port for the operator's endpoints, but what clients name has no such trust."""
    proxy = settings.download.proxy
    return GuardedPost(
        policy=AddressPolicy(settings.notify.trusted_networks, any_port=not to_callers),
        tls=tls_context(settings.tls.ca_file),
        connect_timeout=CONNECT_WITHIN,
        total_timeout=ANSWER_WITHIN,
        user_agent=USER_AGENT,
        max_connections=DELIVERIES_AT_ONCE,
        proxy=proxy.get_secret_value() if proxy else None,
        judge_names=to_callers,
    )


def start_deliveries(
    parts: Components, background: Background, *, to_endpoints: GuardedPost, to_callers: GuardedPost
) -> None:
    """Have the endpoints listen, deliver what they are to be told, and forget in time what they were."""
    endpoints = endpoints_of(parts.settings)
    enrolment = Enrolment(catalog=parts.catalog, endpoints=endpoints, tally=parts.metrics)
    background.start("listeners", enrolment.run)
    letters = LetterWriter(
        endpoints=endpoints,
        callback_url_of=lambda tx, task_id: tx.submissions.callback_url_of(task_id),
        signer=parts.link_signer,
        public_url=parts.settings.public_url,
    )
    courier = Courier(
        catalog=parts.catalog,
        to_endpoints=to_endpoints,
        to_callers=to_callers,
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
    start_duty("events", hourly(forgetting.forget), catalog=parts.catalog, background=background)

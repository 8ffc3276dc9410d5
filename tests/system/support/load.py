"""Clients that post callbacks one after the other until nobody takes their connections any more."""

import ssl
from dataclasses import dataclass, field

from tests.system.support.connection import Answered, Connection, Cut, Refused, post
from tests.system.support.provider import new_task_id, task_object


@dataclass(slots=True)
class Tally:
    """What became of the requests of all clients."""

    taken: set[str] = field(default_factory=set)  # ids of tasks that were answered 2xx
    statuses: list[int] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    cut: list[Cut] = field(default_factory=list)
    goodbyes: int = 0  # answers that end a connection that was to be kept


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post; `path` is a callback URL's."""

    port: int
    tls: ssl.SSLContext | None
    path: str


async def keep_posting(target: Target, tally: Tally, *, keep_alive: bool) -> None:
    """Post until a connection is refused or a request is cut; connections are kept as long as the server wants."""
    ended = False
    while not ended:
        connection = await Connection.open(target.port, target.tls)
        if isinstance(connection, Refused):
            tally.refused.append(connection)
            return
        try:
            ended = await _converse(connection, target, tally, keep_alive=keep_alive)
        finally:
            await connection.close()


async def _converse(connection: Connection, target: Target, tally: Tally, *, keep_alive: bool) -> bool:
    """Post over one connection until it is given up; whether the client must end because it was cut off."""
    while True:
        task_id = new_task_id()
        extra = {} if keep_alive else {"Connection": "close"}
        body = task_object(task_id, status="processing")
        outcome = await connection.exchange(post(target.path, body, headers=extra))
        match outcome:
            case Answered():
                tally.statuses.append(outcome.status)
                if 200 <= outcome.status < 300:
                    tally.taken.add(task_id)
                if outcome.closes:
                    tally.goodbyes += keep_alive
                    return False
            case Refused():
                tally.refused.append(outcome)
                return False
            case Cut():
                tally.cut.append(outcome)
                return True

"""The client of a bucket: how it is addressed, and how long it tries. It must not know what is kept there.

A request that is sent and not answered ends after `request`; retries end after `retries`, so that a call is over in
about the time of a lease. What is streamed has no end of its own, as readers may be slow, but each silence has.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from threading import Event
from typing import Any, TypeAlias, assert_never

from obstore.exceptions import BaseError, UnknownConfigurationKeyError
from obstore.store import AzureStore, GCSStore, MemoryStore, S3Store

from service.storage.place import Bucket, Scheme

Client: TypeAlias = S3Store | GCSStore | AzureStore | MemoryStore

_NAME = re.compile(r"[a-z][a-z0-9_]{1,40}")
"""What may be an option, and not a key that stands in the wrong place."""

_OF_CLIENT = frozenset(
    {
        "allow_http",
        "allow_invalid_certificates",
        "connect_timeout",
        "default_content_type",
        "http1_only",
        "http2_keep_alive_interval",
        "http2_keep_alive_timeout",
        "http2_keep_alive_while_idle",
        "http2_only",
        "pool_idle_timeout",
        "pool_max_idle_per_host",
        "proxy_ca_certificate",
        "proxy_excludes",
        "proxy_url",
        "randomize_addresses",
        "read_timeout",
        "timeout",
        "user_agent",
    }
)
"""Options of its HTTP client: given among a store's own, one of the stores (`gs`) would lose them to ours."""

_LONGEST_STREAM = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: for one request, for beginning it again, and for a call as a whole, without its transfer."""

    request: float = 30.0
    retries: float = 10.0
    call: float = 40.0


@dataclass(frozen=True, slots=True)
class Clients:
    """One for requests that are over soon, and one for reading as slowly as the reader likes."""

    brief: Client
    streaming: Client


class WrongOptions(ValueError):  # noqa: N818 - a name is enough
    """The store does not take these options; the message says which, and never a value."""


_MADE = Event()


def clients_made() -> bool:
    """Whether there are clients in this process, and with them threads that nobody can wait for."""
    return _MADE.is_set()


def open_clients(
    bucket: Bucket, *, options: Mapping[str, str], ca: bytes | None, user_agent: str, patience: Patience
) -> Clients:
    """The clients of a bucket; nothing is sent yet. Options win over what we would choose. Raises WrongOptions."""
    given = {name.lower(): value for name, value in options.items() if name.lower() in _OF_CLIENT}
    own = {name: value for name, value in options.items() if name.lower() not in _OF_CLIENT}
    client: dict[str, Any] = {"connect_timeout": timedelta(seconds=5), "user_agent": user_agent}
    client |= {"root_certificate": ca} if ca else {}
    per_request = {"timeout": timedelta(seconds=patience.request)}
    per_silence = {"timeout": _LONGEST_STREAM, "read_timeout": timedelta(seconds=patience.request / 2)}
    brief, streaming = (
        _client(bucket, own, {**client, **times, **given}, patience) for times in (per_request, per_silence)
    )
    _MADE.set()
    return Clients(brief, streaming)


def _client(bucket: Bucket, options: Mapping[str, str], client: dict[str, Any], patience: Patience) -> Client:
    retry: Any = {
        "max_retries": 5,
        "retry_timeout": timedelta(seconds=patience.retries),
        "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=3), "base": 2},
    }
    config: Any = dict(options)
    common: Any = {"prefix": bucket.prefix or None, "client_options": client, "retry_config": retry}
    try:
        match bucket.scheme:
            case Scheme.S3:
                # one request for one object: not every store that speaks S3 knows the bulk deletion
                return S3Store(bucket.name, config=config | {"disable_bulk_delete": "true"}, **common)
            case Scheme.GS:
                return GCSStore(bucket.name, config=config, **common)
            case Scheme.AZ:
                return AzureStore(bucket.name, config=config, **common)
            case _:
                assert_never(bucket.scheme)
    except UnknownConfigurationKeyError as error:
        told = str(error).lower()
        unknown = [name for name in options if _NAME.fullmatch(name) and f'key: "{name}"' in told]
        reason = f"{', '.join(unknown) or 'one of the names'} is no option of {bucket.scheme.value}://"
    except (BaseError, ValueError, TypeError, OSError):
        reason = f"{bucket.scheme.value}:// does not take these values, or lacks one"
    raise WrongOptions(reason)

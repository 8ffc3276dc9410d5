"""How values are written in the environment: durations, sizes, lists, URLs, files. Text in, value or ValueError out.

A ValueError's message is the reason alone; which variable it was and what that takes is added by `load`.
"""

import json
import re
import ssl
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from service.domain.attempt import Failed
from service.domain.host import normalised_host
from service.outbound.target import MAX_LINK, read_link
from service.storage.place import Bucket


class Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[dhms])\s*)+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SWITCH = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")
_THOUSANDS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_BYTES = (
    _THOUSANDS
    | {"b": 1, "t": 10**12, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
    | {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
)


def duration(value: Any) -> timedelta:
    """`24h`, `1h30m`, `500ms`, or a plain number of seconds."""
    if isinstance(value, timedelta):
        return value
    text = str(value).strip().lower()
    try:
        if _DURATION.fullmatch(text):
            seconds = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(text))
            return timedelta(seconds=seconds)
        return timedelta(seconds=_plain(text))
    except OverflowError:
        raise ValueError("too long") from None


def positive(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("must be more than nothing")
    return value


def size(value: Any) -> int:
    """Bytes, as `64 MiB`, `1GiB`, `500 MB` or a plain number; `MiB` and `Mi` count by 1024, `MB` and `M` by 1000."""
    return _scaled(value, _BYTES)


def count(value: Any) -> int:
    """A number, as `50M` or in full."""
    return _scaled(value, _THOUSANDS)


def items(value: Any) -> tuple[str, ...]:
    """A list of words: JSON, or separated by commas."""
    if not isinstance(value, str):
        return tuple(value)
    if value.lstrip().startswith("["):
        return tuple(str(item) for item in json_list(value))
    return tuple(item.strip() for item in value.split(",") if item.strip())


def json_list(value: Any) -> list[Any]:
    """A list in JSON; the reason it is none is not told, because it would repeat the text."""
    if not isinstance(value, str):
        return list(value)
    try:
        parsed = json.loads(value)
    except ValueError:
        raise ValueError("not JSON") from None
    if not isinstance(parsed, list):
        raise ValueError("JSON, but not a list")
    return parsed


def json_map(value: Any) -> dict[str, str]:
    """A flat map in JSON, its values as text; the reason it is none is not told, because it would repeat the text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise ValueError("not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("not a map")
    if not all(isinstance(one, (str, bool, int, float)) for one in value.values()):
        raise ValueError("its values are not all text, numbers, true or false")
    return {str(name): one if isinstance(one, str) else json.dumps(one) for name, one in value.items()}


def host_pattern(value: str) -> str:
    """`*`, `*.example.com`, or one host, without scheme and port."""
    if value == "*":
        return value
    wildcard, name = ("*.", value[2:]) if value.startswith("*.") else ("", value)
    host = normalised_host(name)
    if not re.fullmatch(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?", host) and not (not wildcard and _is_address(host)):
        raise ValueError(f"{value!r} is not a host")
    return wildcard + host


def switch(value: Any) -> bool:
    """`on` or `off`, or what else people write for them."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _SWITCH:
        raise ValueError("neither on nor off")
    return _SWITCH[word]


def api_key(value: SecretStr) -> SecretStr:
    """A key as it is sent in a header: printable ASCII without spaces around it."""
    text = value.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("not a key that can be sent")
    return SecretStr(text)


def proxy_address(value: str) -> str:
    """An address or a network whose `X-Forwarded-For` is believed; `*` for any."""
    if value != "*":
        ip_network(value)
    return value


def web_base(value: str) -> str:
    """An http or https URL to build others on: no query, no fragment, no trailing slash."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not an http or https URL")
    _ = parts.port  # raises ValueError when it is none
    if parts.query or parts.fragment or "?" in value or "#" in value or "@" in parts.netloc or re.search(r"\s", value):
        raise ValueError("it has more than scheme, host, port and path")
    return value.rstrip("/")


def proxy_url(value: SecretStr) -> SecretStr:
    """The URL of a proxy; it may hold a password, so it stays secret."""
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not an http URL")
    _ = parts.port
    return value


def not_empty(value: SecretStr) -> SecretStr:
    if not value.get_secret_value():
        raise ValueError("an empty secret")
    return value


def word(value: str) -> str:
    if not value or not value.isprintable():
        raise ValueError("an empty or unprintable name")
    return value


def names_differ(named: Sequence[N]) -> Sequence[N]:
    """Things that are referred to by their names."""
    if len({one.name for one in named}) != len(named):
        raise ValueError("two have the same name")
    return named


def tag(value: str) -> str:
    """A tag with its value, as budgets name it."""
    name, equals, _ = value.partition("=")
    if not name or not equals or not value.isprintable():
        raise ValueError("a tag is name=value")
    return value


def endpoint_name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", value):
        raise ValueError("a name is up to 40 of a-z 0-9 and -")
    return value


def endpoint_url(value: SecretStr) -> SecretStr:
    """Where events are sent to, read as it is when they are: it may hold a secret, so no reason repeats it."""
    url = value.get_secret_value()
    target = read_link(url, allowed_hosts=("*",))
    if isinstance(target, Failed) or target.port == 0 or "#" in url or url.split() != [url]:
        raise ValueError(
            f"url is an https:// URL of up to {MAX_LINK} characters with a host as names and addresses are usually "
            "written, a port from 1 to 65535 if any, without credentials, spaces and fragment"
        )
    return value


def sha256_hex(value: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", value):
        raise ValueError("sha256 is not 64 hex digits")
    return value.lower()


def sqlite_file(url: str) -> Path:
    """The file of a `sqlite:///` URL: three slashes for a relative path, four for an absolute one."""
    path = url.removeprefix("sqlite:///")
    if path == url or not path or path == ":memory:" or "?" in path:
        raise ValueError("not the URL of a file")
    return Path(path).expanduser().absolute()


def store_folder(url: str) -> Path:
    """The folder of a `file://` URL, which is absolute."""
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise ValueError("not file:// and an absolute path")
    if parts.query or parts.fragment or not parts.path.strip("/"):
        raise ValueError("not a folder of its own")
    return Path(unquote(parts.path))


def is_postgres(url: str) -> bool:
    """Whether a database URL leads to PostgreSQL; `postgresql://` alone would lead to whatever the environment says."""
    return url.startswith(("postgresql:", "postgres:", "postgresql+"))


def database_url(value: SecretStr) -> SecretStr:
    """The URL of a SQLite file, or of a PostgreSQL database, whose host and name have to be told."""
    url = value.get_secret_value()
    if not is_postgres(url):
        sqlite_file(url)
        return value
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres", "postgresql+asyncpg"):
        raise ValueError("another driver's URL")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not (parts.hostname or query.get("host")) or not parts.path.strip("/") or parts.fragment:
        raise ValueError("a host or the name of the database is missing")
    if query.get("pooler", "transaction") != "transaction":
        raise ValueError("the only pooler is transaction")
    return value


def store_url(url: str) -> str:
    if Bucket.of_url(url) is None:
        store_folder(url)
    return url


def readable_file(value: Path) -> Path:
    path = value.expanduser().absolute()
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(error.strerror or "cannot be read") from None
    return path


def ca_file(value: Path) -> Path:
    path = readable_file(value)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except (ssl.SSLError, OSError):
        raise ValueError("no PEM certificates in it") from None
    return path


def check_certificate(certificate: Path, key: Path) -> None:
    """Raise ValueError unless the two belong together. An encrypted key is refused: nobody is there to be asked."""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or "PEM lib"
        raise ValueError(str(reason).replace("_", " ").lower()) from None


def _plain(text: str) -> float:
    if not re.fullmatch(r"\d+(?:\.\d+)?", text):
        raise ValueError("not a duration")
    return float(text)


def _scaled(value: Any, units: dict[str, int]) -> int:
    match = _NUMBER.fullmatch(str(value).strip().lower())
    if match is None or match[2] not in units:
        raise ValueError("not a number with a known unit")
    number = float(match[1]) if "." in match[1] else int(match[1])
    return int(number * units[match[2]])


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

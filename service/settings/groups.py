"""The groups of settings whose names have two parts, such as `DARKROOM_SERVER__PORT`."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, model_validator

from service.domain.api_key import Scope, digest
from service.domain.rules import ConfirmMode
from service.observability import LogFormat, LogLevel
from service.settings import values
from service.settings.fields import (
    DURATION,
    PORT,
    SIZE,
    CaFile,
    Count,
    Duration,
    HostPattern,
    Items,
    JsonList,
    JsonMap,
    PositiveDuration,
    ProxyAddress,
    ReadableFile,
    Secret,
    Size,
    StoreUrl,
    Switch,
    WebBase,
    setting,
)


class Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)  # `load` looks at unknown names


class Storage(Group):
    url: StoreUrl | None = setting(
        None,
        "Where images are kept: a folder, or a bucket as s3://bucket/prefix, gs://bucket/prefix or az://container/prefix.",
        takes="file:// and the absolute path of a folder, or s3://bucket/prefix, gs://bucket/prefix, az://container/prefix",
        shown="file://{DATA_DIR}/archive",
    )
    options: Annotated[Mapping[str, SecretStr], JsonMap] = setting(
        {},
        "The bucket's own options, such as endpoint, region, access_key_id, secret_access_key, allow_http.",
        takes='a JSON map such as {"region": "eu-central-1", "access_key_id": "…", "secret_access_key": "…"}',
        shown="{}",
        secret=True,
    )
    redirect: Switch = setting(
        "off",
        "Answer with a redirect to a signed URL of the bucket, which works for five minutes, instead of the image.",
        takes="on or off",
    )
    min_free_bytes: Size = setting(
        "1 GiB", "Under this much free space the service is not ready and callbacks are answered 503.", takes=SIZE
    )


class Callbacks(Group):
    secrets: Annotated[tuple[Secret, ...], JsonList] = setting(
        (),
        "Secrets of callback URLs and signed links: the first signs, all verify.",
        takes="a JSON list of strings",
        shown="generated",
        secret=True,
    )
    max_body_bytes: Size = setting("1 MiB", "Larger callbacks are answered 413.", takes=SIZE, ge=1024)
    retention: PositiveDuration = setting(
        "90d",
        "How long the inbox keeps raw bodies and headers after their task has settled; unreadable and foreign ones so "
        "long after they came. What came, when and from whom stays.",
        takes=f"{DURATION}, up to 100 years",
        le=timedelta(days=36525),
    )


class Audit(Group):
    retention: PositiveDuration = setting(
        "365d",
        "How long the trail of who changed what is kept, and keys after their end.",
        takes=f"{DURATION}, up to 100 years",
        le=timedelta(days=36525),
    )


class Evolink(Group):
    api_key: Annotated[SecretStr, AfterValidator(values.api_key)] | None = setting(
        None,
        "The provider's key, to confirm callbacks and to find tasks whose callback was lost.",
        takes="the provider's API key",
        secret=True,
    )
    api_url: WebBase = setting(
        "https://api.evolink.ai", "Where the provider's API is.", takes="an http or https URL without query"
    )
    link_lifetime: PositiveDuration = setting(
        "24h",
        "How long the provider's links work, counted from the task's creation.",
        takes=f"{DURATION}, up to a year",
        le=timedelta(days=366),
    )


class Confirm(Group):
    mode: ConfirmMode | None = setting(
        None,
        "Whether the provider is asked before a callback is believed: required always, preferred unless it cannot be "
        "asked for longer than the patience, off believes the signed URL.",
        takes="off, preferred or required",
        shown="preferred with a key, else off",
    )
    patience: PositiveDuration = setting(
        "5m",
        "How long the provider may not know a task, or say nothing, before that counts.",
        takes=f"{DURATION}, up to a day",
        le=timedelta(days=1),
    )


class Reconcile(Group):
    sweep: Switch = setting(
        "on",
        "Look through the account for tasks that nobody told of: at start, after every time of not being ready, and "
        "once an hour. Needs a key.",
        takes="on or off",
    )
    horizon: PositiveDuration = setting(
        "24h",
        "How long a task may take to finish before it counts as never finished, and how far back the account is looked "
        "through.",
        takes=f"{DURATION}, up to 30 days",
        le=timedelta(days=30),
    )
    requests_per_second: float = setting(
        5.0,
        "Requests to the provider, at most, of each process.",
        takes="a number from 0.1 to 1000",
        shown="5",
        ge=0.1,
        le=1000,
    )


class Download(Group):
    allowed_hosts: Annotated[tuple[HostPattern, ...], Items] = setting(
        "*.evolink.ai",
        "Hosts that images may be fetched from; * for any.",
        takes="hosts such as files.example.com or *.example.com, or *",
    )
    trusted_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], Items] = setting(
        "",
        "Networks that are exempt from the rules of public addresses and of port 443.",
        takes="networks such as 10.0.0.0/8",
        shown="none",
    )
    max_bytes: Size = setting("64 MiB", "Larger images are refused.", takes=SIZE, ge=1)
    max_pixels: Count = setting("50M", "Images with more pixels are refused.", takes="a count such as 50M", ge=1)
    concurrency: int = setting(16, "Downloads at a time.", takes="a number from 1 to 256", ge=1, le=256)
    connect_timeout: PositiveDuration = setting("5s", "To connect, TLS included.", takes=DURATION)
    read_timeout: PositiveDuration = setting("15s", "Between two pieces of an image.", takes=DURATION)
    total_timeout: PositiveDuration = setting("5m", "For one attempt as a whole.", takes=DURATION)
    proxy: Annotated[SecretStr, AfterValidator(values.proxy_url)] | None = setting(
        None,
        "Proxy for downloads, events and callbacks to clients; the environment's proxies are ignored.",
        takes="an http:// URL of a proxy",
        secret=True,
    )


class Details(Group):
    pixels: Switch = setting(
        "on",
        "Decode archived images, after the rest, for dominant colours, a placeholder and the hash that finds those "
        "that look alike; off leaves what their files say.",
        takes="on or off",
    )


class Tls(Group):
    ca_file: CaFile | None = setting(
        None, "Certificates that outgoing TLS trusts besides the system's.", takes="the path of a PEM file"
    )


class Server(Group):
    host: str = setting("127.0.0.1", "Address to listen on.", takes="an address or a host name", min_length=1)
    port: int = setting(8080, "Port to listen on; 0 lets the system choose.", takes=PORT, ge=0, le=65535)
    tls_cert: ReadableFile | None = setting(
        None, "Certificate chain, to serve HTTPS.", takes="the path of a PEM file with the certificate chain"
    )
    tls_key: ReadableFile | None = setting(
        None, "Key of the certificate.", takes="the path of a PEM file with the key, unencrypted"
    )
    metrics_port: int | None = setting(
        None, "Port of its own for /metrics and health, without keys.", takes=PORT, ge=0, le=65535
    )
    drain_timeout: Duration = setting("20s", "To finish what is under way when asked to stop.", takes=DURATION)
    trusted_proxies: Annotated[tuple[ProxyAddress, ...], Items] = setting(
        "",
        "Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.",
        takes="addresses or networks such as 10.0.0.0/8, or *",
        shown="none",
    )

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("DARKROOM_SERVER__TLS_CERT and DARKROOM_SERVER__TLS_KEY: take both, or neither")
        if self.tls_cert is not None and self.tls_key is not None:
            try:
                values.check_certificate(self.tls_cert, self.tls_key)
            except ValueError as error:
                raise ValueError(
                    f"DARKROOM_SERVER__TLS_CERT and DARKROOM_SERVER__TLS_KEY: take a certificate and its key ({error})"
                ) from None
        return self


class Log(Group):
    format: LogFormat | None = setting(
        None, "How log lines look.", takes="json or console", shown="console on a terminal, else json"
    )
    level: LogLevel = setting("info", "What is logged.", takes="debug, info, warning or error")


class Traces(Group):
    endpoint: WebBase | None = setting(
        None,
        "OpenTelemetry collector that gets a trace of each task by OTLP over HTTP; /v1/traces is appended. Needs the "
        "extra `darkroom[traces]`, and takes headers and the like from the standard OTEL_* variables.",
        takes="an http or https URL without query, such as http://collector:4318",
    )
    ratio: float = setting(1.0, "Share of tasks that are traced.", takes="a number from 0 to 1", shown="1", ge=0, le=1)


class ApiKeySetting(Group):
    """One API key, given as it is or by its SHA-256."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(values.word)]
    key: Secret | None = None
    sha256: Annotated[str, AfterValidator(values.sha256_hex)] | None = None
    scopes: frozenset[Scope]

    @model_validator(mode="after")
    def _is_given_once(self) -> Self:
        if (self.key is None) == (self.sha256 is None):
            raise ValueError("exactly one of key and sha256")
        if not self.scopes:
            raise ValueError("at least one scope")
        return self

    @property
    def digest(self) -> str:
        """The key's SHA-256 in lower-case hex, which is all that the service keeps."""
        if self.key is None:
            assert self.sha256 is not None
            return self.sha256
        return digest(self.key.get_secret_value())

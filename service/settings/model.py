"""All settings of one process: the groups, and those with a name of one part. Nothing here opens the network."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, PrivateAttr, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.domain.rules import ConfirmMode
from service.settings import values
from service.settings.fields import DatabaseUrl, Items, JsonList, WebBase, setting
from service.settings.groups import (
    ApiKeySetting,
    Audit,
    Callbacks,
    Confirm,
    Details,
    Download,
    Evolink,
    Log,
    Reconcile,
    Server,
    Storage,
    Tls,
    Traces,
)
from service.settings.retention import Retention
from service.settings.submission import Cost, Notify, Submit
from service.storage.place import Bucket

PREFIX = "DARKROOM_"
NESTS = "__"


class Role(StrEnum):
    """A part of the work that a process can take on."""

    RECEIVER = "receiver"
    ARCHIVER = "archiver"
    RECONCILER = "reconciler"
    API = "api"


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _own_address(known: Mapping[str, Any]) -> str:
    server: Server = known["server"]
    return f"{'https' if server.tls_cert else 'http'}://localhost:{server.port}"


def _own_database(known: Mapping[str, Any]) -> SecretStr:
    return SecretStr(f"sqlite:///{known['data_dir']}/darkroom.db")


def _not_empty(roles: frozenset[Role]) -> frozenset[Role]:
    if not roles:
        raise ValueError("none given")
    return roles


class Settings(BaseSettings):
    """Everything the operator decides; frozen. Fields that depend on others come after them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=NESTS,
        env_ignore_empty=True,
        enable_decoding=False,  # values are taken apart in one place, `values`, which never repeats a secret
        frozen=True,
        extra="ignore",  # `load` looks at unknown names, the process's environment is not ours
        hide_input_in_errors=True,
    )

    server: Server = Field(default_factory=Server)
    public_url: WebBase = setting(
        _own_address,
        "Where the provider and browsers reach this service.",
        takes="an http or https URL without query",
        shown="http://localhost:{port}",
    )
    data_dir: Annotated[Path, AfterValidator(_absolute)] = setting(
        "./data", "Folder of the database, the archive and generated secrets.", takes="the path of a folder"
    )
    database_url: DatabaseUrl = setting(
        _own_database,
        "Where the catalog is.",
        takes="sqlite:/// and the path of a file, or postgresql://user:password@host/database, with "
        "?pooler=transaction behind a proxy such as PgBouncer that pools transactions",
        shown="sqlite:///{DATA_DIR}/darkroom.db",
        secret=True,  # it may hold a password
    )
    api_keys: Annotated[tuple[ApiKeySetting, ...], JsonList, AfterValidator(values.names_differ)] = setting(
        (),
        "Keys of the API.",
        takes='a JSON list such as [{"name": "me", "key": "a long random text", "scopes": ["read", "write"]}], '
        "with sha256 (hex) in place of key at will, and scopes from read, write and admin",
        shown="generated",
        secret=True,
    )
    roles: Annotated[frozenset[Role], Items, AfterValidator(_not_empty)] = setting(
        "receiver,archiver,reconciler,api",
        "What this process does.",
        takes="some of receiver, archiver, reconciler and api",
    )
    storage: Storage = Field(default_factory=Storage)
    callbacks: Callbacks = Field(default_factory=Callbacks)
    audit: Audit = Field(default_factory=Audit)
    retention: Retention = Field(default_factory=Retention)
    evolink: Evolink = Field(default_factory=Evolink)
    confirm: Confirm = Field(default_factory=Confirm)
    reconcile: Reconcile = Field(default_factory=Reconcile)
    download: Download = Field(default_factory=Download)
    details: Details = Field(default_factory=Details)
    tls: Tls = Field(default_factory=Tls)
    log: Log = Field(default_factory=Log)
    traces: Traces = Field(default_factory=Traces)
    submit: Submit = Field(default_factory=Submit)
    cost: Cost = Field(default_factory=Cost)
    notify: Notify = Field(default_factory=Notify)

    _unknown: tuple[str, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _confirming_has_a_key(self) -> Self:
        """Who has no key has to know whether another process has one: otherwise it would believe what comes."""
        mode, asks = self.confirm.mode, Role.RECONCILER in self.roles
        if self.evolink.api_key is not None or mode is ConfirmMode.OFF:
            return self
        if mode is not None and asks:
            raise ValueError(f"DARKROOM_CONFIRM__MODE: {mode.value} needs DARKROOM_EVOLINK__API_KEY, or take off")
        if mode is None and self.on_postgres and not asks and self.roles & {Role.RECEIVER, Role.API}:
            raise ValueError(
                "DARKROOM_CONFIRM__MODE: give this process DARKROOM_EVOLINK__API_KEY as the reconcilers have it, or "
                "say preferred or required as they are set, or off if there is no key at all"
            )
        return self

    @property
    def confirm_mode(self) -> ConfirmMode:
        """The mode that was set, or what follows from having a key."""
        if self.confirm.mode is not None:
            return self.confirm.mode
        return ConfirmMode.PREFERRED if self.evolink.api_key is not None else ConfirmMode.OFF

    @property
    def unknown(self) -> tuple[str, ...]:
        """Lines about variables that look like settings and are none; worth a warning, not a refusal."""
        return self._unknown

    @property
    def on_postgres(self) -> bool:
        """Whether the database is a server's, which other processes may use at the same time."""
        return values.is_postgres(self.database_url.get_secret_value())

    @property
    def database_path(self) -> Path:
        """The file of a SQLite database; raises ValueError for PostgreSQL."""
        return values.sqlite_file(self.database_url.get_secret_value())

    @property
    def database(self) -> Path | str:
        """Where the catalog is: a SQLite file, or the URL of a PostgreSQL database."""
        return self.database_url.get_secret_value() if self.on_postgres else self.database_path

    @property
    def storage_root(self) -> Path:
        """The folder of the archive, where that is none in a bucket."""
        return values.store_folder(self.storage.url) if self.storage.url else self.data_dir / "archive"

    @property
    def storage_bucket(self) -> Bucket | None:
        """Where the archive is, if it is in a bucket."""
        return Bucket.of_url(self.storage.url) if self.storage.url else None

    @property
    def keeps_files(self) -> bool:
        """Whether a server of these settings writes into its data directory: other parts need the database only."""
        return not self.on_postgres or Role.ARCHIVER in self.roles

    @property
    def stands_alone(self) -> bool:
        """SQLite and all roles in one process: then missing secrets may be generated into the data directory."""
        return self.roles == frozenset(Role) and not self.on_postgres

"""The types that settings are made of, and the one way to declare a setting."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, SecretStr

from service.settings import values

Duration = Annotated[timedelta, BeforeValidator(values.duration)]
PositiveDuration = Annotated[Duration, AfterValidator(values.positive)]
Size = Annotated[int, BeforeValidator(values.size)]
Count = Annotated[int, BeforeValidator(values.count)]
HostPattern = Annotated[str, AfterValidator(values.host_pattern)]
ProxyAddress = Annotated[str, AfterValidator(values.proxy_address)]
ReadableFile = Annotated[Path, AfterValidator(values.readable_file)]
CaFile = Annotated[Path, AfterValidator(values.ca_file)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(values.database_url)]
StoreUrl = Annotated[str, AfterValidator(values.store_url)]
WebBase = Annotated[str, AfterValidator(values.web_base)]
Secret = Annotated[SecretStr, AfterValidator(values.not_empty)]
Switch = Annotated[bool, BeforeValidator(values.switch)]
Items = BeforeValidator(values.items)
JsonList = BeforeValidator(values.json_list)
JsonMap = BeforeValidator(values.json_map)

PORT = "a port number from 0 to 65535"
DURATION = "a duration such as 24h, 1h30m, 15s or 500ms"
SIZE = "a size such as 64 MiB or a number of bytes"


def setting(
    default: Any, description: str, *, takes: str, shown: str | None = None, secret: bool = False, **limits: Any
) -> Any:
    """Declare a setting: its default as it would be written, what it is for, and what it takes.

    A callable default is made from the settings declared before it. `shown` is the default for people to read.
    """
    if shown is None:
        shown = "none" if default is None else str(default)
    extra: dict[str, JsonValue] = {"takes": takes, "shown": shown, "secret": secret}
    if callable(default):
        return Field(default_factory=default, description=description, json_schema_extra=extra, **limits)
    return Field(default, description=description, validate_default=True, json_schema_extra=extra, **limits)

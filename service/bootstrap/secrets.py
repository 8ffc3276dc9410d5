"""Keys and signing secrets: from the settings, or generated where this process is the whole service."""

import secrets
import sys
from collections.abc import Sequence

import structlog
from pydantic import SecretStr

from service.domain.api_key import ApiKey, Scope, setting_id
from service.errors import SettingsError
from service.intake.callback_token import TokenSigner
from service.secrets_file import GeneratedSecret, read_or_generate
from service.settings import ApiKeySetting, Role, Settings

GENERATED_KEY = "api-key"
"""The file in the data directory."""

log = structlog.get_logger(__name__)


def signing_secrets(settings: Settings) -> tuple[str, ...]:
    """The secrets that sign callback URLs and links; made on first use where this process is the whole service."""
    if settings.callbacks.secrets:
        return tuple(secret.get_secret_value() for secret in settings.callbacks.secrets)
    _require_whole(settings, "DARKROOM_CALLBACKS__SECRETS")
    return (_shown(read_or_generate(settings.data_dir / "callback-secret"), "signing secret", show=False).text,)


def serving_secrets(settings: Settings) -> tuple[str, ...]:
    """The same for a server: one that neither takes callbacks nor hands out links signs nothing, and needs none."""
    if settings.callbacks.secrets or settings.roles & {Role.RECEIVER, Role.API}:
        return signing_secrets(settings)
    return (secrets.token_hex(32),)  # nothing that it signed is ever asked for


def serving_keys(settings: Settings) -> tuple[ApiKeySetting, ...]:
    """The keys of a server's API; none where it has no API, and its metrics have a port of their own."""
    if settings.api_keys:
        return settings.api_keys
    if Role.API not in settings.roles and settings.server.metrics_port is not None:
        return ()
    return (generated_key(settings),)


def known_setting_keys(settings: Settings) -> tuple[ApiKey, ...]:
    """The keys that a server of these settings would have beside those that were made; generates none."""
    listed = settings.api_keys
    if not listed and settings.stands_alone and (settings.data_dir / GENERATED_KEY).is_file():
        listed = (generated_key(settings),)
    return keys_of(listed)


def keys_of(listed: Sequence[ApiKeySetting]) -> tuple[ApiKey, ...]:
    """Keys of the setting as the guard knows them."""
    return tuple(ApiKey(setting_id(one.name), one.name, one.digest, one.scopes) for one in listed)


def token_signer(settings: Settings) -> TokenSigner:
    return TokenSigner(signing_secrets(settings))


def generated_key(settings: Settings) -> ApiKeySetting:
    _require_whole(settings, "DARKROOM_API_KEYS")
    generated = read_or_generate(settings.data_dir / GENERATED_KEY, prefix="dk_")
    _shown(generated, "API key", show=True)
    return ApiKeySetting(name="generated", key=SecretStr(generated.text), scopes=frozenset({Scope.ADMIN}))


def _require_whole(settings: Settings, variable: str) -> None:
    if not settings.stands_alone:
        raise SettingsError(
            f"{variable}: is needed where a process runs only some of the roles, or the database is PostgreSQL"
        )


def _shown(generated: GeneratedSecret, what: str, *, show: bool) -> GeneratedSecret:
    """Tell of a new secret: its text on a terminal only, its path anywhere."""
    if generated.new and show and sys.stderr.isatty():
        print(f"New {what}, kept in {generated.path}:\n  {generated.text}", file=sys.stderr)
    elif generated.new:
        log.info("secret_generated", what=what, path=str(generated.path))
    return generated

"""The provider as the settings describe it: the rules for its events, and the client that asks it."""

import hashlib
from importlib.metadata import version

from service.domain.rules import ConfirmMode, Rules
from service.observability import Metrics
from service.outbound.tls import tls_context
from service.provider.client import ProviderClient
from service.provider.reading import HealthState, ProviderHealth
from service.settings import Settings

SOURCE = "evolink"
USER_AGENT = f"Darkroom/{version('darkroom')} (image archiver)"
"""The image host turns away the names of HTTP libraries; a truthful product name is welcome."""


def rules_of(settings: Settings) -> Rules:
    """What the operator decides about events."""
    return Rules(
        link_lifetime=settings.evolink.link_lifetime,
        allowed_hosts=settings.download.allowed_hosts,
        mode=settings.confirm_mode,
        can_ask=settings.evolink.api_key is not None or settings.confirm_mode is not ConfirmMode.OFF,
        patience=settings.confirm.patience,
        horizon=settings.reconcile.horizon,
    )


def key_mark(settings: Settings) -> str:
    """The name of the mark that says when this provider key first showed us a task; it tells nothing of the key."""
    if settings.evolink.api_key is None:
        return f"key:{SOURCE}:none"
    secret = f"{settings.evolink.api_url} {settings.evolink.api_key.get_secret_value()}"
    return f"key:{SOURCE}:{hashlib.sha256(secret.encode()).hexdigest()[:16]}"


def provider_client(settings: Settings, *, metrics: Metrics) -> ProviderClient | None:
    """The client of the provider's API; None without a key. Raises SettingsError for a URL that cannot be asked."""
    key = settings.evolink.api_key
    if key is None:
        return None

    def on_health(health: ProviderHealth) -> None:
        metrics.key_refused(health.state is HealthState.REFUSED)

    return ProviderClient(
        api_url=settings.evolink.api_url,
        api_key=key.get_secret_value(),
        tls=tls_context(settings.tls.ca_file),
        user_agent=USER_AGENT,
        requests_per_second=settings.reconcile.requests_per_second,
        on_health=on_health,
    )

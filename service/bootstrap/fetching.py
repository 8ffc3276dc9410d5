"""The processes that fetch images, as the settings and the machine want them."""

from pathlib import Path

from service.bootstrap.provider import USER_AGENT
from service.fetching.lines import Terms
from service.fetching.pool import FetchPool, processes_wanted, processors
from service.fetching.process import FetchProcess
from service.outbound.tls import tls_context
from service.settings import Settings


def fetch_pool(settings: Settings, staging: Path) -> FetchPool:
    """Raises SettingsError for a file of authorities that cannot be read: the processes would say nothing of it."""
    if settings.tls.ca_file is not None:
        tls_context(settings.tls.ca_file)
    download = settings.download
    terms = Terms(
        allowed_hosts=tuple(download.allowed_hosts),
        trusted_networks=tuple(download.trusted_networks),
        ca_file=settings.tls.ca_file,
        connect_timeout=download.connect_timeout.total_seconds(),
        read_timeout=download.read_timeout.total_seconds(),
        total_timeout=download.total_timeout.total_seconds(),
        user_agent=USER_AGENT,
        max_connections=download.concurrency,
        proxy=download.proxy.get_secret_value() if download.proxy else None,
        max_bytes=download.max_bytes,
        max_pixels=download.max_pixels,
    )
    number = processes_wanted(processors(), download.concurrency)
    return FetchPool([FetchProcess(terms, staging=staging) for _ in range(number)])

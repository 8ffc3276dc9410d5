"""Which settings keep less than they could: what `/ops` and `doctor` warn of. It reads settings and nothing else."""

from collections.abc import Iterator
from enum import StrEnum

from service.domain.rules import ConfirmMode
from service.intake.minting import public_url_warnings
from service.settings import Settings


class Weakness(StrEnum):
    """Each is a sentence to people, who also learn there what to do."""

    NO_PROVIDER_KEY = "no provider key"
    CONFIRMATION_OFF = "confirmation off"
    ANY_HOST = "any host"
    TRUSTED_NETWORKS = "trusted networks"
    NOT_CALLABLE = "not callable"
    NO_RESERVE = "no reserve"


def weaknesses(settings: Settings) -> Iterator[Weakness]:
    if settings.confirm_mode is ConfirmMode.OFF:
        yield Weakness.CONFIRMATION_OFF
        if settings.evolink.api_key is None:  # with confirmation another process has it
            yield Weakness.NO_PROVIDER_KEY
    if "*" in settings.download.allowed_hosts:
        yield Weakness.ANY_HOST
    if settings.download.trusted_networks:
        yield Weakness.TRUSTED_NETWORKS
    if public_url_warnings(settings.public_url):
        yield Weakness.NOT_CALLABLE
    if settings.keeps_files and settings.storage.min_free_bytes == 0:
        yield Weakness.NO_RESERVE

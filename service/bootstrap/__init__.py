"""The composition root: settings in, running parts out. Nothing below it reads settings."""

from service.bootstrap.components import Components, Schema, open_catalog, open_components
from service.bootstrap.notify import endpoints_of
from service.bootstrap.one_submission import is_served, one_submission
from service.bootstrap.provider import SOURCE, key_mark, provider_client, rules_of
from service.bootstrap.reconcile import reconcile_for_ever, reconcile_once
from service.bootstrap.secrets import known_setting_keys, signing_secrets, token_signer
from service.bootstrap.storage import place_of_store, store_of
from service.bootstrap.submission import prices_of
from service.bootstrap.tracing import collector_trouble
from service.bootstrap.work import running

__all__ = [
    "SOURCE",
    "Components",
    "Schema",
    "collector_trouble",
    "endpoints_of",
    "is_served",
    "key_mark",
    "known_setting_keys",
    "one_submission",
    "open_catalog",
    "open_components",
    "place_of_store",
    "prices_of",
    "provider_client",
    "reconcile_for_ever",
    "reconcile_once",
    "rules_of",
    "running",
    "signing_secrets",
    "store_of",
    "token_signer",
]

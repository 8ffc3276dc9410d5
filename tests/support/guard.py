"""A guard of routes for tests that have no whole service: keys of a setting alone."""

from pathlib import Path

from service.catalog.catalog import Catalog
from service.domain.api_key import ApiKey, Scope, digest, setting_id
from service.keys.failures import Failures
from service.keys.known import KnownKeys
from service.web.keys import ApiKeys


def api_key(name: str, secret: str, *scopes: Scope) -> ApiKey:
    """A key of the setting."""
    return ApiKey(setting_id(name), name, digest(secret), frozenset(scopes))


def guard_of(*keys: ApiKey, catalog: Catalog | None = None) -> ApiKeys:
    return ApiKeys(KnownKeys(keys, catalog=catalog or Catalog(Path("never-opened.db"))), Failures())

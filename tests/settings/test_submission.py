"""Budgets and endpoints as they are written, and what is said of those that make no sense."""

import json
from decimal import Decimal
from typing import Any

import pytest

from service.domain.announcement import EventKind
from service.domain.budget import Period
from tests.settings.conftest import Load, Refusal

SECRET = "whsec_" + "c2VjcmV0" * 4
BUDGET = {"name": "team", "key": "me", "per": "month", "warn_usd": "80.5", "stop_usd": 100}
ENDPOINT = {"name": "shop", "url": "https://shop.example.com/hooks?x=t0ken", "secrets": [SECRET]}


def test_a_budget_of_a_key(load: Load) -> None:
    [budget] = load(COST__BUDGETS=json.dumps([BUDGET])).cost.budgets
    assert (budget.name, budget.key, budget.tag, budget.per) == ("team", "me", None, Period.MONTH)
    assert (budget.warn_usd, budget.stop_usd) == (Decimal("80.5"), Decimal(100))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tag": "team=shop"}, "key or tag"),
        ({"key": None, "tag": "shop"}, "name=value"),
        ({"warn_usd": None, "stop_usd": None}, "at least one"),
        ({"warn_usd": 101}, "above stop_usd"),
        ({"stop_usd": -1}, "greater than or equal to 0"),
        ({"per": "year"}, "'day' or 'month'"),
        ({"limit": 5}, "0: Extra inputs"),
    ],
)
def test_a_budget_that_makes_no_sense_is_told_by_its_place(
    refusal: Refusal, changed: dict[str, Any], words: str
) -> None:
    [line] = refusal(COST__BUDGETS=json.dumps([{**BUDGET, **changed}]))
    assert line.startswith("DARKROOM_COST__BUDGETS: takes a JSON list such as")
    assert words in line


def test_an_endpoint_hears_of_everything_unless_it_says_of_what(load: Load) -> None:
    two = [ENDPOINT, {**ENDPOINT, "name": "audit", "secrets": [SECRET, SECRET], "events": ["asset.dead"]}]
    shop, audit = load(NOTIFY__ENDPOINTS=json.dumps(two)).notify.endpoints
    assert shop.events == frozenset(EventKind)
    assert audit.events == {EventKind.ASSET_DEAD}
    assert shop.url.get_secret_value() == ENDPOINT["url"]
    assert len(audit.secrets) == 2


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": "Shop"}, "a-z 0-9 and -"),
        ({"name": "(caller)"}, "a-z 0-9 and -"),
        ({"url": "http://shop.example.com/t0ken"}, "https://"),
        ({"url": "https://me:t0ken@shop.example.com"}, "without credentials"),
        ({"url": "https://shop.exa mple.com/t0ken"}, "https:// URL"),
        ({"url": "https://shop_..example.com/t0ken"}, "https:// URL"),
        ({"url": "https://0x7f.1/t0ken"}, "https:// URL"),
        ({"url": "https://shop.example.com:0/t0ken"}, "a port from 1"),
        ({"url": "https://shop.example.com:t0ken/"}, "a port from 1"),
        ({"url": "https://shop.example.com/t0ken" + "x" * 9000}, "8192"),
        ({"secrets": []}, "at least 1"),
        ({"secrets": SECRET}, "secrets is a list"),
        ({"secrets": ["whsec_c2hvcnQ="]}, "24 to 64 bytes"),
        ({"secrets": ["t0ken" * 10]}, "whsec_"),
        ({"events": ["asset.lost"]}, "asset.archived"),
    ],
)
def test_an_endpoint_that_makes_no_sense_is_refused_without_its_secrets(
    refusal: Refusal, changed: dict[str, Any], words: str
) -> None:
    [line] = refusal(NOTIFY__ENDPOINTS=json.dumps([{**ENDPOINT, **changed}]))
    assert line.startswith("DARKROOM_NOTIFY__ENDPOINTS: takes a JSON list such as")
    assert words in line
    assert "t0ken" not in line
    assert SECRET not in line


def test_names_are_there_once(refusal: Refusal) -> None:
    for variable, one in (("COST__BUDGETS", BUDGET), ("NOTIFY__ENDPOINTS", ENDPOINT)):
        [line] = refusal(**{variable: json.dumps([one, one])})
        assert "two have the same name" in line


def test_secrets_of_endpoints_do_not_show_in_the_settings(load: Load) -> None:
    shown = repr(load(NOTIFY__ENDPOINTS=json.dumps([ENDPOINT])))
    assert SECRET not in shown
    assert "t0ken" not in shown

"""Price lists: which one counts on a day, and that a bad file says what is wrong where."""

import json
from datetime import date, timedelta
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import SettingsError
from service.submission.price import PerCall, PerToken
from service.submission.price_list import PriceList, Prices, load_prices

BUILT_IN = (resources.files("service.submission") / "prices" / "evolink.json").read_text("utf-8")
FIRST = date(2026, 1, 1)


def test_the_built_in_prices_are_those_of_both_models() -> None:
    (only,) = load_prices().lists
    assert only.since == FIRST
    assert only.credits_per_dollar == 68
    assert isinstance(only.models["gpt-image-2-beta"], PerCall)
    assert isinstance(only.models["gpt-image-2"], PerToken)
    assert set(only.models) == {"gpt-image-2", "gpt-image-2-beta"}


def test_a_copy_of_the_built_in_file_is_as_good(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(BUILT_IN, encoding="utf-8")
    assert load_prices(file) == load_prices()


def test_prices_may_be_numbers_and_dollars_may_be_left_out(tmp_path: Path) -> None:
    document = json.loads(BUILT_IN)
    document[0]["models"]["gpt-image-2-beta"]["tiers"][0]["image"] = {"credits": 1.02}
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    beta = load_prices(file).lists[0].models["gpt-image-2-beta"]
    assert isinstance(beta, PerCall)
    assert beta.tiers[0].image.credits == Decimal("1.02")


def lists(*days: date) -> Prices:
    return Prices(tuple(PriceList(since=day, credits_per_dollar=Decimal(68), models={}) for day in days))


def test_the_newest_list_that_has_begun_counts() -> None:
    second = FIRST + timedelta(days=31)
    prices = lists(FIRST, second)
    for day, since in [
        (FIRST - timedelta(days=400), FIRST),
        (FIRST, FIRST),
        (second - timedelta(days=1), FIRST),
        (second, second),
        (date.max, second),
    ]:
        found = prices.at(day)
        assert found is not None
        assert found.since == since


@given(st.sets(st.dates(), min_size=1, max_size=5), st.dates())
def test_a_list_in_the_future_counts_only_when_there_is_no_other(days: set[date], day: date) -> None:
    found = lists(*sorted(days)).at(day)
    assert found is not None
    assert found.since == max((one for one in days if one <= day), default=min(days))


def test_without_lists_there_is_none() -> None:
    assert Prices(()).at(FIRST) is None


GONE = object()
BETA = "0.models.gpt-image-2-beta"
TOKENS = "0.models.gpt-image-2"


def spoiled(path: str, value: object) -> list[Any]:
    """The built-in lists with one member replaced or gone; the path names it by keys and indexes."""
    document = json.loads(BUILT_IN)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    inner: Any = document
    for step in way:
        inner = inner[step]
    inner[last] = value
    if value is GONE:
        del inner[last]
    return document  # type: ignore[no-any-return]


def message_of(document: object, tmp_path: Path) -> str:
    """What is said of a bad file, after the setting and the file."""
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(SettingsError) as raised:
        load_prices(file)
    setting, _, message = str(raised.value).partition(f": {file}: ")
    assert setting == "DARKROOM_COST__PRICES"
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("path", "value", "where", "why"),
    [
        ("0", 7, "0", "object"),
        ("0.from", GONE, "0.from", "required"),
        ("0.from", "1 May", "0.from", "date"),
        ("0.credits_per_dollar", GONE, "0.credits_per_dollar", "required"),
        ("0.credits_per_dollar", 0, "0.credits_per_dollar", "greater than"),
        ("0.credits_per_dollar", "-68", "0.credits_per_dollar", "greater than"),
        ("0.credits_per_dollar", "NaN", "0.credits_per_dollar", "finite"),
        ("0.credits_per_dollar", 10, "0", "the 0.015 dollars of gpt-image-2-beta are not its 1.02 credits"),
        ("0.models", GONE, "0.models", "required"),
        ("0.models", [], "0.models", "object"),
        (f"{BETA}.billing", GONE, BETA, "billing"),
        (f"{BETA}.billing", "per_second", BETA, "per_call"),
        (f"{BETA}.tiers", GONE, f"{BETA}.per_call.tiers", "required"),
        (f"{BETA}.tiers.2", GONE, f"{BETA}.per_call.tiers", "one tier for each of 1K 2K 4K, in this order"),
        (f"{BETA}.tiers.0.resolution", "2K", f"{BETA}.per_call.tiers", "one tier for each of 1K 2K 4K, in this order"),
        (f"{BETA}.tiers.0.resolution", "8K", f"{BETA}.per_call.tiers.0.resolution", "1K"),
        (f"{BETA}.tiers.0.most_pixels", GONE, f"{BETA}.per_call.tiers", "most_pixels that grow"),
        (f"{BETA}.tiers.0.most_pixels", -1, f"{BETA}.per_call.tiers.0.most_pixels", "greater than 0"),
        (f"{BETA}.tiers.1.most_pixels", 1_700_000, f"{BETA}.per_call.tiers", "most_pixels that grow"),
        (f"{BETA}.tiers.2.most_pixels", 9_000_000, f"{BETA}.per_call.tiers", "none in the last tier"),
        (f"{BETA}.tiers.0.image", GONE, f"{BETA}.per_call.tiers.0.image", "required"),
        (f"{BETA}.tiers.0.image.credits", GONE, f"{BETA}.per_call.tiers.0.image.credits", "required"),
        (f"{BETA}.tiers.0.image.credits", "-1.02", f"{BETA}.per_call.tiers.0.image.credits", "or equal to 0"),
        (f"{BETA}.tiers.0.image.credits", "much", f"{BETA}.per_call.tiers.0.image.credits", "decimal"),
        (f"{BETA}.tiers.0.image.credits", "1E+9", f"{BETA}.per_call.tiers.0.image.credits", "1000000"),
        (f"{BETA}.tiers.1.image.usd", "-0.025", f"{BETA}.per_call.tiers.1.image.usd", "or equal to 0"),
        (f"{BETA}.tiers.1.image.usd", "0.027", "0", "the 0.027 dollars of gpt-image-2-beta are not its 1.734 credits"),
        (f"{BETA}.tiers.0.image.usd", "0.016", "0", "the 0.016 dollars of gpt-image-2-beta are not its 1.02 credits"),
        (f"{TOKENS}.thousand_tokens", GONE, f"{TOKENS}.per_token.thousand_tokens", "required"),
        (f"{TOKENS}.thousand_tokens.text_input", GONE, f"{TOKENS}.per_token.thousand_tokens.text_input", "required"),
        (f"{TOKENS}.estimate", GONE, f"{TOKENS}.per_token.estimate", "required"),
        (f"{TOKENS}.estimate.output_tokens_of_1024x1024.high", GONE, "output_tokens_of_1024x1024", "low medium high"),
        (f"{TOKENS}.estimate.output_tokens_of_1024x1024.high", -1, "output_tokens_of_1024x1024.high", "equal to 0"),
        (f"{TOKENS}.estimate.characters_of_a_text_token", 0, "characters_of_a_text_token", "equal to 1"),
    ],
)
def test_a_bad_file_says_what_is_wrong_where(path: str, value: object, where: str, why: str, tmp_path: Path) -> None:
    place, _, reason = message_of(spoiled(path, value), tmp_path).partition(": ")
    assert place.endswith(where)
    assert why in reason


def test_a_file_without_lists_is_refused(tmp_path: Path) -> None:
    assert "at least 1" in message_of([], tmp_path)


@pytest.mark.parametrize("following", ["2025-12-31", "2026-01-01"])
def test_lists_are_in_the_order_of_their_dates(following: str, tmp_path: Path) -> None:
    (first,) = json.loads(BUILT_IN)
    assert (
        message_of([first, {**first, "from": following}], tmp_path) == "the lists are not in the order of their dates"
    )


@pytest.mark.parametrize("content", [b"", b"{", b'[{"from": "2026-01-01"', b"\xff\xfe", b"{}", b"null", b"7"])
def test_what_is_no_list_in_json_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"^DARKROOM_COST__PRICES: .*prices\.json: "):
        load_prices(file)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"DARKROOM_COST__PRICES: .*nothing\.json cannot be read \(No such file"):
        load_prices(tmp_path / "nothing.json")

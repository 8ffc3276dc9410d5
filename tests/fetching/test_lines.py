"""What goes through the pipes comes out as it went in, and what is nothing of ours is not believed."""

import json
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.archive.fetcher import Fetched
from service.domain.attempt import Failed, Failure
from service.domain.image import Image, ImageFormat
from service.errors import StorageUnavailable, Unavailable
from service.fetching.lines import (
    LONGEST,
    Broken,
    Drop,
    Dropped,
    Fetch,
    GarbledError,
    Outcome,
    Terms,
    order_line,
    outcome_line,
    read_number,
    read_order,
    read_outcome,
    read_terms,
    terms_line,
)
from service.outbound.target import MAX_LINK

PATH = Path("/archive/.staging/a.part")
TERMS = Terms(
    allowed_hosts=("*.evolink.ai", "evolink.ai"),
    trusted_networks=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")),
    ca_file=Path("/etc/ca.pem"),
    connect_timeout=1.5,
    read_timeout=2.5,
    total_timeout=3.5,
    user_agent="Darkroom/1",
    max_connections=16,
    proxy="http://user:word@proxy:3128",
    max_bytes=5,
    max_pixels=7,
)


@pytest.mark.parametrize("terms", [TERMS, replace(TERMS, ca_file=None, proxy=None, trusted_networks=())])
def test_terms_come_out_as_they_went_in(terms: Terms) -> None:
    assert read_terms(terms_line(terms)) == terms


@given(st.text(max_size=MAX_LINK + 9))
def test_any_link_goes_through_as_a_line(link: str) -> None:
    line = order_line(Fetch(3, link, PATH))
    assert line.count(b"\n") == 1
    assert len(line) < LONGEST
    assert read_order(line) == Fetch(3, link, PATH)


def test_an_order_is_dropped_by_its_number() -> None:
    assert read_order(order_line(Drop(12))) == Drop(12)


@pytest.mark.parametrize(
    "outcome",
    [
        Fetched(PATH, "ab" * 32, 12, Image(ImageFormat.WEBP, 3, 4)),
        Failed(Failure.HTTP_STATUS, "host answered 503", retry_after=2.5),
        Failed(Failure.TRUNCATED, "cut \n short"),
        Dropped(),
        Broken("TypeError at fetcher.py:12"),
    ],
)
def test_what_came_of_an_order_comes_out_as_it_went_in(outcome: Outcome) -> None:
    line = outcome_line(4, outcome)
    assert line.count(b"\n") == 1
    number, plain = read_number(line)
    assert (number, read_outcome(plain, PATH)) == (4, outcome)


@pytest.mark.parametrize("error", [Unavailable("no descriptors"), StorageUnavailable("the disk is full")])
def test_whose_fault_it_is_is_told(error: Unavailable) -> None:
    _, plain = read_number(outcome_line(4, error))
    told = read_outcome(plain, PATH)
    assert isinstance(told, Unavailable)
    assert (type(told), str(told)) == (type(error), str(error))


@pytest.mark.parametrize("line", ["", "no JSON", "[]", '{"number": "1"}', '{"failed": {}}'])
def test_a_line_about_no_order_is_not_believed(line: str) -> None:
    with pytest.raises(GarbledError, match=r"^a line about no order$"):
        read_number(line.encode())


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"archived": {}},
        {"fetched": {"sha256": "ab"}},
        {"fetched": {"sha256": "ab", "size": 1, "image": {"format": "gif", "width": 1, "height": 1}}},
        {"failed": {"failure": "tired", "detail": "", "retry_after": None}},
    ],
)
def test_what_says_nothing_of_an_order_is_not_believed(told: dict[str, object]) -> None:
    with pytest.raises(GarbledError, match=r"^nothing that can come of an order$"):
        read_outcome(json.loads(json.dumps(told)), PATH)

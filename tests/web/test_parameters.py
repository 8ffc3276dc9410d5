"""Parameters: what each kind takes is what its schema says, and the answer to anything else begins with its name."""

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from jsonschema import Draft202012Validator
from starlette.requests import Request

from service.errors import Invalid
from service.web.parameters import (
    Day,
    Like,
    Moment,
    OneOf,
    Parameter,
    Takes,
    Text,
    Whole,
    YesNo,
    read_parameters,
)

SHORT = Parameter("short", "A few letters.", Text(3))
MANY = Parameter("many", "A few words.", OneOf(("a", "b")), times=2)


def asked(query: str) -> Request:
    return Request({"type": "http", "method": "GET", "path": "/", "query_string": query.encode(), "headers": []})


@pytest.mark.parametrize(
    ("takes", "text", "value"),
    [
        (Text(), "", ""),
        (Text(3), "abc", "abc"),
        (OneOf(("a", "b")), "b", "b"),
        (YesNo(), "true", True),
        (YesNo(), "false", False),
        (Whole(0, 20), "20", 20),
        (Whole(1, 200), "050", 50),
        (Moment(), "2026-05-01T02:00:00+02:00", datetime(2026, 5, 1, tzinfo=UTC)),
        (Day(), "2026-05-31", date(2026, 5, 31)),
        (Like("[0-9]{2}", "two digits", int), "07", 7),
    ],
)
def test_each_kind_reads_what_it_takes(takes: Takes, text: str, value: Any) -> None:
    assert Parameter("it", "", takes).read(asked(urlencode({"it": text}))) == value
    Draft202012Validator.check_schema(dict(takes.schema))


@pytest.mark.parametrize(
    ("takes", "text"),
    [
        (Text(3), "abcd"),
        (OneOf(("a", "b")), "A"),
        (OneOf(("a", "b")), ""),
        (YesNo(), "True"),
        (YesNo(), "1"),
        (Whole(0, 20), "21"),
        (Whole(1, 20), "0"),
        (Whole(0, 20), "-1"),
        (Whole(0, 20), "1.0"),
        (Whole(0, 20), "\u0663"),
        (Whole(0, 20), "9" * 5000),
        (Moment(), "2026-05-01T00:00:00"),
        (Moment(), "yesterday"),
        (Day(), "20260531"),
        (Day(), "2026-02-30"),
        (Like("[0-9]{2}", "two digits"), "07\n"),
        (Like("[0-9]{2}", "two digits"), "\u0660\u0667"),
    ],
)
def test_each_kind_refuses_the_rest_by_name_and_says_what_it_takes(takes: Takes, text: str) -> None:
    one = Parameter("it", "", takes, code="odd")
    with pytest.raises(Invalid, match=r"^it takes ") as raised:
        one.read(asked(urlencode({"it": text})))
    assert raised.value.code == "odd"


def test_what_is_not_given_is_none_and_what_may_come_often_is_a_tuple() -> None:
    assert SHORT.read(asked("")) is None
    assert MANY.read(asked("many=b&many=a")) == ("b", "a")
    assert read_parameters(asked("many=a"), (SHORT, MANY), of="this") == {"many": ("a",)}


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ("shorts=a", "unknown_parameter", "'shorts' is not a parameter of this; it takes many, short"),
        ("short=a&short=a", "repeated_parameter", "short was given more than once"),
        ("many=a&many=a&many=a", "invalid_parameter", "many may be given 2 times"),
    ],
)
def test_what_is_unknown_or_comes_too_often_is_refused_by_name(query: str, code: str, said: str) -> None:
    with pytest.raises(Invalid) as raised:
        read_parameters(asked(query), (SHORT, MANY), of="this")
    assert (raised.value.code, str(raised.value)) == (code, said)

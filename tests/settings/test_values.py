"""How durations, sizes, lists, URLs and hosts may be written."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.settings import values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24h", timedelta(hours=24)),
        ("5m", timedelta(minutes=5)),
        ("90d", timedelta(days=90)),
        ("1h30m", timedelta(minutes=90)),
        ("1h 30m", timedelta(minutes=90)),
        ("15s", timedelta(seconds=15)),
        ("500ms", timedelta(milliseconds=500)),
        ("1.5s", timedelta(seconds=1.5)),
        ("90", timedelta(seconds=90)),
        (" 2.5 ", timedelta(seconds=2.5)),
        ("5M", timedelta(minutes=5)),
        ("0", timedelta(0)),
        (20, timedelta(seconds=20)),
        (timedelta(days=1), timedelta(days=1)),
    ],
)
def test_durations(text: Any, expected: timedelta) -> None:
    assert values.duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "-5s", "5 minutes", "h", "1e3", "nan", "inf", "5s!", "9" * 30 + "d", "P1D"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a duration|too long"):
        values.duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1048576", 2**20),
        ("64 MiB", 64 * 2**20),
        ("1GiB", 2**30),
        ("1 gib", 2**30),
        ("2Ti", 2**41),
        ("500 MB", 500 * 10**6),
        ("1.5 KiB", 1536),
        ("0", 0),
        (4096, 4096),
    ],
)
def test_sizes(text: Any, expected: int) -> None:
    assert values.size(text) == expected


@pytest.mark.parametrize("text", ["", "lots", "-1", "1 parsec", "1e6", "MiB", "1 2", "0x10"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="not a number with a known unit"):
        values.size(text)


@pytest.mark.parametrize(("text", "expected"), [("50M", 50_000_000), ("50000000", 50_000_000), ("2k", 2000)])
def test_counts(text: str, expected: int) -> None:
    assert values.count(text) == expected


@given(st.text(max_size=30))
def test_odd_text_is_a_value_or_a_value_error(text: str) -> None:
    for parse in (values.duration, values.size, values.count, values.host_pattern, values.web_base, values.store_url):
        try:
            parse(text)
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b", ("a", "b")),
        (" a , b ,", ("a", "b")),
        ('["a", "b,c"]', ("a", "b,c")),
        ("", ()),
        (("a", "b"), ("a", "b")),
    ],
)
def test_lists_are_json_or_separated_by_commas(text: Any, expected: tuple[str, ...]) -> None:
    assert values.items(text) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", "*"),
        ("*.evolink.ai", "*.evolink.ai"),
        ("Files.EvoLink.ai.", "files.evolink.ai"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
    ],
)
def test_host_patterns(pattern: str, expected: str) -> None:
    assert values.host_pattern(pattern) == expected


@pytest.mark.parametrize("pattern", ["", "*.", "a.*.b", "https://a.b", "a.b:443", "a.b/c", "a b", "**", "*.::1"])
def test_patterns_that_would_never_match_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="is not a host"):
        values.host_pattern(pattern)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://darkroom.example/", "https://darkroom.example"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://example.com/darkroom//", "https://example.com/darkroom"),
    ],
)
def test_a_base_url_loses_its_trailing_slash(url: str, expected: str) -> None:
    assert values.web_base(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "darkroom.example",
        "ftp://a",
        "javascript:alert(1)",
        "https://",
        "https://a?b",
        "https://a?",
        "https://a#b",
        "https://u:p@a",
        "https://a:port",
        "https://a b",
        "https://[::1",
    ],
)
def test_what_is_no_base_url(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        values.web_base(url)


def test_the_file_of_a_sqlite_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert values.sqlite_file("sqlite:////var/lib/darkroom.db") == Path("/var/lib/darkroom.db")
    assert values.sqlite_file("sqlite:///darkroom.db") == tmp_path / "darkroom.db"


@pytest.mark.parametrize(
    "url", ["", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///a?mode=ro", "mysql://a"]
)
def test_what_is_no_sqlite_file(url: str) -> None:
    with pytest.raises(ValueError, match="not the URL of a file"):
        values.sqlite_file(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("file:///srv/archive", "/srv/archive"),
        ("file://localhost/srv/archive", "/srv/archive"),
        ("file:///srv/my%20archive/", "/srv/my archive"),
    ],
)
def test_the_folder_of_a_file_url(url: str, expected: str) -> None:
    assert values.store_folder(url) == Path(expected)


@pytest.mark.parametrize("url", ["", "/srv/archive", "file://srv/archive", "file:///", "file:///a?b", "ftp://a/b"])
def test_what_is_no_folder_url(url: str) -> None:
    with pytest.raises(ValueError, match=r"not file:// and an absolute path|not a folder of its own"):
        values.store_folder(url)

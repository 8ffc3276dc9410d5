"""Minting: remembered before it is given away, and honest about what the provider takes."""

from datetime import UTC, datetime
from hashlib import sha512

import pytest

from service.catalog.catalog import Catalog
from service.domain.audit import command_of
from service.errors import Invalid
from service.intake.callback_token import TokenSigner
from service.intake.minting import Minted, Wish, mint, public_url_warnings

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SIGNER = TokenSigner(["one"])


async def minted(catalog: Catalog, wish: Wish, public_url: str = "https://darkroom.example.com") -> Minted:
    return await mint(wish, catalog=catalog, signer=SIGNER, public_url=public_url, now=NOW, by=command_of("tests"))


async def test_a_minted_url_is_listed_and_verifies(catalog: Catalog) -> None:
    one = await minted(catalog, Wish(ref="r", tags={"k": "v"}, task_id="task-1", expires_in=60))
    assert one.warnings == ()
    token = SIGNER.verify(one.callback_url.rpartition("/")[2], source="evolink", now=NOW)
    assert token is not None
    assert (token.id, token.ref, token.tags, token.task_id) == (one.id, "r", {"k": "v"}, "task-1")
    listed = await catalog.read(lambda tx: tx.query.tokens(after=None, limit=5))
    assert [(t.id, t.ref, t.task_id) for t in listed.items] == [(one.id, "r", "task-1")]


async def test_a_url_that_the_provider_would_cut_is_refused(catalog: Catalog) -> None:
    with pytest.raises(Invalid, match="2048"):
        await minted(catalog, Wish(tags={str(n): sha512(str(n).encode()).hexdigest() for n in range(32)}))


async def test_an_impossible_task_id_is_refused(catalog: Catalog) -> None:
    with pytest.raises(Invalid, match="task_id"):
        await minted(catalog, Wish(task_id="../x"))


@pytest.mark.parametrize(
    ("url", "count"),
    [
        ("https://darkroom.example.com", 0),
        ("https://8.8.8.8", 0),
        ("http://darkroom.example.com", 1),
        ("https://localhost:8443", 1),
        ("https://10.0.0.1", 1),
        ("https://[::1]", 1),
        ("https://darkroom.internal", 1),
        ("http://localhost:8080", 2),
    ],
)
def test_a_base_that_the_provider_refuses_is_named(url: str, count: int) -> None:
    assert len(public_url_warnings(url)) == count

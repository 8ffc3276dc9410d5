"""Signed text in URLs and cookies: callback tokens, links to images, what permanent links name."""

from collections.abc import Iterator
from datetime import timedelta

from service.domain.asset import split_asset_id
from service.intake.asset_link import AssetLinkSigner
from service.intake.callback_token import CallbackToken, TokenSigner
from service.intake.permanent_link import image_of
from tests.fuzz.pieces import Pieces
from tests.support.deliveries import NOW

SECRETS = ["new", "old"]
TOKENS = TokenSigner(SECRETS)
LINKS = AssetLinkSigner(SECRETS)
LATER = NOW + timedelta(hours=1)
MINTED = CallbackToken("abc", "evolink", NOW, LATER, "task-unified-1", "order 7 / 日落", {"team": "a"})
GOOD = {TOKENS.sign(MINTED): MINTED, TokenSigner(["old"]).sign(MINTED): MINTED}
LINKED = {LINKS.sign("link-1", None): "link-1", LINKS.sign("asset:task-0001.0:0", LATER): "asset:task-0001.0:0"}
STRANGE = [TokenSigner(["other"]).sign(MINTED), AssetLinkSigner(["other"]).sign("link-1", None)]


def seeds() -> Iterator[bytes]:
    for text in (*GOOD, *LINKED, *STRANGE):
        yield b"\0" + text.encode()
        yield b"\0" + text.rpartition(".")[0].encode()
    yield b"\1\x20\7ref\nname\nvalue\ntask-0001"
    yield b"\1\0\0\n\n\n"


def check(data: bytes) -> None:
    pieces = Pieces(data)
    if pieces.number(1):
        _minted(pieces)
    else:
        _shown(pieces.rest().decode("utf-8", "surrogateescape"))


def _shown(text: str) -> None:
    """Nothing verifies but what was signed, to the letter, for its own purpose and until its end."""
    assert TOKENS.verify(text, source="evolink", now=NOW) == GOOD.get(text)
    assert TOKENS.verify(text, source="evolink", now=LATER) is None
    assert TOKENS.verify(text, source="other", now=NOW) is None
    assert LINKS.verify(text, now=NOW) == LINKED.get(text)
    assert LINKS.verify(text, now=LATER) in (None, "link-1")
    image = image_of(text)
    assert image is None or split_asset_id(f"{image[0]}.{image[1]}") == image


def _minted(pieces: Pieces) -> None:
    """Whatever is minted into a URL comes out again, and no bit of it can be changed."""
    at, bit = pieces.number(1023), pieces.number(6)
    ref, name, value, task_id = (pieces.text().encode("utf-8", "replace").decode() for _ in range(4))
    minted = CallbackToken("id", "evolink", NOW, LATER, task_id or None, ref or None, {name: value} if name else {})
    text = TOKENS.sign(minted)
    known = TOKENS.verify(text, source="evolink", now=NOW)
    assert known == (minted if len(text) <= 2048 else None)
    at %= len(text)
    forged = text[:at] + chr(ord(text[at]) ^ 1 << bit) + text[at + 1 :]
    assert TOKENS.verify(forged, source="evolink", now=NOW) is None

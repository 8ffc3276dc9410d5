"""Objects in a bucket, through obstore. Files on their way are staged on a local disk.

Absence is believed only of a bucket that answers: a bucket that is missing holds nothing, and says nothing. Names
follow from the bytes, so an upload that was given up and ends all the same does no harm; for the one document that is
replaced `verify` looks whether an older one came late.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, MemoryStore

from service.errors import StorageUnavailable
from service.storage import BLOCK_BYTES, Blocks, Entry, checked_key
from service.storage.bucket import Clients, Patience
from service.storage.bucket_trouble import lies_outside, meaning
from service.storage.disk import cleaned, disk_trouble, room
from service.storage.durable import make_root

if TYPE_CHECKING:  # what the client has as types only
    from obstore import BytesStream, GetOptions, ListStream, ObjectMeta

    Page: TypeAlias = Sequence[ObjectMeta]

T = TypeVar("T")

LARGEST_WHOLE = 8 * 2**20
"""Bytes of the largest file that goes in one request; others go in parts."""

PART_BYTES = 5 * 2**20
"""The smallest that S3 takes."""

UPLOADS_AT_ONCE = 4
PARTS_AT_ONCE = 2
"""Of one upload, and one more is read ahead: these numbers bound what all uploads hold in memory, about 80 MiB."""

SLOWEST = 256 * 1024
"""Bytes a second; an upload may take this long beyond the patience with a call."""

PROOF_LASTS = 30.0
"""Seconds for which a write shows that the bucket takes writes."""

_LISTED_AT_ONCE = 1000
_TROUBLE = (BaseError, OSError, ValueError, TimeoutError)
_MEDIA_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp", "json": "application/json"}


class CloudStore:
    """An ObjectStore in a bucket. `open` comes first. `place` is how people call it."""

    def __init__(self, clients: Clients, *, place: str, staging: Path, patience: Patience = Patience()) -> None:  # noqa: B008 - frozen
        self._brief = clients.brief
        self._streaming = clients.streaming
        self._place = place
        self._staging = staging
        self._patience = patience
        self._uploads = asyncio.Semaphore(UPLOADS_AT_ONCE)
        self._probe = f".probe-{secrets.token_hex(6)}"
        self._proven_at: float | None = None

    @property
    def staging(self) -> Path:
        return self._staging

    def open(self, *, expected: bool = False) -> None:
        """Make the staging folder, and prove that the bucket takes objects. Raises StorageUnavailable.

        `expected`: it must hold objects already, so a bucket that is away is waited for and not asked.
        """
        try:
            make_root(self._staging)
        except OSError as error:
            raise disk_trouble("the staging folder", error, self._staging) from error
        if expected:
            return
        try:
            obstore.put(self._brief, self._probe, b"probe")
            obstore.delete(self._brief, self._probe)
        except _TROUBLE as error:
            reason = meaning(error)
        else:
            self._proven_at = time.monotonic()
            return
        raise self._trouble(reason)

    def clean_staging(self, *, older_than: float = 0.0) -> int:
        """Remove what a crash left behind, and say how many files; who holds no server lock spares what is young."""
        try:
            return cleaned(self._staging, older_than=older_than)
        except OSError as error:
            raise disk_trouble("the staging folder", error, self._staging) from error

    async def put(self, key: str, staged: Path) -> None:
        checked_key(key)
        try:
            size = (await asyncio.to_thread(staged.stat)).st_size
        except OSError as error:
            raise disk_trouble("a staged file", error, staged.parent) from error
        async with self._uploads:
            await self._write(key, staged, in_parts=size > LARGEST_WHOLE, within=self._patience.call + size / SLOWEST)
        await asyncio.to_thread(staged.unlink, missing_ok=True)

    async def replace(self, key: str, data: bytes) -> None:
        await self._write(checked_key(key), data, within=self._patience.call)

    async def size(self, key: str) -> int | None:
        found = await self._if_there(lambda: obstore.head_async(self._brief, key), checked_key(key))
        return None if found is None else found["size"]

    async def read(self, key: str, start: int = 0, length: int | None = None) -> Blocks | None:
        checked_key(key)
        if length == 0:
            return None if await self.size(key) is None else _nothing()
        options: GetOptions = {}
        if start or length is not None:
            options["range"] = {"offset": start} if length is None else (start, start + length)

        async def get() -> Blocks:
            try:
                found = await obstore.get_async(self._streaming, key, options=options)
            except BaseError as error:
                if not lies_outside(error):
                    raise
                return _nothing()
            return self._blocks(found.stream(BLOCK_BYTES))

        return await self._if_there(get, key)

    async def delete(self, key: str) -> bool:
        if await self.size(key) is None:
            return False
        try:
            await self._asked(lambda: obstore.delete_async(self._brief, key))
        except FileNotFoundError:
            return False  # somebody was quicker
        return True

    async def list(self, prefix: str = "") -> AsyncIterator[Entry]:
        folder = prefix.rpartition("/")[0]
        try:
            checked_key(folder or "any")
        except ValueError:
            return
        pages, last = obstore.list(self._brief, folder or None, chunk_size=_LISTED_AT_ONCE), ""
        while page := await self._page(pages):
            for found in page:
                key = found["path"]
                if key < last and found["size"] == 0:
                    continue  # a folder that somebody made: it had a slash at its end
                if key < last:
                    raise self._trouble("it does not list in the order of keys, which this archive needs")
                last = key
                if key > prefix and not key.startswith(prefix):
                    return
                if key.startswith(prefix) and _is_key(key):
                    yield Entry(key, found["size"])

    async def free_bytes(self) -> int | None:
        """Room for files on their way: the bucket has no limit, and every image passes through the staging folder."""
        try:
            return await asyncio.to_thread(room, self._staging, self._staging)
        except OSError as error:
            raise disk_trouble("the staging folder", error, self._staging) from error

    async def check(self) -> None:
        await self._write(self._probe, b"probe", within=self._patience.call)
        await self._asked(lambda: obstore.delete_async(self._brief, self._probe), absence=False)

    async def prove(self) -> None:
        """As `check`, and nothing is asked where a recent write has shown it and no call has failed since."""
        if self._proven_at is None or time.monotonic() - self._proven_at > PROOF_LASTS:
            await self.check()

    async def presign(self, key: str, seconds: int, *, head: bool = False) -> str | None:
        checked_key(key)
        client, lasts = self._brief, timedelta(seconds=seconds)
        if isinstance(client, MemoryStore):
            return None
        # what Azure signs for HEAD permits nothing, and what it signs for GET permits both
        verb: Literal["GET", "HEAD"] = "HEAD" if head and not isinstance(client, AzureStore) else "GET"
        try:
            return await self._asked(lambda: obstore.sign_async(client, verb, key, lasts), absence=False)
        except StorageUnavailable:
            return None  # some credentials cannot sign; where the bucket itself is ill, reading tells

    async def _write(self, key: str, content: bytes | Path, *, within: float, in_parts: bool = False) -> None:
        media_type = _MEDIA_TYPES.get(key.rpartition(".")[2], "application/octet-stream")
        await self._asked(
            lambda: obstore.put_async(
                self._brief,
                key,
                content,
                attributes={"Content-Type": media_type},
                use_multipart=in_parts,
                chunk_size=PART_BYTES,
                max_concurrency=PARTS_AT_ONCE,
            ),
            within=within,
            absence=False,
        )
        self._proven_at = time.monotonic()

    async def _if_there(self, ask: Callable[[], Awaitable[T]], key: str) -> T | None:
        """What is asked for, or None when there is none in a bucket that answers."""
        try:
            return await self._asked(ask)
        except FileNotFoundError:
            await self._page(obstore.list(self._brief, key))  # a missing bucket fails here; below a key lies nothing
            return None

    async def _page(self, pages: "ListStream[Page]") -> "Page":
        """The next page of a listing; none at its end."""

        async def page() -> "Page":
            try:
                return await anext(pages)
            except StopAsyncIteration:
                return ()

        return await self._asked(page, absence=False)

    async def _blocks(self, stream: "BytesStream") -> Blocks:
        while chunk := await self._next(stream):
            for start in range(0, len(chunk), BLOCK_BYTES):
                yield chunk[start : start + BLOCK_BYTES]

    async def _next(self, stream: "BytesStream") -> bytes:
        async def block() -> bytes:
            return await anext(stream, b"")

        try:
            return await self._asked(block)
        except FileNotFoundError:
            reason = "an object was deleted while it was read"
        raise self._trouble(reason)

    async def _asked(self, ask: Callable[[], Awaitable[T]], *, within: float | None = None, absence: bool = True) -> T:
        """The store's answer within a time. Raises FileNotFoundError where `absence` is an answer."""
        try:
            async with asyncio.timeout(within or self._patience.call):
                return await ask()
        except _TROUBLE as error:
            if absence and isinstance(error, FileNotFoundError):
                raise
            reason = meaning(error)
        self._proven_at = None
        raise self._trouble(reason)  # outside of the handler: the client's own words go no further

    def _trouble(self, reason: str) -> StorageUnavailable:
        return StorageUnavailable(f"the bucket {self._place} cannot be used: {reason}")


async def _nothing() -> Blocks:
    blocks: tuple[bytes, ...] = ()
    for block in blocks:
        yield block


def _is_key(key: str) -> bool:
    """Names that begin with a dot are ours, and others may be a stranger's."""
    try:
        checked_key(key)
    except ValueError:
        return False
    return True

"""A ZIP of images: each under its key in the archive, its task's sidecar beside it, what was left out, and all hashes.

What has to be said at the end, and grows, goes into two files meanwhile; memory holds an image or two, and a bit for
each task. An image that is lost or damaged is not in the archive, and is in SHA256SUMS, so that whoever checks is told.
"""

import asyncio
import hashlib
import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import IO, Any

from service.archive.sidecar_writer import sidecar_of
from service.catalog.catalog import Catalog, Transaction
from service.catalog.exporting import ListedImage
from service.domain.asset import Asset, AssetStatus, Stored
from service.errors import StorageUnavailable
from service.storage import BLOCK_BYTES, ObjectStore
from service.upkeep.export import Pages, Piece, Pieces
from service.upkeep.export_bytes import Proven, Spoilt, begin, prove
from service.upkeep.export_sidecar import Sidecars, published
from service.upkeep.findings import Finding, Kind
from service.upkeep.zip_format import Member, central_header, ending, local_header

SCHEMA = "darkroom/export/1"
SUMS, SUMMARY = "SHA256SUMS", "export.json"
GATHERED_BYTES = 256 * 1024
TOLD_AT_MOST = 1000
"""Images left out that the summary names; it counts them all."""


@dataclass(slots=True)
class Progress:
    """How far an archive has come: enough to go on with it, beside its two files.

    `offset` is in bytes of the archive, `directory` and `sums` in those of the files, `size` in those of the images.
    `rows` were gone through; `tasks` has a bit for each task whose sidecar is in it.
    """

    offset: int = 0
    members: int = 0
    directory: int = 0
    sums: int = 0
    sums_crc: int = 0
    rows: int = 0
    images: int = 0
    size: int = 0
    left_out: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)
    tasks: bytearray = field(default_factory=bytearray)

    def is_first_of(self, task_number: int) -> bool:
        """Whether no image of the task came before; from now on one has."""
        place, bit = divmod(task_number, 8)
        if place >= len(self.tasks):
            self.tasks.extend(bytes(place + 1 - len(self.tasks)))
        first = not self.tasks[place] & 1 << bit
        self.tasks[place] |= 1 << bit
        return first

    def findings(self) -> Iterator[Finding]:
        """The first of what was left out."""
        return (Finding(**{**one, "kind": Kind(one["kind"])}) for one in self.told)

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "tasks": b64encode(zlib.compress(self.tasks)).decode()}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Progress":
        return cls(**{**document, "tasks": bytearray(zlib.decompress(b64decode(document["tasks"])))})


class ZipExport:
    """Makes one archive. `directory` and `sums` are files, at the places that `progress` says; `found` hears of what is
    wrong with the store."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: ObjectStore,
        directory: IO[bytes],
        sums: IO[bytes],
        cursor: Callable[[int], str],
        sidecars: Sidecars,
        progress: Progress | None = None,
        found: Callable[[Finding], None] = lambda _: None,
        gathered: int = GATHERED_BYTES,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._directory = directory
        self._sums = sums
        self._cursor = cursor
        self._sidecars = sidecars
        self._found = found
        self._gathered = gathered
        self.progress = progress if progress is not None else Progress()

    async def pieces(self, listed: Pages[ListedImage]) -> Pieces:
        """Pieces that are worth sending, which end with an image where that is possible.

        Raises StorageUnavailable and CatalogUnavailable; what was given until then is no archive.
        """
        waiting, size, torn = list[bytes](), 0, False
        async with aclosing(self._pieces(listed)) as pieces:
            async for piece in pieces:
                waiting.append(piece.data)
                size += len(piece.data)
                whole = piece.after is not None or piece.last
                if size >= 2 * self._gathered or (whole and (torn or piece.last or size >= self._gathered)):
                    yield Piece(b"".join(waiting), piece.count, piece.after, piece.last)
                    waiting, size, torn = [], 0, not whole

    async def _pieces(self, listed: Pages[ListedImage]) -> Pieces:
        progress, following = self.progress, None
        async for page in listed:
            following = page.next
            async with aclosing(self._proofs(page.items)) as proofs:
                async for image, proof in proofs:
                    async with aclosing(self._given(image, proof)) as given:
                        async for data in given:
                            yield Piece(data, progress.rows)
                    progress.rows += 1
                    yield Piece(b"", progress.rows, image.number)
        for data in self._member(Member(SUMMARY, len(said := self._summary(following)), zlib.crc32(said)), said):
            yield Piece(data, progress.rows)
        async for data in self._ending():
            yield Piece(data, progress.rows)
        yield Piece(b"", progress.rows, following, last=True)

    async def _proofs(self, images: Sequence[ListedImage]) -> AsyncGenerator[tuple[ListedImage, Proven | Spoilt], None]:
        """Each image with its proof; the next one is read while one is taken."""
        following: asyncio.Task[Proven | Spoilt] | None = None
        try:
            for place, image in enumerate(images):
                current = following if following is not None else self._begin_proof(image)
                following = self._begin_proof(images[place + 1]) if place + 1 < len(images) else None
                yield image, await current
        finally:
            if following is not None:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)

    def _begin_proof(self, image: ListedImage) -> "asyncio.Task[Proven | Spoilt]":
        stored = image.asset.stored
        assert stored is not None, "only archived images are exported"
        return asyncio.create_task(prove(self._store, stored))

    async def _given(self, image: ListedImage, proof: Proven | Spoilt) -> AsyncGenerator[bytes, None]:
        asset, progress = image.asset, self.progress
        assert asset.stored is not None, "only archived images are exported"
        begun = proof if isinstance(proof, Spoilt) else await begin(self._store, proof)
        if isinstance(begun, Spoilt):
            await self._leave_out(asset, asset.stored, begun)
            return
        assert isinstance(proof, Proven)
        at = asset.archived_at or image.received_at
        async with aclosing(begun) as blocks:
            yield self._header(Member(proof.key, proof.size, proof.crc, at), asset.stored.sha256)
            async for block in blocks:
                yield block
        progress.images, progress.size = progress.images + 1, progress.size + proof.size
        if progress.is_first_of(image.task_number):
            key, said = await self._catalog.read(
                partial(_sidecar, task_id=asset.task_id, whole=self._sidecars is Sidecars.WHOLE)
            )
            for data in self._member(Member(key, len(said), zlib.crc32(said), at), said):
                yield data

    async def _leave_out(self, asset: Asset, stored: Stored, spoilt: Spoilt) -> None:
        """Tell of an image that cannot be given, unless it was deleted meanwhile, as it should be."""
        now = await self._catalog.read(lambda tx: tx.query.asset(asset.task_id, asset.index))
        if now is None or now.status is not AssetStatus.ARCHIVED or now.stored != stored:
            return
        finding = Finding(spoilt.kind, stored.object_key, spoilt.detail, asset.task_id, asset.index)
        self._found(finding)
        self.progress.left_out += 1
        if len(self.progress.told) < TOLD_AT_MOST:
            self.progress.told.append(asdict(finding))
        self._note_hash(stored.object_key, stored.sha256)

    def _member(self, member: Member, said: bytes) -> Iterator[bytes]:
        yield self._header(member, hashlib.sha256(said).hexdigest())
        yield said

    def _header(self, member: Member, sha256: str | None) -> bytes:
        """The member's header, and a line about it in both files; its bytes have to follow."""
        header, progress = local_header(member), self.progress
        progress.directory += _append(self._directory, central_header(member, progress.offset))
        if sha256 is not None:
            self._note_hash(member.name, sha256)
        progress.offset += len(header) + member.size
        progress.members += 1
        return header

    def _note_hash(self, name: str, sha256: str) -> None:
        line = f"{sha256}  {name}\n".encode()
        self.progress.sums += _append(self._sums, line)
        self.progress.sums_crc = zlib.crc32(line, self.progress.sums_crc)

    def _summary(self, following: int | None) -> bytes:
        progress = self.progress
        document = {
            "schema": SCHEMA,
            "images": progress.images,
            "bytes": progress.size,
            "sidecars": self._sidecars.value,
            "next": self._cursor(following) if following is not None else None,
            "left_out": progress.left_out,
            "left_out_first": [_told(finding) for finding in progress.findings()],
        }
        return f"{json.dumps(document, indent=1)}\n".encode()

    async def _ending(self) -> AsyncGenerator[bytes, None]:
        progress = self.progress
        yield self._header(Member(SUMS, progress.sums, progress.sums_crc), None)
        async for block in _from_beginning(self._sums):
            yield block
        async for block in _from_beginning(self._directory):
            yield block
        end = ending(progress.members, progress.directory, progress.offset)
        progress.offset += progress.directory + len(end)
        yield end


def _sidecar(tx: Transaction, *, task_id: str, whole: bool) -> tuple[str, bytes]:
    """Key and text, from one moment; it is rendered where the catalog works, not on the loop."""
    sidecar = sidecar_of(tx, task_id)
    return sidecar.key, sidecar.document if whole else published(sidecar.document)


def _told(finding: Finding) -> dict[str, Any]:
    asset_id = f"{finding.task_id}.{finding.index}"
    return {"asset_id": asset_id, "kind": finding.kind.value, "key": finding.key, "detail": finding.detail}


def _append(file: IO[bytes], data: bytes) -> int:
    try:
        file.write(data)
    except OSError as error:
        raise StorageUnavailable(f"what ends the ZIP cannot be kept: {error.strerror}") from error
    return len(data)


async def _from_beginning(file: IO[bytes]) -> AsyncGenerator[bytes, None]:
    try:
        await asyncio.to_thread(file.seek, 0)
        while block := await asyncio.to_thread(file.read, BLOCK_BYTES):
            yield block
    except OSError as error:
        raise StorageUnavailable(f"what ends the ZIP cannot be read again: {error.strerror}") from error

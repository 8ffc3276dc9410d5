"""How fast images get into a bucket, beside the store's own client that uploads the same files from disk.

The server is Ceph's; what is compared is what we add to an upload: the callback, the fetch over TLS, hash and rows.
"""

import asyncio
import json
import time
from pathlib import Path

from obstore.store import S3Store

from tests.benchmarks.images import MIB, house
from tests.benchmarks.ratio import Better, Goal, Pair, Ratio
from tests.support.ceph_rgw import ceph_gateway
from tests.support.s3_objects import Bucket

AT_ONCE = 16


async def beside_client(folder: Path, *, images: int, side: int, rounds: int) -> list[Ratio]:
    pairs = []
    with ceph_gateway() as server:
        bucket = server.bucket
        place = {"STORAGE__URL": bucket.fresh_place(), "STORAGE__OPTIONS": json.dumps(bucket.options)}
        async with house(folder, side=side, **place) as here:
            size = images * len(here.picture.body) / MIB
            for turn in range(rounds):
                await here.until_at_rest()
                theirs = await _upload(bucket, folder / f"files-{turn}", here.picture.body, images)
                began = await here.tell(range(turn * images, (turn + 1) * images))
                await here.until_archived((turn + 1) * images)
                pairs.append(Pair(size / (time.perf_counter() - began), size / theirs))
            await here.verify(range(rounds * images))
    what = f"images of {len(here.picture.body) / MIB:.1f} MiB archived into a bucket"
    return [Ratio(Goal(what, "its client, the same from disk", "MiB/s", Better.MORE, 0.7), pairs)]


async def _upload(bucket: Bucket, folder: Path, body: bytes, images: int) -> float:
    """Seconds that the client takes for as many files, as many at once."""
    folder.mkdir()
    files = [folder / f"{number}.png" for number in range(images)]
    for file in files:
        file.write_bytes(body)
    options = {name: value for name, value in bucket.options.items() if name != "allow_http"}
    store = S3Store(bucket.name, prefix=folder.name, client_options={"allow_http": True}, **options)  # type: ignore[arg-type]
    places = asyncio.Semaphore(AT_ONCE)

    async def upload(file: Path) -> None:
        async with places:
            await store.put_async(file.name, file)

    began = time.perf_counter()
    await asyncio.gather(*(upload(file) for file in files))
    return time.perf_counter() - began

"""An image as the service reads it."""

from collections.abc import AsyncIterator


async def blocks_of(image: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(image), 65_536):
        yield image[start : start + 65_536]

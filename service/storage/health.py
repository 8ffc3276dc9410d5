"""Telling one object that cannot be read from a store that is ill."""

from service.storage import ObjectStore


async def require_healthy(store: ObjectStore, key: str) -> None:
    """Raise StorageUnavailable unless the object's folder can be listed: one bad file is not the store."""
    async for _ in store.list(f"{key.rpartition('/')[0]}/"):
        pass

"""A process that decodes."""

from collections.abc import AsyncIterator

import pytest_asyncio

from service.decoding.process import WorkerProcess


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker() -> AsyncIterator[WorkerProcess]:
    """One process for all tests of a module: whoever takes it down is seen by the next."""
    process = await WorkerProcess.start()
    yield process
    await process.end()
